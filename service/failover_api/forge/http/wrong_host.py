"""What was reached instead of GitHub's API, in plain words: a web page, a proxy, a sign-in page, another service.

Of the reply, only its title and the target of a redirect are repeated, shortened.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

_TITLE = re.compile(rb"<title[^>]{0,100}>([^<]{1,200})<", re.IGNORECASE)
_TITLE_WITHIN = 4096
_RENAMED = re.compile(r"/repositories/\d+")
_MAX_TEXT = 80
_DOT_COM = {"github.com", "www.github.com"}
_API = "https://api.github.com"
# https://www.rfc-editor.org/rfc/rfc9110#section-15.5.8, https://www.rfc-editor.org/rfc/rfc6585#section-6
_IN_BETWEEN = {407: "a proxy that wants a name and a password", 511: "a network that wants you to sign in"}


def describe_wrong_host(*, status: int, headers: Mapping[str, str], body: bytes, data: Any, root: str) -> str | None:
    """What answered, and which URL was expected, when it is not GitHub's API; None when it may well be.

    GitHub answers in JSON, its errors with a `message`. `data` is the parsed JSON, None when there is none; `root` is
    the REST root that was asked. A 5xx (but for 511) may come from anything in between: it counts as GitHub's outage.
    """
    if not _is_wrong_host(status, headers, body, data):
        return None
    kind, expected = _kind(status, headers, body), _expected(root, status, headers)
    return f"what answered at {_host(root)} is not GitHub's API ({kind}); {expected}"


def _is_wrong_host(status: int, headers: Mapping[str, str], body: bytes, data: Any) -> bool:
    if status in _IN_BETWEEN:
        return True
    if status in {304, 408} or status >= 500:
        return False
    if 300 <= status < 400:
        of_github = isinstance(data, dict) and "message" in data
        return not of_github and not _RENAMED.search(headers.get("location", ""))
    if isinstance(data, dict) and status >= 400:
        return bool(data) and not {"message", "errors"} & data.keys() and "x-github-request-id" not in headers
    if status >= 400 and not body:  # its refusals say why
        return "x-github-request-id" not in headers
    return bool(body) and data is None


def _kind(status: int, headers: Mapping[str, str], body: bytes) -> str:
    if 300 <= status < 400:
        leads = urlsplit(headers.get("location", ""))
        goal = f"{leads.scheme}://{leads.hostname}" if leads.hostname else "another page"
        return f"{status}, a redirect to {_shortened(goal)}"
    if status in _IN_BETWEEN:
        return f"{status}, {_IN_BETWEEN[status]}"
    if is_page(headers, body):
        title = _TITLE.search(body[:_TITLE_WITHIN])
        named = f" titled {_shortened(title[1].decode(errors='replace'))!r}" if title else ""
        return f"{status}, a web page{named}"
    if not body:
        return f"{status}, and nothing with it"
    return f"{status}, {'JSON of another service' if 'json' in headers.get('content-type', '') else 'no JSON'}"


def is_page(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the body is an HTML page."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "text/html" or body[:200].lstrip().lower().startswith((b"<!doctype html", b"<html"))


def _expected(root: str, status: int, headers: Mapping[str, str]) -> str:
    parts = urlsplit(root)
    host, place = parts.hostname or "", parts.netloc.rpartition("@")[2]
    leads = urlsplit(headers.get("location", ""))
    if 300 <= status < 400 and parts.scheme == "http" and (leads.scheme, leads.hostname) == ("https", host):
        return f"expected FAILOVER_GITHUB_URL=https://{place}{parts.path}"
    if host in _DOT_COM:
        return f"expected FAILOVER_GITHUB_URL={_API}"
    if host.endswith(".ghe.com") and not host.startswith("api."):
        return f"expected FAILOVER_GITHUB_URL=https://api.{place}"
    if host.startswith("api.") or parts.path.endswith("/api/v3"):
        return "something in between answers for GitHub: a sign-in page, a proxy or a firewall"
    return f"expected FAILOVER_GITHUB_URL={parts.scheme}://{place}/api/v3"


def _host(root: str) -> str:
    return urlsplit(root).netloc.rpartition("@")[2] or "the other end"


def _shortened(text: str) -> str:
    return " ".join(text.split())[:_MAX_TEXT]
