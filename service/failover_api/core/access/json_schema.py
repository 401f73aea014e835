"""JSON Schema of access.yaml."""

from typing import Any

from failover_api.core.access.schema import AccessSchema
from failover_api.core.config.json_schema import schema_of


def access_schema() -> dict[str, Any]:
    return schema_of(AccessSchema, "access.yaml of failover-api")
