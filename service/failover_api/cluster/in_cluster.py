"""A pod's own cluster: what Kubernetes mounts and sets in every pod that has a service account.

https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/#directly-accessing-the-rest-api
"""

import os
from collections.abc import Mapping
from pathlib import Path

from failover_api.cluster.access import Access, Endpoint, Login, Pem

MOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def pod_access(mount: Path | None = None, environ: Mapping[str, str] = os.environ) -> Access | None:
    """The pod's cluster; None where no service account is mounted."""
    mount = mount or MOUNT
    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "") or "443"
    token = mount / "token"
    if not host or not port.isdecimal() or not token.is_file():
        return None
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    authorities = Pem(file=mount / "ca.crt") if (mount / "ca.crt").is_file() else None
    return Access(
        what="the pod's service account",
        endpoint=Endpoint(f"https://{host}:{port}", authorities),
        login=Login(token_file=token),
        namespace=_namespace(mount / "namespace"),
    )


def _namespace(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")[:253].strip() or "default"
    except (OSError, UnicodeDecodeError):
        return "default"
