"""What a scrape says, read with Prometheus' own parser."""

import math
from typing import Any

import httpx2
from prometheus_client.parser import text_string_to_metric_families


class Scrape:
    """The samples of a scrape, by the name of their series."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families = list(text_string_to_metric_families(text))
        self.samples = [sample for family in self.families for sample in family.samples]

    def labels(self, name: str) -> list[dict[str, str]]:
        """Of each sample of this name."""
        return [sample.labels for sample in self.samples if sample.name == name]

    def __call__(self, name: str, **labels: str) -> float:
        """The value of the sample with these labels and any others; the sum of several; not a number for none."""
        found = [s.value for s in self.samples if s.name == name and labels.items() <= s.labels.items()]
        return sum(found) if found else math.nan

    def sides(self, service: str) -> list[str]:
        """Those with a 1: one."""
        name = "failover_service_side"
        return [s.labels["side"] for s in self.samples if s.name == name and s.labels["service"] == service and s.value]


async def scrape(client: httpx2.AsyncClient, **headers: Any) -> Scrape:
    response = await client.get("/metrics", headers=headers)
    assert response.status_code == 200, response.text
    return Scrape(response.text)
