"""Expressions that more than one panel needs.

Counters that appear with a value (a new source whose first trades came with a gap) have no increase yet: `total_in`
counts them from nothing.
"""

ACCEPTED = 'telemetry_source_trades_total{job="ingest"}'
APPLIED = "telemetry_applied_trades_total"
LOST = 'telemetry_source_lost_total{job="ingest"}'
LOST_ON_THE_WAY = "telemetry_stream_lost_trades_total"
BATCHES = 'telemetry_messages_total{job="ingest"}'

OVERDUE_AFTER = "5s"
"""An accepted trade that is not applied by then is missing. The recording rule has the same number."""


def total_in(counter: str, time: str) -> str:
    """How much a counter grew, also when it appeared meanwhile; series by series."""
    return f"(({counter} unless {counter} offset {time}) or increase({counter}[{time}]))"


def or_none(expr: str, label: str) -> str:
    """The series above zero, or one series `none` at zero where there are none: a quiet panel is not an empty one."""
    return f'({expr} > 0) or on () label_replace(vector(0), "{label}", "none", "", "")'


def overdue() -> str:
    """Trades that ingest accepted over five seconds ago and that are not applied."""
    new, grown = f"{ACCEPTED} unless {ACCEPTED} offset {OVERDUE_AFTER}", f"min_over_time({ACCEPTED}[{OVERDUE_AFTER}])"
    recent = f"sum(({new}) or ({ACCEPTED} - {grown}))"
    return f"clamp_min(sum(telemetry_unapplied_trades) - ({recent} or vector(0)), 0)"


def missing_in(time: str) -> str:
    """Trades that were sent in this time and are not applied: lost before ingest, lost after it, or overdue now."""
    lost = f"(sum({total_in(LOST, time)}) or vector(0)) + (sum({total_in(LOST_ON_THE_WAY, time)}) or vector(0))"
    return f"{overdue()} + {lost}"


def completeness_in(time: str) -> str:
    """Applied ÷ received, in trades.

    Exactly 1 when none is missing, as every number above the line is then exactly 0.
    """
    received = f"clamp_min(sum({total_in(ACCEPTED, time)}) + sum({total_in(LOST, time)}), 1)"
    return f"1 - clamp_max(({missing_in(time)}) / ({received} or vector(1)), 1)"


def quantile(probability: float, selector: str, time: str, by: str = "") -> str:
    """A quantile of the latencies measured in this time; `by` names a further label to keep."""
    labels = f"{by}, le" if by else "le"
    rate = f"rate(telemetry_latency_seconds_bucket{selector}[{time}])"
    return f"histogram_quantile({probability}, sum by ({labels}) ({rate}))"


def mean_batch(service: str, time: str) -> str:
    """Trades a batch, on average."""
    labels = f'{{service="{service}"}}'
    return (
        f"rate(telemetry_batch_trades_sum{labels}[{time}]) / (rate(telemetry_batch_trades_count{labels}[{time}]) > 0)"
    )
