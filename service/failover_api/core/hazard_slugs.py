"""The slugs of all hazards, with the severities that each may have, and what is said of one that many services have.

This is the vocabulary of `accept`, so a slug stands here whether or not what it is found in can be seen from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a hazard matters: the later, the more."""

    INFO = "info"
    WARN = "warn"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Slug:
    """A kind of hazard. `several` and `cure` say it of many services; "" where their first one's words do."""

    severities: frozenset[Severity]
    several: str = ""
    cure: str = ""


_INFO, _WARN, _STOP = Severity.INFO, Severity.WARN, Severity.STOP
UNSEEN, OF_ANY_AGE = "cluster-unseen", "data-age-unknown"
OF_A_CLAIM = "claim-empty"  # in the catalog it is accepted for one claim: `claim-empty=CLAIM`


def _slug(*severities: Severity, several: str = "", cure: str = "") -> Slug:
    return Slug(frozenset(severities), several, cure)


SLUGS: Mapping[str, Slug] = {
    "strategy-alone": _slug(
        _WARN,
        _STOP,
        several="The strategy's type is moved alone, and Kubernetes refuses the way back to Recreate",
        cure="Take the switch on the strategy out of the catalog, and write RollingUpdate with its rollingUpdate block "
        "into the manifest",
    ),
    "fixed-field": _slug(_STOP),
    "suspended": _slug(
        _WARN,
        several="What would apply the change is suspended, or has no automated sync",
        cure="Resume each; `failover check` names them",
    ),
    "ssa-ignored": _slug(_WARN),
    "starts-nothing": _slug(_WARN, _STOP),
    "recreate-blocks": _slug(
        _INFO,
        _WARN,
        _STOP,
        several="Strategy Recreate waits for the old pod, which a dead node never ends",
        cure="Write RollingUpdate with maxSurge 0 and maxUnavailable 1. Once it is blocked: taint the node, when it is "
        "surely off, with node.kubernetes.io/out-of-service=nodeshutdown:NoExecute, after the move",
    ),
    "statefulset-blocks": _slug(
        _INFO,
        _WARN,
        _STOP,
        several="A StatefulSet waits for its old pod, which a dead node never ends",
        cure="Move first; then taint the node, when it is surely off, with "
        "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute",
    ),
    "rolling-on-one-volume": _slug(
        _WARN,
        several="After the move an ordinary update runs two pods on one volume until the strategy is put back",
        cure="Update no image before they are moved back, or make the claims ReadWriteOncePod",
    ),
    "helm-rolls-back": _slug(
        _WARN,
        several="Flux waits for the release and rolls back when it is not ready in time: to the node that was left",
        cure="Write `upgrade.disableWait: true`, or `upgrade.strategy.name: RetryOnFailure`",
    ),
    "scaled-by-other": _slug(_WARN),
    "replication-left": _slug(
        _WARN,
        several="Replication works on their claims and is not moved with them",
        cure="Add a switch on `spec.paused` of each; a dry run of one service names them",
    ),
    "source-may-return": _slug(
        _WARN,
        several="Replication into the claims that they move to goes on after the move",
        cure="Add a switch on `spec.paused` of each; a dry run of one service names them",
    ),
    "claim-unknown": _slug(
        _WARN,
        several="The claim to move to is nowhere in the repository",
        cure="Run `failover check`, which names each; for claims that are made elsewhere write `claims: external`",
    ),
    "data-left-behind": _slug(
        _WARN,
        _STOP,
        several="What was written on backup stays behind, and primary goes on with the data it had before",
        cure="Sync each back first, or relocate it where the catalog has `replication`; a dry run of one service names "
        "its claims, and replication that the move restarts",
    ),
    "node-missing": _slug(
        _STOP,
        several="No node of the cluster is one of the side's",
        cure="Label the nodes, or correct the sides in the catalog",
    ),
    "node-not-ready": _slug(
        _STOP,
        several="Nodes to move to are not ready",
        cure="Bring them up first, or leave the services where they are",
    ),
    "node-cordoned": _slug(
        _WARN,
        several="Nodes to move to take no new pod",
        cure="`kubectl uncordon` each, or take its taint off, when it is meant to work",
    ),
    "claim-missing": _slug(
        _STOP,
        several="Claims to move to are not in the cluster",
        cure="Make each, or correct its name in the catalog",
    ),
    "claim-pending": _slug(
        _STOP, several="Claims to move to have no volume yet", cure="Look at the events of each: provisioner, class"
    ),
    "claim-elsewhere": _slug(
        _STOP,
        several="Volumes are on other machines than the nodes to move to",
        cure="Claim and node are of different sides: correct them in the catalog",
    ),
    "claim-lost": _slug(
        _STOP, several="The volumes of claims are gone, and their data with them", cure="Restore each from a backup"
    ),
    OF_A_CLAIM: _slug(
        _STOP,
        several="Claims to move to were never filled, and the apps would start on new, empty volumes",
        cure="Bring the data there first: let the replication of each run once",
    ),
    "data-old": _slug(
        _WARN,
        _STOP,
        several="The data to move to is old",
        cure="Let each sync once more, if its source still can; a dry run of one service tells the time of its data",
    ),
    OF_ANY_AGE: _slug(
        _WARN,
        _STOP,
        several="How old the data to move to is, nobody can tell",
        cure="Let each sync once, or write `accept: [data-age-unknown]` in the catalog",
    ),
    "sync-in-flight": _slug(
        _WARN,
        _STOP,
        several="Syncs have begun and not ended, and may have left a copy half old and half new",
        cure="If their node lives, wait for their end",
    ),
    "unsynced-overwritten": _slug(_STOP),
    "old-pod-running": _slug(
        _WARN,
        several="The apps are well where they are, and what they write until they stop is not all on the other side",
        cure="If this is planned, stop each and let its data arrive first",
    ),
    "flux-stuck": _slug(_WARN, _STOP),
    "nobody-applies": _slug(_WARN, _STOP),
    UNSEEN: _slug(
        _INFO,
        several="Of several services nothing, or not all, is seen in the cluster",
        cure="Name the `workload` of each in the catalog; `cluster: none` for those that run in another one",
    ),
}


# What the catalog may accept by its slug alone: all that does not always stop a move. A stop stays one, but for
# data-age-unknown.
FOR_GOOD = tuple(slug for slug, kind in SLUGS.items() if kind.severities != {Severity.STOP})


def why_not_for_good(accepted: str) -> str:
    """Why the catalog may not accept this, as the end of a sentence; "" when it may."""
    slug, is_of_one, claim = accepted.partition("=")
    if slug not in SLUGS:
        return f"expected the slug of a hazard, such as {', '.join(list(SLUGS)[5:8])}"
    if slug == OF_A_CLAIM and not claim:
        return "expected the claim with it, as in `claim-empty=pvc-sonarr-backup`"
    if is_of_one and (slug != OF_A_CLAIM or not claim):
        return f"expected `{slug}` alone"
    if slug != OF_A_CLAIM and slug not in FOR_GOOD:
        return "stops every move that it is found in, and is accepted for one move at a time (`--accept`)"
    return ""
