"""What may go wrong stands in the pull request that somebody merges."""

from failover_api.core.text.trailers import read_records
from tests.support.acts import demote, number, promote
from tests.support.stage import Stage


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
