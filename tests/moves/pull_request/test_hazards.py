"""What may go wrong stands in the pull request that somebody merges."""

import pytest

from failover_api.core.text.trailers import read_records
from failover_api.errors import UnsafeMove
from tests.support.acts import demote, number, promote
from tests.support.stage import SONARR, Stage, deployment, entry


async def test_who_merges_the_way_home_reads_what_stays_behind(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        there = number(await promote(components))
        assert "stays behind" not in reviewed.pulls()[0]["body"]
        reviewed.merge(there)
        outcome = await demote(components)
        again = await demote(components)
        (pull,) = reviewed.pulls()
        reviewed.merge(number(outcome))
        history = await components.failover.history("sonarr", limit=2)
    assert [hazard.slug for hazard in outcome.hazards] == ["data-left-behind"]
    assert (again.changed, again.hazards) == (False, ())
    assert "\n- What sonarr wrote on backup" in pull["body"]
    assert "Sync pvc-sonarr-backup back first" in pull["body"]
    assert "After the merge Git says so, and Flux applies it within its interval, or when told." in pull["body"]
    assert "`kubectl -n media get pods -o wide -w` shows the pods." in pull["body"]
    assert [record.service for record in read_records(pull["body"])] == ["sonarr"]
    assert [entry.record.action for entry in history.entries if entry.record] == ["demote", "promote"]


SWITCH = "      - {file: %s, kind: Deployment, path: spec.strategy.type, primary: Recreate, backup: RollingUpdate}\n"
ACCEPTED = frozenset({"strategy-alone"})


@pytest.fixture
def stopped(reviewed: Stage) -> Stage:
    """sonarr on backup, with a switch on its strategy's type: the way home is a stop."""
    text = deployment("sonarr", role="backup", claim="pvc-sonarr-backup")
    reviewed.commit({SONARR: text.replace("  replicas: 1\n", "  replicas: 1\n  strategy: {type: RollingUpdate}\n")})
    reviewed.declare(
        f"{entry('sonarr', 'media', f'path: {SONARR}')}    switches:\n{SWITCH % SONARR}", top="policy: pull_request"
    )
    return reviewed


async def test_a_stop_opens_no_pull_request(stopped: Stage) -> None:
    async with stopped.open() as components:
        for dry_run in (True, False):
            with pytest.raises(UnsafeMove) as refused:
                await demote(components, dry_run=dry_run)
            assert refused.value.hazards[0].slug == "strategy-alone"
            assert len(refused.value.outcomes) == 1
    assert stopped.pulls() == []


async def test_what_was_accepted_is_in_the_pull_request_and_in_what_it_is_merged_as(stopped: Stage) -> None:
    async with stopped.open() as components:
        opened = await demote(components, accept=ACCEPTED)
        again = await demote(components, accept=ACCEPTED)
        (pull,) = stopped.pulls()
        stopped.commit({"README.md": "# Another\n"})
        later = await demote(components, accept=ACCEPTED)
        stopped.merge(number(opened))
        (entry, *_) = (await components.failover.history("sonarr", limit=1)).entries
    assert (again.changed, number(again)) == (False, number(opened))
    assert (later.changed, number(later)) == (False, number(opened))
    assert "\nFailover-Accepted: strategy-alone\n" in pull["body"] + "\n"
    assert "\n- Deployment media/sonarr: the strategy is moved from RollingUpdate to Recreate" in pull["body"]
    assert entry.record is not None
    assert entry.record.accepted == ("strategy-alone",)


async def test_who_asks_again_is_given_what_is_open_and_opens_nothing_else(stopped: Stage) -> None:
    async with stopped.open() as components:
        opened = await demote(components, accept=ACCEPTED)
        again = await demote(components)
        rehearsed = await demote(components, dry_run=True)
        assert (again.changed, number(again), again.operation) == (False, number(opened), opened.operation)
        assert (rehearsed.changed, rehearsed.hazards) == (False, ())
        stopped.close(number(opened))
        with pytest.raises(UnsafeMove):
            await demote(components)
    assert stopped.pulls() == []


async def test_a_pull_request_that_is_superseded_was_ours_although_it_was_a_stop(stopped: Stage) -> None:
    """What another call accepted is planned anew as that one did it, and is no stranger's."""
    async with stopped.open() as components:
        home = await demote(components, accept=ACCEPTED)
        stopped.replace(SONARR, "sonarr:1.0", "sonarr:1.1")
        moved = await demote(components, accept=ACCEPTED)
    assert number(moved) == number(home)
    assert moved.warnings == ()
