"""The version of a service's manifests, which If-Match compares."""

import hashlib
from collections.abc import Mapping

from failover_api.core.catalog.model import Service


def manifests_version(service: Service, shas: Mapping[str, str]) -> str:
    """A digest of the service's entry in the catalog and of its files. `shas` is {path: blob sha}."""
    digest = hashlib.sha256(service.digest.encode())
    for path in sorted(shas):
        digest.update(f"\0{path}\0{shas[path]}".encode())
    return digest.hexdigest()[:32]
