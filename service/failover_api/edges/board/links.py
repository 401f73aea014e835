"""Links to the Git host's own web pages: a line of a file, a branch."""

from urllib.parse import quote, urlsplit

from failover_api.core.catalog.model import Branch


def web_base(api: str) -> str:
    """The host's own pages, by its API: api.github.com is github.com, HOST/api/v3 is HOST.

    https://docs.github.com/en/enterprise-server@latest/rest/using-the-rest-api/getting-started-with-the-rest-api
    """
    parts = urlsplit(api)
    host = parts.netloc.removeprefix("api.") if not parts.path else parts.netloc
    return f"{parts.scheme}://{host}{parts.path.removesuffix('/api/v3')}"


def line_url(base: str, branch: Branch, file: str, line: int) -> str:
    """A line of a file as it is on the branch now."""
    return f"{base}/{quote(branch.repository)}/blob/{quote(branch.name)}/{quote(file)}#L{line}"


def tree_url(base: str, branch: Branch) -> str:
    """The files of a branch."""
    return f"{base}/{quote(branch.repository)}/tree/{quote(branch.name)}"


def web_only(url: str) -> str:
    """A URL that a person may follow; nothing for what is none."""
    return url if url.startswith(("https://", "http://")) else ""
