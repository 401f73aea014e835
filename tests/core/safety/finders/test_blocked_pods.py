"""recreate-blocks, statefulset-blocks: told where the new pod would wait for the old one, and nowhere else."""

import pytest

from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.splice import Selector
from tests.core.safety.finders.ground import DEPLOYMENT, NODE, around, demote, only, promote
from tests.support.builders import switch

RECREATE = f"{DEPLOYMENT}  replicas: 1\n  strategy:\n    # one at a time\n    type: Recreate\n"
STATEFULSET = DEPLOYMENT.replace("Deployment", "StatefulSet")
IN_SET = switch("spec.template.spec.nodeSelector.role", "primary", "backup", kind="StatefulSet")
RELEASE = """\
kind: HelmRelease
metadata: {name: plex, namespace: media}
spec:
  values:
    node: w1
    controllers:
      plex:
        %s
"""
VALUE = switch("spec.values.node", "w1", "w2", kind="HelmRelease")
TWO = """\
kind: Deployment
metadata: {name: a}
spec: {replicas: 1, strategy: {type: Recreate}, template: {metadata: {labels: {side: a}}}}
---
kind: Deployment
metadata: {name: b}
spec: {replicas: 0, strategy: {type: Recreate}, template: {metadata: {labels: {side: a}}}}
"""


def slugs(hazards: list[Hazard]) -> list[str]:
    return [hazard.slug for hazard in hazards]


def test_recreate_is_told_with_its_line() -> None:
    (hazard,) = promote(RECREATE)
    assert (hazard.slug, hazard.severity) == ("recreate-blocks", Severity.INFO)
    assert (hazard.about, hazard.where) == ("Deployment media/sonarr", "a.yaml:8")
    assert hazard.detail == (
        "Deployment media/sonarr has the strategy Recreate, which waits for the old pod. On a dead node that one never "
        "ends: no new pod is made, and the conditions of the workload say that all is well."
    )
    assert hazard.cure == (
        "Write RollingUpdate with maxSurge 0 and maxUnavailable 1 into the manifest, or `unblock: rolling` into the "
        "catalog. Once it is blocked: taint the node, when it is surely off, with "
        "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute."
    )
    assert slugs(demote(RECREATE)) == ["recreate-blocks"]


OVERLAY = {
    "kustomization.yaml": "resources: [base]\npatches: [{path: a.yaml}]",
    "base/kustomization.yaml": "resources: [d.yaml]",
    "base/d.yaml": "kind: Deployment\nmetadata: {name: sonarr}\nspec:\n  strategy:\n    type: Recreate\n",
}


def test_a_patch_over_a_base_that_says_recreate_is_told() -> None:
    (hazard,) = promote(DEPLOYMENT, surroundings=around(OVERLAY))
    assert (hazard.slug, hazard.about, hazard.where) == ("recreate-blocks", "Deployment media/sonarr", "base/d.yaml:5")
    assert hazard.cure.startswith("Write RollingUpdate with maxSurge 0 and maxUnavailable 1 there, or into the patch.")


@pytest.mark.parametrize(
    "changes",
    [
        {"base/d.yaml": OVERLAY["base/d.yaml"].replace("Recreate", "RollingUpdate")},
        {"base/d.yaml": OVERLAY["base/d.yaml"].replace("sonarr", "other")},
        {"base/d.yaml": OVERLAY["base/d.yaml"].replace("Deployment", "StatefulSet")},
        {"base/d.yaml": OVERLAY["base/d.yaml"].replace("name: sonarr", "name: sonarr, namespace: other")},
        {"kustomization.yaml": "resources: [else]\npatches: [{path: a.yaml}]"},
        {"kustomization.yaml": "resources: [base]"},
        {
            "kustomization.yaml": "resources: [base]\npatches: [{path: a.yaml}, {path: z.yaml}]",
            "z.yaml": OVERLAY["base/d.yaml"].replace("Recreate", "RollingUpdate"),
        },
    ],
    ids=["rolling", "of another", "of another kind", "elsewhere", "no base", "no patch", "another patch says rolling"],
)
def test_a_patch_over_anything_else_is_not(changes: dict[str, str]) -> None:
    assert promote(DEPLOYMENT, surroundings=around({**OVERLAY, **changes})) == []


def test_a_patch_that_says_its_own_strategy_is_no_concern_of_the_base() -> None:
    own = f"{DEPLOYMENT}  strategy: {{type: RollingUpdate}}\n"
    assert only("recreate-blocks", promote(own, surroundings=around(OVERLAY))) == []


@pytest.mark.parametrize("strategy", ["", "  strategy: {type: RollingUpdate}\n", "  strategy: {}\n"])
def test_a_rolling_update_waits_for_nothing(strategy: str) -> None:
    assert promote(DEPLOYMENT + strategy) == []


def test_a_statefulset_is_told_whatever_its_strategy() -> None:
    for more in ("", "  podManagementPolicy: Parallel\n", "  updateStrategy: {type: OnDelete}\n"):
        (hazard,) = promote(STATEFULSET + more, IN_SET)
        assert (hazard.slug, hazard.severity) == ("statefulset-blocks", Severity.INFO)
        assert (hazard.about, hazard.where) == ("StatefulSet media/sonarr", "a.yaml:1")
        assert hazard.cure.startswith("Move first, then taint the node")


def test_an_app_that_does_not_run_has_no_old_pod() -> None:
    assert slugs(promote(f"{DEPLOYMENT}  replicas: 0\n  strategy: {{type: Recreate}}\n")) == ["starts-nothing"]


def test_a_move_that_leaves_the_pod_where_it_is_waits_for_nothing() -> None:
    label = switch("metadata.labels.side", "a", "b", kind="Deployment")
    assert promote(RECREATE.replace("namespace: media", "labels: {side: a}"), label) == []


def test_two_workloads_of_which_one_sleeps_wait_for_nothing() -> None:
    a, b = (Selector("Deployment", name) for name in "ab")
    replicas = [switch("spec.replicas", 1, 0, selector=a), switch("spec.replicas", 0, 1, selector=b)]
    labels = [switch("spec.template.metadata.labels.side", "a", "b", selector=one) for one in (a, b)]
    assert promote(TWO, *replicas, *labels) == []
    assert demote(TWO, *replicas, *labels) == []
    assert slugs(promote(TWO.replace("replicas: 0", "replicas: 1"), *labels)) == ["recreate-blocks"] * 2


@pytest.mark.parametrize(
    ("values", "slug", "line"),
    [
        ("strategy: Recreate", "recreate-blocks", 8),
        ("strategy: {type: Recreate}", "recreate-blocks", 8),
        ("type: statefulset", "statefulset-blocks", 8),
    ],
)
def test_what_a_release_s_values_say_counts(values: str, slug: str, line: int) -> None:
    (hazard,) = promote(RELEASE % values, VALUE)
    assert (hazard.slug, hazard.about, hazard.where) == (slug, "HelmRelease media/plex", f"a.yaml:{line}")


@pytest.mark.parametrize("values", ["strategy: RollingUpdate", "type: deployment", "pod: {restart: Recreate}", "{}"])
def test_what_a_chart_does_by_itself_is_not_guessed(values: str) -> None:
    assert promote(RELEASE % values, VALUE) == []


def test_what_the_catalog_accepts_is_not_told() -> None:
    assert promote(RECREATE, NODE, accept=("recreate-blocks",)) == []
    assert slugs(promote(RECREATE, NODE, accept=("statefulset-blocks",))) == ["recreate-blocks"]
