"""JSON Schema of services.yaml."""

from typing import Any

from failover_api.core.catalog.schema import NAME, CatalogSchema
from failover_api.core.config.json_schema import let_be_null, schema_of


def services_schema() -> dict[str, Any]:
    """What it takes the reader takes too, but for what keys mean together. In a service null takes a default away."""
    schema = schema_of(CatalogSchema, "services.yaml of failover-api")
    schema["patternProperties"] = {"^x-": {}}
    schema["properties"]["services"]["propertyNames"] = {"pattern": f"^{NAME.pattern}$"}
    for name, key in schema["$defs"]["ServiceSchema"]["properties"].items():
        if name in schema["$defs"]["DefaultsShape"]["properties"]:
            let_be_null(key)
    return schema
