"""What there is to tell of moves as they really end: on a stage, with a listener that keeps the notices."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from failover_api.core.catalog.model import Action, Branch, Policy
from failover_api.core.catalog.notification import Event
from failover_api.core.planning.request import MoveRequest, Provenance
from failover_api.core.text.notice import Notice
from failover_api.core.text.trailers import Record
from failover_api.errors import (
    FailoverError,
    ForgeFailure,
    ForgePermission,
    ForgeUnavailable,
    InternalError,
    ManifestDrifted,
    OutcomeUnknown,
)
from failover_api.events import Blocked, Merged, MoveEnded, Serving
from failover_api.notify.messages import (
    event_of_error,
    notice_of,
    notice_of_blocked,
    notice_of_merge,
    notice_of_serving,
)
from failover_api.wiring import Components
from tests.support.acts import demote, move, promote
from tests.support.builders import OPERATION, record, service
from tests.support.stage import SERVICES, SONARR, Stage


@contextlib.asynccontextmanager
async def told(stage: Stage) -> AsyncIterator[tuple[Components, list[Notice]]]:
    notices: list[Notice] = []

    def listen(event: MoveEnded) -> None:
        notice = notice_of(event)
        if notice is not None:
            notices.append(notice)

    async with stage.open() as components:
        components.events.subscribe(MoveEnded, listen)
        yield components, notices


async def test_a_move_is_told_with_who_why_and_its_commit(stage: Stage) -> None:
    async with told(stage) as (components, notices):
        outcome = await promote(components, reason="w1 is down")
    (notice,) = notices
    assert outcome.commit is not None
    assert (notice.event, notice.services, notice.title) == (Event.MOVED, ("sonarr",), "sonarr moved to backup")
    assert notice.fields["text"] == (
        f"sonarr moved from primary to backup in Git: 2 values in {SONARR}; Flux applies it within its interval, or "
        "when told (kubectl -n media get pods -o wide -w shows it).\n"
        f"Asked for by maria: w1 is down\n{outcome.commit.url}"
    )
    facts = {name: notice.fields[name] for name in ("action", "from", "to", "by", "reason", "operation", "group")}
    assert facts == {
        "action": "promote", "from": "primary", "to": "backup", "by": "maria", "reason": "w1 is down",
        "operation": outcome.operation, "group": "",
    }  # fmt: skip


async def test_what_changes_nothing_is_not_told(stage: Stage) -> None:
    async with told(stage) as (components, notices):
        await promote(components, dry_run=True)
        await demote(components)
        await demote(components, dry_run=True)
        with contextlib.suppress(FailoverError):
            await promote(components, dry_run=True, versions=frozenset({"other"}))
    assert notices == []


async def test_a_repeated_key_is_not_told_twice(stage: Stage) -> None:
    async with told(stage) as (components, notices):
        await promote(components, key="night-1")
        await promote(components, key="night-1")
    assert [notice.event for notice in notices] == [Event.MOVED]


async def test_a_rollback_is_told(stage: Stage) -> None:
    async with told(stage) as (components, notices):
        await promote(components)
        await move(components, action=Action.ROLLBACK)
    assert (notices[1].event, notices[1].title) == (Event.ROLLED_BACK, "sonarr rolled back")
    assert "sonarr rolled back from backup to primary in Git" in notices[1].fields["message"]


async def test_a_pull_request_is_told_once_while_it_is_open(reviewed: Stage) -> None:
    async with told(reviewed) as (components, notices):
        outcome = await promote(components, reason="w1 is down")
        await promote(components)
    (notice,) = notices
    assert outcome.pull_request is not None
    assert (notice.event, notice.fields["url"]) == (Event.PROPOSED, outcome.pull_request.url)
    assert notice.title == f"sonarr: pull request #{outcome.pull_request.number} waits for a review"
    assert notice.fields["message"].startswith(f"Pull request #{outcome.pull_request.number} moves sonarr from primary")


async def test_a_group_is_one_notice(stage: Stage) -> None:
    stage.declare(f"{SERVICES}groups:\n  media: [sonarr, radarr, plex]\n")
    async with told(stage) as (components, notices):
        await promote(components, "radarr")
        await components.failover.move_group("media", Action.PROMOTE, MoveRequest(by="maria"))
    notice = notices[1]
    assert len(notices) == 2
    assert (notice.services, notice.title) == (("sonarr", "plex"), "Group media moved to backup")
    assert notice.fields["message"] == (
        "media: 2 services moved to backup in Git (sonarr, plex); 1 was already there (radarr); Flux applies it "
        "within its interval, or when told (kubectl -n media get pods -o wide -w shows it)."
    )


async def test_a_group_on_two_policies_is_a_notice_for_each_and_its_rehearsal_is_none(stage: Stage) -> None:
    services = SERVICES.replace("  radarr:\n", "  radarr:\n    policy: pull_request\n")
    stage.declare(f"{services}groups:\n  media: [sonarr, radarr]\n")
    async with told(stage) as (components, notices):
        await components.failover.move_group("media", Action.PROMOTE, MoveRequest(by="maria"))
    assert sorted((notice.event, notice.services) for notice in notices) == [
        (Event.MOVED, ("sonarr",)),
        (Event.PROPOSED, ("radarr",)),
    ]


async def test_a_refusal_says_why(stage: Stage) -> None:
    stage.replace(SONARR, "role: primary", "role: maintenance")
    async with told(stage) as (components, notices):
        with pytest.raises(ManifestDrifted) as caught:
            await promote(components)
    (notice,) = notices
    assert (notice.event, notice.title) == (Event.REFUSED, "sonarr was not moved to backup")
    assert notice.fields["message"] == f"sonarr was not moved to backup: {caught.value.detail}"


@pytest.mark.parametrize(
    ("error", "event"),
    [
        (ForgeUnavailable("down"), Event.FAILED),
        (ForgePermission("may not"), Event.FAILED),
        (InternalError("defect"), Event.OUTCOME_UNKNOWN),
        (OutcomeUnknown("lost"), Event.OUTCOME_UNKNOWN),
        (ManifestDrifted("3 is neither"), Event.REFUSED),
    ],
)
def test_which_event_an_error_is(error: FailoverError, event: Event) -> None:
    assert event_of_error(error) is event
    ended = MoveEnded(Action.DEMOTE, Policy.DIRECT, ("a", "b"), "media", "maria", "", False, "OP", 1.0, error=error)
    notice = notice_of(ended)
    assert notice is not None
    assert "Group media" in notice.title
    assert error.detail in notice.fields["message"]


def test_every_error_of_the_family_is_one_of_the_events() -> None:
    def family(cls: type[FailoverError]) -> set[type[FailoverError]]:
        return {cls}.union(*map(family, cls.__subclasses__()))

    slugs = {event: set[str]() for event in Event}
    for cls in family(FailoverError) - {FailoverError, ForgeFailure}:  # bases, never raised
        error = cls.__new__(cls)
        slugs[event_of_error(error)].add(cls.slug)
    assert slugs[Event.OUTCOME_UNKNOWN] == {"internal-error", "outcome-unknown"}
    assert "github-unavailable" in slugs[Event.FAILED]
    assert slugs[Event.FAILED].isdisjoint(slugs[Event.REFUSED])


def test_a_merge_is_told_as_the_pull_request_says() -> None:
    branch, url = Branch("acme/homelab", "main"), "https://github.test/acme/homelab/pull/12"
    one = Record("sonarr", "promote", "primary", "backup", Provenance("OP", "maria", "", "w1 is down"))
    notice = notice_of_merge(Merged(branch, 12, url, (one,), "https://github.test/c/1"))
    assert (notice.event, notice.title) == (Event.MERGED, "sonarr: pull request #12 is merged")
    assert notice.fields["text"] == (
        f"Pull request #12 is merged: sonarr moved from primary to backup.\nAsked for by maria: w1 is down\n{url}"
    )
    two = Record("radarr", "promote", "mixed", "backup", Provenance("OP", "maria", "", group="media"))
    notice = notice_of_merge(Merged(branch, 12, url, (two, one)))
    assert notice.title == "Group media: pull request #12 is merged"
    for instead in ("node k3s-w1", "alert NodeGone"):
        of_node = replace(two, provenance=replace(two.provenance, group=instead))
        assert notice_of_merge(Merged(branch, 12, url, (of_node, one))).title == (
            "radarr, sonarr: pull request #12 is merged"
        )
    message = "Pull request #12 is merged: 2 services (radarr, sonarr) moved to backup."
    assert (notice.fields["message"], notice.fields["from"], notice.fields["to"]) == (message, "", "backup")


async def test_nothing_that_is_told_is_markup(stage: Stage) -> None:
    async with told(stage) as (components, notices):
        await promote(components, reason="@everyone [pay](https://evil.example) *now*", by="<!channel>")
    (notice,) = notices
    assert "Asked for by \u2039!channel\u203a: @\u2060everyone" in notice.fields["text"]
    assert "\uff3bpay\uff3d(https://evil.example) \u2217now\u2217" in notice.fields["reason"]
    assert notice.written("**$reason** $url").startswith("**@\u2060everyone"), "a template may have markup"
    assert notice.fields["url"].startswith("http")


def test_records_of_a_merged_pull_request_are_text_too() -> None:
    record = Record("sonarr", "*promote*", "primary", "[backup](x)", Provenance("OP", "@everyone", "", "`w1`"))
    merged = Merged(Branch("acme/homelab", "main"), 12, "https://github.test/acme/homelab/pull/12", (record,))
    notice = notice_of_merge(merged)
    assert not set("*`[]@") & set(notice.title + notice.fields["action"] + notice.fields["to"])
    assert "@everyone" not in notice.fields["text"]


# Rollouts


def test_an_app_that_serves_is_told_with_its_node_and_the_time_it_took() -> None:
    event = Serving(service(), record(reason="k3s-w1 is down", by="ops-laptop"), "k3s-w2", 41.4, is_own=True)
    notice = notice_of_serving(event)
    assert (notice.event, notice.title) == (Event.SERVING, "sonarr serves on k3s-w2")
    assert notice.fields["message"] == "sonarr serves on k3s-w2, 41 s after the commit."
    assert (notice.fields["operation"], notice.fields["to"]) == (OPERATION, "backup")
    assert "Asked for by ops-laptop: k3s-w1 is down" in notice.fields["text"]


def test_a_move_that_does_not_come_up_is_told_with_the_cure() -> None:
    event = Blocked(service(), record(), "The pod is on <k3s-w1>.", "Look at the machine.", is_own=True)
    notice = notice_of_blocked(event)
    assert (notice.event, notice.title) == (Event.BLOCKED, "sonarr does not come up")
    assert notice.fields["message"].startswith("sonarr is moved in Git, and does not come up: The pod is on")
    assert notice.fields["message"].endswith("Look at the machine.")
    assert "<" not in notice.fields["message"]
