"""Where a manifest is found, and what is said when it is not."""

import json

import pytest

from failover_api.errors import (
    DocumentNotFound,
    FailoverError,
    FileNotFound,
    ForgeUnavailable,
    ManifestAmbiguous,
    ManifestNotFound,
    RepositoryTooLarge,
)
from failover_api.reading import folder_index
from failover_api.sandbox import NewFile
from tests.reading.found import OTHERS, known_around, place
from tests.support.acts import promote
from tests.support.stage import Stage, deployment, entry

AS_JSON = {
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {
        "template": {
            "spec": {
                "nodeSelector": {"role": "primary"},
                "volumes": [{"name": "config", "persistentVolumeClaim": {"claimName": "pvc-web"}}],
            }
        }
    },
}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("apps/shop/web/deployment.yaml", deployment("web", "shop")),
        ("apps/shop/web/app.yaml", deployment("web", "shop")),
        ("apps/shop/everything.yml", OTHERS + "---\n" + deployment("web", "shop")),
        ("apps/a/b/c/d/e/f.yaml", deployment("web", None)),
        ("apps/web.json", json.dumps(AS_JSON)),
        ("apps/Ünïcode dir/[x] #1?.yaml", deployment("web", "shop")),
        ("apps/quoted.yaml", deployment("web", "shop").replace("kind: Deployment", '"kind": "Deployment"')),
    ],
)
async def test_a_manifest_is_found_by_kind_name_and_namespace(web: Stage, path: str, text: str) -> None:
    web.commit({path: text, "apps/other.yaml": OTHERS})
    async with web.open() as components:
        assert await place(components) == path
        assert (await promote(components, "web")).changed


async def test_a_statefulset_is_not_a_deployment(web: Stage) -> None:
    web.commit({"apps/web.yaml": deployment("web", "shop").replace("Deployment", "StatefulSet")})
    async with web.open() as components:
        with pytest.raises(ManifestNotFound):
            await place(components)
        web.declare(entry("web", "shop").replace("deployment:", "statefulset:"))
        components.catalog.reload()
        assert await place(components) == "apps/web.yaml"


async def test_exactly_the_namespace_wins_over_none(web: Stage) -> None:
    web.commit({"apps/web/base.yaml": deployment("web", None), "apps/web/real.yaml": deployment("web", "shop")})
    async with web.open() as components:
        assert await place(components) == "apps/web/real.yaml"


async def test_exactly_the_namespace_wins_also_from_a_later_batch(web: Stage) -> None:
    web.commit({f"apps/m/{i}.yaml": deployment(f"d{i}", "shop") for i in range(250)})
    web.commit({"apps/web/base.yaml": deployment("web", None), "apps/zz/zz.yaml": deployment("web", "shop")})
    async with web.open() as components:
        assert await place(components) == "apps/zz/zz.yaml"


async def test_several_without_a_namespace_are_ambiguous_also_across_batches(web: Stage) -> None:
    web.commit({f"apps/m/{i}.yaml": deployment(f"d{i}", "shop") for i in range(150)})
    web.commit({path: deployment("web", None) for path in ("apps/web/base.yaml", "apps/zz/zz.yaml")})
    async with web.open() as components:
        with pytest.raises(ManifestAmbiguous, match=r"apps/web/base\.yaml, apps/zz/zz\.yaml"):
            await place(components)


async def test_a_file_that_could_not_be_read_is_an_outage_and_is_asked_for_again(web: Stage) -> None:
    web.commit({"apps/web.yaml": deployment("web", "shop")})
    web.fault("status", path="/graphql", status=502, times=None)
    async with web.open() as components:
        await known_around(web, components)
        web.fault("status", path=f"/repos/{web.repository}/git/blobs", status=404)
        with pytest.raises(ForgeUnavailable, match=r"apps/web\.yaml") as caught:
            await place(components)
        assert caught.value.retry_after_s
        assert await place(components) == "apps/web.yaml"


async def test_not_found_names_files_that_are_too_large_to_be_read(web: Stage) -> None:
    large = deployment("web", "shop") + "#" * (1024 * 1024)
    web.commit({f"apps/large-{i}.yaml": large for i in range(6)} | {"lab/large.yaml": large, "apps/large.txt": large})
    async with web.open() as components:
        with pytest.raises(ManifestNotFound) as caught:
            await place(components)
    named = ", ".join(f"apps/large-{i}.yaml" for i in range(5))
    assert caught.value.detail.endswith(f"; larger than 1,048,576 bytes and skipped: {named} and 1 more")


async def test_not_found_says_where_it_looked_and_names_broken_files(web: Stage) -> None:
    web.commit(
        {
            "apps/broken.yaml": "kind: Deployment\nname: web\n  bad: [indent\n",
            "apps/binary.yaml": b"kind: Deployment \xff\xfe",
            "other/web.yaml": deployment("web", "shop"),
        }
    )
    async with web.open() as components:
        with pytest.raises(ManifestNotFound) as caught:
            await place(components)
    for words in (
        "Deployment shop/web",
        f"under apps/ on {web.repository}@main",
        "apps/broken.yaml",
        "apps/binary.yaml",
    ):
        assert words in caught.value.detail
    assert "other/web.yaml:2 has it, but is outside `search`" in caught.value.detail
    assert "skipped" not in caught.value.detail


async def test_several_are_ambiguous_and_named(web: Stage) -> None:
    """As when a kustomize base and its patch name the same Deployment."""
    web.commit({f"apps/{place}/web.yaml": deployment("web", "shop") for place in ("base", "patches")})
    async with web.open() as components:
        with pytest.raises(ManifestAmbiguous) as caught:
            await place(components)
    assert "apps/base/web.yaml, apps/patches/web.yaml" in caught.value.detail
    assert "`path`" in caught.value.detail


async def test_twice_in_one_file_is_ambiguous(web: Stage) -> None:
    web.commit({"apps/web.yaml": deployment("web", "shop") + "---\n" + deployment("web", "shop")})
    async with web.open() as components:
        with pytest.raises(ManifestAmbiguous):
            await place(components)


async def test_only_what_can_be_edited_is_searched(web: Stage) -> None:
    text = deployment("web", "shop")
    web.commit(
        {
            ".github/web.yaml": text,
            "apps/web.txt": text,
            "apps/web/large.yaml": text + "#" * (1024 * 1024),
            "apps/web/real-file": text,
        }
    )
    web.commit({"apps/web/link.yaml": NewFile(b"real-file", 0o120000)})
    web.declare(entry("web", "shop"), top='search: ""')
    async with web.open() as components:
        with pytest.raises(ManifestNotFound):
            await place(components)
        web.commit({"apps/web/real.yaml": text})
        assert await place(components) == "apps/web/real.yaml"


async def test_search_is_a_folder_not_a_prefix(web: Stage) -> None:
    web.declare(entry("web", "shop"), top="search: app")
    web.commit({"apps/web.yaml": deployment("web", "shop"), "app/x.yaml": deployment("web", "shop")})
    async with web.open() as components:
        assert await place(components) == "app/x.yaml"


async def test_a_broken_file_elsewhere_hides_nothing(web: Stage) -> None:
    web.commit({"apps/web/values.yaml": "Deployment: [", "apps/z/web.yaml": deployment("web", "shop")})
    async with web.open() as components:
        assert await place(components) == "apps/z/web.yaml"


# What it costs


async def test_all_files_are_read_before_one_is_chosen(web: Stage) -> None:
    web.commit({f"apps/{i // 20}/{i}.yaml": deployment(f"d{i}", "shop") for i in range(250)})
    web.commit({"apps/zz/the-web-thing.yaml": deployment("web", "shop")})
    async with web.open() as components:
        await known_around(web, components)
        await place(components)
    seen = [(r.method, r.path.rpartition("/")[2]) for r in web.requests]
    assert seen == [("GET", "main"), *[("POST", "graphql")] * 3]


async def test_a_hundred_files_are_one_request(web: Stage) -> None:
    web.commit({f"apps/{i // 20}/{i}.yaml": deployment(f"d{i}", "shop") for i in range(90)})
    web.commit({"apps/web/values.yaml": "n: 1\n", "apps/zz.yaml": deployment("web", "shop")})
    async with web.open() as components:
        await known_around(web, components)
        assert await place(components) == "apps/zz.yaml"
    assert [(r.method, r.path.rpartition("/")[2]) for r in web.requests] == [("GET", "main"), ("POST", "graphql")]


async def test_without_graphql_every_file_is_read_by_itself(web: Stage) -> None:
    web.commit({f"apps/{i // 20}/{i}.yaml": deployment(f"d{i}", "shop") for i in range(50)})
    web.commit({"apps/zz/web.yaml": deployment("web", "shop")})
    web.fault("status", path="/graphql", status=502, times=None)
    async with web.open() as components:
        await known_around(web, components)
        assert await place(components) == "apps/zz/web.yaml"
    below = 51 + 4  # and those that the stage has there
    assert sum("/git/blobs/" in r.path for r in web.requests) == below


async def test_the_rest_is_read_a_hundred_at_a_time(web: Stage) -> None:
    web.commit({f"apps/{i // 20}/{i}.yaml": deployment(f"d{i}", "shop") for i in range(250)})
    web.commit({"apps/zz/zz.yaml": deployment("web", "shop")})
    async with web.open() as components:
        await known_around(web, components)
        assert await place(components) == "apps/zz/zz.yaml"
        assert 4 <= len(web.requests) <= 5
        web.requests.clear()
        web.declare(entry("web", "shop") + entry("d7", "shop"))
        components.catalog.reload()
        await promote(components, "d7", dry_run=True)
    assert not [r for r in web.requests if b"query Blobs" in r.body], "what files hold is known"


async def test_a_found_path_is_kept(web: Stage) -> None:
    web.commit({"apps/web.yaml": deployment("web", "shop")})
    async with web.open() as components:
        await place(components)
        web.requests.clear()
        await place(components)
        await place(components)
    assert [r.status for r in web.requests] == [304, 304]


@pytest.mark.parametrize("how", ["status", "move", "list"])
async def test_a_file_that_a_person_moves_is_found_again(web: Stage, how: str) -> None:
    web.commit({"apps/web.yaml": deployment("web", "shop")})
    async with web.open() as components:
        await place(components)
        web.commit({"apps/web.yaml": None, "apps/new/place.yaml": deployment("web", "shop")}, "git mv")
        if how == "move":
            assert (await promote(components, "web")).changed
        if how == "list":
            (listed,) = await components.failover.list_all()
            assert not hasattr(listed, "error")
        assert await place(components) == "apps/new/place.yaml"


async def test_a_document_that_is_no_longer_there_is_found_elsewhere(web: Stage) -> None:
    web.commit({"apps/all.yaml": OTHERS + "---\n" + deployment("web", "shop")})
    async with web.open() as components:
        await place(components)
        web.commit({"apps/all.yaml": OTHERS, "apps/own.yaml": deployment("web", "shop")}, "Split the file")
        assert await place(components) == "apps/own.yaml"


async def test_a_manifest_that_is_gone_is_not_found_and_may_come_back(web: Stage) -> None:
    web.commit({"apps/web.yaml": deployment("web", "shop")})
    async with web.open() as components:
        await place(components)
        web.commit({"apps/web.yaml": None})
        with pytest.raises(ManifestNotFound):
            await place(components)
        web.commit({"apps/back.yaml": deployment("web", "shop")})
        assert await place(components) == "apps/back.yaml"


async def test_another_entry_in_the_catalog_is_searched_anew(web: Stage) -> None:
    web.commit({"apps/one.yaml": deployment("web", "shop"), "lab/two.yaml": deployment("web", "shop")})
    async with web.open() as components:
        assert await place(components) == "apps/one.yaml"
        web.declare(entry("web", "shop", "search: lab/"))
        components.catalog.reload()
        assert await place(components) == "lab/two.yaml"


async def test_a_path_of_the_catalog_is_never_searched_for(web: Stage) -> None:
    web.declare(entry("web", "shop", "path: apps/x.yaml"))
    web.commit({"apps/y.yaml": deployment("web", "shop")})
    async with web.open() as components:
        with pytest.raises(FileNotFound, match=r"apps/x\.yaml"):
            await components.failover.status("web")
        web.commit({"apps/x.yaml": OTHERS})
        with pytest.raises(DocumentNotFound, match="Deployment shop/web"):
            await components.failover.status("web")
    assert not [r for r in web.requests if "/git/trees/" in r.path]


# Too large


async def test_a_tree_that_github_cuts_asks_for_a_path(web: Stage) -> None:
    web.commit({"apps/web.yaml": deployment("web", "shop")})
    web.sandbox.tree_limit = 3
    try:
        async with web.open() as components:
            with pytest.raises(RepositoryTooLarge, match="`path`"):
                await place(components)
    finally:
        web.sandbox.tree_limit = 100_000


@pytest.mark.parametrize("folder", ["x", "web"])
async def test_more_files_than_the_bound_ask_for_a_path(
    web: Stage, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when each path names the service, as `apps/` does for a service `app`."""
    monkeypatch.setattr(folder_index, "MAX_FILES_READ", 150)
    web.commit({f"apps/{folder}/{i}.yaml": f"kind: ConfigMap\nn: {i}\n" for i in range(270)})
    async with web.open() as components:
        await known_around(web, components)
        with pytest.raises(RepositoryTooLarge, match="`path`"):
            await place(components)
        assert len(web.requests) <= 3
        web.declare(entry("web", "shop", f"path: apps/{folder}/0.yaml"))
        components.catalog.reload()
        with pytest.raises(FailoverError) as caught:
            await place(components)
    assert caught.value.slug == "manifest-not-found"


async def test_the_folder_searched_names_no_service(web: Stage) -> None:
    """Every path is below apps/, and that says nothing about a service `app`."""
    web.declare(entry("app", "shop"))
    web.commit({f"apps/{i // 20}/{i}.yaml": deployment(f"d{i}", "shop") for i in range(150)})
    web.commit({"apps/zz/app.yaml": deployment("app", "shop")})
    async with web.open() as components:
        await known_around(web, components)
        assert await place(components, "app") == "apps/zz/app.yaml"
    assert len(web.requests) == 3
