"""The JSON API: its routes, its OpenAPI document, the webhook, the metrics."""
