"""Which folders are built with a file, through what kustomization.yaml names."""

from collections.abc import Mapping

import pytest

from failover_api.core.search import folder_graph as module
from failover_api.core.search.file_facts import branch_knowledge, read_file_facts
from failover_api.core.search.folder_graph import FolderGraph, folder_graph
from failover_api.core.search.known_neighbours import KnownNeighbours
from failover_api.core.search.kustomize_files import MAX_NAMED, KustomizeFile
from failover_api.reading.branch_knowledge import FACTS_BYTES


def graph(files: Mapping[str, str]) -> FolderGraph:
    """`files` are {folder: what its kustomization.yaml says}."""
    found = {f"{folder}kustomization.yaml": text for folder, text in files.items()}
    facts = {path: read_file_facts(path, text.encode()).kustomize for path, text in found.items()}
    return folder_graph({path: fact for path, fact in facts.items() if fact is not None})


def known(files: Mapping[str, str]) -> KnownNeighbours:
    found = branch_knowledge({path: read_file_facts(path, text.encode()) for path, text in files.items()}).neighbours
    assert found is not None
    return found


def flux(name: str, path: str) -> str:
    return (
        f"apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: {name}}}\n"
        f"spec: {{path: {path}}}\n"
    )


def applied_by(found: KnownNeighbours, path: str) -> list[str]:
    return [one.it.name for one in found.applying(path)]


def test_a_file_is_built_by_what_names_it_and_by_what_names_that() -> None:
    found = graph({
        "apps/base/": "resources: [deployment.yaml]",
        "apps/prod/": "resources: [../base]\npatches: [{path: patch.yaml}]",
        "apps/more/": "components: [../part/]",
        "apps/part/": "kind: Component\nresources: [extra.yaml]",
        "old/": "bases:\n  - ../apps/prod",
        "": "resources:\n  - ./old",
    })  # fmt: skip
    assert found.building("apps/base/deployment.yaml") == {"apps/base/", "apps/prod/", "old/", ""}
    assert found.building("apps/prod/patch.yaml") == {"apps/prod/", "old/", ""}
    assert found.building("apps/part/extra.yaml") == {"apps/part/", "apps/more/"}
    assert found.building("apps/base/other.yaml") == set()


def test_folders_that_name_each_other_end() -> None:
    found = graph({"a/": "resources: [../b, x.yaml]", "b/": "resources: [../a]"})
    assert found.building("a/x.yaml") == {"a/", "b/"}


def test_what_leads_nowhere_here_is_left_out() -> None:
    text = "resources: ['https://github.com/a/b?ref=1', ../../out.yaml, /etc, git@github.com:a/b, {a: b}, [c], '']"
    found = graph({"a/": text})
    assert found.named_by == {}
    assert found.built == {"a/"}


@pytest.mark.parametrize("text", ["resources: a.yaml", "[a]", "kind: [", "resources: {a: b}"])
def test_what_is_no_kustomization_names_nothing(text: str) -> None:
    assert graph({"a/": text}).named_by == {}


def test_one_file_names_so_many_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "resources:\n" + "".join(f"  - f{n}.yaml\n" for n in range(2 * MAX_NAMED))
    facts = read_file_facts("a/kustomization.yaml", text.encode())
    assert facts.kustomize is not None
    assert len(facts.kustomize.built) == MAX_NAMED
    assert facts.size_bytes < FACTS_BYTES // 8
    chain = {f"d{n}/kustomization.yaml": KustomizeFile((f"../d{n - 1}", "x.yaml")) for n in range(1, 50)}
    monkeypatch.setattr(module, "MAX_FOLDERS", 10)
    assert len(folder_graph(chain).building("d1/x.yaml")) == 10


def test_a_file_by_another_name_is_no_kustomization() -> None:
    assert read_file_facts("a/other.yaml", b"resources: [x.yaml]").kustomize is None


# What applies a file


def test_an_overlay_applies_its_base() -> None:
    found = known({
        "clusters/prod.yaml": flux("prod", "./apps/prod"),
        "apps/base/kustomization.yaml": "resources: [d.yaml]",
        "apps/prod/kustomization.yaml": "resources: [../base]",
    })  # fmt: skip
    assert applied_by(found, "apps/base/d.yaml") == ["prod"]
    assert applied_by(found, "apps/base/not-named.yaml") == []


def test_two_overlays_both_apply_it() -> None:
    found = known({
        "clusters/a.yaml": flux("a", "apps/a"),
        "clusters/b.yaml": flux("b", "apps/b"),
        "apps/base/kustomization.yaml": "resources: [d.yaml]",
        "apps/a/kustomization.yaml": "resources: [../base]",
        "apps/b/kustomization.yaml": "resources: [../base]",
    })  # fmt: skip
    assert applied_by(found, "apps/base/d.yaml") == ["a", "b"]


def test_a_folder_without_a_kustomization_takes_all_below_it_but_what_has_its_own() -> None:
    files = {
        "clusters/all.yaml": flux("all", "apps"),
        "apps/media/kustomization.yaml": "resources: [named.yaml]",
    }
    assert applied_by(known(files), "apps/plain/x.yaml") == ["all"]
    assert applied_by(known(files), "apps/media/named.yaml") == ["all"]
    inner = {**files, "clusters/media.yaml": flux("media", "apps/media")}
    assert applied_by(known(inner), "apps/media/named.yaml") == ["media"]
    assert applied_by(known(inner), "apps/plain/x.yaml") == ["all"]


def test_the_innermost_of_folders_that_take_all_counts() -> None:
    found = known({"a.yaml": flux("outer", "apps"), "b.yaml": flux("inner", "apps/media")})
    assert applied_by(found, "apps/media/x.yaml") == ["inner"]
    assert applied_by(found, "apps/x.yaml") == ["outer"]
    assert applied_by(found, "x.yaml") == []


def test_what_only_lists_the_inner_one_does_not_apply_its_files() -> None:
    """As many homelabs are: the outer one has the inner one's Kustomization."""
    found = known({
        "cluster.yaml": flux("cluster", "apps"),
        "apps/media/kustomization.yaml": "resources: [sonarr/ks.yaml]",
        "apps/media/sonarr/ks.yaml": flux("sonarr", "apps/media/sonarr/app"),
        "apps/media/sonarr/app/kustomization.yaml": "resources: [hr.yaml]",
    })  # fmt: skip
    assert applied_by(found, "apps/media/sonarr/app/hr.yaml") == ["sonarr"]
    assert applied_by(found, "apps/media/sonarr/ks.yaml") == ["cluster"]
