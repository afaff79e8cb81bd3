"""Expressions that more than one panel needs.

Counters are read through the recording rules `…:added1s`: what was added each second, exactly, also where a series
begins with a value, its service was started again, or a scrape was missed.
"""

from collections.abc import Sequence

ACCEPTED = "source:telemetry_source_trades"
DUPLICATE = "source:telemetry_source_duplicate"
LOST = "source:telemetry_source_lost"
UNACCOUNTED = "source:telemetry_source_unaccounted"
REFUSED = "reason:telemetry_refused"
APPLIED = "telemetry_applied_trades"
LOST_ON_THE_WAY = "telemetry_stream_lost_trades"
OVERFLOW = "label:telemetry_label_overflow"
EVENTS_LOST = "source:telemetry_source_events_lost"
ACCEPTED_OF_ALL = "telemetry:accepted"
MISSING_OF_ALL = "telemetry:missing"
MESSAGES = 'telemetry_messages_total{job="ingest"}'

FROM_SOURCE = '{source=~"$source"}'
MARKET = 'origin="market"'
"""The market's trades, not our own."""

OF_SYMBOL = f'symbol="$symbol",{MARKET}'

OF_BOT = 'account=~"$account",strategy=~"$strategy"'
OF_ACCOUNT = 'account=~"$account"'

STEP = "$__rate_interval"
STEP_S = "($__rate_interval_ms / 1000)"
RANGE = "$__range"
OVERDUE_AFTER = "5s"
"""An accepted trade that is not applied by then is missing. The recording rule has the same number."""

BUDGET_RATIO = "0.001"
"""One trade of 1,000 may take longer than the objective of 10 ms."""


def added(record: str, time: str, selector: str = "") -> str:
    """How much a counter grew, series by series."""
    return f"sum_over_time({record}:added1s{selector}[{time}])"


def sum_added(record: str, time: str, selector: str = "") -> str:
    """How much a counter grew in all; 0 where there is no series."""
    return f"(sum({added(record, time, selector)}) or vector(0))"


def per_second(record: str, selector: str = "", by: str = "") -> str:
    """Growth a second, over the step of a chart."""
    labels = f" by ({by})" if by else ""
    return f"sum{labels} ({added(record, STEP, selector)}) / {STEP_S}"


def or_none(expr: str, label: str) -> str:
    """The series above zero, or one series `none` at zero where there are none: a quiet panel is not an empty one."""
    return f'({expr} > 0) or on () label_replace(vector(0), "{label}", "none", "", "")'


def overdue() -> str:
    """Trades that ingest accepted over five seconds ago and that are not applied."""
    recent = f"({added(ACCEPTED_OF_ALL, OVERDUE_AFTER)} or vector(0))"
    return f"clamp_min((sum(telemetry_unapplied_trades) or vector(0)) - {recent}, 0)"


def missing_in(time: str) -> str:
    """Trades that were sent in this time and are not applied: lost, unaccounted for after a crash, or overdue now."""
    return f"{overdue()} + ({added(MISSING_OF_ALL, time)} or vector(0))"


def completeness_in(time: str) -> str:
    """Applied ÷ received, in trades.

    Exactly 1 when none is missing, as every number above the line is then exactly 0.
    """
    accepted, missing = (f"({added(record, time)} or vector(0))" for record in (ACCEPTED_OF_ALL, MISSING_OF_ALL))
    return f"1 - clamp_max(({missing_in(time)}) / clamp_min({accepted} + {missing}, 1), 1)"


def floored(share: str) -> str:
    """A share of which a millionth counts: so that only what is complete reads 100 %."""
    return f"floor(1e6 * ({share})) / 1e6"


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


def turnover(selector: str, window: str, by: str = "symbol") -> str:
    """Price × quantity of a window: exact from its trades, also where a symbol began with a burst."""
    inside = f'{selector},window="{window}"'
    volume = f"sum by (symbol) (trading_window_volume{{{inside}}})"
    return f"sum by ({by}) (trading_window_vwap{{{inside}}} * on (symbol) {volume})"


def trade_rate(selector: str, window: str) -> str:
    """Trades a second of each symbol, over the seconds of the window that there is data for."""
    inside = f'{selector},window="{window}"'
    seconds = f"max by (symbol) (clamp_min(trading_window_covered_seconds{{{inside}}}, 1))"
    return f"sum by (symbol) (trading_window_trades{{{inside}}}) / {seconds}"


def by_window(values: Sequence[tuple[str, str]]) -> str:
    """One number a window, as series with the label `window`."""
    return " or ".join(f'label_replace({expr}, "window", "{window}", "", "")' for window, expr in values)


def sum_of_orders(record: str, selector: str, by: str, time: str = RANGE) -> str:
    """How much counters about orders grew in this time, summed by labels."""
    labels = f" by ({by})" if by else ""
    return f"sum{labels} (sum_over_time({record}:added5s{{{selector}}}[{time}]))"


def basis_points(what: str, parts: tuple[str, str], selector: str, by: str, time: str = RANGE) -> str:
    """The first part less the second, of the value of what was traded; nothing where nothing was."""
    plus, minus, base = (
        sum_of_orders(f"strategy:trading_{what}_{part}", selector, by, time) for part in (*parts, "notional")
    )
    return f"1e4 * ({plus} - {minus}) / ({base} > 0)"
