"""An App's key: the file as people hand it over, and the JWT that it signs."""

import base64
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from failover_api.errors import NotReady
from failover_api.forge.github.app_auth import AppCredentials
from failover_api.forge.github.app_key import AppKey
from tests.support.app_keys import ask_nobody, pem
from tests.support.builders import REPO


def claims(app: AppCredentials, key: rsa.RSAPrivateKey) -> dict[str, Any]:
    return jwt.decode(app.jwt(), key.public_key(), algorithms=["RS256"])


def test_the_jwt_lives_nine_minutes_and_began_a_minute_ago(keyed: AppCredentials, rsa_key: rsa.RSAPrivateKey) -> None:
    now = time.time()
    held = claims(keyed, rsa_key)
    assert held["iss"] == "1001"
    assert abs(held["iat"] - (now - 60)) <= 2
    assert now + 530 <= held["exp"] <= now + 541
    assert set(held) == {"iss", "iat", "exp"}


def test_a_client_id_may_stand_for_the_app_id(key_file: Path, rsa_key: rsa.RSAPrivateKey) -> None:
    app = AppCredentials(app_id="Iv23liabc", key_file=key_file, ask=ask_nobody)
    assert claims(app, rsa_key)["iss"] == "Iv23liabc"


def test_the_key_is_parsed_once(key_file: Path) -> None:
    key = AppKey("1001", key_file)
    key.jwt()
    parsed = key._key
    key.jwt()
    key.check()
    assert key._key is parsed


def test_checking_the_key_does_not_import_pygithub(key_file: Path) -> None:
    """It is large: an idle service does not pay for it."""
    script = (
        "import sys; from pathlib import Path; from failover_api.forge.github.app_key import AppKey;"
        f"AppKey('1', Path({str(key_file)!r})).check(); print('github' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"


def test_a_new_key_is_taken_without_restart(
    keyed: AppCredentials, key_file: Path, rsa_key: rsa.RSAPrivateKey, other_key: rsa.RSAPrivateKey
) -> None:
    assert claims(keyed, rsa_key)
    key_file.write_text(pem(other_key), encoding="ascii")
    assert claims(keyed, other_key)
    with pytest.raises(jwt.InvalidSignatureError):
        claims(keyed, rsa_key)


@pytest.fixture(scope="session")
def bad_keys(rsa_key: rsa.RSAPrivateKey) -> dict[str, bytes]:
    key, good = rsa_key, pem(rsa_key)
    return {
        "nothing": b"",
        "not PEM": b"SECRETSECRETSECRET",
        "cut": good[: len(good) // 2].encode(),
        "garbled": good.replace("A", "!").encode(),
        "EC": pem(ec.generate_private_key(ec.SECP256R1())).encode(),
        "encrypted": pem(key, password=b"p").encode(),
        "public": key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
        "not text": b"\xff\xfe\x00" + good.encode(),
    }


KINDS_OF_KEY: dict[str, Callable[[str], str]] = {
    "with CRLF": lambda text: text.replace("\n", "\r\n"),
    "with literal line ends": lambda text: text.replace("\n", "\\n"),
    "with literal CRLF": lambda text: text.replace("\n", "\\r\\n"),
    "in quotes, with literal line ends": lambda text: '"' + text.replace("\n", "\\n") + '"\n',
    "in single quotes": lambda text: f"'{text}'",
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in base64 with line ends": lambda text: base64.encodebytes(text.encode()).decode(),
    "in base64, literal line ends inside": lambda text: base64.b64encode(text.replace("\n", "\\n").encode()).decode(),
    "with spaces for line ends": lambda text: text.replace("\n", " "),
    "on one line": lambda text: text.replace("\n", ""),
    "with a byte order mark": lambda text: f"\ufeff{text}",
    "after blank lines, indented": lambda text: "\n\n" + "".join(f"    {line}\n" for line in text.splitlines()),
}


@pytest.mark.parametrize("form", ["TraditionalOpenSSL", "PKCS8"])
@pytest.mark.parametrize("kind", KINDS_OF_KEY)
def test_a_key_is_taken_as_people_hand_it_over(
    keyed: AppCredentials, key_file: Path, rsa_key: rsa.RSAPrivateKey, kind: str, form: str
) -> None:
    private = getattr(serialization.PrivateFormat, form)
    text = rsa_key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()).decode()
    key_file.write_bytes(KINDS_OF_KEY[kind](text).encode())
    keyed.check_readable()
    assert claims(keyed, rsa_key)["iss"] == "1001"


@pytest.mark.parametrize("kind", ["nothing", "not PEM", "cut", "garbled", "EC", "encrypted", "public", "not text"])
def test_a_key_that_cannot_be_used_is_not_ready_and_not_shown(
    keyed: AppCredentials, key_file: Path, bad_keys: dict[str, bytes], kind: str
) -> None:
    key_file.write_bytes(bad_keys[kind])
    for use in (keyed.check_readable, keyed.jwt):
        with pytest.raises(NotReady) as error:
            use()
        assert str(key_file) in error.value.detail
        shown = "".join(traceback.format_exception(error.value))
        secrets = [line for line in bad_keys[kind].decode("latin-1").splitlines() if "-----" not in line and line]
        assert not [line for line in secrets if line in shown]
        assert error.value.__cause__ is None or isinstance(error.value.__cause__, OSError)


@pytest.mark.parametrize("missing", ["no file", "a directory"])
def test_a_key_that_cannot_be_read_is_not_ready(keyed: AppCredentials, key_file: Path, missing: str) -> None:
    key_file.unlink()
    if missing == "a directory":
        key_file.mkdir()
    with pytest.raises(NotReady, match="cannot read the GitHub App's key"):
        keyed.check_readable()


async def test_a_key_that_cannot_be_used_is_said_to_whoever_needs_a_token(tmp_path: Path) -> None:
    app = AppCredentials(app_id="1001", key_file=tmp_path / "gone", ask=ask_nobody, installation_id=2001)
    for _ in range(2):
        with pytest.raises(NotReady):
            await app.token(REPO)
