"""What befalls a machine of a demo in another process: one request to its simulated cluster, and to nothing else."""

from urllib.parse import quote

from failover_api.edges.demo.announcement import on_loopback, running_demo
from failover_api.errors import NotReady, UnknownUrl

_TIMEOUT_S = 10.0


def befall(node: str, act: str, cluster: str | None = None) -> None:
    """`cluster` is the URL of one of several demos. Raises BadRequest, NotReady; UnknownUrl for no such machine.

    The address is the sandbox's own: an API server that is real knows nothing of it, and does nothing.
    """
    import httpx2

    url = on_loopback(cluster) if cluster else running_demo()
    try:
        answer = httpx2.post(f"{url}/_sandbox/nodes/{quote(node, safe='')}/{act}", timeout=_TIMEOUT_S, trust_env=False)
    except httpx2.HTTPError as exc:
        raise NotReady(f"no demo answers at {url}: {type(exc).__name__}") from exc
    if answer.status_code == 404:
        raise UnknownUrl(f"the demo has no machine {node[:100]!r}; it has k3s-cp, k3s-w1 and k3s-w2")
    if answer.status_code != 204:
        raise NotReady(f"what answers at {url} is no demo: it says {answer.status_code}")
