"""The warnings of `failover check`: of one kind one line, with its count and its names; and what failed alike."""

from typing import Any

from failover_api.edges.cli.check_lines import check_lines
from failover_api.edges.cli.check_warnings import warning_lines

NAMES = [f"app-{number}" for number in range(60)]
SLUGS = ("suspended", "fixed-field")
BESIDE = "a.yaml:1: spec.x is y (primary); warning: the catalog names no `path`, so it is searched for: write `path: a`"


def warn(name: str, detail: str) -> dict[str, Any]:
    return {"name": name, "ok": True, "level": "warn", "detail": detail}


def test_few_have_a_line_each() -> None:
    checks = [warn("switch tea", BESIDE), warn("hazard web", "a.yaml:4: promote: It waits. Wait too. (suspended)")]
    assert warning_lines(checks) == [
        "hazard web: a.yaml:4: promote: It waits. Wait too. (suspended)",
        "switch tea: the catalog names no `path`, so it is searched for: write `path: a`",
    ]


def test_sixty_services_of_three_kinds_are_three_lines() -> None:
    checks = [
        check
        for name in NAMES
        for check in (
            warn(f"switch {name}", BESIDE),
            warn(f"hazard {name}", f"{name}.yaml:4: promote: Strategy waits for {name}. Do. (recreate-blocks)"),
            warn(f"claim {name}", f"backup: No manifest makes the claim {name}-b. Without it it cannot start."),
        )
    ]
    shown = "60 services (app-0, app-1, app-2, app-3, app-4 and 55 more): "
    hazard, claim, switch = warning_lines(checks)
    assert hazard.startswith(
        f"hazard recreate-blocks: {shown}Strategy Recreate waits for the old pod, which a dead node"
    )
    assert claim == (
        f"claim: {shown}such as app-0: backup: No manifest makes the claim app-0-b. Without it it cannot start."
    )
    assert switch.startswith(f"switch: {shown}such as app-0: the catalog names no `path`")


def test_kinds_are_kept_apart() -> None:
    checks = [
        *(
            warn(f"hazard {name}", f"x:1: demote: D. C. ({slug})")
            for name in "ab"
            for slug in ("suspended", "fixed-field")
        ),
        warn("catalog placeholder", "7 services have the one"),
        warn("catalog placeholder", "8 lines have the other"),
    ]
    lines = warning_lines(checks)
    assert [line.partition(" (")[0] for line in lines] == [
        "hazard suspended: 2 services",
        "hazard fixed-field: 2 services",
        "catalog placeholder: 7 services have the one",
        "catalog placeholder: 8 lines have the other",
    ]
    assert lines[1].endswith("such as a: x:1: demote: D. C. (fixed-field)")


def test_what_all_are_told_alike_is_told_in_its_own_words() -> None:
    detail = "The cluster: promote and demote: The cluster does not answer (refused). Look at it. (cluster-unseen)"
    (line,) = warning_lines([warn(f"hazard {name}", detail) for name in NAMES])
    assert line.startswith("hazard cluster-unseen: 60 services (app-0, ")
    assert line.endswith(f": {detail}")


def test_what_is_wrong_with_all_of_a_node_is_said_once_and_no_name_is_left_out() -> None:
    dead = "Node k3s-w1: demote: it has not been heard of. (node-not-ready)"
    failed = [("hazard sonarr", dead), ("hazard radarr", dead), ("switch plex", "p.yaml:1: a"), ("catalog", "no")]
    checks = [{"name": name, "ok": False, "level": "failed", "detail": detail} for name, detail in failed]
    assert [line.plain for line in check_lines({"checks": checks}, quiet=True)] == [
        f"FAILED  hazard sonarr, radarr: {dead}",
        "FAILED  switch plex: p.yaml:1: a",
        "FAILED  catalog: no",
        "4 of 4 checks failed.",
    ]
