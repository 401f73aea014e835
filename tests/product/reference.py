"""python -m tests.product.reference: writes docs/CATALOG.md, the reference of both files, from their JSON Schemas."""

import json
from collections.abc import Iterator
from typing import Any

from failover_api.core.access.json_schema import access_schema
from failover_api.core.catalog.json_schema import services_schema
from failover_api.core.config.json_schema import reference
from tests.support.project import ROOT

PAGE = ROOT / "docs" / "CATALOG.md"
HEAD = """\
# Reference of services.yaml and access.yaml

Made from the JSON Schemas by `.venv/bin/python -m tests.product.reference`; do not edit. The schemas are in `config/`,
`failover schema` prints them, and a running service has them at `/schema/services.json` and `/schema/access.json`. An
editor with yaml-language-server reads the first line of the examples:

    # yaml-language-server: $schema=services.schema.json

An unknown key is an error.
"""
# Said once: `defaults` has the keys of a service, and a service those of the top level.
SAID_ALREADY = ("defaults.", "services.NAME.pull_request.", "services.NAME.nodes.")


def page() -> str:
    """The whole page."""
    services = "\n".join(_rows(services_schema()))
    access = "\n".join(_rows(access_schema()))
    return f"""{HEAD}
## services.yaml

`NAME` is a service's name, which stands for `{{service}}` in any text of its entry and of `defaults`. `defaults` takes
the keys of a service but `deployment`, `statefulset`, `helmrelease` and `switches`.

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


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
