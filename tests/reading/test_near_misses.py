"""What is named where a manifest is not found."""

import pytest

from failover_api.errors import DocumentNotFound, FileNotFound, ManifestNotFound
from failover_api.sandbox import NewFile
from tests.reading.found import place
from tests.support.stage import Stage, deployment, entry


def nested(text: str) -> str:
    return "kind: List\nitems:\n- " + text.replace("\n", "\n  ")


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        (
            "apps/a.yaml",
            deployment("web", "shop").replace("Deployment", "StatefulSet"),
            "apps/a.yaml:2 has StatefulSet shop/web, another kind",
        ),
        ("apps/a.yaml", deployment("web", "store"), "apps/a.yaml:2 has Deployment store/web, another namespace"),
        ("apps/a.yaml", deployment("web", "${NAMESPACE}"), "${NAMESPACE}, which Flux fills in"),
        ("apps/a.yaml", deployment("${APP}-web", "shop"), None),
        ("apps/a.yaml", deployment("we${X}", "shop"), "we${X}, which Flux fills in"),
        ("apps/a.yaml", nested(deployment("web", "shop")), "apps/a.yaml:4 has it inside a list"),
        ("apps/a.yaml", deployment("webb", "shop"), "apps/a.yaml:2 has Deployment shop/webb, a name like it"),
        ("apps/web/link.yaml", NewFile(b"real", 0o120000), "apps/web/link.yaml is a symlink"),
        ("apps/web/web.yml.tmpl", deployment("web", "shop"), "apps/web/web.yml.tmpl is a template"),
        ("apps/web.jsonnet", "{}", "apps/web.jsonnet is Jsonnet"),
        ("lab/web.yaml", deployment("web", "shop"), "lab/web.yaml:2 has it, but is outside `search`"),
        ("lab/web.yaml", deployment("other", "shop"), None),
    ],
)
async def test_a_search_that_finds_nothing_names_the_nearest(
    web: Stage, path: str, text: str | NewFile, words: str | None
) -> None:
    web.declare(entry("web", "shop"), top="search: apps")
    web.commit({path: text})
    async with web.open() as components:
        with pytest.raises(ManifestNotFound) as caught:
            await place(components)
    if words is None:
        assert "nearest" not in caught.value.detail
    else:
        assert words in caught.value.detail


async def test_a_namespace_that_a_kustomization_gives_is_told(web: Stage) -> None:
    web.commit({"apps/web/d.yaml": deployment("web", "default"), "apps/kustomization.yaml": "namespace: shop\n"})
    async with web.open() as components:
        with pytest.raises(ManifestNotFound, match=r"apps/kustomization\.yaml gives it the namespace shop"):
            await place(components)


async def test_near_misses_are_few(web: Stage) -> None:
    web.commit({f"apps/{i}.yaml": deployment("web", f"n{i}") for i in range(40)})
    async with web.open() as components:
        with pytest.raises(ManifestNotFound) as caught:
            await place(components)
    assert caught.value.detail.count("another namespace") == 5
    assert "; and 35 more" in caught.value.detail


async def test_a_path_that_leads_nowhere_names_what_comes_nearest(web: Stage) -> None:
    web.declare(entry("web", "shop", "path: apps/webb/deployment.yaml") + entry("db", "shop"))
    web.commit({"apps/web/deployment.yaml": deployment("web", "store"), "apps/db.yaml": deployment("db", "shop")})
    async with web.open() as components:
        await place(components, "db")  # the tree is known from now on
        with pytest.raises(FileNotFound, match=r"nearest: apps/web/deployment\.yaml"):
            await place(components)
        web.declare(entry("web", "shop", "path: apps/web/deployment.yaml"))
        components.catalog.reload()
        with pytest.raises(DocumentNotFound, match=r"nearest: .*:2 has Deployment store/web, another namespace"):
            await place(components)
