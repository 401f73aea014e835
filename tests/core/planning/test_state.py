"""Where a service is, by what its manifests say."""

import pytest

from failover_api.core.catalog.model import Switch
from failover_api.core.planning.state import Detection, State, detect
from failover_api.core.splice import Selector, Value
from failover_api.errors import AmbiguousDocument, DocumentNotFound, SwitchNotFound
from tests.support.builders import manifests, service, switch

TEXT = """\
apiVersion: v1
kind: Service
metadata: {name: web, namespace: media}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: media
spec:
  role: primary
  claim: data
  replicas: 1
"""


def detect_in(text: str, *switches: Switch) -> Detection:
    return detect(service(*switches), manifests({"a.yaml": text.encode()}))


ROLE = switch("spec.role", "primary", "backup", kind="Deployment")
CLAIM = switch("spec.claim", "data", "data-b", kind="Deployment")


@pytest.mark.parametrize(
    ("role", "claim", "state"),
    [
        ("primary", "data", State.PRIMARY),
        ("backup", "data-b", State.BACKUP),
        ("backup", "data", State.MIXED),
        ("primary", "data-b", State.MIXED),
        ("third", "data", State.UNKNOWN),
        ("backup", "third", State.UNKNOWN),
    ],
)
def test_the_state_is_what_all_switches_say(role: str, claim: str, state: State) -> None:
    text = TEXT.replace("primary", role).replace("data", claim)
    assert detect_in(text, ROLE, CLAIM).state is state


def test_a_reading_says_file_document_line_and_value() -> None:
    first, second = detect_in(TEXT, CLAIM, ROLE).readings
    assert (first.switch, first.file, first.document) == (CLAIM, "a.yaml", "Deployment media/web")
    assert (first.line, first.value, first.state) == (12, "data", State.PRIMARY)
    assert (second.line, second.value) == (11, "primary")


@pytest.mark.parametrize(
    ("written", "primary", "backup", "state"),
    [
        ("true", True, False, State.PRIMARY),
        ("false", True, False, State.BACKUP),
        ("1", True, False, State.UNKNOWN),
        ("true", 1, 0, State.UNKNOWN),
        ('"true"', True, False, State.UNKNOWN),
        ("true", "true", "false", State.UNKNOWN),
        ("1", 1, 0, State.PRIMARY),
        ("0", 1, 0, State.BACKUP),
        ("1.0", 1, 0, State.PRIMARY),
        ('"1"', 1, 0, State.UNKNOWN),
        ("1", "1", "0", State.UNKNOWN),
        ("null", None, "x", State.PRIMARY),
        ("", None, "x", State.PRIMARY),
        ("~", None, "x", State.PRIMARY),
        ('""', None, "x", State.UNKNOWN),
        ('""', "", "x", State.PRIMARY),
        ("yes", "yes", "no", State.PRIMARY),  # the text; a move is refused, since readers differ on it
        ("yes", True, False, State.UNKNOWN),
        ("010", 10, 8, State.UNKNOWN),
        ("'a'", "a", "b", State.PRIMARY),
        ('"\\u0061"', "a", "b", State.PRIMARY),
        ("&x a", "a", "b", State.PRIMARY),
        ("A", "a", "b", State.UNKNOWN),
    ],
)
def test_a_value_is_on_a_side_with_its_type(written: str, primary: Value, backup: Value, state: State) -> None:
    text = TEXT.replace("role: primary", f"role: {written}")
    assert detect_in(text, switch("spec.role", primary, backup, kind="Deployment")).state is state


@pytest.mark.parametrize(
    ("head", "selector", "document"),
    [
        ("kind: Pod\nmetadata: {name: a, namespace: b}\n", Selector(), "Pod b/a"),
        ("kind: Pod\nmetadata: {name: a}\n", Selector(), "Pod a"),
        ("kind: Pod\nmetadata: {name: a}\n", Selector(namespace="c"), "Pod c/a"),
        ("metadata: {name: a}\n", Selector(), "a"),
        ("kind: Values\n", Selector(), "Values"),
        ("kind: Values\n", Selector(namespace="c"), "Values"),
        ("image: x\n", Selector(), "document 1"),
    ],
)
def test_a_document_is_named_as_people_say_it(head: str, selector: Selector, document: str) -> None:
    detection = detect_in(head + "spec: {role: primary}\n", switch("spec.role", "primary", "backup", selector=selector))
    assert detection.readings[0].document == document


def test_switches_of_several_files_are_read_in_the_order_of_the_catalog() -> None:
    other = switch("paused", False, True, file="b.yaml")
    files = {"b.yaml": b"paused: true\n", "a.yaml": TEXT.encode()}
    detection = detect(service(ROLE, other, CLAIM), manifests(files))
    assert [reading.file for reading in detection.readings] == ["a.yaml", "b.yaml", "a.yaml"]
    assert detection.state is State.MIXED


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (switch("spec.nope", 1, 2, kind="Deployment"), SwitchNotFound),
        (switch("spec.role", 1, 2, selector=Selector("Job")), DocumentNotFound),
        (switch("spec.role", 1, 2, selector=Selector(name="web")), AmbiguousDocument),
    ],
)
def test_what_cannot_be_read_is_an_error(broken: Switch, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"a\.yaml"):
        detect_in(TEXT, ROLE, broken)


@pytest.mark.parametrize(("spec", "target"), [("targetNamespace: photos\n  ", "photos"), ("", None)])
def test_a_reading_says_where_a_flux_document_puts_what_it_makes(spec: str, target: str | None) -> None:
    text = f"kind: Kustomization\nmetadata: {{name: web, namespace: flux-system}}\nspec:\n  {spec}role: primary\n"
    (reading,) = detect_in(text, switch("spec.role", "primary", "backup", kind="Kustomization")).readings
    assert (reading.namespace, reading.target_namespace) == ("flux-system", target)
