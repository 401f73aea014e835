"""Credentials for one call of `failover`: an environment, and a key file that is removed afterwards.

The command sees its own credentials and none of the job's others.
"""

import os
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from failover_api.core.config.secret_text import pem_of
from failover_api.core.untrusted_json import parse_json
from failover_api.edges.job.runner import Runner
from failover_api.errors import BadRequest, NotReady

TIMEOUT_S = 10.0
ATTEMPTS = 3
# The step's inputs, the runner's own tokens, and what must not send a call elsewhere than the inputs say.
_KEPT_BACK = (
    "INPUT_",
    "ACTIONS_",
    "FAILOVER_COMMAND",
    "FAILOVER_SERVER",
    "FAILOVER_TOKEN",
    "FAILOVER_GITHUB_APP_ID",
    "FAILOVER_GITHUB_PRIVATE_KEY_FILE",
    "FAILOVER_GITHUB_TOKEN",
)


@contextmanager
def environment(
    inputs: Mapping[str, str], environ: Mapping[str, str], runner: Runner, *, is_remote: bool
) -> Iterator[dict[str, str]]:
    """The environment of the call. Raises BadRequest, NotReady."""
    kept = {name: value for name, value in environ.items() if not name.startswith(_KEPT_BACK)}
    if is_remote:
        yield {**kept, **_of_service(inputs, environ, runner)}
        return
    kept["FAILOVER_CONFIG"] = str(Path(environ.get("GITHUB_WORKSPACE", ""), inputs["config"]))
    # The workflow's own word first, then the GitHub that runs this job.
    url = environ.get("FAILOVER_GITHUB_URL") or environ.get("GITHUB_API_URL")
    kept |= {"FAILOVER_GITHUB_URL": url} if url else {}
    if not (inputs["app-id"] or inputs["app-private-key"]):
        yield {**kept, "FAILOVER_GITHUB_TOKEN": _job_token(inputs, runner)}
        return
    with _key_file(inputs, environ, runner) as key:
        app = {"FAILOVER_GITHUB_APP_ID": inputs["app-id"], "FAILOVER_GITHUB_PRIVATE_KEY_FILE": str(key)}
        yield {**kept, **app}


def _job_token(inputs: Mapping[str, str], runner: Runner) -> str:
    if not inputs["token"]:
        raise BadRequest("token: is empty; expected the job's token, or app-id and app-private-key")
    runner.mask(inputs["token"])
    return inputs["token"]


@contextmanager
def _key_file(inputs: Mapping[str, str], environ: Mapping[str, str], runner: Runner) -> Iterator[Path]:
    """The App's key in a file that only this user can read."""
    text = inputs["app-private-key"].strip()
    if not inputs["app-id"] or not text:
        raise BadRequest("app-id, app-private-key: a GitHub App needs both; is the secret set for this repository?")
    runner.mask(text)
    given, text = text, pem_of(text)
    if given.split() != text.split():
        runner.mask(text)
    if not text.startswith("-----BEGIN "):
        raise BadRequest("app-private-key: expected the text of the PEM file, from -----BEGIN to -----END")
    with tempfile.TemporaryDirectory(prefix="failover-", dir=environ.get("RUNNER_TEMP")) as folder:
        path = Path(folder, "app.pem")
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(f"{text.strip()}\n")
        yield path


def _of_service(inputs: Mapping[str, str], environ: Mapping[str, str], runner: Runner) -> dict[str, str]:
    if not inputs["server"]:
        raise BadRequest("server: mode remote needs the URL of the service")
    token = oidc_token(inputs["audience"], environ)
    runner.mask(token)
    return {"FAILOVER_SERVER": inputs["server"], "FAILOVER_TOKEN": token}


def oidc_token(audience: str, environ: Mapping[str, str]) -> str:
    """A token that says which job this is. It lives for some minutes, and is good for this audience alone.

    https://docs.github.com/en/actions/reference/security/oidc
    """
    url = environ.get("ACTIONS_ID_TOKEN_REQUEST_URL")
    shown = environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    if not url or not shown:
        raise NotReady("the job may not ask for an OIDC token; give it `permissions: id-token: write`")
    joint = "&" if "?" in url else "?"
    asked = urllib.request.Request(  # noqa: S310 - the runner's own URL
        f"{url}{joint}audience={urllib.parse.quote(audience, safe='')}",
        headers={"authorization": f"bearer {shown}", "accept": "application/json"},
    )
    trouble = ""
    for _ in range(ATTEMPTS):
        try:
            with urllib.request.urlopen(asked, timeout=TIMEOUT_S) as response:  # noqa: S310 - the runner's own URL
                return str(parse_json(response.read())["value"])
        except urllib.error.HTTPError as exc:
            with exc:
                trouble = f"HTTP {exc.code}"
            if exc.code < 500:
                break
        except (OSError, ValueError, KeyError, TypeError) as exc:
            trouble = "no reply" if isinstance(exc, OSError) else "a reply that is not understood"
    raise NotReady(f"GitHub gave the job no OIDC token for audience {audience!r} ({trouble})")
