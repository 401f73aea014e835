"""A small API server on this machine: lists in pages, watches, versions, rights, and whatever else goes wrong.

It keeps objects and what happened to them, and can be told to answer one request with any bytes. It is no sandbox:
nothing acts in it by itself.

    server = FakeKubernetes()
    server.put(NODES, node("k3s-w1"))
    with server.serve() as url:
        ...
"""

import contextlib
import copy
import http.server
import json
import socket
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]
Act = Callable[["Handler"], None]
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `resource` is the path without its namespace."""

    method: str
    path: str
    resource: str
    namespace: str
    params: dict[str, str]
    authorization: str
    host: str

    @property
    def is_watch(self) -> bool:
        return "watch" in self.params


class FakeKubernetes:
    """`tokens` that are accepted, None: any and none. `forbidden` holds (resource, namespace) that may not be read: ""
    is all at once, "*" each and all. `absent` are resources of which the server knows nothing.

    `gone_by` is how a watch learns that its version is too old: "status" or "event". A list's `continue` expires once
    for each in `expiring`. `ahead_s` is how far its clock is ahead of ours.
    """

    def __init__(self) -> None:
        self.url = ""
        self.tokens: set[str] | None = None
        self.forbidden: set[tuple[str, str]] = set()
        self.absent: set[str] = set()
        self.gone_by = "event"
        self.ahead_s = 0.0
        self.expiring = 0
        self.longest_window_s = 60.0
        self.asked: list[Asked] = []
        self._connections: set[socket.socket] = set()
        self._objects: dict[str, dict[tuple[str, str], Json]] = defaultdict(dict)
        self._history: list[tuple[int, str, str, Json]] = []
        self._version = 100
        self._oldest = 0
        self._acts: dict[tuple[str, str], list[Act]] = defaultdict(list)
        self._changed = threading.Condition()
        self._is_closing = False

    # Objects

    def put(self, resource: str, item: Json) -> None:
        """Makes an object, or changes it."""
        with self._changed:
            self._version += 1
            meta = item.setdefault("metadata", {})
            key = (meta.get("namespace", ""), meta["name"])
            type_ = "MODIFIED" if key in self._objects[resource] else "ADDED"
            meta["resourceVersion"] = str(self._version)
            self._objects[resource][key] = item
            self._history.append((self._version, resource, type_, copy.deepcopy(item)))
            self._changed.notify_all()

    def remove(self, resource: str, name: str, namespace: str = "") -> None:
        with self._changed:
            self._version += 1
            item = {**self._objects[resource].pop((namespace, name))}
            item["metadata"] = {**item["metadata"], "resourceVersion": str(self._version)}
            self._history.append((self._version, resource, "DELETED", item))
            self._changed.notify_all()

    def bookmark(self, resource: str) -> None:
        with self._changed:
            self._version += 1
            item = {"kind": "Any", "metadata": {"resourceVersion": str(self._version)}}
            self._history.append((self._version, resource, "BOOKMARK", item))
            self._changed.notify_all()

    def forget(self) -> None:
        """No earlier version is known any more: watches from there are told 410."""
        with self._changed:
            self._version += 1
            self._oldest = self._version

    def next(self, verb: str, resource: str, act: Act) -> None:
        """`act` answers the next list or watch ("list", "watch") of a resource instead."""
        self._acts[verb, resource].append(act)

    def count(self, verb: str, resource: str) -> int:
        asked = [each for each in self.asked if each.resource == resource]
        return sum(each.is_watch == (verb == "watch") for each in asked)

    # Serving

    @contextlib.contextmanager
    def serve(self, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[str]:
        fake = self

        class Server(http.server.ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
            daemon_threads = True
            request_queue_size = 100

            def finish_request(self, request: Any, client_address: Any) -> None:
                """The handshake is in the connection's own thread: a client that hangs holds up nobody else."""
                fake._connections.add(request)
                with contextlib.suppress(OSError, ValueError):  # refused by the client, or cut
                    if tls is None:
                        super().finish_request(request, client_address)
                        return
                    with tls.wrap_socket(request, server_side=True) as wrapped:
                        super().finish_request(wrapped, client_address)

            def shutdown_request(self, request: Any) -> None:
                fake._connections.discard(request)
                with contextlib.suppress(OSError):
                    super().shutdown_request(request)

        handler = type("BoundHandler", (Handler,), {"fake": self})
        server = Server((host, port), handler)
        at = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if tls else 'http'}://{at}:{server.server_port}"
        self._is_closing = False
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self.url
        finally:
            self._is_closing = True
            with self._changed:
                self._changed.notify_all()
            server.shutdown()
            thread.join()
            server.server_close()
            for connection in list(self._connections):
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def answer(self, handler: "Handler") -> None:
        """The answer to a GET."""
        asked = handler.asked
        self.asked.append(asked)
        acts = self._acts["watch" if asked.is_watch else "list", asked.resource]
        if acts:
            return acts.pop(0)(handler)
        if asked.path == "/version":
            return handler.json({"gitVersion": "v1.36.2"})
        if self._is_unauthenticated(asked):
            return handler.status(401, "Unauthorized", "Unauthorized")
        if asked.resource in self.absent:
            return handler.raw(404, b"404 page not found\n", "text/plain; charset=utf-8")
        if self._is_forbidden(asked.resource, asked.namespace):
            return handler.status(403, "Forbidden", f"cannot list resource at {asked.namespace or 'the cluster scope'}")
        if asked.is_watch:
            return self._watch(handler)
        return self._list(handler)

    def review(self, handler: "Handler", body: Json) -> None:
        """A SelfSubjectAccessReview: of a list and a watch alike."""
        self.asked.append(handler.asked)
        at = body["spec"]["resourceAttributes"]
        group = f"/apis/{at['group']}/" if at["group"] else "/api/"
        known = {each for each, _ in self.forbidden if each.startswith(group) and each.endswith(f"/{at['resource']}")}
        allowed = not any(self._is_forbidden(each, at.get("namespace", "")) for each in known)
        handler.json({**body, "status": {"allowed": allowed, "reason": "RBAC"}}, status=201)

    def _is_unauthenticated(self, asked: Asked) -> bool:
        return self.tokens is not None and asked.authorization.removeprefix("Bearer ") not in self.tokens

    def _is_forbidden(self, resource: str, namespace: str) -> bool:
        return (resource, namespace) in self.forbidden or (resource, "*") in self.forbidden

    def _of(self, resource: str, namespace: str) -> list[Json]:
        return [item for (of, _), item in self._objects[resource].items() if namespace in ("", of)]

    def _list(self, handler: "Handler") -> None:
        asked = handler.asked
        start, limit = int(asked.params.get("continue", "0")), int(asked.params.get("limit", "0"))
        if start and self.expiring:
            self.expiring -= 1
            handler.status(410, "Expired", "The provided continue parameter is too old")
            return
        with self._changed:
            items, version = self._of(asked.resource, asked.namespace), self._version
            page = items[start : start + limit] if limit else items
            text = json.dumps(page)
        following = str(start + limit) if limit and start + limit < len(items) else ""
        meta = {"resourceVersion": str(version), "continue": following}
        handler.raw(
            200, f'{{"kind": "AnyList", "apiVersion": "v1", "metadata": {json.dumps(meta)}, "items": {text}}}'.encode()
        )

    def _watch(self, handler: "Handler") -> None:
        asked = handler.asked
        version = int(asked.params["resourceVersion"])
        if version < self._oldest:
            self._gone(handler)
            return
        end = time.monotonic() + min(float(asked.params.get("timeoutSeconds", "60")), self.longest_window_s)
        handler.begin()
        while (left_s := end - time.monotonic()) > 0 and not self._is_closing:
            with self._changed:
                news = [each for each in self._history if each[0] > version and each[1] == asked.resource]
                if not news:
                    self._changed.wait(min(left_s, 0.5))
                    continue
            for at, _, type_, item in news:
                version = at
                if asked.namespace in ("", item["metadata"].get("namespace", "")) or type_ == "BOOKMARK":
                    handler.event(type_, item)
        handler.end()

    def _gone(self, handler: "Handler") -> None:
        if self.gone_by == "status":
            handler.status(410, "Expired", "too old resource version: 2 (2028)")
            return
        handler.begin()
        handler.event("ERROR", status_of(410, "Expired", "too old resource version: 2 (2028)"))
        handler.end()


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection. What an act may send is below."""

    fake: FakeKubernetes
    protocol_version = "HTTP/1.1"

    @property
    def asked(self) -> Asked:
        parts = urlsplit(self.path)
        steps = parts.path.split("/")
        namespace = ""
        if "namespaces" in steps and "kube-node-lease" not in steps:
            at = steps.index("namespaces")
            namespace = steps[at + 1]
            del steps[at : at + 2]
        params = {key: values[0] for key, values in parse_qs(parts.query).items()}
        authorization, host = self.headers.get("authorization", ""), self.headers.get("host", "")
        return Asked(self.command, parts.path, "/".join(steps), namespace, params, authorization, host)

    def do_GET(self) -> None:
        self.fake.answer(self)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.asked.path == REVIEWS:
            self.fake.review(self, body)
        else:
            self.status(405, "MethodNotAllowed", "not here")

    def json(self, data: Json, *, status: int = 200) -> None:
        self.raw(status, json.dumps(data).encode())

    def status(self, code: int, reason: str, message: str, **headers: str) -> None:
        self.raw(code, json.dumps(status_of(code, reason, message)).encode(), **headers)

    def raw(self, status: int, body: bytes, content_type: str = "application/json", **headers: str) -> None:
        self.head(status, content_type, {"content-length": str(len(body)), **headers})
        self.wfile.write(body)

    def head(self, status: int, content_type: str, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        self.send_header("date", formatdate(time.time() + self.fake.ahead_s, usegmt=True))
        self.send_header("content-type", content_type)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def begin(self) -> None:
        self.head(200, "application/json", {"transfer-encoding": "chunked"})
        self.wfile.flush()

    def event(self, type_: str, item: Json) -> None:
        self.chunk(json.dumps({"type": type_, "object": item}).encode() + b"\n")

    def chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def cut(self) -> None:
        """Ends the connection without another word."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            cast(socket.socket, self.connection).shutdown(socket.SHUT_RDWR)

    def hang(self, seconds: float) -> None:
        """Says nothing, and keeps the connection open."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.fake._is_closing:
            time.sleep(0.02)
        self.cut()

    def log_message(self, *args: object) -> None:
        pass


def status_of(code: int, reason: str, message: str) -> Json:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }


def node(name: str, *, ready: str = "True", **spec: Any) -> Json:
    condition = {
        "type": "Ready",
        "status": ready,
        "reason": "KubeletReady",
        "lastTransitionTime": "2026-11-01T10:00:00Z",
    }
    return {"metadata": {"name": name, "uid": f"uid-{name}"}, "spec": spec, "status": {"conditions": [condition]}}


def pod(name: str, namespace: str = "media", *, at: str = "k3s-w1", claim: str = "", **labels: str) -> Json:
    volumes = [{"name": "config", "persistentVolumeClaim": {"claimName": claim}}] if claim else []
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"nodeName": at, "volumes": volumes},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }


def lease(name: str, renewed_at: str) -> Json:
    return {
        "metadata": {"name": name, "namespace": "kube-node-lease"},
        "spec": {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": renewed_at},
    }
