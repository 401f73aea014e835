"""A pod's own cluster, as Kubernetes mounts it."""

from pathlib import Path

import pytest

from failover_api.cluster.access import Access, Endpoint, Login, Pem
from failover_api.cluster.in_cluster import pod_access


def mounted(folder: Path, *, namespace: str = "operations\n") -> Path:
    (folder / "token").write_text("hunter2", encoding="ascii")
    (folder / "ca.crt").write_text("-----BEGIN CERTIFICATE-----", encoding="ascii")
    (folder / "namespace").write_text(namespace, encoding="ascii")
    return folder


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        ("10.43.0.1", "443", "https://10.43.0.1:443"),
        ("10.43.0.1", "", "https://10.43.0.1:443"),
        ("fd00:10:96::1", "443", "https://[fd00:10:96::1]:443"),
        ("[fd00:10:96::1]", "443", "https://[fd00:10:96::1]:443"),
        ("kubernetes.default.svc", "6443", "https://kubernetes.default.svc:6443"),
    ],
)
def test_a_pod_knows_its_cluster(tmp_path: Path, host: str, port: str, url: str) -> None:
    environ = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
    assert pod_access(mounted(tmp_path), environ) == Access(
        what="the pod's service account",
        endpoint=Endpoint(url, Pem(file=tmp_path / "ca.crt")),
        login=Login(token_file=tmp_path / "token"),
        namespace="operations",
    )


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"KUBERNETES_SERVICE_HOST": ""},
        {"KUBERNETES_SERVICE_HOST": "10.43.0.1", "KUBERNETES_SERVICE_PORT": "tcp://10.43.0.1:443"},
    ],
)
def test_elsewhere_there_is_no_cluster(tmp_path: Path, environ: dict[str, str]) -> None:
    assert pod_access(mounted(tmp_path), environ) is None


def test_a_pod_without_a_service_account_has_no_cluster(tmp_path: Path) -> None:
    assert pod_access(tmp_path, {"KUBERNETES_SERVICE_HOST": "10.43.0.1"}) is None
