"""Relocations by pull request, where two things go wrong at once: replies are lost, replicas and people act as well."""

from pathlib import Path

from tests.support.relocating import proposing, start
from tests.support.stage import Stage


async def test_a_commit_with_sides_that_there_are_none_of_is_nobodys_step(stage: Stage, tmp_path: Path) -> None:
    with proposing(stage, tmp_path) as lab:
        async with lab.open() as components:
            stage.commit(
                {"README.md": "x"},
                "By hand\n\nFailover-Service: sonarr\nFailover-Action: relocate\nFailover-Step: 1/5 reverse\n"
                "Failover-From: mars\nFailover-To: mars\nFailover-Operation: 01KBDXXXXXXXXXXXXXXXXXXXXX",
            )
            assert await components.failover.relocations.look("sonarr") is None
            assert (await start(components)).operation
