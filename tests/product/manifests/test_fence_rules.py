"""The rules of the component fence, run by Google's CEL: what was tried on a real API server, and its answers.

The simulated API server has to answer the same: there the rules are written out by hand.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from failover_api.cluster.out_of_service import PROBE, TAINT
from failover_api.sandbox.cluster.api.node_policy import NodePolicy
from failover_api.sandbox.cluster.objects.kinds import NODE
from failover_api.sandbox.cluster.objects.refusals import ApiError
from tests.product.manifests.kustomize import deployed, needs_kubectl

if TYPE_CHECKING:
    from collections.abc import Callable

runtime = pytest.importorskip("cel_expr_python.cel", reason="CEL's runtime has no wheel for this system")
optional = pytest.importorskip("cel_expr_python.ext.ext_optional")

pytestmark = needs_kubectl

Json = dict[str, Any]
US = "system:serviceaccount:operations:failover-api"
UNREACHABLE = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute", "timeAdded": "2026-11-23T04:00:43Z"}
ONLY = "only the taint node.kubernetes.io/out-of-service may change"
HEARD, WRONG = "the node is being heard of", "the taint must be nodeshutdown:NoExecute"
SPEC, METADATA = "the rest of spec may not change", "metadata may not change"


def node(ready: str = "Unknown", *taints: Json, **spec: Any) -> Json:
    return {
        "metadata": {"name": "k3s-w1", "labels": {"role": "primary"}, "resourceVersion": "1"},
        "spec": {
            "providerID": "k3s://k3s-w1",
            "podCIDR": "10.42.1.0/24",
            **({"taints": list(taints)} if taints else {}),
        }
        | spec,
        "status": {"conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": ready}]},
    }


DEAD, TAINTED = node("Unknown", UNREACHABLE), node("Unknown", UNREACHABLE, TAINT)


def after(before: Json, change: Callable[[Json], object]) -> Json:
    changed = copy.deepcopy(before)
    change(changed)
    return changed


def add(*taints: Json) -> Callable[[Json], object]:
    return lambda new: new["spec"].setdefault("taints", []).extend(taints)


ATTEMPTS: dict[str, tuple[Json, Callable[[Json], object], str]] = {
    "the taint on a node that is not heard of": (DEAD, add(TAINT), ""),
    "off it again": (TAINTED, lambda new: new["spec"]["taints"].remove(TAINT), ""),
    "off a node that is back, the last one": (node("True", TAINT), lambda new: new["spec"].pop("taints"), ""),
    "nothing": (DEAD, lambda new: new["metadata"].update(resourceVersion="2"), ""),
    "the taint on a node that is Ready": (node("True"), add(TAINT), HEARD),
    "the taint on a node that is not ready": (node("False"), add(TAINT), HEARD),
    "a label": (DEAD, lambda new: new["metadata"]["labels"].update({PROBE: "1"}), METADATA),
    "an annotation": (DEAD, lambda new: new["metadata"].update(annotations={"a": "b"}), METADATA),
    "a finalizer": (DEAD, lambda new: new["metadata"].update(finalizers=["a/b"]), METADATA),
    "cordon": (DEAD, lambda new: new["spec"].update(unschedulable=True), SPEC),
    "the provider": (DEAD, lambda new: new["spec"].update(providerID="x"), SPEC),
    "another taint": (DEAD, add({"key": "x", "effect": "NoSchedule"}), ONLY),
    "Kubernetes' own taint off": (DEAD, lambda new: new["spec"].update(taints=[TAINT]), ONLY),
    "their order": (TAINTED, lambda new: new["spec"]["taints"].append({**UNREACHABLE, "effect": "NoSchedule"}), ONLY),
    "a wrong value": (DEAD, add({**TAINT, "value": "other"}), WRONG),
    "no value": (DEAD, add({"key": TAINT["key"], "effect": "NoExecute"}), WRONG),
    "a wrong effect": (DEAD, add({**TAINT, "effect": "NoSchedule"}), WRONG),
    "the taint and a label": (
        DEAD,
        lambda new: (add(TAINT)(new), new["metadata"]["labels"].update(a="b")),
        METADATA,
    ),
}


class Policy:
    """The rendered policy. `subresource` is absent from a request for the node itself, as in a real one."""

    def __init__(self) -> None:
        self._spec = deployed("fence").one("ValidatingAdmissionPolicy", "failover-api-fence")["spec"]
        names = ("request", "object", "oldObject", "variables")
        dynamic = dict.fromkeys(names, runtime.Type.DYN)
        self._environment = runtime.NewEnv(variables=dynamic, extensions=[optional.ExtOptional()])

    def why_denied(self, old: Json, new: Json, *, user: str = US, subresource: str | None = None) -> str:
        request: Json = {"userInfo": {"username": user}}
        if subresource is not None:
            request["subResource"] = subresource
        data: Json = {"request": request, "object": new, "oldObject": old, "variables": {}}
        if not all(self._run(each["expression"], data) for each in self._spec["matchConditions"]):
            return ""
        for each in self._spec["variables"]:
            data["variables"][each["name"]] = self._run(each["expression"], data)
        denied = (each["message"] for each in self._spec["validations"] if not self._run(each["expression"], data))
        return next(denied, "")

    def _run(self, expression: str, data: Json) -> Any:
        """Raises AssertionError for an expression that fails: the policy would then deny everything."""
        value = plain(self._environment.compile(expression).eval(data=data).value())
        assert isinstance(value, bool | list | str), f"{expression}: {value}"  # anything else is an error of CEL's
        return value


def plain(value: Any) -> Any:
    """CEL's values as Python's."""
    if isinstance(value, bool | str | int) or value is None:
        return value
    if hasattr(value, "items"):
        return {str(key): plain(each) for key, each in value.items()}
    return plain(value.value()) if hasattr(value, "value") else [plain(each) for each in value]


def simulated(old: Json, new: Json) -> str:
    """What the simulated API server says."""
    policy = NodePolicy()
    policy.users.add(US)
    try:
        policy.check(US, NODE, "", old, new)
    except ApiError as exc:
        return exc.message.partition("denied request: ")[2]
    return ""


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy()


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_each_attempt_has_the_answer_that_was_seen_on_both(policy: Policy, attempt: str) -> None:
    old, change, why = ATTEMPTS[attempt]
    new = after(old, change)
    assert policy.why_denied(old, new) == why
    assert simulated(old, new) == why


def test_others_are_not_looked_at(policy: Policy) -> None:
    new = after(DEAD, lambda node: node["metadata"]["labels"].update(a="b"))
    assert policy.why_denied(DEAD, new, user="system:serviceaccount:other:failover-api") == ""


def test_a_subresource_may_not_be_written_and_an_absent_one_is_no_failure(policy: Policy) -> None:
    assert policy.why_denied(DEAD, DEAD, subresource="status") == "no subresource"
    assert policy.why_denied(DEAD, DEAD, subresource="") == ""
    assert policy.why_denied(DEAD, DEAD) == ""
