"""*Pipeline*: who sends, what comes of it, and how the clocks go."""

from grafana_foundation_sdk.builders import table, timeseries

from dashboards import palette, promql
from dashboards.parts import COUNT, PER_SECOND, Panel, colored, lines, merged, over_time, properties, rows, sheet
from dashboards.promql import FROM_SOURCE, OF_SYMBOL, RANGE, STEP

FEED_STATES = {
    "live": palette.GOOD,
    "starting": palette.ACCENT,
    "waiting": palette.WARN,
    "finished": palette.QUIET,
    "failed": palette.BAD,
}


_MEAN_LATENCY = (
    f"sum by (source) (rate(telemetry_source_latency_seconds_total{FROM_SOURCE}[1m]))"
    f" / (sum by (source) (rate(telemetry_source_latency_trades_total{FROM_SOURCE}[1m])) > 0)"
)


def source_panels() -> list[Panel]:
    """A row a source, then courses over time."""
    return [_bots(), _feeds(), _by_source(), _silence(), _skew(), symbol_rate(), _unplaced(), _unnumbered()]


def _bots() -> table.Panel:
    text = (
        "Each chosen source in one row. Trades a second over the last 10 s; the counts are of the chosen time "
        "range. Unfinished: runs that went silent without their end, in the last hour. Silent: since its last trade. "
        "Skew: shortest time from a trade's own time to its arrival. Latency: mean from sent to applied, over the "
        "last minute."
    )
    ledger = {"accepted": "Accepted", "lost": "Lost", "unaccounted": "Unaccounted", "duplicate": "Repeated"}
    counters = dict(zip(ledger, (promql.ACCEPTED, promql.LOST, promql.UNACCOUNTED, promql.DUPLICATE), strict=True))
    lost, accepted = (_of_range(record) for record in (promql.LOST, promql.ACCEPTED))
    queries = [
        rows("rate", f"sum by (source) ({promql.added(promql.ACCEPTED, '10s', FROM_SOURCE)}) / 10"),
        *(rows(name, _of_range(record)) for name, record in counters.items()),
        rows("share", f"{lost} / clamp_min({lost} + {accepted}, 1)"),
        rows("unfinished", f"sum by (source) (telemetry_unfinished_runs{FROM_SOURCE})"),
        rows("silent", f"max by (source) (time() - source:last_trade:timestamp_seconds{FROM_SOURCE})"),
        rows("skew", f"max by (source) (telemetry_clock_skew_seconds{FROM_SOURCE})"),
        rows("latency", _MEAN_LATENCY),
    ]
    names = {
        "source": "Source",
        "Value #rate": "Trades",
        **{f"Value #{name}": title for name, title in ledger.items()},
        "Value #share": "Lost %",
        "Value #unfinished": "Unfinished",
        "Value #silent": "Silent",
        "Value #skew": "Skew",
        "Value #latency": "Latency",
    }
    return (
        sheet("Sources", text, *queries)
        .transformations(merged(names, by="Trades", largest_first=True))
        .unit(COUNT)
        .override_by_name("Trades", properties(unit=PER_SECOND, decimals=1))
        .override_by_name("Lost %", properties(unit="percentunit", decimals=4))
        .override_by_name("Silent", properties(unit="s", decimals=0))
        .override_by_name("Skew", properties(unit="s", decimals=3))
        .override_by_name("Latency", properties(unit="s", decimals=1))
        .span(16)
    )


def _of_range(record: str) -> str:
    return f"round(sum by (source) ({promql.added(record, RANGE, FROM_SOURCE)}))"


def _feeds() -> timeseries.Panel:
    text = (
        "How many of ingest's feeds are in each state. waiting: a venue does not answer. failed: only a restart helps."
    )
    query = over_time("A", "sum by (state) (telemetry_feed_state) > 0 or on () vector(0)", "{{state}}")
    return colored(lines("Feeds", text, "none", query), **FEED_STATES).decimals(0).axis_soft_min(0).axis_soft_max(1)


def _by_source() -> timeseries.Panel:
    text = "Trades accepted per second from each of the chosen sources."
    expr = promql.per_second(promql.ACCEPTED, FROM_SOURCE, by="source")
    return lines("Trades by source", text, PER_SECOND, over_time("A", expr, "{{source}}"))


def _silence() -> timeseries.Panel:
    text = "Time since each source's last trade. Over a minute is an alert, for a source that had sent steadily."
    expr = f"max by (source) (time() - source:last_trade:timestamp_seconds{FROM_SOURCE})"
    return lines("Silence by source", text, "s", over_time("A", expr, "{{source}}")).axis_soft_min(0)


def _skew() -> timeseries.Panel:
    text = (
        "Shortest time from a trade's own time to its arrival, for each source. Below zero its clock is ahead of "
        "ours; a step "
        "is a clock that was set."
    )
    query = over_time("A", f"telemetry_clock_skew_seconds{FROM_SOURCE}", "{{source}}")
    return lines("Clock skew", text, "s", query).fill_opacity(0)


def symbol_rate() -> timeseries.Panel:
    """What comes of one symbol."""
    text = "Trades of the chosen symbol applied per second, by the taker's side."
    query = over_time("A", f"sum by (side) (rate(trading_trades_total{{{OF_SYMBOL}}}[{STEP}]))", "{{side}}")
    return colored(lines("Applied, $symbol", text, PER_SECOND, query), buy=palette.BUY, sell=palette.SELL)


def _unplaced() -> timeseries.Panel:
    text = (
        "Trades per second that are in the totals but in no window: too late, or ahead of time. And those whose "
        "latency is "
        "negative, because the clock of their sender is ahead. ignored: what feeds bring that is no part of the flow."
    )
    queries = [
        over_time("A", f"sum by (reason) (rate(telemetry_unplaced_trades_total[{STEP}]))", "in no window, {{reason}}"),
        over_time(
            "B", f"sum by (stage) (rate(telemetry_latency_negative_total[{STEP}]))", "negative latency, {{stage}}"
        ),
        over_time(
            "C", f"sum by (kind) (rate(telemetry_feed_ignored_total[{STEP}])) or on () vector(0)", "ignored, {{kind}}"
        ),
    ]
    return lines("Late, early, negative", text, PER_SECOND, *queries).axis_soft_min(0).axis_soft_max(1)


def _unnumbered() -> timeseries.Panel:
    text = (
        "Accepted trades per second without a number: of these nobody can say whether one is missing. restarts: "
        "numbers of "
        "a run that began again, per minute. conflicts: trades that were dropped as two senders share a run."
    )
    unnumbered = f"sum by (source) (rate(telemetry_source_unsequenced_total{FROM_SOURCE}[{STEP}]))"
    restarts = f"60 * sum by (source) (rate(telemetry_sequence_restarts_total{FROM_SOURCE}[{STEP}])) > 0"
    conflicts = f"sum by (source) (rate(telemetry_sequence_conflicts_total{FROM_SOURCE}[{STEP}])) > 0"
    queries = [
        over_time("A", unnumbered, "{{source}}"),
        over_time("B", f"{restarts} or on () vector(0)", "restarts {{source}}"),
        over_time("C", f"{conflicts} or on () vector(0)", "conflicts {{source}}"),
    ]
    return lines("Without a number", text, PER_SECOND, *queries).axis_soft_min(0).axis_soft_max(1)
