"""A kubeconfig: which cluster a context means, what is shown to it, and what is refused by name."""

import base64
from pathlib import Path

import pytest

from failover_api.cluster.access import Access, Endpoint, Login, Pem, Plugin
from failover_api.cluster.kubeconfig import kubeconfig_access
from failover_api.errors import ClusterUnavailable

HEAD = """\
apiVersion: v1
kind: Config
current-context: home
contexts:
  - name: home
    context: {cluster: home, user: admin, namespace: media}
  - name: "lab"
    context: {cluster: lab, user: nobody}
clusters:
  - name: home
    cluster:
      server: https://192.0.2.10:6443/
      certificate-authority: ca.crt
  - name: lab
    cluster: {server: "https://[2001:db8::1]:6443", insecure-skip-tls-verify: true, certificate-authority: ca.crt}
"""


def write(folder: Path, users: str, head: str = HEAD) -> Path:
    file = folder / "config"
    file.write_text(f"{head}{users}", encoding="utf-8")
    return file


def login(folder: Path, user: str, context: str | None = None) -> Login:
    return kubeconfig_access(write(folder, f"users:\n  - name: admin\n    user: {user}\n"), context).login


def test_the_current_context_is_the_one_that_is_meant(tmp_path: Path) -> None:
    file = write(tmp_path, "users:\n  - {name: admin, user: {token: hunter2}}\n")
    access = kubeconfig_access(file)
    assert access == Access(
        what=f"context home of {file}",
        endpoint=Endpoint("https://192.0.2.10:6443", Pem(file=tmp_path / "ca.crt"), uses_environment_proxy=True),
        login=Login(token="hunter2"),
        namespace="media",
    )
    assert "hunter2" not in repr(access)


def test_another_context_can_be_named(tmp_path: Path) -> None:
    users = "users:\n  - {name: nobody, user: {}}\n"
    access = kubeconfig_access(write(tmp_path, users), "lab")
    assert access.endpoint == Endpoint("https://[2001:db8::1]:6443", is_verified=False, uses_environment_proxy=True)
    assert (access.login, access.namespace) == (Login(), "default")


def test_files_are_found_beside_the_kubeconfig(tmp_path: Path) -> None:
    user = "{client-certificate: pki/client.crt, client-key: /etc/pki/client.key, tokenFile: token}"
    expected = Login(
        token_file=tmp_path / "token",
        certificate=Pem(file=tmp_path / "pki/client.crt"),
        key=Pem(file=Path("/etc/pki/client.key")),
    )
    assert login(tmp_path, user) == expected


def test_data_wins_over_a_file(tmp_path: Path) -> None:
    data = base64.b64encode(b"-----BEGIN CERTIFICATE-----").decode()
    assert login(tmp_path, f"{{client-certificate-data: {data}, client-certificate: no.crt}}").certificate == Pem(
        data="-----BEGIN CERTIFICATE-----"
    )


def test_a_proxy_and_a_name_for_tls_are_taken(tmp_path: Path) -> None:
    head = HEAD.replace("certificate-authority: ca.crt\n", "proxy-url: http://p:3128\n      tls-server-name: k8s\n", 1)
    endpoint = kubeconfig_access(write(tmp_path, "users:\n  - {name: admin, user: {}}\n", head)).endpoint
    assert endpoint == Endpoint("https://192.0.2.10:6443", server_name="k8s", proxy="http://p:3128")


@pytest.mark.parametrize("token", ["0123", "1e5", "2026-11-30", "yes", "null-token", "12345"])
def test_a_token_is_text_whatever_it_looks_like(tmp_path: Path, token: str) -> None:
    assert login(tmp_path, f"{{token: {token}}}").token == token


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_a_credential_plugin_is_read(tmp_path: Path, version: str) -> None:
    user = f"""
      exec:
        apiVersion: client.authentication.k8s.io/{version}
        command: ./bin/get-token
        args: [--cluster, home, 7]
        env: [{{name: PROFILE, value: admin}}, garbage]
        provideClusterInfo: true
        installHint: see https://example.org
        interactiveMode: IfAvailable
"""
    assert login(tmp_path, user).plugin == Plugin(
        command=str(tmp_path / "bin/get-token"),
        arguments=("--cluster", "home", "7"),
        environment=(("PROFILE", "admin"),),
        api_version=f"client.authentication.k8s.io/{version}",
        is_told_cluster=True,
        hint="see https://example.org",
    )


def test_a_plugin_without_a_path_is_looked_for_by_its_name(tmp_path: Path) -> None:
    plugin = login(tmp_path, "{exec: {apiVersion: client.authentication.k8s.io/v1, command: aws}}").plugin
    assert plugin is not None
    assert plugin.command == "aws"


@pytest.mark.parametrize(
    ("user", "text"),
    [
        ("{as: system:admin, token: t}", "has as, which is not supported"),
        ("{username: bob, password: hunter2}", "has username, password, which is not supported"),
        ("{auth-provider: {name: gcp}}", "has auth-provider, which is not supported"),
        ("{exec: {command: aws}}", "has exec of no apiVersion, expected client.authentication.k8s.io/v1 or"),
        ("{exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: aws}}", "has exec of client"),
        ("{exec: {apiVersion: client.authentication.k8s.io/v1}}", "has exec without a command"),
        (
            "{exec: {apiVersion: client.authentication.k8s.io/v1, command: kubelogin, interactiveMode: Always}}",
            "asks at a terminal",
        ),
        ("{client-key-data: hunter2!}", "has client-key-data that is not PEM in base64"),
    ],
)
def test_what_we_cannot_do_is_refused_by_name_and_never_left_out(tmp_path: Path, user: str, text: str) -> None:
    with pytest.raises(ClusterUnavailable, match=text) as caught:
        login(tmp_path, user)
    assert "hunter2" not in caught.value.detail


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is empty"),
        ("a: [", "config:1"),
        ("[]", "has no current-context: set FAILOVER_CLUSTER_CONTEXT"),
        ("current-context: home", "has no context 'home'"),
        ("current-context: home\ncontexts: [{name: home, context: {cluster: x}}]", "has no cluster 'x'"),
        ("current-context: home\ncontexts: home", "has no context 'home'"),
        (
            "current-context: a\ncontexts: [{name: a, context: {cluster: x, user: u}}]\nclusters: [{name: x}]",
            "names no server",
        ),
        (HEAD, "has no user 'admin'"),
        (HEAD.replace("https://192.0.2.10:6443/", "192.0.2.10:6443"), "names no server"),
        (
            HEAD.replace("https://192.0.2.10:6443/", "https://u:hunter2@h:6443"),
            "names no server like https://HOST:6443",
        ),
        (HEAD.replace("https://192.0.2.10:6443/", "https://[::1"), "names no server"),
        (HEAD.replace("https://192.0.2.10:6443/", "https://h:port"), "names no server"),
    ],
)
def test_a_kubeconfig_that_says_nothing_of_use_is_an_error(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ClusterUnavailable, match=expected) as caught:
        kubeconfig_access(write(tmp_path, "", text))
    assert "hunter2" not in caught.value.detail


def test_a_kubeconfig_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ClusterUnavailable, match=r"cannot read the kubeconfig \(No such file or directory\)"):
        kubeconfig_access(tmp_path / "config")
