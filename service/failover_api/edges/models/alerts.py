"""What alerts came to."""

from typing import Annotated

from pydantic import Field

from failover_api.core.catalog.automatic import Meaning
from failover_api.edges import examples, fields
from failover_api.edges.models.automatic import HoldBody
from failover_api.edges.models.body import Body


class AlertServiceBody(Body):
    """What an alert came to for one service."""

    service: fields.Service
    result: fields.AlertResult
    held: fields.HeldBy
    holds: Annotated[
        list[HoldBody], Field(description="The gates that hold it, in their order.", examples=[[examples.HOLD]])
    ]
    operation: Annotated[
        str | None, Field(description="The operation that moves it; null: none does.", examples=[examples.ULID])
    ]
    detail: Annotated[str, Field(description="Why it was refused; empty: it was not.", examples=[""])]


class AlertBody(Body):
    """What one alert came to. Of one that could not be read `fingerprint` is null, and `detail` says why."""

    fingerprint: Annotated[str | None, Field(description="As it came.", examples=["c1f2a3b4d5e6f708"])]
    alertname: Annotated[str, Field(description="Its label of that name; empty: it has none.", examples=["NodeGone"])]
    status: Annotated[str | None, Field(description="firing or resolved, as it came.", examples=["firing"])]
    means: Annotated[
        Meaning | None,
        Field(description="What the catalog says that it means; null: nothing.", examples=["evacuate"]),
    ]
    node: Annotated[str | None, Field(description="The node that it is about.", examples=["k3s-w1"])]
    group: Annotated[str | None, Field(description="The group that it is about.", examples=[None])]
    result: fields.AlertResult
    held: fields.HeldBy
    detail: Annotated[str, Field(description="More of it, in words.", examples=["it began before the last move"])]
    cure: Annotated[str, Field(description="What to do about what holds it; empty: nothing.", examples=[""])]
    services: Annotated[
        list[AlertServiceBody],
        Field(
            description="What it came to for each service that it would move, in order.",
            examples=[[examples.ALERT_SERVICE]],
        ),
    ]


class AlertsBody(Body):
    """What the alerts of a delivery came to."""

    alerts: Annotated[list[AlertBody], Field(description="In the order of the delivery.", examples=[[examples.ALERT]])]
    left_out: Annotated[int, Field(description="Alerts that are known to be missing from the delivery.", examples=[0])]
