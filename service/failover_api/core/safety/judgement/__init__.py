"""Is a node dead, and may anybody say so? Samples in, verdicts out; no clock, no I/O, no memory but a value.

    ready      Ready, and its Lease is renewed
    suspect    its Lease was not renewed for 25 s, or Kubernetes does not call it ready; it may pass
    dead       its Lease was not renewed, and Kubernetes said Unknown of it, both for `dead_for`, as seen by this leader
    flapping   ready to suspect three times in half an hour: left alone for an hour
    planned    cordoned, whatever else it is
    unwell     it says itself that it is not ready: it lives, and obeys
    unknown    it says nothing of itself, or nothing is heard

    watching   and of all that is seen: it may act
    blind      nothing was heard of nodes or of Leases for 30 s
    storm      too many are not well, or Kubernetes itself takes it for one
    starting   the first minute of this leader
    off        `automatic.mode` is none

Unknown comes from Kubernetes 43 to 55 s after a death, and nothing comes before but the Lease that is not renewed. The
Lease's time is by the node's clock, so only how long we have seen it unchanged counts. What counts is only what this
leader has seen itself, without a break: see `transition`.

    samples     what one look shows         memory    what is remembered from one to the next
    transition  one sample more             verdicts  what it says
"""

from failover_api.core.safety.judgement.memory import START, Memory, flaps_as_json, with_flaps
from failover_api.core.safety.judgement.samples import NodeSample, Sample, sample_of
from failover_api.core.safety.judgement.transition import step
from failover_api.core.safety.judgement.verdicts import NodeVerdict, Verdicts, ViewVerdict
from failover_api.core.safety.node_states import NodeState, ViewState

__all__ = [
    "START",
    "Memory",
    "NodeSample",
    "NodeState",
    "NodeVerdict",
    "Sample",
    "Verdicts",
    "ViewState",
    "ViewVerdict",
    "flaps_as_json",
    "sample_of",
    "step",
    "with_flaps",
]
