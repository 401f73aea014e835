"""suspended, ssa-ignored, flux-stuck, nobody-applies: whether the commit would be applied."""

from dataclasses import replace
from typing import Any

import pytest

from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.observed import NOBODY, Application, Applier, Condition, Pod
from tests.core.safety.cluster_finders.scenes import OLD, before, promote
from tests.support.cluster_views import NOW, W1, W2, deployment, kustomization, node, source, unseen

OLDER = "a" * 40


def of(slug: str, **kinds: Any) -> list[Hazard]:
    return [hazard for hazard in promote(before(**kinds)) if hazard.slug == slug]


def controller(name: str, on: str = W2, **changes: Any) -> Pod:
    plain = {"app": name, "node": on, "phase": "Running", "ready": Condition("Ready", "True")}
    return Pod("flux-system", f"{name}-5d9f-x", **{**plain, **changes})


def test_what_works_is_not_told_of() -> None:
    pods = [OLD, controller("source-controller"), controller("kustomize-controller")]
    for slug in ("suspended", "ssa-ignored", "flux-stuck", "nobody-applies"):
        assert of(slug, pods=pods) == []


def test_a_kustomization_that_somebody_suspended_is_told_of() -> None:
    (hazard,) = of("suspended", kustomizations=[kustomization(is_suspended=True)])
    assert (hazard.severity, hazard.about) == (Severity.WARN, "Kustomization flux-system/apps")
    assert hazard.cure == "`flux resume kustomization apps -n flux-system`"
    (hazard,) = of("suspended", git_repositories=[source(is_suspended=True)])
    assert hazard.cure == "`flux resume source git flux-system -n flux-system`"


def test_an_object_that_flux_leaves_alone_is_told_of() -> None:
    ignored = Applier(kustomization=("flux-system", "apps"), is_ignored=True)
    (hazard,) = of("ssa-ignored", deployments=[deployment("primary", applier=ignored)])
    assert hazard.about == "Deployment media/sonarr"


def failing(reason: str, message: str = "kustomize build failed") -> Any:
    return kustomization(ready=Condition("Ready", "False", reason, message, NOW - 900))


def test_a_kustomization_that_fails_is_told_of_with_what_it_says() -> None:
    (hazard,) = of("flux-stuck", kustomizations=[failing("BuildFailed")])
    assert hazard.detail == (
        "Kustomization flux-system/apps is not ready since 2026-11-30 19:45 UTC: kustomize build failed. The change "
        "may not be applied."
    )


@pytest.mark.parametrize("reason", ["HealthCheckFailed", "Progressing"])
def test_one_that_waits_for_the_dead_app_itself_applies_all_the_same(reason: str) -> None:
    assert of("flux-stuck", kustomizations=[failing(reason)]) == []


def test_what_flux_waits_for_holds_up_what_depends_on_it() -> None:
    """Dependencies are asked before anything is applied; also those of dependencies, which may go in a circle."""
    mine = kustomization(depends_on=(("flux-system", "infra"),))
    infra = replace(kustomization(depends_on=(("flux-system", "crds"), ("flux-system", "apps"))), name="infra")
    crds = replace(kustomization(), name="crds")
    assert of("flux-stuck", kustomizations=[mine, infra, crds]) == []
    unwell = replace(crds, ready=Condition("Ready", "False", "HealthCheckFailed", "timeout waiting", NOW - 900))
    (hazard,) = of("flux-stuck", kustomizations=[mine, infra, unwell])
    assert hazard.about == "Kustomization flux-system/crds"
    assert hazard.detail == (
        "Kustomization flux-system/crds is not ready: timeout waiting, and Kustomization flux-system/apps waits for "
        "it. The change may not be applied."
    )
    (hazard,) = of("flux-stuck", kustomizations=[mine, replace(infra, is_suspended=True), crds])
    assert hazard.detail.startswith("Kustomization flux-system/infra is suspended, so it takes no new commit up, and ")
    elsewhere = replace(infra, is_suspended=True, source=("GitRepository", "flux-system", "other"))
    assert of("flux-stuck", kustomizations=[mine, elsewhere, crds]) == []
    passing = replace(infra, ready=Condition("Ready", "False", "Progressing"))
    assert of("flux-stuck", kustomizations=[mine, passing, crds]) == []


def test_one_that_waits_for_another_is_told_of_when_that_lasts() -> None:
    """With each commit a Kustomization waits for what it depends on, and as long as it waits it applies nothing."""
    message = "dependency 'flux-system/infra' is not ready"
    (hazard,) = of("flux-stuck", kustomizations=[failing("DependencyNotReady", message)])
    assert hazard.detail.startswith(
        f"Kustomization flux-system/apps is not ready since 2026-11-30 19:45 UTC: {message}."
    )
    passing = Condition("Ready", "False", "DependencyNotReady", message, NOW - 60)
    assert of("flux-stuck", kustomizations=[kustomization(ready=passing)]) == []
    waiting = replace(failing("DependencyNotReady", message), depends_on=(("flux-system", "infra"),))
    infra = replace(failing("BuildFailed"), name="infra")
    (hazard,) = of("flux-stuck", kustomizations=[waiting, infra])
    assert hazard.about == "Kustomization flux-system/infra", "the one that says why is enough"


def test_what_was_fetched_and_not_applied_for_a_while_is_told_of() -> None:
    behind = kustomization(applied_revision=f"main@sha1:{OLDER}")
    (hazard,) = of("flux-stuck", kustomizations=[behind], git_repositories=[source(updated_at=NOW - 3600)])
    assert "has not applied yet what was fetched at 2026-11-30 19:00 UTC" in hazard.detail
    assert of("flux-stuck", kustomizations=[behind]) == [], "a commit of half a minute ago is on its way"


def test_a_controller_on_the_dead_node_applies_nothing() -> None:
    pods = [OLD, controller("source-controller"), controller("kustomize-controller", on=W1)]
    (hazard,) = of("nobody-applies", pods=pods, nodes=[node(W1, ready="Unknown"), node(W2)])
    assert hazard.detail.startswith(
        "kustomize-controller has no pod that is ready, on a node that is (its pod is on k3s-w1)"
    )
    assert of("nobody-applies", pods=pods) == [], "its node is well"


def test_argo_cd_on_the_dead_node_applies_nothing() -> None:
    """Its own controllers count for what it applies, and nobody else's."""
    application = Application(
        "argocd", "apps", is_automated=True, repository="https://github.com/acme/homelab", path=""
    )
    plain = {
        "kustomizations": [],
        "applications": [application],
        "deployments": [deployment("primary", applier=NOBODY)],
    }
    argo = [controller("argocd-application-controller", on=W1), controller("argocd-repo-server")]
    nodes = [node(W1, ready="Unknown"), node(W2)]
    (hazard,) = of("nobody-applies", pods=[OLD, *argo], nodes=nodes, **plain)
    assert hazard.about == "Argo CD argocd-application-controller"
    assert hazard.cure.startswith("Get Argo CD to run first.")
    assert of("nobody-applies", pods=[OLD, *argo], **plain) == [], "its node is well"
    flux = [controller("kustomize-controller", on=W1)]
    assert of("nobody-applies", pods=[OLD, *flux], nodes=nodes, **plain) == [], "where Argo CD runs is not seen"


def test_where_flux_runs_may_be_where_nobody_may_look() -> None:
    assert of("nobody-applies", pods=[OLD]) == of("nobody-applies", pods=unseen()) == []
