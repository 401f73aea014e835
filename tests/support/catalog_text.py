"""Catalogs as text, and every error that one has."""

import pytest

from failover_api.core.catalog.load import parse_catalog
from failover_api.core.catalog.model import Catalog
from failover_api.errors import ConfigInvalid

SMALLEST = """\
repository: acme/homelab
services:
  sonarr:
    namespace: media
    deployment: sonarr
    volume_name: sonarr-data
    primary_pvc: pvc-sonarr
    backup_pvc: pvc-sonarr-backup
    primary_node_label: primary
    backup_node_label: backup
"""
CONTRACT = """\
repository: acme/homelab      # owner/name; a service may name its own
branch: main
search: apps/                 # where manifests are looked for when a service names no `path`
policy: direct                # direct | pull_request; a service may name its own
pull_request:                 # optional, for policy pull_request
  labels: [failover]
  reviewers: [alice]          # users
  team_reviewers: [platform]
  draft: false
  auto_merge: false           # true | squash | merge | rebase

services:
  sonarr:                     # exactly this shape must work, with nothing added
    namespace: media
    deployment: sonarr
    volume_name: sonarr-data
    primary_pvc: pvc-sonarr
    backup_pvc: pvc-sonarr-backup
    primary_node_label: primary
    backup_node_label: backup
  paperless:
    namespace: office
    deployment: paperless     # or `statefulset: name`
    path: apps/office/paperless/deployment.yaml
    node_label_key: role      # default role: spec.template.spec.nodeSelector.role
    policy: pull_request
    primary_node_label: primary
    backup_node_label: backup
    volumes:                  # instead of volume_name/primary_pvc/backup_pvc: any number
      - {name: data,  primary_pvc: pvc-paperless-data,  backup_pvc: pvc-paperless-data-b}
      - {name: media, primary_pvc: pvc-paperless-media, backup_pvc: pvc-paperless-media-b}
  plex:                       # anything that is a scalar in a manifest
    switches:
      - file: apps/media/plex/helmrelease.yaml
        kind: HelmRelease     # which document of the file; name and namespace optional when unique
        name: plex
        path: spec.values.persistence.config.existingClaim
        primary: plex
        backup: plex-backup
      - file: apps/media/plex/helmrelease.yaml
        kind: HelmRelease
        path: spec.values.defaultPodOptions.nodeSelector["kubernetes.io/hostname"]
        primary: k3s-w1
        backup: k3s-w2
      - file: apps/media/plex/volsync.yaml
        kind: ReplicationSource
        path: spec.paused
        primary: false
        backup: true
groups:
  k3s-w1: [sonarr, paperless, plex]        # moved together; order is order of the commit message
"""


def parsed(text: str) -> Catalog:
    return parse_catalog(text, file="services.yaml")


def refusals(text: str) -> list[str]:
    """All errors; the first is the detail."""
    with pytest.raises(ConfigInvalid) as caught:
        parsed(text)
    errors = list(caught.value.errors or (caught.value.detail,))
    assert errors[0] == caught.value.detail == str(caught.value)
    assert all("\n" not in error for error in errors)
    return errors


def errors_of(text: str) -> list[str]:
    """All errors, if there are any."""
    try:
        parsed(text)
    except ConfigInvalid as exc:
        return list(exc.errors or (exc.detail,))
    return []


def refusal(text: str) -> str:
    (error,) = refusals(text)
    return error


def service_text(body: str, *, top: str = "repository: acme/homelab\n") -> str:
    """A catalog with the one service `x`; its keys begin in line 4."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"{top}services:\n  x:\n{lines}"


def switch_text(body: str, *, primary: str = "a", backup: str = "b") -> str:
    return service_text(f"switches:\n  - path: spec.a\n    primary: {primary}\n    backup: {backup}\n    {body}")


LABELS = "namespace: m\ndeployment: x\nprimary_node_label: a\nbackup_node_label: b\n"
