"""The keys of `automatic` and `alerts` in services.yaml, and what each may hold."""

import re
from typing import Annotated

from pydantic import Field, WithJsonSchema
from pydantic.functional_validators import AfterValidator, BeforeValidator

from failover_api.core.catalog.automatic import MIN_DEAD_FOR_S, Failback, Fence, Meaning, Mode
from failover_api.core.config.duration import Duration, seconds_of
from failover_api.core.config.schema import Count, NonEmpty, Schema, choice_of, describe, one_of

_LABEL = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")


def _dead_for(value: str) -> str:
    if seconds_of(value) < MIN_DEAD_FOR_S:
        raise ValueError(f"expected at least {MIN_DEAD_FOR_S:g}s, not {describe(value)}: a node may restart in less")
    return value


def _labels(value: object) -> object:
    if value == {}:
        raise ValueError("expected at least one label: a rule without any would be of every alert")
    return value


def _node(value: str) -> str:
    if set(_LABEL.sub("", value)) & set("{}"):
        raise ValueError(f"expected a node, or a label of the alert in braces as in '{{node}}', not {describe(value)}")
    return value


ServiceMode = Annotated[str, BeforeValidator(one_of(*map(str, Mode))), choice_of(*map(str, Mode))]
_Fence = Annotated[str, BeforeValidator(one_of(*map(str, Fence))), choice_of(*map(str, Fence))]
_Failback = Annotated[str, BeforeValidator(one_of(*map(str, Failback))), choice_of(*map(str, Failback))]
_Meaning = Annotated[str, BeforeValidator(one_of(*map(str, Meaning))), choice_of(*map(str, Meaning))]
_Bool = Annotated[bool, BeforeValidator(one_of(True, False))]
_Match = Annotated[
    dict[str, NonEmpty],
    BeforeValidator(_labels),
    WithJsonSchema({"type": "object", "minProperties": 1, "additionalProperties": {"type": "string"}}),
]


class AutomaticSchema(Schema):
    """When services move by themselves. A service takes part where its own `automatic` says so."""

    mode: ServiceMode = Field(default="none", description="`observe`: says what it would do; `act`: does it.")
    dead_for: Annotated[Duration, AfterValidator(_dead_for)] = Field(
        default="5m", description="How long a node has to be dead, at least 60s."
    )
    fence: _Fence = Field(
        default="required",
        description="What must be known of the dead node: `required`, that it is off; `witness`, that or an alert that "
        "means so; `none`, nothing: a node that is only cut off may write on to its own copy.",
    )
    max_data_age: Duration = Field(
        default="2h", description="How old the copy may be that a service moves to; of unknown age is too old."
    )
    block: Duration = Field(default="1h", description="No second automatic move of a service within.")
    max_services: Count = Field(default=20, description="How many services one event may move; more are held.")
    ignore_nodes: list[NonEmpty] = Field(
        default=[], description="Nodes that are off on purpose: they are counted nowhere."
    )
    failback: _Failback = Field(
        default="none",
        description="When the node is back: `propose` tells people the command; `act` relocates home what has "
        "`replication`.",
    )
    failback_after: Duration = Field(default="30m", description="How long the node has to be well before.")


class AlertSchema(Schema):
    """What an alert means. The first rule whose labels are all equal counts."""

    match: _Match = Field(description="Labels of the alert and their values.")
    means: _Meaning = Field(
        description="`node-off`: a witness that the node is off; `evacuate`: move what is on the node; `promote`: move "
        "the service or the group to backup."
    )
    node: Annotated[NonEmpty, AfterValidator(_node)] | None = Field(
        default=None,
        description="The node, of `node-off` and `evacuate`; a label of the alert in braces stands for its value.",
    )
    service: NonEmpty | None = Field(default=None, description="The service, of `promote`.")
    group: NonEmpty | None = Field(default=None, description="The group, of `promote`.")
    even_if_ready: _Bool = Field(
        default=False, description="Of `promote`: also while its pod is Ready, since the alert says that it is broken."
    )
