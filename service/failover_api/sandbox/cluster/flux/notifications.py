"""notification-controller: receivers that make Flux look at once, and events for those who want to know.

https://fluxcd.io/flux/components/notification/
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.flux.loop import REQUESTED, Loop
from failover_api.sandbox.cluster.objects.json_values import Object, at, child
from failover_api.sandbox.cluster.objects.kinds import ALERT, PROVIDER, RECEIVER, SECRET, kind_of
from failover_api.sandbox.cluster.objects.meta import name_of, namespace_of, uid_of
from failover_api.sandbox.cluster.objects.secrets import plain_data
from failover_api.sandbox.cluster.objects.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from failover_api.sandbox.cluster.plane import Plane

_AGAIN_S = 600.0
_SAME_EVENT_S = 300.0
_SEND_S = 15.0


class Notifications:
    """`sent` is a log of the events that went out: URL, body, status; 0 where there was no answer."""

    def __init__(self, plane: Plane, runs: Callable[[], bool]) -> None:
        self._plane, self._runs = plane, runs
        self._receivers = Loop(plane, RECEIVER, self._prepare, runs, (0.05, 0.2))
        self._told: dict[tuple[str, ...], float] = {}
        self._threads: ThreadPoolExecutor | None = None
        self.sent: list[tuple[str, Object, int]] = []

    # In

    def _prepare(self, one: Object) -> float:
        token = self._token(one)
        if token is None:
            why = f"unable to read token from secret '{namespace_of(one)}/{one['spec']['secretRef']['name']}'"
            self._receivers.say(one, "False", "TokenNotFound", why)
        else:
            digest = hashlib.sha256(f"{token}{name_of(one)}{namespace_of(one)}".encode()).hexdigest()
            path = f"/hook/{digest}"
            text = f"Receiver initialized for path: {path}"
            self._receivers.say(one, "True", "Succeeded", text, webhookPath=path)
        return _AGAIN_S

    def hook(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        """A call of a receiver's webhook; the status to answer with."""
        if not self._runs():
            return 503
        receivers = self._receivers.objects()
        one = next((each for each in receivers if at(each, "status", "webhookPath") == path), None)
        if one is None or at(one, "spec", "suspend"):
            return 404
        if one["spec"]["type"] == "generic-hmac" and not self._is_signed(one, headers, body):
            return 400
        for resource in one["spec"]["resources"]:
            self._request(one, resource)
        return 200

    def _is_signed(self, one: Object, headers: Mapping[str, str], body: bytes) -> bool:
        name, _, given = headers.get("x-signature", "").partition("=")
        token = self._token(one)
        if name not in ("sha1", "sha256", "sha512") or token is None:
            return False
        return hmac.compare_digest(hmac.new(token.encode(), body, name).hexdigest(), given)

    def _request(self, one: Object, resource: Object) -> None:
        kind = kind_of(resource.get("apiVersion", "source.toolkit.fluxcd.io/v1"), resource["kind"])
        if kind is None:
            return

        def change(new: Object) -> None:
            child(new["metadata"], "annotations")[REQUESTED] = f"{self._plane.clock.now:.9f}"

        namespace = resource.get("namespace", namespace_of(one))
        for each in self._plane.store.objects(kind, namespace):
            if resource["name"] in ("*", name_of(each)):
                self._plane.registry.modify(kind, namespace, name_of(each), change)

    def _token(self, one: Object) -> str | None:
        name = at(one, "spec", "secretRef", "name")
        secret = self._plane.store.get(SECRET, namespace_of(one), name) if name else None
        return plain_data(secret).get("token") if secret is not None else None

    # Out

    def tell(
        self, about: Object, severity: str, reason: str, text: str, controller: str, revision: str | None = None
    ) -> None:
        """Says what happened: as an event of the cluster, and to the providers whose alerts want it."""
        self._plane.event(about, reason, text, controller, warning=severity == "error")
        if not self._runs() or not self._is_news(about, text, revision):
            return
        for alert in self._plane.store.objects(ALERT):
            if not at(alert, "spec", "suspend") and _wants(alert, about, severity, text):
                self._send(alert, self._body(about, severity, reason, text, controller, revision))

    def _is_news(self, about: Object, text: str, revision: str | None) -> bool:
        """The same is told at most once in 5 minutes."""
        key, now = (uid_of(about), text, revision or ""), self._plane.clock.elapsed
        if now - self._told.get(key, -_SAME_EVENT_S) < _SAME_EVENT_S:
            return False
        self._told = {one: at_ for one, at_ in self._told.items() if now - at_ < _SAME_EVENT_S} | {key: now}
        return True

    def _body(
        self, about: Object, severity: str, reason: str, text: str, controller: str, revision: str | None
    ) -> Object:
        named = {"apiVersion": about["apiVersion"], "kind": about["kind"], "name": name_of(about)}
        involved = {**named, "namespace": namespace_of(about), "uid": uid_of(about)}
        body: Object = {"involvedObject": involved, "severity": severity, "timestamp": rfc3339(self._plane.clock.now)}
        body |= {"message": text, "reason": reason, "reportingController": controller, "reportingInstance": controller}
        if revision:
            group = about["apiVersion"].partition("/")[0]
            body["metadata"] = {f"{group}/revision": revision}
        return body

    def _send(self, alert: Object, body: Object) -> None:
        provider = self._plane.store.get(PROVIDER, namespace_of(alert), at(alert, "spec", "providerRef", "name"))
        if provider is None or provider["spec"]["type"] not in ("generic", "generic-hmac"):
            return
        raw = json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "gotk-component": body["reportingController"]}
        if provider["spec"]["type"] == "generic-hmac":
            digest = hmac.new((self._token(provider) or "").encode(), raw, hashlib.sha256).hexdigest()
            headers["X-Signature"] = f"sha256={digest}"
        if self._threads is None:
            self._threads = ThreadPoolExecutor(1, thread_name_prefix="notifications")
        self._threads.submit(self._post, str(at(provider, "spec", "address", default="")), headers, raw, body)

    def _post(self, url: str, headers: dict[str, str], raw: bytes, body: Object) -> None:
        import httpx2  # takes its time, and few clusters send anything

        try:
            answer = httpx2.post(url, content=raw, headers=headers, timeout=_SEND_S, trust_env=False)
            self.sent.append((url, body, answer.status_code))
        except (httpx2.HTTPError, httpx2.InvalidURL):
            self.sent.append((url, body, 0))

    def drain(self) -> None:
        """Returns when all that was to be sent has been."""
        if self._threads is not None:
            self._threads.shutdown()
            self._threads = None


def _wants(alert: Object, about: Object, severity: str, text: str) -> bool:
    if at(alert, "spec", "eventSeverity", default="info") == "error" and severity != "error":
        return False
    if any(re.search(pattern, text) for pattern in at(alert, "spec", "exclusionList", default=[])):
        return False
    return any(
        source["kind"] == about["kind"]
        and source["name"] in ("*", name_of(about))
        and source.get("namespace", namespace_of(alert)) in ("*", namespace_of(about))
        for source in alert["spec"]["eventSources"]
    )
