"""Copies of a manifest are ambiguous; patches are none."""

import asyncio

import pytest

from failover_api.core.catalog.model import Action
from failover_api.errors import ManifestAmbiguous, ManifestNotFound
from failover_api.reading.status import Unreadable
from failover_api.wiring import Components
from tests.reading.found import OTHERS, place
from tests.support.acts import demote, move, promote
from tests.support.stage import Stage, deployment, entry

KUSTOMIZATION = "kind: Kustomization\nresources: [../../base]\n"
PATCH = "kind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {replicas: 2}\n"


async def ambiguous(components: Components, *paths: str, name: str = "web") -> None:
    with pytest.raises(ManifestAmbiguous) as caught:
        await place(components, name)
    for path in paths:
        assert path in caught.value.detail


def many_files(count: int) -> dict[str, str]:
    return {f"apps/m/{i}.yaml": deployment(f"d{i}", "shop") for i in range(count)}


TWO = ("apps/dr/web/d.yaml", "apps/zz/all.yaml")


@pytest.mark.parametrize("before", ["nothing", "another service", "a list", "only the first copy"])
async def test_two_copies_are_ambiguous_whatever_was_read_before(web: Stage, before: str) -> None:
    web.declare(entry("web", "shop") + entry("d7", "shop"))
    web.commit(many_files(140) | {TWO[0]: deployment("web", "shop")})
    if before != "only the first copy":
        web.commit({TWO[1]: OTHERS + "---\n" + deployment("web", "shop")})
    async with web.open() as components:
        if before == "another service":
            await place(components, "d7")
        if before == "a list":
            await components.failover.list_all()
        if before == "only the first copy":
            assert await place(components) == TWO[0]
            web.commit({TWO[1]: OTHERS + "---\n" + deployment("web", "shop")})
        await ambiguous(components, *TWO)
        await ambiguous(components, *TWO)
        with pytest.raises(ManifestAmbiguous):
            await components.failover.status("web")
        with pytest.raises(ManifestAmbiguous):
            await promote(components, "web")
    assert not web.writes


@pytest.mark.parametrize("how", ["status", "list", "dry run"])
async def test_a_copy_that_appears_later_is_seen_by_every_look(web: Stage, how: str) -> None:
    web.commit({TWO[0]: deployment("web", "shop")})
    async with web.open() as components:
        assert (await components.failover.status("web")).detection.readings
        web.commit({TWO[1]: deployment("web", "shop")})
        if how == "list":
            (listed,) = await components.failover.list_all()
            assert isinstance(listed, Unreadable)
            assert isinstance(listed.error, ManifestAmbiguous)
        elif how == "status":
            with pytest.raises(ManifestAmbiguous):
                await components.failover.status("web")
        else:
            await ambiguous(components, *TWO)
        web.commit({TWO[0]: None})
        assert await place(components) == TWO[1]


async def test_a_copy_that_appears_between_two_moves_refuses_the_next_at_the_latest(web: Stage) -> None:
    web.commit({TWO[0]: deployment("web", "shop")})
    async with web.open() as components:
        await promote(components, "web")
        web.commit({TWO[1]: deployment("web", "shop")})
        web.requests.clear()
        await demote(components, "web")
        assert [r.method for r in web.requests][:1] == ["PUT"], "a warm move is one request"
        with pytest.raises(ManifestAmbiguous):
            await promote(components, "web")


async def test_what_others_changed_is_looked_at_off_the_path_of_the_next_move(web: Stage) -> None:
    web.commit({TWO[0]: deployment("web", "shop")})
    async with web.open() as components:
        await promote(components, "web")
        web.commit({"apps/other.yaml": OTHERS})
        web.requests.clear()
        await demote(components, "web")
        async with asyncio.timeout(10):
            while not any(b"query Blobs" in r.body for r in web.requests):  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        web.requests.clear()
        await promote(components, "web")
    assert [r.method for r in web.requests] == ["PUT"]


async def test_what_we_write_ourselves_is_no_reason_to_look_again(web: Stage) -> None:
    web.commit({TWO[0]: deployment("web", "shop")})
    async with web.open() as components:
        await promote(components, "web")
        web.requests.clear()
        for action in (Action.DEMOTE, Action.PROMOTE, Action.DEMOTE):
            await move(components, "web", action)
    assert [r.method for r in web.requests] == ["PUT"] * 3


@pytest.mark.parametrize(
    "kustomization",
    [
        None,
        "patches: [{path: web.yaml}]\n",
        "patchesStrategicMerge:\n  - web.yaml\n",
    ],
)
async def test_an_overlays_patch_is_no_copy(web: Stage, kustomization: str | None) -> None:
    web.commit({"apps/base/web/web.yaml": deployment("web", "shop"), "apps/overlays/dr/web.yaml": PATCH})
    if kustomization:
        web.commit({"apps/overlays/dr/kustomization.yaml": KUSTOMIZATION + kustomization})
    async with web.open() as components:
        assert await place(components) == "apps/base/web/web.yaml"


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("apps/overlays/dr/kustomization.yaml", "patches:\n  - path: web.yaml\n    target: {kind: Deployment}\n"),
        ("apps/overlays/dr/kustomization.yml", "patches:\n  - path: ./web.yaml\n"),
        ("apps/overlays/dr/Kustomization", '{"patches": [{"path": "web.yaml"}]}'),
        ("apps/overlays/kustomization.yaml", "patchesStrategicMerge: [dr/web.yaml]\n"),
        ("apps/components/x/kustomization.yaml", "kind: Component\npatches: [{path: ../../overlays/dr/web.yaml}]\n"),
        ("clusters/dr/kustomization.yaml", "patchesJson6902: [{path: ../../apps/overlays/dr/web.yaml}]\n"),
    ],
)
async def test_a_file_under_patches_is_no_copy_whatever_it_holds(web: Stage, where: str, text: str) -> None:
    web.commit({"apps/base/web/web.yaml": deployment("web", "shop")})
    web.commit({"apps/overlays/dr/web.yaml": deployment("web", "shop"), where: text})
    async with web.open() as components:
        assert await place(components) == "apps/base/web/web.yaml"


@pytest.mark.parametrize(
    "text",
    [
        "resources: [web.yaml]\n# patches:\n#   - path: web.yaml\n",
        "resources: [web.yaml]\npatches:\n  - patch: |-\n      - op: remove\n        path: web.yaml\n",
        "patches: [{path: other/web.yaml}]\n",
        "patches:\n",
    ],
)
async def test_what_no_kustomization_patches_with_is_a_copy(web: Stage, text: str) -> None:
    web.commit({"apps/base/web/web.yaml": deployment("web", "shop")})
    web.commit({"apps/overlays/dr/web.yaml": deployment("web", "shop"), "apps/overlays/dr/kustomization.yaml": text})
    async with web.open() as components:
        await ambiguous(components, "apps/base/web/web.yaml", "apps/overlays/dr/web.yaml")


async def test_beside_its_own_patch_in_one_file_the_copy_is_chosen(web: Stage) -> None:
    web.commit({"apps/all.yaml": PATCH + "---\n" + deployment("web", "shop")})
    async with web.open() as components:
        assert await place(components) == "apps/all.yaml"
        assert (await promote(components, "web")).changed
        back = await move(components, "web", Action.ROLLBACK)
    assert back.changed
    assert web.read("apps/all.yaml") == (PATCH + "---\n" + deployment("web", "shop")).encode()


async def test_a_patch_alone_is_told_but_never_chosen(web: Stage) -> None:
    web.commit({"apps/overlays/dr/web.yaml": PATCH})
    async with web.open() as components:
        with pytest.raises(ManifestNotFound, match=r"apps/overlays/dr/web\.yaml:1 is a patch of it: has no key"):
            await place(components)
        web.commit({"apps/overlays/dr/web.yaml": deployment("web", "shop")})
        web.commit({"apps/overlays/dr/kustomization.yaml": "patches: [{path: web.yaml}]\n"})
        with pytest.raises(ManifestNotFound, match=r"web\.yaml:2 is a patch of it: a kustomization names"):
            await place(components)
