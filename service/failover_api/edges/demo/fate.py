"""What befalls a machine of a demo in another process: one request to its simulated cluster, and to nothing else."""

from urllib.parse import quote

from failover_api.edges.demo.announcement import on_loopback, running_demo
from failover_api.errors import NotReady, UnknownUrl

_TIMEOUT_S = 10.0
_WANTED = {"kill": (False, True), "cut": (True, False), "revive": (True, True)}  # is on; is linked, where it is on
_WORDS = {(False, True): "off", (True, False): "off the network", (True, True): "well"}


def befall(node: str, act: str, cluster: str | None = None) -> float:
    """`cluster` is the URL of one of several demos. Once it is seen to have befallen the machine.

    For how many seconds the simulation is behind, since this computer is busy: what follows comes later by that.
    Raises BadRequest; NotReady, also where the machine is seen otherwise; UnknownUrl for no such machine.

    The address is the sandbox's own: an API server that is real knows nothing of it, and does nothing.
    """
    import httpx2

    url = on_loopback(cluster) if cluster else running_demo()
    address = f"{url}/_sandbox/nodes/{quote(node, safe='')}"
    try:
        answer = httpx2.post(f"{address}/{act}", timeout=_TIMEOUT_S, trust_env=False)
        seen = httpx2.get(address, timeout=_TIMEOUT_S, trust_env=False) if answer.status_code == 204 else answer
    except httpx2.HTTPError as exc:
        raise NotReady(f"no demo answers at {url}: {type(exc).__name__}") from exc
    if answer.status_code == 404:
        raise UnknownUrl(f"the demo has no machine {node[:100]!r}; it has k3s-cp, k3s-w1 and k3s-w2")
    if answer.status_code != 204 or seen.status_code != 200:
        raise NotReady(f"what answers at {url} is no demo: it says {seen.status_code}")
    machine = seen.json()
    is_now = (machine["is_on"], machine["is_linked"] or not machine["is_on"])
    if is_now != _WANTED[act]:
        raise NotReady(f"{node} is {_WORDS[is_now]}, and not {_WORDS[_WANTED[act]]}: has somebody else acted on it?")
    return float(machine["behind_s"])
