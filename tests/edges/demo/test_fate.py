"""What befalls a machine of a demo: it is told once it is seen, and told where it is not."""

from collections.abc import Iterator

import pytest

from failover_api.edges.demo.fate import befall
from failover_api.errors import NotReady, UnknownUrl
from failover_api.sandbox.cluster.cluster import SimulatedCluster


@pytest.fixture(scope="module")
def cluster() -> SimulatedCluster:
    return SimulatedCluster()


@pytest.fixture(scope="module")
def url(cluster: SimulatedCluster) -> Iterator[str]:
    with cluster.serve() as served:
        yield served


def test_it_is_seen_to_have_befallen_the_machine(cluster: SimulatedCluster, url: str) -> None:
    for act, is_on, is_linked in (("cut", True, False), ("kill", False, False), ("revive", True, True)):
        assert befall("k3s-w1", act, url) == 0.0
        machine = cluster.machines["k3s-w1"]
        assert (machine.is_on, machine.is_linked) == (is_on, is_linked)
    with pytest.raises(UnknownUrl, match="no machine 'k3s-w9'"):
        befall("k3s-w9", "kill", url)


def test_a_machine_that_somebody_revives_in_the_same_moment_is_not_said_to_be_off(
    cluster: SimulatedCluster, url: str
) -> None:
    def kill_and_revive(node: str, act: str) -> bool:
        cluster.kill(node)
        cluster.revive(node)
        return True

    cluster.api.control = kill_and_revive
    with pytest.raises(NotReady, match="k3s-w1 is well, and not off"):
        befall("k3s-w1", "kill", url)
