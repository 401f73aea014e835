"""What is tried of a service's moves for the list."""

import pytest

from failover_api.core.catalog.model import Switch
from failover_api.core.planning.state import Reading
from failover_api.core.planning.switch_edits import blocking_error
from failover_api.core.splice import Manifest
from failover_api.errors import ManifestError
from failover_api.reading import status
from failover_api.reading.status import Status, Unreadable
from tests.support.stage import SONARR, Stage, entry

OUTSIDE = "role: &r primary\n        other: *r"


def obstacles(statuses: list[Status | Unreadable]) -> list[str]:
    return [str(error) for each in statuses if isinstance(each, Status) for error in each.obstacles.values()]


async def test_moves_are_tried_once_a_version(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.declare(entry("sonarr"))
    tried: list[Switch] = []

    def trying(reading: Reading, manifest: Manifest) -> ManifestError | None:
        tried.append(reading.switch)
        return blocking_error(reading, manifest)

    monkeypatch.setattr(status, "blocking_error", trying)
    async with stage.open() as components:

        async def look() -> tuple[int, list[str]]:
            tried.clear()
            found = obstacles(await components.failover.list_all(try_moves=True))
            return len(tried), found

        first, found = await look()
        assert first > 0
        assert found == []
        assert await look() == (0, [])
        stage.replace(SONARR, "role: primary", OUTSIDE)
        again, (error,) = await look()
        assert again == first
        assert "&r" in error
        assert await look() == (0, [error]), "what was found is told again"
        stage.replace(SONARR, OUTSIDE, "role: primary")
        assert await look() == (first, [])
