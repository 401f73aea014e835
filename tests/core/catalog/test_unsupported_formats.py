"""Files that are refused by their name."""

import pytest

from failover_api.core.catalog.load import parse_catalog
from failover_api.core.catalog.unsupported_formats import why_unsupported
from failover_api.errors import ConfigInvalid

REFUSED = {
    "apps/web.jsonnet": "it is Jsonnet",
    "lib/k.libsonnet": "it is Jsonnet",
    "apps/web.CUE": "it is CUE",
    "charts/web/templates/_helpers.tpl": "it is a template",
    "apps/web.yaml.gotmpl": "it is a template",
    "apps/web.yaml.j2": "it is a template",
    "apps/web.json5": "it is JSON5",
    "pyproject.toml": "it is TOML",
    "apps/.env": "read into a ConfigMap",
    "main.tf": "it is HCL",
    "chart-1.2.3.tgz": "it is an archive",
}


@pytest.mark.parametrize(("path", "words"), REFUSED.items())
@pytest.mark.parametrize("key", ["path", "file"])
def test_what_is_no_manifest_is_an_error_of_the_catalog_with_its_line(path: str, words: str, key: str) -> None:
    lines = {
        "path": ["  web:", "    namespace: w", "    deployment: web", f"    path: {path}"],
        "file": ["  web:", "    switches:", f"      - file: {path}", "        path: a", "        primary: p"],
    }[key]
    text = "\n".join(["repository: acme/homelab", "services:", *lines, ""])
    with pytest.raises(ConfigInvalid) as caught:
        parse_catalog(text, file="services.yaml")
    line = text.splitlines().index(next(each for each in text.splitlines() if path in each)) + 1
    where = "path" if key == "path" else "switches[0].file"
    start = f"services.yaml:{line}: services.web.{where}: expected a manifest in YAML or JSON, not '{path}': "
    (told,) = [each for each in caught.value.errors if "expected a manifest" in each]
    assert told.startswith(start)
    assert words in told


@pytest.mark.parametrize(
    "path",
    ["a.yaml", "a.yml", "a.json", "a.YAML", "a.jsonnet.yaml", "x.tf/a.yaml", "manifest", "a.conf", ".yaml", "cue"],
)
def test_every_other_name_may_be_one(path: str) -> None:
    assert why_unsupported(path) is None
