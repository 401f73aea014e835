"""JSON Schema of the catalog: what editors are told is what the reader does."""

import json

import jsonschema
import pytest
import yaml

from failover_api.core.access.json_schema import access_schema
from failover_api.core.catalog.json_schema import services_schema
from failover_api.core.catalog.schema import CatalogSchema, DefaultsShape, ServiceSchema
from failover_api.core.config.json_schema import reference

SCHEMA = services_schema()


def check(text: str) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(yaml.safe_load(text))


def service(entry: str) -> str:
    return f"repository: a/b\nservices:\n  tea: {{{entry}}}\n"


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator.check_schema(access_schema())


@pytest.mark.parametrize(
    "text",
    [
        service("deployment: tea, namespace: home, primary_node_label: a, backup_node_label: b"),
        service("helmrelease: tea, branch: null, nodes: {primary: a, backup: [b, c]}"),
        service("switches: [{file: a.yaml, path: spec.paused, primary: false, backup: true, allow: [type]}]"),
        "x-media: &m {namespace: media}\ndefaults: {policy: pull_request}\nservices: {}\n",
        service("automatic: act, after: [pot], relocate: {cutover: 90s}, quiesce: {path: spec.replicas, running: 2}"),
        service("automatic: null, replication: {kind: volsync, to_backup: {source: a, destination: b}}"),
        "automatic: {mode: act, fence: none, dead_for: 90s, max_services: 1}\nwave_timeout: 2m\nservices: {}\n",
        "alerts: [{match: {alertname: NodeOff}, means: node-off, node: '{node}'}]\nservices: {}\n",
        "pull_request: {auto_merge: squash}\nnotifications: [{url_file: /a, events: [moved]}]\nservices: {}\n",
    ],
)
def test_what_the_reader_takes_is_good(text: str) -> None:
    check(text)


@pytest.mark.parametrize(
    "text",
    [
        service("deploiment: tea"),
        service("deployment: 1"),
        service("policy: often"),
        service("volumes: [{name: a}]"),
        service("switches: [{file: a.yaml, path: spec.x, primary: {}, backup: 1}]"),
        service("nodes: {primary: []}"),
        "services: {Tea: {}}\n",
        "services: {tea: {}}\nextra: 1\n",
        "defaults: {deployment: tea}\nservices: {}\n",
        "pull_request: {auto_merge: fast}\nservices: {}\n",
        "automatic: {mode: often}\nservices: {}\n",
        "automatic: {max_services: 0}\nservices: {}\n",
        "automatic: act\nservices: {}\n",
        "alerts: [{match: {}, means: promote, service: tea}]\nservices: {}\n",
        "defaults: {after: [tea]}\nservices: {}\n",
        service("automatic: {mode: act}"),
        service("replication: {kind: rsync}"),
        service("quiesce: {path: spec.replicas, running: 0}"),
        "repository: a/b\n",
    ],
)
def test_what_the_reader_refuses_by_its_shape_is_not(text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        check(text)


def test_every_key_has_its_description_and_its_default() -> None:
    rows = {place: (kind, default, text) for place, kind, default, text in reference(SCHEMA)}
    for place, (_, _, text) in rows.items():
        assert text.endswith("."), place
    places = {place.rpartition(".")[2] for place in rows}
    for shape in (CatalogSchema, DefaultsShape, ServiceSchema):
        assert shape.model_fields.keys() <= places
    assert rows["branch"] == ("text", "main", "The branch that Flux applies.")
    assert rows["services.NAME.switches[].path"][1] == "needed"
    assert "title" not in json.dumps(SCHEMA["$defs"])
