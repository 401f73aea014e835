"""source-controller: GitRepository from the sandbox's own repository. An OCIRepository is taken to be there.

https://fluxcd.io/flux/components/source/gitrepositories/
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.flux.loop import Loop
from failover_api.sandbox.cluster.objects.json_values import Object, at
from failover_api.sandbox.cluster.objects.kinds import GIT_REPOSITORY, OCI_REPOSITORY
from failover_api.sandbox.cluster.objects.meta import name_of, namespace_of
from failover_api.sandbox.cluster.objects.times import seconds_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from failover_api.sandbox.cluster.flux.notifications import Notifications
    from failover_api.sandbox.cluster.flux.repositories import Checkout, Repositories
    from failover_api.sandbox.cluster.plane import Plane

FETCH_S = (0.3, 1.2)


class Sources:
    def __init__(
        self, plane: Plane, repositories: Repositories, notifications: Notifications, runs: Callable[[], bool]
    ) -> None:
        self._plane, self._repositories, self._notifications = plane, repositories, notifications
        self._git = Loop(plane, GIT_REPOSITORY, self._fetch, runs, FETCH_S)
        self._oci = Loop(plane, OCI_REPOSITORY, self._pull, runs, FETCH_S)

    def checkout(self, source: Object) -> Checkout | None:
        """The files of what was fetched last; None when nothing was."""
        revision = str(at(source, "status", "artifact", "revision", default=""))
        commit = revision.partition("@sha1:")[2]
        return self._repositories.at(source["spec"]["url"], _branch(source), commit) if commit else None

    def _fetch(self, one: Object) -> float:
        interval_s = seconds_of(one["spec"]["interval"])
        branch, url = _branch(one), one["spec"]["url"]
        found = self._repositories.head(url, branch)
        if found is None:
            message = f"failed to checkout and determine revision: unable to clone '{url}': repository not found"
            self._git.say(one, "False", "GitOperationFailed", message)
            self._notifications.tell(one, "error", "GitOperationFailed", message, "source-controller")
            return interval_s
        revision = f"{branch}@sha1:{found.commit}"
        is_new = at(one, "status", "artifact", "revision") != revision
        message = f"stored artifact for revision '{revision}'"
        artifact = self._artifact(one, revision, found.commit) if is_new else one["status"]["artifact"]
        self._git.say(one, "True", "Succeeded", message, artifact=artifact)
        if is_new:
            headline = found.bare.commit(found.commit).headline
            said = f"stored artifact for commit '{headline}'"
            self._notifications.tell(one, "info", "NewArtifact", said, "source-controller", revision)
        return interval_s

    def _artifact(self, one: Object, revision: str, commit: str) -> Object:
        path = f"gitrepository/{namespace_of(one)}/{name_of(one)}/{commit}.tar.gz"
        host = "http://source-controller.flux-system.svc.cluster.local."
        digest = hashlib.sha256(commit.encode()).hexdigest()
        told = {"revision": revision, "digest": f"sha256:{digest}", "lastUpdateTime": self._plane.now}
        return {**told, "path": path, "url": f"{host}/{path}"}

    def _pull(self, one: Object) -> float:
        tag = str(at(one, "spec", "ref", "tag", default="latest"))
        digest = hashlib.sha256(f"{one['spec']['url']}:{tag}".encode()).hexdigest()
        path = f"ocirepository/{namespace_of(one)}/{name_of(one)}/{digest}.tar.gz"
        artifact = {"revision": f"{tag}@sha256:{digest}", "digest": f"sha256:{digest}", "path": path, "url": path}
        artifact["lastUpdateTime"] = str(at(one, "status", "artifact", "lastUpdateTime", default=self._plane.now))
        self._oci.say(
            one, "True", "Succeeded", f"stored artifact for digest '{tag}@sha256:{digest}'", artifact=artifact
        )
        return seconds_of(one["spec"]["interval"])


def _branch(source: Object) -> str:
    return str(at(source, "spec", "ref", "branch", default="master"))
