"""Which document of a file is meant."""

from typing import Any

import pytest

from failover_api import errors
from failover_api.core.splice import DocumentId, Selector, parse
from failover_api.core.splice.yaml_tree import Reader
from tests.core.splice.edits import add, change, put

SEVERAL = """\
---
kind: Deployment
metadata: {name: web, namespace: blue}
---
# nothing here
---
kind: Deployment
metadata:
  name: &n web
  labels: {app: *n}
---
kind: Service
metadata: {name: web, namespace: blue}
---
kind: Deployment
metadata: {name: 7, namespace: ''}
"""


@pytest.mark.parametrize(
    ("selector", "index"),
    [
        (Selector("Deployment", "web", "blue"), 0),
        (Selector("Deployment", "web", "green"), 2),
        (Selector("Service"), 3),
        (Selector("Service", "web", "blue", 3), 3),
        (Selector("Deployment", "7", "green"), 4),
        (Selector(index=2), 2),
        (Selector("Deployment", "web"), errors.AmbiguousDocument),
        (Selector(name="web", namespace="blue"), errors.AmbiguousDocument),
        (Selector(), errors.AmbiguousDocument),
        (Selector(index=1), errors.DocumentNotFound),
        (Selector(index=5), errors.DocumentNotFound),
        (Selector("Service", "web", "green"), errors.DocumentNotFound),
        (Selector("deployment"), errors.DocumentNotFound),
    ],
)
def test_a_selector_means_one_document(selector: Selector, index: Any, reader: Reader) -> None:
    manifest = parse(SEVERAL.encode(), file="app.yaml", reader=reader)
    if isinstance(index, int):
        assert manifest.select(selector).index == index
    else:
        with pytest.raises(errors.ManifestError) as caught:
            manifest.select(selector)
        assert type(caught.value) is index


def test_documents_say_what_they_are(reader: Reader) -> None:
    assert parse(SEVERAL.encode(), file="app.yaml", reader=reader).documents == (
        DocumentId(0, "Deployment", "web", "blue", 2),
        DocumentId(2, "Deployment", "web", None, 7),
        DocumentId(3, "Service", "web", "blue", 12),
        DocumentId(4, "Deployment", "7", None, 15),
    )


def test_a_document_that_is_missing_is_named_among_those_there() -> None:
    with pytest.raises(errors.DocumentNotFound, match=r"has no Ingress web; it has Deployment blue/web \(line 2\), "):
        parse(SEVERAL.encode(), file="app.yaml").select(Selector("Ingress", "web"))


def test_only_the_selected_documents_change(reader: Reader) -> None:
    service, nameless = Selector("Service"), Selector("Deployment", "web", "green")
    edits = [put("metadata.namespace", "x", select=service), add("spec.replicas", 1, select=nameless)]
    expected = SEVERAL.replace(
        "Service\nmetadata: {name: web, namespace: blue}", "Service\nmetadata: {name: web, namespace: x}"
    )
    expected = expected.replace("{app: *n}\n", "{app: *n}\nspec:\n  replicas: 1\n")
    assert change(SEVERAL, *edits, reader=reader) == expected
