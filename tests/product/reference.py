"""python -m tests.product.reference: writes the reference of both files and of the settings, from what reads them.

docs/CATALOG.md      from the JSON Schemas
docs/SETTINGS.md     from settings.py: its fields, and the sentence below each
"""

import ast
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from failover_api.core.access.json_schema import access_schema
from failover_api.core.catalog.json_schema import services_schema
from failover_api.core.config.json_schema import reference
from failover_api.settings import PREFIX, Settings
from tests.support.project import ROOT

CATALOG, SETTINGS = ROOT / "docs" / "CATALOG.md", ROOT / "docs" / "SETTINGS.md"
HEAD = """\
# Reference of services.yaml and access.yaml

Made from the JSON Schemas by `.venv/bin/python -m tests.product.reference`; do not edit. The schemas are in `config/`,
`failover schema` prints them, and a running service has them at `/schema/services.json` and `/schema/access.json`. An
editor with yaml-language-server reads the first line of the examples:

    # yaml-language-server: $schema=services.schema.json

An unknown key is an error.
"""
SETTINGS_HEAD = """\
# Settings

Made from `settings.py` by `.venv/bin/python -m tests.product.reference`; do not edit.

All are variables of the environment and are read at the start; the files they name are read again when they change.

| variable | meaning | holds | default |
|---|---|---|---|
"""
SETTINGS_TAIL = """
## What the environment says besides

An empty variable counts as unset. Line ends, blanks and quotes around a value are removed. If several credentials are
set, the App is used, else the token's file, else the token: the log and `failover check` say which.

`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` work as usual (an `http://` proxy; SOCKS is not built in).
Certificate authorities of your own (for a GitHub Enterprise Server, or a proxy that opens TLS) go into one PEM file
that `SSL_CERT_FILE` names, or a directory of hashed names in `SSL_CERT_DIR`. They replace the machine's authorities, so
include the public ones too if `api.github.com` or an issuer is called. They are read at the start.

If something else answers in place of GitHub's API (a sign-in page, a proxy, the web pages of a GitHub Enterprise Server
when `/api/v3` is missing), the error says so and names the expected URL; it is not mistaken for a missing file or a
renamed repository. When nothing answers, the error names the host and the cause: name not found, refused, no route, no
connection in time, or what is wrong with its certificate.
"""
# Said once: `defaults` has the keys of a service, and a service those of the top level.
SAID_ALREADY = ("defaults.", "services.NAME.pull_request.", "services.NAME.nodes.")


def catalog_page() -> str:
    """The whole of docs/CATALOG.md."""
    services = "\n".join(_rows(services_schema()))
    access = "\n".join(_rows(access_schema()))
    return f"""{HEAD}
## services.yaml

`NAME` is a service's name, which stands for `{{service}}` in any text of its entry and of `defaults`. `defaults` takes
the keys of a service but `deployment`, `statefulset`, `helmrelease`, `switches`, `after` and `accept`.

{services}

## access.yaml

{access}
"""


def _rows(schema: dict[str, Any]) -> Iterator[str]:
    yield "| key | holds | default | meaning |"
    yield "|---|---|---|---|"
    for place, kind, default, meaning in reference(schema):
        if not place.startswith(SAID_ALREADY):
            yield f"| `{place}` | {kind} | {_default(default)} | {meaning.replace('|', '&#124;')} |"


def _default(default: object) -> str:
    if default == "needed":
        return "needed"
    return "" if default in (None, "", [], {}) or isinstance(default, dict) else f"`{json.dumps(default)}`"


def settings_page() -> str:
    """The whole of docs/SETTINGS.md."""
    return f"{SETTINGS_HEAD}{''.join(_settings_rows())}{SETTINGS_TAIL}"


def _settings_rows() -> Iterator[str]:
    sentences = _sentences()
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, "", PydanticUndefined) else f"`{_plain(field.default)}`"
        yield f"| `{PREFIX}{name.upper()}` | {sentences[name]} | {_held(field)} | {default} |\n"


def _sentences() -> dict[str, str]:
    """Of each field the text that stands below it in the source."""
    (settings,) = ast.parse(inspect.getsource(Settings)).body
    assert isinstance(settings, ast.ClassDef)
    pairs = zip(settings.body, settings.body[1:], strict=False)
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in pairs
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


def _held(field: FieldInfo) -> str:
    """What the variable may hold: as an error says it, else by its type."""
    if field.description:
        return field.description
    kinds = {field.annotation, *get_args(field.annotation)}
    return "a file" if Path in kinds else "a secret" if SecretStr in kinds else "text"


def _plain(default: Any) -> str:
    return f"{default:g}" if isinstance(default, float) else str(default)


PAGES = {CATALOG: catalog_page, SETTINGS: settings_page}


def main() -> None:
    for file, page in PAGES.items():
        file.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
