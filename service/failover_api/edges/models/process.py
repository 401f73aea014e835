"""The process itself."""

from failover_api.edges import fields
from failover_api.edges.models.body import Body


class AliveBody(Body):
    """The process lives; it depends on nothing."""

    status: fields.Alive


class ReadyBody(Body):
    """The catalog is loaded, and the credentials can be read."""

    status: fields.Ready


class VersionBody(Body):
    """What runs here."""

    version: fields.ProductVersion
    api: fields.ApiVersion
    python: fields.PythonVersion
