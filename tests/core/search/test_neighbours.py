"""What other manifests say of replication, autoscalers and what applies them: bounded, whatever they hold."""

import pytest

from failover_api.core.search import known_neighbours as known
from failover_api.core.search.file_facts import FileFacts, branch_knowledge, read_file_facts
from failover_api.core.search.neighbours import MAX_OBJECTS, NONE, Neighbours
from failover_api.core.splice import MAX_BYTES
from failover_api.reading.branch_knowledge import FACTS_BYTES
from tests.support.real_manifests import CORPUS, needs_shared

SOURCE = "---\nkind: ReplicationSource\nmetadata: {{name: a{0}}}\nspec: {{sourcePVC: claim-{0}}}\n"


def read(text: str) -> Neighbours:
    return read_file_facts("a.yaml", text.encode()).neighbours


def test_a_file_that_speaks_of_none_is_not_parsed() -> None:
    assert read("kind: [Deployment") is NONE
    assert read("kind: [ReplicationSource") is NONE, "what is no YAML says nothing"


@pytest.mark.parametrize(
    "text",
    [
        "kind: ReplicationSource\nspec: {sourcePVC: data}\n",
        "kind: ReplicationSource\nmetadata: {name: [a]}\nspec: {sourcePVC: data}\n",
        "kind: ReplicationSource\nmetadata: {name: a}\nspec: [data]\n",
        "kind: ReplicationDestination\nmetadata: {name: a}\nspec: {rsyncTLS: data}\n",
        "kind: HorizontalPodAutoscaler\nmetadata: {name: a}\nspec: {scaleTargetRef: a}\n",
        f"kind: ReplicationSource\nmetadata: {{name: {'a' * 300}}}\nspec: {{sourcePVC: data}}\n",
        f"kind: ReplicationSource\nmetadata: {{name: a}}\nspec: {{sourcePVC: {'a' * 300}}}\n",
    ],
)
def test_what_lacks_its_fields_is_left_out(text: str) -> None:
    assert read(text) == Neighbours()


def test_a_file_gives_so_many_of_each_and_no_more() -> None:
    many = read("".join(SOURCE.format(n) for n in range(2 * MAX_OBJECTS)))
    assert len(many.replications) == MAX_OBJECTS
    assert many.size_bytes < FACTS_BYTES
    wide = "apiVersion: argoproj.io/v1\nkind: Application\nmetadata: {name: a}\nspec:\n  sources:\n"
    assert len(read(wide + "  - {path: a, repoURL: b}\n" * 5000).appliers) <= MAX_OBJECTS
    release = "kind: HelmRelease\nmetadata: {name: a}\nspec:\n  valuesFrom:\n" + "  - {kind: C, name: b}\n" * 5000
    assert len(read(release).appliers[0].values_from) <= MAX_OBJECTS


def test_of_too_many_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"{n}.yaml": read_file_facts(f"{n}.yaml", SOURCE.format(n).encode()) for n in range(5)}
    assert branch_knowledge(files).neighbours is not None
    monkeypatch.setattr(known, "MAX_KNOWN", 4)
    assert branch_knowledge(files).neighbours is None


def test_a_variable_with_many_values_stands_for_so_many_claims_and_no_more() -> None:
    component = SOURCE.format("x").replace("claim-x", "'${APP}'")
    values = "".join(f"  V{n}: app-{n}\n" for n in range(500))
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: v}}\ndata:\n{values.replace('V', 'APP_')}"
    one = {"APP": {f"app-{n}" for n in range(5000)}}
    found = known.known_neighbours({"a.yaml": read(component)}, one)
    assert found is not None
    assert len(found.by_claim) == known.MAX_CLAIMS_OF_ONE
    assert read(text) == Neighbours()


@needs_shared
def test_real_repositories_are_read_whole() -> None:
    for folder in (path for path in CORPUS.iterdir() if path.is_dir()):
        paths = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size <= MAX_BYTES]
        files: dict[str, FileFacts] = {str(path): read_file_facts(str(path), path.read_bytes()) for path in paths}
        assert branch_knowledge(files).neighbours is not None, folder
