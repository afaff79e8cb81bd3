"""Reads OpenMetrics as strictly as prometheus_client does."""

from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families


def families_of(exposed: str) -> list[Metric]:
    """The families; raises `ValueError` where the text is not what the format asks for."""
    return list(text_string_to_metric_families(exposed))  # type: ignore[no-untyped-call] # it has no types
