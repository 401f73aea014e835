"""Why a request had no reply, in plain words: DNS, TLS, a proxy, a timeout, a closed connection.

The words hold nothing secret: of a proxy only the variable that names it, of a URL only the host.
"""

import errno
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

_MAX_TEXT = 80


def explain_connection_error(error: BaseException, url: str = "") -> str:
    """The cause of an error of the HTTP client. `url` is what was requested."""
    otherwise = "no answer in time" if isinstance(error, TimeoutError) else "something went wrong on the way"
    explanation = next(filter(None, map(_explain, _causes(error))), otherwise)
    parts = urlsplit(url)
    if not parts.hostname:
        return explanation
    through = f", through the proxy of {_proxy(parts.scheme)}" if _is_proxied(parts.scheme, parts.hostname) else ""
    return f"{parts.hostname}{through}: {explanation}"


def _explain(cause: BaseException) -> str | None:
    """None for an error that only wraps another."""
    explanation = next((explain(cause) for kind, explain in _CAUSES if isinstance(cause, kind)), None)
    if explanation is None and isinstance(cause, OSError) and cause.errno is not None:
        return _BY_ERRNO.get(cause.errno, "the connection failed")
    return explanation


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and its causes, the innermost first: it is the most specific."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain and len(chain) < 20:
        chain.append(cause)
        grouped = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else None
        cause = grouped or cause.__cause__ or cause.__context__
    return reversed(chain)


def _proxy(scheme: str) -> str:
    return f"{scheme.upper()}_PROXY" if getproxies().get(scheme) else "ALL_PROXY"


def _is_proxied(scheme: str, host: str) -> bool:
    known = getproxies()
    return bool(known.get(scheme) or known.get("all")) and not proxy_bypass(host)


def _certificate(error: Any) -> str:
    """https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/#error-codes"""
    why = _shortened(str(getattr(error, "verify_message", "")) or "it cannot be verified")
    match getattr(error, "verify_code", 0):
        case 9 | 10:
            return f"its certificate does not hold now ({why}): is the clock of this machine right?"
        case 62 | 64:
            return f"its certificate is for another name ({why})"
        case _:
            return f"its certificate is not trusted here ({why}); SSL_CERT_FILE names a file of authorities to trust"


def _tls(error: Any) -> str:
    reason = str(getattr(error, "reason", "") or "")
    if reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"}:
        return "it does not speak TLS: https where there is only http, or a proxy in between"
    return f"no TLS connection could be made ({_shortened(reason.replace('_', ' ').lower()) or 'the handshake failed'})"


def _name(error: Any) -> str:
    if error.errno == socket.EAI_AGAIN:
        return "its name cannot be looked up, DNS does not answer"
    return "its name is not found (DNS)"


def _constant(text: str) -> Callable[[Any], str]:
    return lambda _: text


def _of_proxy(error: Any) -> str:
    return f"the proxy made no connection ({_shortened(str(error)) or 'it says nothing'})"


_CAUSES: tuple[tuple[type[BaseException], Callable[[Any], str]], ...] = (
    (ssl.SSLCertVerificationError, _certificate),
    (ssl.SSLError, _tls),
    (socket.gaierror, _name),
    (httpx2.ProxyError, _of_proxy),
    (httpx2.ConnectTimeout, _constant("no connection in time: it is down, or a firewall is in between")),
    (httpx2.PoolTimeout, _constant("all connections are busy")),
    (httpx2.WriteTimeout, _constant("the request could not be sent in time")),
    (httpx2.ReadTimeout, _constant("no answer in time")),
    (httpx2.RemoteProtocolError, _constant("the connection was closed before the answer was complete")),
    (httpx2.LocalProtocolError, _constant("the request cannot be sent as it is")),
    (httpx2.DecodingError, _constant("the answer cannot be unpacked")),
    (httpx2.UnsupportedProtocol, _constant("neither http nor https")),
    (httpx2.ReadError, _constant("the connection was cut")),
    (httpx2.WriteError, _constant("the connection was cut")),
)
_BY_ERRNO = {
    errno.ECONNREFUSED: "the connection was refused",
    errno.ECONNRESET: "the connection was cut",
    errno.EPIPE: "the connection was cut",
    errno.ECONNABORTED: "the connection was cut",
    errno.EHOSTUNREACH: "there is no route to it",
    errno.ENETUNREACH: "there is no route to it",
    errno.EHOSTDOWN: "it is down",
    errno.ETIMEDOUT: "no connection in time: it is down, or a firewall is in between",
    errno.EACCES: "the connection is not permitted here",
    errno.EPERM: "the connection is not permitted here",
    errno.EMFILE: "this process has too many files open",
    errno.ENFILE: "this machine has too many files open",
}


def _shortened(text: str) -> str:
    return " ".join(text.split())[:_MAX_TEXT]
