"""A leader that watches nodes, by the rules of most tests, and the words for what it sees."""

from failover_api.core.catalog.automatic import Automatic, Mode
from failover_api.core.safety.judgement import NodeState, ViewState
from tests.core.safety.plane import Watcher, plane_of

RULES = Automatic(mode=Mode.ACT, dead_for_s=60.0)
READY, SUSPECT, DEAD, FLAPPING = NodeState.READY, NodeState.SUSPECT, NodeState.DEAD, NodeState.FLAPPING
PLANNED, UNWELL, UNKNOWN = NodeState.PLANNED, NodeState.UNWELL, NodeState.UNKNOWN
BLIND, STORM, STARTING, WATCHING = ViewState.BLIND, ViewState.STORM, ViewState.STARTING, ViewState.WATCHING


def settled(*names: str, rules: Automatic = RULES) -> Watcher:
    """A leader that has watched for two minutes."""
    watcher = Watcher(plane_of(*(names or ("w1", "w2", "cp"))), rules)
    watcher.watch(120)
    assert watcher.view is WATCHING
    return watcher
