"""suspended, ssa-ignored, flux-stuck, nobody-applies: the commit would be right, and nothing would come of it."""

from collections.abc import Iterator, Mapping

from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.observed import Condition, HelmRelease, Key, Kustomization, Pod, Source
from failover_api.core.safety.rollout.appliers import CHECKED_IN_VAIN, Appliers, commit_of, resume_command
from failover_api.core.safety.rollout.live import ARGO, ARGO_SOURCES, ARGO_SYNC, FLUX, HELM, KUSTOMIZE, SOURCES
from failover_api.core.safety.scene import Scene, label_of
from failover_api.core.safety.times import minute
from failover_api.core.wording import cut, shell_word

BEHIND_S = 600.0  # a source is fetched, and not applied for as long
_UNDER_WAY = frozenset({"Progressing", "ProgressingWithRetry"})  # it will end
_HARMLESS = _UNDER_WAY | {CHECKED_IN_VAIN}  # the checks come after it is applied
_WAITING = "DependencyNotReady"  # with each commit, while the one that it depends on is applied
_Applier = Kustomization | HelmRelease | Source


def suspended(scene: Scene) -> Iterator[Hazard]:
    """One for each applier that is, whatever Git says of it."""
    for applier in _appliers(scene):
        if applier.is_suspended and not _is_resumed(scene, applier):
            yield Hazard(
                "suspended",
                Severity.WARN,
                _label(applier),
                None,
                f"{_label(applier)} is suspended in the cluster: Flux does not apply the change by itself.",
                resume_command(applier),
            )
    application = scene.appliers.application
    if application is not None and not application.is_automated:
        about = f"Application {cut(application.namespace)}/{cut(application.name)}"
        yield Hazard(
            "suspended",
            Severity.WARN,
            about,
            None,
            f"{about} has no automated sync: Argo CD does not apply the change by itself.",
            f"`argocd app sync {shell_word(application.name)}` after the move, or give it `spec.syncPolicy.automated`.",
        )


def ssa_ignored(scene: Scene) -> Iterator[Hazard]:
    """The object that is there tells Flux to leave it alone."""
    release, workload = scene.target.release, scene.target.workload
    if not scene.appliers.applier.is_ignored or (release is None and workload is None):
        return
    about = _label(release) if release is not None else label_of(workload) if workload is not None else ""
    yield Hazard(
        "ssa-ignored",
        Severity.WARN,
        about,
        None,
        f"{about} has an annotation or a label, in the cluster, that tells Flux to leave it alone: "
        "`kustomize.toolkit.fluxcd.io/ssa` or `/reconcile`.",
        "Take it off.",
    )


def flux_stuck(scene: Scene) -> Iterator[Hazard]:
    """One for each that fails, or has not applied for a while what was fetched, and for what it waits for in vain."""
    dependencies = [*_stuck_dependencies(scene)]
    for applier in _appliers(scene):
        if applier.is_suspended:
            continue
        failure = _failure(applier, scene.now)
        if failure is not None and failure.reason == _WAITING and dependencies:
            continue  # they say why
        if failure is not None:
            since = f" since {minute(failure.since)}" if failure.since is not None else ""
            said = failure.message or failure.reason
            yield _stuck(applier, f"is not ready{since}: {cut(said)}" if said else f"is not ready{since}")
        elif isinstance(applier, Kustomization) and (at := _behind_since(scene, applier)) is not None:
            yield _stuck(applier, f"has not applied yet what was fetched at {minute(at)}")
    yield from dependencies


def _stuck_dependencies(scene: Scene) -> Iterator[Hazard]:
    """What Flux waits for before it applies anything new has to be ready, its checks too, and at the same commit."""
    view, found = scene.view, scene.appliers
    for applier, known in ((found.kustomization, view.kustomizations), (found.release, view.helm_releases)):
        if applier is None:
            continue
        for one in _dependencies(applier, known.current):
            if why := _why_waited_for(one, applier):
                yield _stuck(one, f"{why}, and {_label(applier)} waits for it")


def _dependencies(
    applier: Kustomization | HelmRelease, known: Mapping[Key, Kustomization | HelmRelease]
) -> Iterator[Kustomization | HelmRelease]:
    """Those of its dependencies too, as far as they are seen."""
    left, found = list(applier.depends_on), {(applier.namespace, applier.name)}
    while left:
        key = left.pop(0)
        if key in known and key not in found:
            found.add(key)
            left += known[key].depends_on
            yield known[key]


def _why_waited_for(one: Kustomization | HelmRelease, applier: _Applier) -> str:
    """Of the same source Flux asks for the same revision."""
    ready = _ready(one)
    if ready is not None and ready.status == "False" and ready.reason not in {*_UNDER_WAY, _WAITING}:
        return f"is not ready: {cut(ready.message or ready.reason)}"
    is_same = isinstance(one, Kustomization) and isinstance(applier, Kustomization) and one.source == applier.source
    return "is suspended, so it takes no new commit up" if is_same and one.is_suspended else ""


def nobody_applies(scene: Scene) -> Iterator[Hazard]:
    """A controller of Flux, or of Argo CD, that the service needs has no pod that works."""
    by, needed = _needed(scene.appliers)
    family = FLUX if by == "Flux" else ARGO
    pods = [(pod, app) for pod, app in scene.index.controllers if app in family]
    if not pods:
        return  # they run where nobody may look
    idle = [name for name in needed if not any(app == name and _works(scene, pod) for pod, app in pods)]
    if idle:
        names = " and ".join(idle)
        places = sorted({pod.node for pod, app in pods if app in idle and pod.node})
        where = f" (its pod is on {' and '.join(map(cut, places[:3]))})" if places else ""
        yield Hazard(
            "nobody-applies",
            Severity.WARN,
            f"{by} {names}",
            None,
            f"{names} has no pod that is ready, on a node that is{where}: a commit changes nothing until it has.",
            f"Get {by} to run first. From a dead node its pods are evicted after five minutes and made anew elsewhere.",
        )


def _needed(appliers: Appliers) -> tuple[str, list[str]]:
    """Whose controllers apply the service's manifests, and which of them; none where nobody is seen to."""
    if appliers.kustomization is not None or appliers.release is not None:
        return "Flux", [SOURCES, KUSTOMIZE, *([HELM] if appliers.release is not None else [])]
    return "Argo CD", [ARGO_SYNC, ARGO_SOURCES] if appliers.application is not None else []


def _appliers(scene: Scene) -> Iterator[_Applier]:
    found = (scene.appliers.source, scene.appliers.kustomization, scene.appliers.release)
    yield from (each for each in found if each is not None)


def _is_resumed(scene: Scene, applier: _Applier) -> bool:
    """Whether the very move resumes it: two may take turns at being applied."""
    return any(
        document.is_of(_kind(applier), applier.name, applier.namespace)
        and document.is_moved_below("spec", "suspend")
        and not document.after.is_true("spec", "suspend")
        for document in scene.move.documents
    )


def _ready(applier: _Applier) -> Condition | None:
    return applier.condition_now("Ready") if isinstance(applier, HelmRelease) else applier.ready_now


def _failure(applier: _Applier, now: float) -> Condition | None:
    ready = _ready(applier)
    if ready is None or ready.status != "False" or ready.reason in _HARMLESS:
        return None
    is_passing = ready.reason == _WAITING and (ready.since is None or now - ready.since < BEHIND_S)
    return None if is_passing else ready


def _behind_since(scene: Scene, kustomization: Kustomization) -> float | None:
    """When that was fetched which is not applied yet, if that is a while ago."""
    source = scene.appliers.source
    if source is None or source.updated_at is None or scene.now - source.updated_at < BEHIND_S:
        return None
    fetched, applied = commit_of(source.revision), commit_of(kustomization.applied_revision)
    return source.updated_at if fetched and applied and fetched != applied else None


def _stuck(applier: _Applier, what: str) -> Hazard:
    label = _label(applier)
    return Hazard(
        "flux-stuck",
        Severity.WARN,
        label,
        None,
        f"{label} {what}. The change may not be applied.",
        f"`flux get all -n {shell_word(applier.namespace)}` says why; mend that first.",
    )


def _works(scene: Scene, pod: Pod) -> bool:
    return pod.is_ready and scene.node_down(pod) is None


def _kind(applier: _Applier) -> str:
    return applier.kind if isinstance(applier, Source) else type(applier).__name__


def _label(applier: _Applier) -> str:
    return f"{cut(_kind(applier))} {cut(applier.namespace)}/{cut(applier.name)}"
