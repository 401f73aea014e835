"""A gauge that is made when somebody asks, from its samples."""

from collections.abc import Sequence

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

Sample = tuple[tuple[str, ...], float]  # values of the labels, in their order


def gauge(
    name: str, about: str, labels: Sequence[str] = (), samples: Sequence[Sample] = (), *, value: float | None = None
) -> Metric:
    """`value` is that of a gauge without labels."""
    family = GaugeMetricFamily(name, about, labels=labels)
    for label_values, amount in samples:
        family.add_metric(label_values, float(amount))
    if value is not None:
        family.add_metric((), float(value))
    return family
