"""The backend that calls a running service over HTTP (`--server`); the Backend protocol is in backend.py."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from failover_api.core.untrusted_json import parse_json
from failover_api.edges.cli.backend import NOBODY, Body, Callbacks, Kind, Refused, Versions, refused
from failover_api.edges.http.etags import if_match, versions_of
from failover_api.edges.problems import TYPE_PREFIX
from failover_api.errors import BadRequest, FailoverError, NotReady, OutcomeUnknown, PreconditionFailed

if TYPE_CHECKING:  # `failover --help` should not wait for it
    import httpx2

    from failover_api.core.planning.request import MoveRequest

NAMES_TIMEOUT_S = 2.0  # names are a help, and not worth a wait
_AGAIN = "ask again: a service that is already there is not moved twice"
_KEYED = "ask again with the same key: it is not done twice"
_NO_CONTENT, _NOT_FOUND = 204, 404
_LOOK_THERE = "look with `failover automatic`, and say it again if it is not there"
_LOOK = "look at its history before you ask again: rolling back twice undoes the rollback"
# A proxy that compresses drops or weakens the ETag that a confirmed move is bound to.
_HEADERS = {"accept": "application/json", "accept-encoding": "identity", "cache-control": "no-transform"}
_SENDING = "send_request_headers.started"  # of httpcore's trace: before it nothing has left
_NO_ETAG = (
    "sent no ETag with the dry run (a proxy in between drops it), so the move cannot be bound to what was shown; "
    "nothing was written. --yes moves without that"
)
_UNSENDABLE = "FAILOVER_TOKEN holds a blank, a line end or a letter that no HTTP header takes; nothing was sent"
_TOKEN = re.compile(r"[\x21-\x7e]+")


class RemoteBackend:
    """A running service."""

    def __init__(self, url: str, token: str | None, timeout_s: float) -> None:
        self._url, self._token, self._timeout_s = url, (token or "").strip(), timeout_s

    def close(self) -> None:
        """Each request has a connection of its own."""

    def list_all(self) -> Body:
        return self._ask("GET", "/api/failover", expect="services")[0]

    def status(self, service: str) -> Body:
        return self._ask("GET", _path("failover", service), expect="switches")[0]

    def history(self, service: str, *, limit: int, cursor: str | None) -> Body:
        paging = {"limit": limit} if cursor is None else {"limit": limit, "cursor": cursor}
        return self._ask("GET", _path("failover", service, "history"), expect="entries", params=paging)[0]

    def rollout(self, service: str, *, operation: str | None = None) -> Body:
        asked = {} if operation is None else {"operation": operation}
        return self._ask("GET", _path("failover", service, "rollout"), expect="steps", params=asked)[0]

    def operation(self, operation: str) -> Body:
        return self._ask("GET", _path("operations", operation), expect="waves")[0]

    def waves(self, operation: str) -> Body | None:
        try:
            body = self._ask("GET", _path("operations", operation), expect="operation")[0]
        except Refused as exc:
            if exc.problem.get("status") != _NOT_FOUND:
                raise
            return None
        return body if "waves" in body else None

    def tidy(self, service: str, operation: str) -> None:
        """The service does so itself."""

    def groups(self) -> Body:
        return self._ask("GET", "/api/groups", expect="groups")[0]

    def nodes(self) -> Body:
        return self._ask("GET", "/api/nodes", expect="nodes")[0]

    def automatic(self) -> Body:
        return self._ask("GET", "/api/automatic", expect="pauses")[0]

    def pause(self, *, reason: str, until: str | None, services: Sequence[str]) -> Body:
        given: Body = {"reason": reason, "until": until, "services": list(services)}
        body = {key: value for key, value in given.items() if value}
        return self._say("POST", "/api/automatic/pauses", expect="id", json=body)

    def resume(self, id_: str) -> None:
        self._say("DELETE", _path("automatic", "pauses", id_))

    def acknowledge(self, *, service: str = "", node: str = "") -> Body:
        body = {"service": service} if service else {"node": node}
        return self._say("POST", "/api/automatic/acks", expect="at", json=body)

    def attest(self, node: str, *, reason: str) -> Body:
        return self._say("POST", _path("nodes", node, "attestations"), expect="id", json={"reason": reason})

    def withdraw(self, node: str) -> None:
        self._say("DELETE", _path("nodes", node, "attestations"))

    def _say(self, method: str, path: str, *, expect: str = "", json: Body | None = None) -> Body:
        return self._ask(method, path, expect=expect, again=_LOOK_THERE, json=json)[0]

    def evacuate(self, node: str, request: "MoveRequest", callbacks: Callbacks = NOBODY) -> tuple[Body, Versions]:
        return self._move(_path("nodes", node, "evacuate"), "evacuate", request, callbacks)

    def names(self, kind: Kind) -> Sequence[str]:
        hasty = RemoteBackend(self._url, self._token, min(self._timeout_s, NAMES_TIMEOUT_S))
        if kind == "group":
            return [group["name"] for group in hasty.groups()["groups"]]
        if kind == "node":
            return [node["name"] for node in hasty.nodes()["nodes"]]
        return [service["service"] for service in hasty.list_all()["services"]]

    def move(
        self, service: str, action: str, request: "MoveRequest", callbacks: Callbacks = NOBODY
    ) -> tuple[Body, Versions]:
        return self._move(_path("failover", service, action), action, request, callbacks)

    def move_group(
        self, group: str, action: str, request: "MoveRequest", callbacks: Callbacks = NOBODY
    ) -> tuple[Body, Versions]:
        return self._move(_path("groups", group, action), action, request, callbacks)

    def relocate(
        self, service: str, to: str, request: "MoveRequest", callbacks: Callbacks = NOBODY, *, is_synced: bool = False
    ) -> tuple[Body, Versions]:
        said = _said(request, to=to, synced=is_synced)
        return self._send(_path("failover", service, "relocate"), said, request, callbacks, expect="steps")

    def relocate_group(
        self, group: str, to: str, request: "MoveRequest", callbacks: Callbacks = NOBODY
    ) -> tuple[Body, Versions]:
        path, said = _path("groups", group, "relocate"), _said(request, to=to, skip_refused=request.skip_refused)
        return self._send(path, said, request, callbacks, expect="relocations")

    def relocate_node(
        self, node: str, request: "MoveRequest", callbacks: Callbacks = NOBODY, *, is_home: bool = False
    ) -> tuple[Body, Versions]:
        path, said = _path("nodes", node, "relocate"), _said(request, home=is_home, skip_refused=request.skip_refused)
        return self._send(path, said, request, callbacks, expect="relocations")

    def group_relocation(self, operation: str) -> Body:
        return self._ask("GET", _path("operations", operation), expect="relocations")[0]

    def abort_group_relocation(
        self, kind: Kind, name: str, request: "MoveRequest", callbacks: Callbacks = NOBODY
    ) -> Body:
        path, body = _path(f"{kind}s", name, "relocate", "abort"), _said(request)
        return self._send(path, body, request, callbacks, expect="relocations")[0]

    def relocation(self, service: str, operation: str) -> Body:
        body = self._ask("GET", _path("operations", operation), expect="state")[0]
        return next((one for one in body.get("relocations", ()) if one["service"] == service), body)  # one of several

    def abort_relocation(self, service: str, request: "MoveRequest", callbacks: Callbacks = NOBODY) -> Body:
        path, body = _path("failover", service, "relocate", "abort"), _said(request)
        return self._send(path, body, request, callbacks, expect="steps")[0]

    def _move(self, path: str, action: str, request: "MoveRequest", callbacks: Callbacks) -> tuple[Body, Versions]:
        from failover_api.edges.move_request import KEYS

        body = {key: _plain(value) for key in KEYS if (value := getattr(request, key))}
        return self._send(path, body, request, callbacks, expect="changes", action=action)

    def _send(
        self,
        path: str,
        body: Body,
        request: "MoveRequest",
        callbacks: Callbacks,
        *,
        expect: str,
        action: str = "",
    ) -> tuple[Body, Versions]:
        headers = {} if request.key is None else {"Idempotency-Key": request.key}
        if request.versions is not None:
            if not request.versions:
                raise refused(PreconditionFailed(f"{self._url} {_NO_ETAG}"))
            headers["If-Match"] = if_match(request.versions)
        again, on_write = (None, None) if request.dry_run else (_again(action, request.key), callbacks.on_write)
        callbacks.on_step(f"asking {self._url}")
        outcome, etag = self._ask(
            "POST", path, expect=expect, again=again, on_sent=on_write, json=body, headers=headers
        )
        return outcome, _versions(etag)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        expect: str,
        again: str | None = None,
        on_sent: Callable[[], None] | None = None,
        headers: Any = None,
        json: Any = None,
        params: Any = None,
    ) -> tuple[Body, str]:
        """The body, which has the key `expect`, and its ETag; without `expect`, an answer without a body.

        `again` is what to do when a write has no answer.
        """
        import httpx2

        is_sent = False

        def trace(event: str, _: object) -> None:
            nonlocal is_sent
            if event.endswith(_SENDING) and not is_sent:
                is_sent = True
                if on_sent is not None:
                    on_sent()

        headers = {**_HEADERS, **self._authorization(), **(headers or {})}
        try:
            with self._client() as client:
                response = client.request(
                    method, self._url + path, headers=headers, json=json, params=params, extensions={"trace": trace}
                )
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as exc:
            why = self._why(exc)
            if is_sent:
                raise refused(self._unanswered(f"did not answer ({why})", again)) from exc
            raise refused(NotReady(f"{self._url} cannot be reached ({why})")) from exc
        try:
            body = parse_json(response.content)
        except ValueError:
            body = None
        if response.status_code == _NO_CONTENT and not expect:
            return {}, ""
        if response.is_success and isinstance(body, dict) and expect and expect in body:
            return body, response.headers.get("etag", "")
        if isinstance(body, dict) and str(body.get("type", "")).startswith(TYPE_PREFIX):
            raise Refused(body)
        foreign = f"answered {response.status_code}, and not as a failover-api does"
        carried_out = response.is_success or response.status_code >= 500
        raise refused(self._unanswered(foreign, again if carried_out else None))

    def _client(self) -> "httpx2.Client":
        """Raises Refused for proxies and authorities that cannot be used."""
        import httpx2

        from failover_api.forge.http.connections import from_environment

        try:
            return from_environment(lambda tls: httpx2.Client(timeout=self._timeout_s, verify=tls))
        except FailoverError as exc:
            raise refused(exc) from exc

    def _why(self, error: Exception) -> str:
        """In plain words."""
        from failover_api.connection_errors import explain_connection_error

        return explain_connection_error(error, self._url)

    def _authorization(self) -> dict[str, str]:
        """Raises Refused for a token that no header takes; the token is not shown."""
        if not self._token:
            return {}
        if not _TOKEN.fullmatch(self._token):
            raise refused(BadRequest(_UNSENDABLE))
        return {"authorization": f"Bearer {self._token}"}

    def _unanswered(self, what: str, again: str | None) -> FailoverError:
        """What it means that the service's own answer did not come: a gateway in between may have dropped it."""
        if again is None:
            return NotReady(f"{self._url} {what}")
        return OutcomeUnknown(f"{self._url} {what}; {again}")


def _said(request: "MoveRequest", **more: object) -> Body:
    """What a relocation is asked for with."""
    body = {"dry_run": request.dry_run, "reason": request.reason, "accept": sorted(request.accept), **more}
    return {key: value for key, value in body.items() if value}


def _plain(value: object) -> object:
    """As JSON has it."""
    return sorted(value) if isinstance(value, frozenset) else value


def _path(*steps: str) -> str:
    return "/".join(("/api", *(quote(step, safe="") for step in steps)))


def _again(action: str, key: str | None) -> str:
    if key is not None:
        return _KEYED
    return _LOOK if action == "rollback" else _AGAIN


def _versions(etag: str) -> Versions:
    """None of an ETag that is none of ours."""
    try:
        return versions_of(etag) or frozenset()
    except PreconditionFailed:
        return frozenset()
