"""Who applies a service's objects, the revision that is there, and why a newer one is not."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from failover_api.core.catalog.model import Service
from failover_api.core.catalog.runtime import DEPLOYMENT, HELM_RELEASE, STATEFUL_SET, WorkloadName
from failover_api.core.safety.observed import (
    NOBODY,
    Application,
    Applier,
    HelmRelease,
    Kustomization,
    Source,
    View,
)
from failover_api.core.safety.rollout.causes import Cause
from failover_api.core.safety.rollout.live import Live
from failover_api.core.safety.rollout.texts import APPLY, explained_or_shown
from failover_api.core.wording import shell_word

_SHA = re.compile(r"(?:^|[:@/])([0-9a-f]{40})$")
_GROUPS = {DEPLOYMENT: "apps", STATEFUL_SET: "apps", HELM_RELEASE: "helm.toolkit.fluxcd.io"}
GIT_REPOSITORY = "GitRepository"
_SOURCES = {GIT_REPOSITORY: "git", "OCIRepository": "oci", "Bucket": "bucket"}
# https://fluxcd.io/flux/components/kustomize/kustomizations/#ready-kustomization
_REFUSED = {"BuildFailed", "ReconciliationFailed", "PruneFailed"}
CHECKED_IN_VAIN = "HealthCheckFailed"  # it was applied before


@dataclass(frozen=True, slots=True)
class Appliers:
    """What was found of them. `applier` is what the object's labels say; a Kustomization may also list it."""

    applier: Applier = NOBODY
    kustomization: Kustomization | None = None
    release: HelmRelease | None = None
    source: Source | None = None
    application: Application | None = None


def find_appliers(view: View, service: Service, named: WorkloadName, live: Live) -> Appliers:
    applier = live.release.applier if live.release else live.workload.applier if live.workload else NOBODY
    kustomization = _kustomization(view, named, applier)
    source = None if kustomization is None else _source(view, kustomization)
    application = None if kustomization else _application(view, service)
    return Appliers(applier, kustomization, live.release, source, application)


def find_substituting(view: View, namespace: str, name: str) -> Appliers:
    """A Kustomization that the catalog's switches name, and its source; namespace "": the one of this name."""
    known = view.kustomizations.current
    found = [each for key, each in known.items() if key[1] == name and namespace in {"", key[0]}]
    if len(found) != 1:
        return Appliers()
    return Appliers(kustomization=found[0], source=_source(view, found[0]))


def workload_in(kustomization: Kustomization) -> WorkloadName | None:
    """The workload that it applies, if that is the only one."""
    entries = (entry.split("_") for entry in kustomization.inventory)
    found = [WorkloadName(entry[3], entry[1], entry[0]) for entry in entries if _is_workload(entry)]
    return found[0] if len(found) == 1 else None


def _is_workload(entry: list[str]) -> bool:
    return len(entry) == 4 and entry[3] in _GROUPS and _GROUPS[entry[3]] == entry[2]


def _kustomization(view: View, named: WorkloadName, applier: Applier) -> Kustomization | None:
    """By the object's labels; else the one whose inventory lists it."""
    known = view.kustomizations.current
    if applier.kustomization is not None and applier.kustomization in known:
        return known[applier.kustomization]
    end = f"_{named.name}_{_GROUPS[named.kind]}_{named.kind}"
    ours = [each for each in known.values() if not each.is_remote]
    if named.namespace:
        return next((each for each in ours if f"{named.namespace}{end}" in each.inventory), None)
    found = [each for each in ours if any(entry.endswith(end) for entry in each.inventory)]
    return found[0] if len(found) == 1 else None


def _source(view: View, kustomization: Kustomization) -> Source | None:
    kind, namespace, name = kustomization.source
    kinds = {
        GIT_REPOSITORY: view.git_repositories,
        "OCIRepository": view.oci_repositories,
        "Bucket": view.buckets,
    }
    return kinds[kind].current.get((namespace, name)) if kind in kinds else None


def _application(view: View, service: Service) -> Application | None:
    """That of Argo CD whose folder is nearest to the service's files."""
    repository = service.branch.repository.lower()
    found = [
        each
        for each in view.applications.current.values()
        if each.repository.lower().removesuffix(".git").endswith(f"/{repository}")
        and any(_is_below(file, each.path) for file in service.files)
    ]
    return max(found, key=lambda each: len(each.path.strip("./")), default=None)


def _is_below(file: str, folder: str) -> bool:
    prefix = folder.removeprefix("./").strip("/")
    return prefix in {"", "."} or file.startswith(f"{prefix}/")


def commit_of(revision: str) -> str | None:
    """The commit that a revision names: `main@sha1:<40 hex>`, as Argo CD writes it, or as Flux did; else None."""
    found = _SHA.search(revision)
    return found[1] if found else None


def why_not_applied(appliers: Appliers) -> Cause:
    """Why what runs is not what Git says. Always something: at the least that nobody says why."""
    return next(_causes(appliers))


def _causes(appliers: Appliers) -> Iterator[Cause]:
    yield from _of_labels(appliers.applier)
    if appliers.release is not None:
        yield from _of_release(appliers.release)
    if appliers.source is not None:
        yield from _of_source(appliers.source)
    if appliers.kustomization is not None:
        yield from _of_kustomization(appliers.kustomization)
        yield Cause("Flux has not applied the commit yet.", is_final=False)
    if appliers.application is not None:
        yield from _of_application(appliers.application)
    if appliers.release is not None:
        yield Cause("Flux has not applied the commit yet.", is_final=False)
    yield Cause("It is not applied yet, and who applies it is not seen.", is_final=False)


def resume_command(applier: Kustomization | HelmRelease | Source) -> str:
    """https://fluxcd.io/flux/cmd/flux_resume/"""
    if isinstance(applier, Source):
        what = f"source {_SOURCES.get(applier.kind, shell_word(applier.kind.lower()))}"
    else:
        what = type(applier).__name__.lower()
    return f"`flux resume {what} {shell_word(applier.name)} -n {shell_word(applier.namespace)}`"


def _of_labels(applier: Applier) -> Iterator[Cause]:
    if applier.is_ignored:
        yield Cause(
            "Flux is told to leave the object alone: `kustomize.toolkit.fluxcd.io/ssa` or `/reconcile`.",
            "Take that annotation or label off.",
        )


def _of_release(release: HelmRelease) -> Iterator[Cause]:
    name = f"{release.namespace}/{release.name}"
    if release.is_suspended:
        yield Cause(f"HelmRelease {name} is suspended.", resume_command(release))
    remediated = release.condition_now("Remediated")
    if remediated is not None and remediated.is_true:
        yield Cause(
            f"Helm took the new release of {name} back, since it was not ready in time.",
            "Give it more time (`timeout`), or do not wait (`upgrade.disableWait: true`).",
            remediated.since,
        )
    for kind in ("Released", "Ready"):
        found = release.condition_now(kind)
        if found is not None and found.status == "False" and found.reason.endswith("Failed"):
            yield explained_or_shown(APPLY, found, f"HelmRelease {name} could not be applied")


def _of_source(source: Source) -> Iterator[Cause]:
    name = f"{source.namespace}/{source.name}"
    if source.is_suspended:
        yield Cause(f"{source.kind} {name} is suspended.", resume_command(source))
    elif (ready := source.ready_now) is not None and ready.status == "False":
        said = ready.message or ready.reason
        yield Cause(f"{source.kind} {name} is not ready: {said}", "", ready.since, is_final=False)


def _of_kustomization(kustomization: Kustomization) -> Iterator[Cause]:
    name, ready = f"{kustomization.namespace}/{kustomization.name}", kustomization.ready_now
    if kustomization.is_suspended:
        yield Cause(
            f"Kustomization {name} is suspended.",
            resume_command(kustomization),
        )
    elif ready is not None and ready.status == "False":
        if ready.reason in _REFUSED:
            yield explained_or_shown(APPLY, ready, f"Kustomization {name} is not applied")
        else:
            said = ready.message or ready.reason
            yield Cause(f"Kustomization {name} waits: {said}", "", ready.since, is_final=False)


def _of_application(application: Application) -> Iterator[Cause]:
    name = f"Application {application.namespace}/{application.name}"
    is_of_now = application.operation_revision in {"", application.revision} and not application.is_behind
    if application.operation in {"Failed", "Error"} and is_of_now:
        yield Cause(f"{name} could not be synced.", f"`argocd app get {shell_word(application.name)}` says why.")
    if application.sync == "OutOfSync" and not application.is_automated:
        yield Cause(f"{name} is synced by hand.", f"`argocd app sync {shell_word(application.name)}`")
    yield Cause(f"Argo CD has not synced {name} yet.", is_final=False)
