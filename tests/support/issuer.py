"""An OIDC issuer on this machine: discovery document, keys, and GitHub's endpoint where a job asks for its token.

It can also sign what no honest issuer would (`alg="none"`, `alg="HS256"` over the public key, any header, any time),
change its keys, and be down.

    issuer = Issuer()
    with issuer.serve() as url:
        token = issuer.sign({"aud": "failover-api", "sub": "somebody"})
"""

import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Issuer:
    """`url` is known while it serves. `requests` are the paths that were asked for; while `down` all get a 503.

    `claims` are those of the job whose token the Actions endpoint gives; `request_token` is what a job shows there, and
    `tokens` are the ones that it got.
    """

    def __init__(self, claims: Mapping[str, Any] | None = None) -> None:
        self.url = ""
        self.claims = dict(github_claims() if claims is None else claims)
        self.request_token = secrets.token_urlsafe(16)
        self.requests: list[str] = []
        self.tokens: list[str] = []
        self.down = False
        self._keys: dict[str, tuple[str, Key]] = {}
        self.rotate()

    def rotate(self, *, keep: bool = False) -> None:
        """New keys, one for each algorithm. `keep` leaves the old ones in the key set."""
        self._keys = self._keys if keep else {}
        new: dict[str, Key] = {
            "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
            "ES256": ec.generate_private_key(ec.SECP256R1()),
        }
        self._keys |= {f"{alg.lower()}-{secrets.token_hex(4)}": (alg, key) for alg, key in new.items()}

    def kid(self, alg: str = "RS256") -> str:
        """The newest key of an algorithm."""
        return [kid for kid, (of, _) in self._keys.items() if of == alg][-1]

    def jwks(self) -> dict[str, Any]:
        """The key set: public halves only."""
        return {"keys": [_public_jwk(kid, alg, key) for kid, (alg, key) in self._keys.items()]}

    def sign(
        self,
        claims: Mapping[str, Any],
        *,
        kid: str | None = None,
        alg: str = "RS256",
        expires_in_s: float = 300,
        header: Mapping[str, Any] | None = None,
    ) -> str:
        """A token. `iss`, `iat`, `nbf` and `exp` are added; `claims` win over them, and one that is None is left out.

        `kid` is what the header says; one that is not known is signed with the newest key all the same.
        """
        now = int(time.time())
        said = {"iss": self.url, "iat": now, "nbf": now, "exp": int(now + expires_in_s), **claims}
        payload = {name: value for name, value in said.items() if value is not None}
        signer = alg if alg in {"RS256", "ES256"} else "RS256"
        named = self.kid(signer) if kid is None else kid
        head = {"alg": alg, "typ": "JWT", "kid": named, **(header or {})}
        _, key = self._keys.get(named, self._keys[self.kid(signer)])
        signed = f"{_part(head)}.{_part(payload)}"
        return f"{signed}.{_base64(_signature(signed.encode(), alg, key))}"

    @contextlib.contextmanager
    def serve(self) -> Iterator[str]:
        """Serves on 127.0.0.1; gives the URL."""
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self.url
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def job_environment(self) -> dict[str, str]:
        """What the runner sets for a job that has `id-token: write`."""
        return {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.url}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.request_token,
        }

    def answer(self, target: str, authorization: str) -> tuple[int, dict[str, Any]]:
        """Status and JSON of a GET."""
        self.requests.append(target)
        parts = urlsplit(target)
        if self.down:
            return 503, {"message": "down"}
        match parts.path:
            case "/.well-known/openid-configuration":
                return 200, self._discovery()
            case "/.well-known/jwks":
                return 200, self.jwks()
            case "/token":
                return self._job_token(parse_qs(parts.query), authorization)
            case _:
                return 404, {"message": "Not Found"}

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/.well-known/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public", "pairwise"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "scopes_supported": ["openid"],
        }

    def _job_token(self, query: Mapping[str, list[str]], authorization: str) -> tuple[int, dict[str, Any]]:
        """GitHub's answer to a job; without an audience it is the owner's URL."""
        scheme, _, shown = authorization.partition(" ")
        if scheme.lower() != "bearer" or shown != self.request_token:
            return 401, {"message": "Unauthorized"}
        owner = f"https://github.com/{self.claims['repository_owner']}"
        self.tokens.append(self.sign({**self.claims, "aud": query.get("audience", [owner])[0]}))
        return 200, {"count": 1, "value": self.tokens[-1]}


def github_claims(**changes: Any) -> dict[str, Any]:
    """What GitHub says of a job that somebody started by hand.

    https://docs.github.com/en/actions/reference/security/oidc
    """
    repository, ref = "acme/homelab", "refs/heads/main"
    workflow = f"{repository}/.github/workflows/failover.yml@{ref}"
    claims = {
        "jti": secrets.token_hex(8),
        "sub": f"repo:{repository}:ref:{ref}",
        "repository": repository,
        "repository_id": "123456",
        "repository_owner": "acme",
        "repository_owner_id": "654321",
        "repository_visibility": "private",
        "ref": ref,
        "ref_type": "branch",
        "event_name": "workflow_dispatch",
        "workflow": "Failover",
        "workflow_ref": workflow,
        "job_workflow_ref": workflow,
        "actor": "maria",
        "actor_id": "42",
        "run_id": "1001",
        "run_number": "7",
        "run_attempt": "1",
        "runner_environment": "github-hosted",
    }
    return {**claims, **changes}


def _handler(issuer: Issuer) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = issuer.answer(self.path, self.headers.get("authorization", ""))
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json; charset=utf-8")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args: object) -> None:
            pass

    return Handler


def _public_jwk(kid: str, alg: str, key: Key) -> dict[str, Any]:
    algorithm = jwt.get_algorithm_by_name(alg)
    public: dict[str, Any] = json.loads(algorithm.to_jwk(key.public_key()))
    public.pop("key_ops", None)
    return {**public, "kid": kid, "alg": alg, "use": "sig"}


def _signature(signed: bytes, alg: str, key: Key) -> bytes:
    """By hand, since a library refuses to sign what it should."""
    if alg == "none":
        return b""
    if alg == "HS256":  # the old confusion: the public key, which everybody knows, as the shared secret
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return hmac.digest(public, signed, hashlib.sha256)
    return bytes(jwt.get_algorithm_by_name(alg).sign(signed, key))


def _part(value: Mapping[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")
