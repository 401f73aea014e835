"""The outcome in one sentence: single services as a table, then groups."""

from dataclasses import replace
from typing import Any

import pytest

from failover_api.core.catalog.model import Action, Policy
from failover_api.core.catalog.runtime import WorkloadName
from failover_api.core.planning.plan import Plan
from failover_api.core.planning.state import Detection, Reading, State
from failover_api.core.splice import Selector
from failover_api.core.text.next_step import watch_command
from failover_api.core.text.sentence import Part, message, sentence
from tests.support.builders import change, plan_of, service, switch

PRIMARY, BACKUP, MIXED, UNKNOWN = State.PRIMARY, State.BACKUP, State.MIXED, State.UNKNOWN


def planned(
    name: str, action: Action, before: State, after: State, *, values: int = 2, files: tuple[str, ...] = ("a.yml",)
) -> Plan:
    changes = [change("spec.role", "a", "b", file=files[0]) for _ in range(values)]
    data = {file: b"" for file in files if values}
    return replace(plan_of(*changes, name=name, action=action, before=before, after=after), old=data, new=data)


def moves(name: str = "sonarr", **how: Any) -> Plan:
    return planned(name, Action.PROMOTE, PRIMARY, BACKUP, **how)


def is_there(name: str = "sonarr") -> Plan:
    return planned(name, Action.PROMOTE, BACKUP, BACKUP, values=0)


ROLLS = planned("sonarr", Action.ROLLBACK, BACKUP, PRIMARY, values=1)


OPEN = {"pull_request": (12, "open")}
OPEN_ALREADY = {**OPEN, "changed": False}
MERGED = {"pull_request": (12, "merged")}
CLOSED = {"pull_request": (12, "closed"), "changed": False}
DRY = {"dry_run": True}
DRY_OPEN_ALREADY = {**DRY, "changed": False}
NOTHING = {"changed": False}
PULL = "Pull request #12"
APPLIED = "; Flux applies it within its interval, or when told"


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({}, f"sonarr moved from primary to backup in Git: 2 values in a.yml{APPLIED}."),
        (DRY, "sonarr would move from primary to backup: 2 values in a.yml. Nothing was written."),
        (OPEN, f"{PULL} moves sonarr from primary to backup when it is merged: 2 values in a.yml."),
        (
            OPEN_ALREADY,
            f"{PULL} is already open and moves sonarr from primary to backup when it is merged: 2 values in a.yml.",
        ),
        (
            DRY_OPEN_ALREADY,
            (
                "sonarr would move from primary to backup by a pull request that is open already: 2 values in a.yml. "
                "Nothing was written."
            ),
        ),
        (MERGED, f"{PULL} is merged and moved sonarr from primary to backup in Git: 2 values in a.yml{APPLIED}."),
        (
            CLOSED,
            f"{PULL} was closed without a merge and did not move sonarr from primary to backup: 2 values in a.yml.",
        ),
    ],
)
def test_a_move_of_one_service(how: dict[str, Any], text: str) -> None:
    assert sentence([moves()], **how) == text


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({}, f"sonarr rolled back from backup to primary in Git: 1 value in a.yml{APPLIED}."),
        (DRY, "sonarr would roll back from backup to primary: 1 value in a.yml. Nothing was written."),
        (OPEN, f"{PULL} rolls sonarr back from backup to primary when it is merged: 1 value in a.yml."),
        (
            OPEN_ALREADY,
            f"{PULL} is already open and rolls sonarr back from backup to primary when it is merged: 1 value in a.yml.",
        ),
        (MERGED, f"{PULL} is merged and rolled sonarr back from backup to primary in Git: 1 value in a.yml{APPLIED}."),
        (
            CLOSED,
            f"{PULL} was closed without a merge and did not roll sonarr back from backup to primary: 1 value in a.yml.",
        ),
    ],
)
def test_a_rollback_of_one_service(how: dict[str, Any], text: str) -> None:
    assert sentence([ROLLS], **how) == text


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        (
            planned("plex", Action.DEMOTE, MIXED, PRIMARY, values=1),
            f"plex moved from mixed to primary in Git: 1 value in a.yml{APPLIED}.",
        ),
        (
            replace(ROLLS, after=UNKNOWN),
            f"sonarr rolled back from backup to its former values in Git: 1 value in a.yml{APPLIED}.",
        ),
        (
            planned("x", Action.ROLLBACK, UNKNOWN, UNKNOWN, values=1),
            f"x rolled back from unknown to its former values in Git: 1 value in a.yml{APPLIED}.",
        ),
        (
            moves(files=("a.yml", "b\n.yml")),
            f"sonarr moved from primary to backup in Git: 2 values in a.yml, b\\u000a.yml{APPLIED}.",
        ),
        (
            moves(files=tuple("abcdefghijklmn")),
            (
                "sonarr moved from primary to backup in Git: 2 values in a, b, c, d, e, f, g, h, i, j and 4 more"
                f"{APPLIED}."
            ),
        ),
    ],
)
def test_where_from_where_to_and_what(plan: Plan, text: str) -> None:
    assert sentence([plan]) == text


def test_a_move_is_told_even_when_nobody_knows_its_values_any_more() -> None:
    """A key that comes again: its commit is known, and the catalog is another."""
    assert sentence([moves(values=0)]) == f"sonarr moved from primary to backup in Git{APPLIED}."
    assert (
        sentence([moves(values=0)], **MERGED)
        == f"{PULL} is merged and moved sonarr from primary to backup in Git{APPLIED}."
    )


@pytest.mark.parametrize("how", [{}, NOTHING, {**NOTHING, "dry_run": True}])
def test_already_there_is_nothing_to_do(how: dict[str, Any]) -> None:
    assert sentence([is_there()], **how) == "sonarr is already on backup in Git; nothing to do."
    back = planned("sonarr", Action.ROLLBACK, PRIMARY, PRIMARY, values=0)
    assert sentence([back], **how) == "sonarr is already on primary in Git; nothing to do."
    astray = planned("sonarr", Action.ROLLBACK, MIXED, MIXED, values=0)
    assert sentence([astray], **how) == "sonarr is already at its former values in Git; nothing to do."


THREE = [moves("sonarr"), moves("radarr"), moves("plex")]
LEFT_OUT = {"refused": ["bazarr"]}


@pytest.mark.parametrize(
    ("plans", "how", "text"),
    [
        (THREE, {}, f"3 services moved to backup in Git (sonarr, radarr, plex){APPLIED}."),
        ([moves()], {}, f"1 service moved to backup in Git (sonarr){APPLIED}."),
        (
            [*THREE, is_there("gitea")],
            LEFT_OUT,
            (
                "3 services moved to backup in Git (sonarr, radarr, plex); 1 was already there (gitea); "
                f"1 left out (bazarr){APPLIED}."
            ),
        ),
        (
            [is_there("gitea"), moves("sonarr"), is_there("home")],
            {"refused": ["a", "b"]},
            (
                "1 service moved to backup in Git (sonarr); 2 were already there (gitea, home); "
                f"2 left out (a, b){APPLIED}."
            ),
        ),
        (
            [*THREE[:2], is_there("gitea")],
            {**DRY, **LEFT_OUT},
            (
                "2 services would move to backup (sonarr, radarr); 1 is already there (gitea); "
                "1 would be left out (bazarr). Nothing was written."
            ),
        ),
        (
            THREE,
            DRY_OPEN_ALREADY,
            (
                "3 services would move to backup by a pull request that is open already (sonarr, radarr, plex). "
                "Nothing was written."
            ),
        ),
        (
            [*THREE, is_there("gitea"), is_there("home")],
            {**OPEN, **LEFT_OUT},
            (
                "pull request #12 moves 3 services to backup when it is merged (sonarr, radarr, plex); "
                "2 are already there (gitea, home); 1 left out (bazarr)."
            ),
        ),
        (
            THREE,
            OPEN_ALREADY,
            "pull request #12 is already open and moves 3 services to backup when it is merged (sonarr, radarr, plex).",
        ),
        (
            THREE,
            MERGED,
            f"pull request #12 is merged and moved 3 services to backup in Git (sonarr, radarr, plex){APPLIED}.",
        ),
        ([is_there()], NOTHING, "1 service is already on backup in Git (sonarr); nothing to do."),
        (
            [is_there(), is_there("plex")],
            {**NOTHING, "dry_run": True, **LEFT_OUT},
            "2 services are already on backup in Git (sonarr, plex); 1 left out (bazarr); nothing to do.",
        ),
        ([], {**NOTHING, "refused": ["a", "b"]}, "2 left out (a, b); nothing to do."),
        (
            [moves(f"s{n}") for n in range(300)],
            {"refused": [f"r{n}" for n in range(11)]},
            (
                "300 services moved to backup in Git (s0, s1, s2, s3, s4, s5, s6, s7, s8, s9 and 290 more); "
                "11 left out (r0, r1, r2, r3, r4, r5, r6, r7, r8, r9 and 1 more)"
                f"{APPLIED}."
            ),
        ),
    ],
)
def test_the_outcome_of_a_group(plans: list[Plan], how: dict[str, Any], text: str) -> None:
    assert sentence(plans, group="k3s-w1", **how) == f"k3s-w1: {text}"


def by_pull_request(plan: Plan) -> Plan:
    return replace(plan, service=replace(plan.service, policy=Policy.PULL_REQUEST))


def test_a_dry_run_says_that_a_person_will_have_to_merge_it() -> None:
    """Nothing moves until then: `would move` alone would be read as a commit."""
    asked = by_pull_request(moves())
    assert sentence([asked], **DRY) == (
        "sonarr would move from primary to backup by a pull request: 2 values in a.yml. Nothing was written."
    )
    rolls = by_pull_request(ROLLS)
    assert "would roll back from backup to primary by a pull request: " in sentence([rolls], **DRY)
    there = by_pull_request(is_there())
    assert sentence([there], **NOTHING, **DRY) == "sonarr is already on backup in Git; nothing to do."
    parts = [Part([moves()], dry_run=True), Part([by_pull_request(moves("photoprism"))], dry_run=True)]
    assert message(parts, group="k3s-w1") == (
        "k3s-w1: 1 service would move to backup (sonarr); 1 service would move to backup by a pull request "
        "(photoprism). Nothing was written."
    )


def test_what_two_parts_of_a_group_would_come_to_is_one_sentence() -> None:
    moving, there = Part([moves("sonarr"), moves("radarr")], dry_run=True), Part([is_there("plex")], dry_run=True)
    said = (
        "k3s-w1: 2 services would move to backup (sonarr, radarr); 1 service is already on backup in Git (plex). "
        "Nothing was written."
    )
    assert message([moving, there], group="k3s-w1") == message([there, moving], group="k3s-w1") == said
    assert message([there, there], group="g") == (
        "g: 1 service is already on backup in Git (plex); 1 service is already on backup in Git (plex); nothing to do."
    )


def test_what_two_parts_of_a_group_came_to_is_a_sentence_each() -> None:
    said = message([Part([moves("sonarr")]), Part([moves("plex")], pull_request=(12, "open"))], group="g")
    assert said == (
        f"g: 1 service moved to backup in Git (sonarr){APPLIED}. "
        "g: pull request #12 moves 1 service to backup when it is merged (plex)."
    )


def test_several_services_that_part_have_no_place_in_common() -> None:
    plans = [moves(), planned("plex", Action.PROMOTE, UNKNOWN, MIXED)]
    assert sentence(plans, **OPEN) == f"{PULL} moves 2 services when it is merged (sonarr, plex)."
    there = [is_there(), planned("plex", Action.DEMOTE, PRIMARY, PRIMARY, values=0)]
    assert sentence(there) == "2 services are already there in Git (sonarr, plex); nothing to do."


def test_what_was_moved_is_watched_where_it_is() -> None:
    plan = replace(moves(), service=service(switch("spec.role", "a", "b", selector=Selector(namespace="home"))))
    assert watch_command([plan]) == "kubectl -n home get pods -o wide -w"
    shown = "Flux applies it within its interval, or when told (kubectl -n home get pods -o wide -w shows it)."
    assert sentence([plan]).endswith(shown)
    assert "kubectl" not in sentence([plan], **DRY) + sentence([plan], **OPEN) + sentence([plan], **CLOSED)


def test_a_namespace_that_is_not_known_is_not_guessed() -> None:
    """A document's own wins over the catalog's; several are watched all at once; none that could run anything."""

    def said(*namespaces: str | None, catalog: str | None = None) -> Plan:
        read = tuple(reading(namespace) for namespace in namespaces)
        own = service(switch("spec.role", "a", "b", selector=Selector(namespace=catalog)))
        return replace(moves(), service=own, before=Detection(PRIMARY, read))

    assert watch_command([said("media", None, catalog="home")]) == "kubectl -n media get pods -o wide -w"
    assert watch_command([said("media"), said("home")]) == "kubectl get pods -A -o wide -w"
    assert watch_command([said("media"), said(None)]) == "kubectl get pods -A -o wide -w"
    assert watch_command([said(None)]) == watch_command([said("$(reboot)")]) == ""


def test_a_kustomizations_pods_are_where_it_puts_them() -> None:
    """Its own namespace is Flux's."""

    def said(target: str | None, **how: Any) -> str:
        own = replace(service(switch("spec.role", "a", "b", selector=Selector("Kustomization"))), **how)
        read = replace(reading("flux-system"), kind="Kustomization", target_namespace=target)
        return watch_command([replace(moves(), service=own, before=Detection(PRIMARY, (read,)))])

    assert said("photos") == "kubectl -n photos get pods -o wide -w"
    assert said(None) == ""
    workload = WorkloadName("Deployment", "photoprism", "photos")
    assert said(None, primary_workload=workload, backup_workload=workload) == "kubectl -n photos get pods -o wide -w"
    assert said(None, primary_workload=replace(workload, namespace=None)) == ""


def reading(namespace: str | None) -> Reading:
    return Reading(switch("spec.role", "a", "b"), "a.yaml", "Deployment sonarr", 1, "a", PRIMARY, namespace)


TIDY = replace(planned("sonarr", Action.PROMOTE, BACKUP, BACKUP), is_tidy=True)


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({}, f"the strategy of sonarr is put back in Git: 2 values in a.yml{APPLIED}."),
        (DRY, "the strategy of sonarr would be put back: 2 values in a.yml. Nothing was written."),
        (OPEN, f"{PULL} puts the strategy of sonarr back when it is merged: 2 values in a.yml."),
        (
            OPEN_ALREADY,
            f"{PULL} is already open and puts the strategy of sonarr back when it is merged: 2 values in a.yml.",
        ),
        (MERGED, f"{PULL} is merged and put the strategy of sonarr back in Git: 2 values in a.yml{APPLIED}."),
        (CLOSED, f"{PULL} was closed without a merge and did not put the strategy of sonarr back: 2 values in a.yml."),
    ],
)
def test_a_strategy_that_is_put_back(how: dict[str, Any], text: str) -> None:
    assert sentence([TIDY], **how) == text


def test_nothing_to_put_back() -> None:
    tidy = replace(is_there(), is_tidy=True)
    assert sentence([tidy], **NOTHING) == "sonarr is already on backup in Git; nothing to do."
