"""The process itself."""

from typing import Annotated, Literal

from pydantic import Field

from failover_api.edges.models.body import Body


class AliveBody(Body):
    """The process lives; it depends on nothing."""

    status: Annotated[Literal["alive"], Field(description="The process answers.", examples=["alive"])]


class ReadyBody(Body):
    """The catalog is loaded, and the credentials can be read."""

    status: Annotated[Literal["ready"], Field(description="It can work.", examples=["ready"])]


class VersionBody(Body):
    """What runs here."""

    version: Annotated[str, Field(description="Of failover-api.", examples=["0.2.0"])]
    api: Annotated[
        str, Field(description="Of this API: what a client relies on stays while it is the same.", examples=["0.2"])
    ]
    python: Annotated[str, Field(description="Of the Python that runs it.", examples=["3.14.0"])]
