"""What a study imports.

from telemetry_studies import gauge, study

@study(window="5m", every="1s", gauges=[gauge("large_trade_share_ratio", "Share of volume in trades above 1 unit.")])
def large_trades(trades):
    large = trades[trades["qty"] > 1.0]
    return {"large_trade_share_ratio": large["qty"].sum() / trades["qty"].sum()}
"""

from telemetry_studies.errors import StudyError
from telemetry_studies.gauges import Gauge, gauge
from telemetry_studies.spans import span_ns
from telemetry_studies.study import Origin, Study, study
from telemetry_studies.values import Value, checked_values

__all__ = [
    "Gauge",
    "Origin",
    "Study",
    "StudyError",
    "Value",
    "checked_values",
    "gauge",
    "span_ns",
    "study",
]
