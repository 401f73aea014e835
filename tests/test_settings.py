"""The environment of the process."""

import contextlib
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from failover_api.edges.cli.local import SHARE, LocalBackend
from failover_api.errors import NotReady
from failover_api.settings import Settings, server_url, sub_path


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("FAILOVER_")]:
        monkeypatch.delenv(name)


DEFAULTS = {
    "config": Path("config/services.yaml"),
    "access": Path("config/access.yaml"),
    "github_url": "https://api.github.com",
    "github_app_id": None,
    "github_installation_id": None,
    "github_private_key_file": None,
    "github_token": None,
    "github_token_file": None,
    "github_share": 1.0,
    "deadline_s": 30.0,
    "receive_timeout_s": 10.0,
    "concurrency": 2000,
    "log_format": "json",
    "log_level": "info",
    "metrics_port": None,
    "webhook_secret_file": None,
    "flux_events_secret_file": None,
    "root_path": "",
    "cluster": "auto",
    "cluster_context": None,
    "cluster_timeout_s": 2.0,
    "lease_namespace": None,
    "server": None,
    "token": None,
}


def test_without_a_variable_everything_has_its_default() -> None:
    assert Settings.read().model_dump() == DEFAULTS


NO_ROOT_PATH = "a path like /failover, and not below one of our own (/api, /docs, /services ...)"


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("FAILOVER_CONFIG", "/etc/failover/services.yaml", Path("/etc/failover/services.yaml")),
        ("FAILOVER_ACCESS", "access.yaml", Path("access.yaml")),
        ("FAILOVER_GITHUB_URL", "https://ghe.example.org/api/v3/", "https://ghe.example.org/api/v3"),
        ("FAILOVER_GITHUB_URL", "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("FAILOVER_GITHUB_INSTALLATION_ID", "678", 678),
        ("FAILOVER_GITHUB_TOKEN_FILE", "/secrets/token", Path("/secrets/token")),
        ("FAILOVER_WEBHOOK_SECRET_FILE", "/secrets/webhook", Path("/secrets/webhook")),
        ("FAILOVER_GITHUB_SHARE", "0.4", 0.4),
        ("FAILOVER_GITHUB_SHARE", "1", 1.0),
        ("FAILOVER_DEADLINE_S", "2.5", 2.5),
        ("FAILOVER_CLUSTER", "none", "none"),
        ("FAILOVER_CLUSTER", "~/.kube/config", "~/.kube/config"),
        ("FAILOVER_CLUSTER_CONTEXT", "home", "home"),
        ("FAILOVER_CLUSTER_TIMEOUT_S", "0.5", 0.5),
        ("FAILOVER_LEASE_NAMESPACE", "operations", "operations"),
        ("FAILOVER_RECEIVE_TIMEOUT_S", "2.5", 2.5),
        ("FAILOVER_CONCURRENCY", "20", 20),
        ("FAILOVER_LOG_FORMAT", "text", "text"),
        ("FAILOVER_LOG_FORMAT", "JSON", "json"),
        ("FAILOVER_LOG_LEVEL", "Debug", "debug"),
        ("FAILOVER_METRICS_PORT", "9090", 9090),
        ("FAILOVER_ROOT_PATH", "/failover", "/failover"),
        ("FAILOVER_ROOT_PATH", "/ops/fail-over_1.0~a/", "/ops/fail-over_1.0~a"),
        ("FAILOVER_ROOT_PATH", "/", ""),
        ("FAILOVER_ROOT_PATH", "/apis", "/apis"),
        ("FAILOVER_ROOT_PATH", "/ops/api", "/ops/api"),
        ("FAILOVER_METRICS_PORT", "", None),
        ("FAILOVER_SERVER", "https://failover.example.org/", "https://failover.example.org"),
        ("FAILOVER_DEADLINE_S", "", 30.0),
        ("FAILOVER_SERVER", "", None),
    ],
)
def test_a_variable_sets_its_field_alone(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, value: object
) -> None:
    monkeypatch.setenv(variable, text)
    field = variable.removeprefix("FAILOVER_").lower()
    assert Settings.read().model_dump() == DEFAULTS | {field: value}


@pytest.mark.parametrize("app", ["12345", "Iv23li"])
def test_an_app_is_named_by_its_id_or_client_id_with_its_key(monkeypatch: pytest.MonkeyPatch, app: str) -> None:
    monkeypatch.setenv("FAILOVER_GITHUB_APP_ID", app)
    monkeypatch.setenv("FAILOVER_GITHUB_PRIVATE_KEY_FILE", "/secrets/key.pem")
    settings = Settings.read()
    assert (settings.github_app_id, settings.github_private_key_file) == (app, Path("/secrets/key.pem"))


@pytest.mark.parametrize("text", ["12345\n", "12345\r\n", " 12345 ", '"12345"', "'12345'\n", '" 12345 "'])
def test_ids_are_taken_as_secrets_hold_them(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("FAILOVER_GITHUB_APP_ID", text)
    monkeypatch.setenv("FAILOVER_GITHUB_INSTALLATION_ID", text)
    monkeypatch.setenv("FAILOVER_GITHUB_PRIVATE_KEY_FILE", "/secrets/key.pem")
    settings = Settings.read()
    assert (settings.github_app_id, settings.github_installation_id) == ("12345", 12345)


@pytest.mark.parametrize("text", ["0", "-0.1", "1.01", "nan", "inf", "half"])
def test_a_share_is_above_nothing_and_at_most_all(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("FAILOVER_GITHUB_SHARE", text)
    with pytest.raises(NotReady, match="FAILOVER_GITHUB_SHARE: expected a number above 0 and at most 1"):
        Settings.read()


def test_the_command_line_takes_a_fifth_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.read().with_share(0.2).github_share == 0.2
    for text in ("1", "0.3"):
        monkeypatch.setenv("FAILOVER_GITHUB_SHARE", text)
        assert Settings.read().with_share(0.2).github_share == float(text)
    monkeypatch.delenv("FAILOVER_GITHUB_SHARE")
    with contextlib.closing(LocalBackend(Settings.read())) as desk:
        assert desk._settings.github_share == SHARE == 0.2


def test_credentials_that_give_way_are_known() -> None:
    app = {"github_app_id": "1", "github_private_key_file": Path("key.pem")}
    one = Settings(**app, github_token="t", github_token_file=Path("token"))  # type: ignore[arg-type]  # pydantic converts
    assert one.credentials_used == (
        "FAILOVER_GITHUB_APP_ID",
        ("FAILOVER_GITHUB_TOKEN_FILE", "FAILOVER_GITHUB_TOKEN"),
    )
    two = Settings(github_token="t", github_token_file=Path("token"))  # type: ignore[arg-type]  # pydantic converts
    assert two.credentials_used == ("FAILOVER_GITHUB_TOKEN_FILE", ("FAILOVER_GITHUB_TOKEN",))
    assert Settings().credentials_used == ("", ())


@pytest.mark.parametrize("variable", ["FAILOVER_GITHUB_APP_ID", "FAILOVER_GITHUB_PRIVATE_KEY_FILE"])
def test_half_an_app_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "x")
    with pytest.raises(NotReady) as caught:
        Settings.read()
    assert caught.value.detail == (
        "a GitHub App needs both FAILOVER_GITHUB_APP_ID and FAILOVER_GITHUB_PRIVATE_KEY_FILE"
    )


URL = "a URL like https://api.github.com or https://HOST/api/v3"


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("FAILOVER_GITHUB_URL", "api.github.com", URL),
        ("FAILOVER_GITHUB_URL", "https://", URL),
        ("FAILOVER_GITHUB_URL", "ftp://x", URL),
        ("FAILOVER_GITHUB_URL", "https://a b", URL),
        ("FAILOVER_GITHUB_URL", "https://x\ny", URL),
        ("FAILOVER_GITHUB_URL", "https://x:port", URL),
        ("FAILOVER_GITHUB_URL", "https://user:hunter2@x", URL),
        ("FAILOVER_GITHUB_URL", "https://x?token=hunter2", URL),
        ("FAILOVER_GITHUB_INSTALLATION_ID", "hunter2", "a number above 0"),
        ("FAILOVER_GITHUB_INSTALLATION_ID", "0", "a number above 0"),
        ("FAILOVER_DEADLINE_S", "0", "seconds, above 0 and at most 3600"),
        ("FAILOVER_DEADLINE_S", "-1", "seconds, above 0 and at most 3600"),
        ("FAILOVER_DEADLINE_S", "nan", "seconds, above 0 and at most 3600"),
        ("FAILOVER_DEADLINE_S", "inf", "seconds, above 0 and at most 3600"),
        ("FAILOVER_DEADLINE_S", "30s", "seconds, above 0 and at most 3600"),
        ("FAILOVER_RECEIVE_TIMEOUT_S", "0", "seconds, above 0 and at most 3600"),
        ("FAILOVER_CONCURRENCY", "0", "a number above 0"),
        ("FAILOVER_CLUSTER_TIMEOUT_S", "0", "seconds, above 0 and at most 60"),
        ("FAILOVER_CLUSTER_TIMEOUT_S", "61", "seconds, above 0 and at most 60"),
        ("FAILOVER_LEASE_NAMESPACE", "../secrets", "the name of a namespace"),
        ("FAILOVER_LEASE_NAMESPACE", "Operations", "the name of a namespace"),
        ("FAILOVER_LOG_FORMAT", "xml", "json or text"),
        ("FAILOVER_LOG_LEVEL", "loud", "debug, info, warning or error"),
        ("FAILOVER_METRICS_PORT", "0", "a port, 1 to 65535"),
        ("FAILOVER_METRICS_PORT", "65536", "a port, 1 to 65535"),
        ("FAILOVER_METRICS_PORT", "http", "a port, 1 to 65535"),
        ("FAILOVER_ROOT_PATH", "failover", NO_ROOT_PATH),
        ("FAILOVER_ROOT_PATH", "https://evil.example/x", NO_ROOT_PATH),
        *(("FAILOVER_ROOT_PATH", path, NO_ROOT_PATH) for path in ("/api", "/api/x", "/docs/", "/services/failover")),
        ("FAILOVER_SERVER", "ftp://failover", "a URL like https://failover.example.org"),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_variable_and_not_the_value(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, expected: str
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(NotReady) as caught:
        Settings.read()
    assert caught.value.detail == f"{variable}: expected {expected}"
    assert "hunter2" not in f"{caught.value.__cause__!r} {caught.value.__cause__}"


def test_every_bad_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILOVER_LOG_FORMAT", "xml")
    monkeypatch.setenv("FAILOVER_DEADLINE_S", "x")
    with pytest.raises(NotReady) as caught:
        Settings.read()
    assert caught.value.detail == (
        "FAILOVER_DEADLINE_S: expected seconds, above 0 and at most 3600; FAILOVER_LOG_FORMAT: expected json or text"
    )


def test_every_field_that_can_be_wrong_says_what_is_expected() -> None:
    never_wrong = {
        "config",
        "access",
        "github_app_id",
        "github_private_key_file",
        "github_token",
        "github_token_file",
        "token",
        "webhook_secret_file",
        "flux_events_secret_file",
        "cluster",
        "cluster_context",
    }
    assert {name for name, field in Settings.model_fields.items() if field.description is None} == never_wrong


def test_secrets_are_read_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILOVER_GITHUB_TOKEN", "ghp_hunter2")
    monkeypatch.setenv("FAILOVER_TOKEN", "fo_hunter2")
    settings = Settings.read()
    assert settings.github_token is not None
    assert settings.token is not None
    assert (settings.github_token.get_secret_value(), settings.token.get_secret_value()) == (
        "ghp_hunter2",
        "fo_hunter2",
    )
    assert "hunter2" not in f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings.read().deadline_s = 1.0


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://failover.example.org", "http://failover.example.org"),
        ("https://localhost:8080/", "https://localhost:8080"),
        ("failover.example.org", "https://failover.example.org"),
        ("failover.example.org:8443/sub/", "https://failover.example.org:8443/sub"),
        ("192.168.1.7:8080", "https://192.168.1.7:8080"),
        ("[2001:db8::1]:8080", "https://[2001:db8::1]:8080"),
        ("localhost:8080", "http://localhost:8080"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("failover-api", "http://failover-api"),
        ("failover-api.operations.svc:8080", "http://failover-api.operations.svc:8080"),
        ("failover-api.operations.svc.cluster.local", "http://failover-api.operations.svc.cluster.local"),
        ("homelab.local", "http://homelab.local"),
        ("svc.example.org", "https://svc.example.org"),
        ("notlocal", "http://notlocal"),
        ("example.org.local.example.org", "https://example.org.local.example.org"),
    ],
)
def test_a_server_without_a_scheme_is_https_unless_no_public_host_can_have_its_name(given: str, url: str) -> None:
    assert server_url(given) == url
    assert Settings.read({"FAILOVER_SERVER": given}).server == url


@pytest.mark.parametrize(
    "given", ["", ":8080", "ftp://x", "user@localhost", "u:geheim@example.org", "a b", "//x", "[::1", "h?x=1", "h#x"]
)
def test_a_server_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"not|Invalid|Port"):
        server_url(given)


@pytest.mark.parametrize(
    "text",
    [
        *("//", "//evil.example", "/a//b", "/a/../b", "/.", "/a\\b", "/a b", "/a\r\nX: y", "/a\n", '/"onload="x'),
        *("/<b>", "/%2e%2e", "/a?b", "/a#b", "/é", "/a;b", "/a@b", "javascript:x", "/" + "x" * 200),
    ],
)
def test_a_root_path_holds_nothing_that_could_lead_elsewhere(text: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        sub_path(text)
