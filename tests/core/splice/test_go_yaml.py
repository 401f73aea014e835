"""What `kubectl kustomize` reads is read, what it refuses is refused."""

import shutil
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from failover_api import errors
from failover_api.core.splice import Manifest, parse, policy
from failover_api.core.splice.edits import Place
from failover_api.core.splice.scalars import NULLS
from tests.core.splice.snippets import DIFFERENT, HEAD, REFUSED, ROWS

needs_kubectl = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl, which is compared with, is not here"
)
NAMES = ("name: @", '"name":"@', '"name": "@')


def whole(text: str, name: str = "t") -> str:
    """The file of a snippet, with names."""
    if "@@" not in text and not any(each in text for each in NAMES):
        text = HEAD + text
    text = text.replace("@@", HEAD)
    for each in NAMES:
        text = text.replace(each, each[:-1] + name)
    return text


def own_keys(document: Mapping[Any, Any]) -> dict[Any, Any]:
    return {key: value for key, value in document.items() if key not in ("apiVersion", "kind", "metadata")}


def as_row(documents: list[dict[Any, Any]]) -> Any:
    return own_keys(documents[0]) if len(documents) == 1 else [own_keys(each) for each in documents]


def read_here(text: str) -> Any:
    try:
        manifest = parse(whole(text).encode(), file="app.yaml")
        documents = [manifest.tree.documents[each.index] for each in manifest.documents]
        for document in documents:
            policy.check_readable(manifest.tree, document, Place("app.yaml"))
    except errors.ManifestInvalid:
        return REFUSED
    return as_row([here(manifest, document.root) for document in documents])


def here(manifest: Manifest, node: int) -> Any:
    tree = manifest.tree
    node = tree.resolve(node)
    match tree.shapes[node].kind:
        case "mapping":
            return {hashable(here(manifest, key)): here(manifest, value) for key, value in tree.entries(node)}
        case "sequence":
            return [here(manifest, item) for item in tree.items(node)]
        case _:
            text, style = tree.shapes[node].value, tree.shapes[node].style
            return None if text in NULLS and style == "" else text


def hashable(key: Any) -> Any:
    return tuple(key) if isinstance(key, list) else key


@pytest.mark.parametrize(("text", "expected"), ROWS)
def test_a_text_is_read_as_kubernetes_reads_it(text: str, expected: Any) -> None:
    assert read_here(text) == expected


@pytest.mark.parametrize(("text", "expected", "_"), DIFFERENT)
def test_where_kubectl_is_not_followed(text: str, expected: Any, _: Any) -> None:
    assert read_here(text) == expected


# What kubectl says.


def build(folder: Path, texts: Mapping[str, str]) -> dict[str, Any] | str:
    """The objects that `kubectl kustomize` makes of files, by name; REFUSED."""
    folder.mkdir()
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_bytes(text.encode())
    resources = "".join(f"- {name}.yaml\n" for name in texts)
    (folder / "kustomization.yaml").write_text(f"resources:\n{resources}", encoding="utf-8")
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        return REFUSED
    objects = [there(node) for node in YAML(typ="safe", pure=True).compose_all(done.stdout)]
    return {each["metadata"]["name"]: each for each in objects}


def there(node: Node) -> Any:
    if isinstance(node, ScalarNode):
        return None if node.style in (None, "") and node.value in NULLS else node.value
    if isinstance(node, MappingNode):
        return {there(key): there(value) for key, value in node.value}
    return [there(item) for item in node.value]


def blank(value: Any) -> Any:
    """What kustomize writes for a null in braces is an empty text."""
    match value:
        case dict():
            return {key: blank(each) for key, each in value.items()}
        case list():
            return [blank(each) for each in value]
        case _:
            return value or None


def read_there(folder: Path, texts: list[str]) -> list[Any]:
    """Each text in a run of its own."""

    def one(at: int) -> Any:
        found = build(folder / str(at), {"t": whole(texts[at])})
        return REFUSED if isinstance(found, str) else as_row(list(found.values()))

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(one, range(len(texts))))


@needs_kubectl
def test_kubectl_reads_the_same_in_what_is_read(tmp_path: Path) -> None:
    """In one run: whatever it refused would fail it whole."""
    rows = [(f"t{at}t", text, expected) for at, (text, expected) in enumerate(ROWS) if expected != REFUSED]
    found = build(tmp_path / "all", {name: whole(text, name) for name, text, _ in rows})
    assert isinstance(found, dict)
    for name, text, expected in rows:
        read = [found[key] for key in (name, f"{name}b") if key in found]
        assert blank(as_row(read)) == blank(expected), text


@needs_kubectl
def test_kubectl_refuses_what_is_refused(tmp_path: Path) -> None:
    """One of three: each needs a run of its own."""
    texts = [text for text, expected in ROWS if expected == REFUSED][::3]
    assert {text for text, found in zip(texts, read_there(tmp_path, texts), strict=True) if found != REFUSED} == set()


@needs_kubectl
@pytest.mark.long
def test_kubectl_refuses_all_that_is_refused(tmp_path: Path) -> None:
    texts = [text for text, expected in ROWS if expected == REFUSED]
    assert {text for text, found in zip(texts, read_there(tmp_path, texts), strict=True) if found != REFUSED} == set()


@needs_kubectl
def test_kubectl_differs_where_it_is_not_followed(tmp_path: Path) -> None:
    assert read_there(tmp_path, [text for text, _, _ in DIFFERENT]) == [there for _, _, there in DIFFERENT]
