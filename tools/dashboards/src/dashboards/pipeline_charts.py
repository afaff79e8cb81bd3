"""The charts of *Pipeline*, by section."""

from grafana_foundation_sdk.builders import common, heatmap, timeseries
from grafana_foundation_sdk.models import common as kinds

from dashboards import palette, promql
from dashboards.parts import PER_SECOND, Panel, cells, colored, legend, lines, over_time

STEP = "$__rate_interval"
QUANTILES = ((0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99.9"))
QUANTILE_COLORS = {"p50": palette.GOOD, "p90": palette.ACCENT, "p99": palette.WARN, "p99.9": palette.BAD}
OUTCOME_COLORS = {"accepted": palette.GOOD, "refused": palette.BAD, "duplicate": palette.WARN, "ignored": palette.QUIET}


def flow_panels() -> list[Panel]:
    """Rates by hop, what became of the messages, and how they are batched."""
    return [_hops(), _outcomes(), _batches()]


def _hops() -> timeseries.Panel:
    text = (
        "Per second: messages that came to ingest, trades it accepted from them, trades that analytics "
        "applied, and messages that reached the page's service. One message can hold many trades."
    )
    queries = [
        over_time("A", f"sum(rate({promql.BATCHES}[{STEP}]))", "messages received"),
        over_time("B", f"sum(rate({promql.ACCEPTED}[{STEP}]))", "trades accepted"),
        over_time("C", f"rate({promql.APPLIED}[{STEP}])", "trades applied"),
        over_time("D", f'sum(rate(telemetry_messages_total{{job="ui"}}[{STEP}])) or vector(0)', "messages to the page"),
    ]
    colors = {
        "messages received": palette.QUIET,
        "trades accepted": palette.ACCENT,
        "trades applied": palette.GOOD,
        "messages to the page": palette.WARN,
    }
    return colored(lines("Rates by hop", text, PER_SECOND, *queries), **colors)


def _outcomes() -> timeseries.Panel:
    text = (
        "What became of the messages that came to ingest, per second. The outcomes are disjoint: they add up "
        "to what was received."
    )
    query = over_time("A", f"sum by (outcome) (rate({promql.BATCHES}[{STEP}]))", "{{outcome}}")
    return colored(lines("Messages by outcome", text, PER_SECOND, query), **OUTCOME_COLORS)


def _batches() -> timeseries.Panel:
    text = (
        "Trades in one batch from ingest to analytics, on average. One at a low rate; under load batches grow "
        "by themselves."
    )
    queries = [
        over_time("A", promql.mean_batch("ingest", STEP), "sent by ingest"),
        over_time("B", promql.mean_batch("analytics", STEP), "taken by analytics"),
    ]
    return lines("Batch size", text, "short", *queries).axis_soft_min(0).fill_opacity(0)


def latency_panels() -> list[Panel]:
    """The whole distribution of the chosen stage, its percentiles, and the stages side by side."""
    return [_latencies(), percentiles('{stage="$stage"}', "Percentiles, $stage").span(6).height(9), _stages()]


def _latencies() -> heatmap.Panel:
    text = "Every trade's latency in the chosen stage: how many per second fell into each bucket of the histogram."
    expr = f'sum by (le) (rate(telemetry_latency_seconds_bucket{{stage="$stage"}}[{STEP}]))'
    return cells("Latency, $stage", text, "s", over_time("A", expr, "{{le}}"))


def percentiles(selector: str, title: str) -> timeseries.Panel:
    """Four percentiles of one stage, on a logarithmic scale."""
    text = (
        "Half of the trades took at most p50, 999 of 1,000 at most p99.9. Interpolated within the histogram's buckets."
    )
    queries = [
        over_time(f"Q{index}", promql.quantile(p, selector, STEP), name) for index, (p, name) in enumerate(QUANTILES)
    ]
    return colored(_logarithmic(lines(title, text, "s", *queries)), **QUANTILE_COLORS).legend(legend("lastNotNull"))


def _stages() -> timeseries.Panel:
    text = (
        "p99 of each stage. wire: sent to received. process: received to applied. end_to_end: both. feed: "
        "event to received, on the venue's clock."
    )
    query = over_time("A", promql.quantile(0.99, "", STEP, by="stage"), "{{stage}}")
    return _logarithmic(lines("p99 by stage", text, "s", query)).span(6).height(9).legend(legend("lastNotNull"))


def _logarithmic(panel: timeseries.Panel) -> timeseries.Panel:
    scale = common.ScaleDistributionConfig().type(kinds.ScaleDistribution.LOG).log(10)
    return panel.scale_distribution(scale).fill_opacity(0)


def loss_panels() -> list[Panel]:
    """What did not go through, and where it waits."""
    return [
        _quiet(
            "Refused by reason",
            "Messages that ingest refused, by reason. The dead letters have each with its bytes.",
            "refused",
            "reason",
        ),
        _quiet("Lost by source", "Trades whose numbers never came, by source.", "source_lost", "source"),
        _quiet("Duplicate by source", "Trades whose numbers had come before, by source.", "source_duplicate", "source"),
        _unapplied(),
    ]


def _quiet(title: str, text: str, name: str, label: str) -> timeseries.Panel:
    chosen = ',source=~"$source"' if label == "source" else ""
    counter = f'telemetry_{name}_total{{job="ingest"{chosen}}}'
    expr = promql.or_none(f"sum by ({label}) (rate({counter}[{STEP}]))", label)
    panel = lines(
        title, text + " Per second; `none` when there are none.", PER_SECOND, over_time("A", expr, f"{{{{{label}}}}}")
    )
    return colored(panel.axis_soft_min(0).axis_soft_max(1), none=palette.GOOD).span(6)


def _unapplied() -> timeseries.Panel:
    text = (
        "Trades accepted, but not yet reported applied (ingest holds them until then), and those over 5 s old "
        "among them."
    )
    queries = [
        over_time("A", "sum(telemetry_unapplied_trades)", "unapplied"),
        over_time("B", promql.overdue(), "overdue"),
    ]
    panel = lines("Unapplied trades", text, "short", *queries).axis_soft_min(0)
    return colored(panel, unapplied=palette.ACCENT, overdue=palette.BAD).span(6)


def source_panels() -> list[Panel]:
    """Who sends, how its clock goes, and what comes of one symbol."""
    return [_by_source(), _skew(), symbol_rate()]


def _by_source() -> timeseries.Panel:
    text = "Trades accepted per second from each of the chosen sources."
    expr = f'sum by (source) (rate(telemetry_source_trades_total{{job="ingest",source=~"$source"}}[{STEP}]))'
    return lines("Trades by source", text, PER_SECOND, over_time("A", expr, "{{source}}"))


def _skew() -> timeseries.Panel:
    text = (
        "Least time from a trade's own time to its arrival, for each source. Below zero its clock is "
        "ahead of ours; a step is a clock "
        "that was set."
    )
    query = over_time("A", 'telemetry_clock_skew_seconds{source=~"$source"}', "{{source}}")
    return lines("Clock skew", text, "s", query).fill_opacity(0)


def symbol_rate() -> timeseries.Panel:
    """What comes of one symbol."""
    text = "Trades of the chosen symbol applied per second, by the taker's side."
    query = over_time(
        "A", f'sum by (side) (rate(trading_trades_total{{origin="market",symbol="$symbol"}}[{STEP}]))', "{{side}}"
    )
    return colored(lines("Applied, $symbol", text, PER_SECOND, query), buy=palette.BUY, sell=palette.SELL)


def service_panels() -> list[Panel]:
    """What the processes cost."""
    return [memory(), cpu(), _scrapes()]


def memory() -> timeseries.Panel:
    """Resident memory of each service."""
    text = "Resident memory of each service. It levels off; a line that rises for hours is a leak."
    return lines("Memory", text, "bytes", over_time("A", "process_resident_memory_bytes", "{{job}}")).axis_soft_min(0)


def cpu() -> timeseries.Panel:
    """Cores that each service uses."""
    text = (
        "Cores used by each service: 1 is one core all the time, the most that a service with one event loop can use."
    )
    query = over_time("A", f"rate(process_cpu_seconds_total[{STEP}])", "{{job}}")
    return lines("CPU", text, "none", query).decimals(2).axis_soft_min(0)


def _scrapes() -> timeseries.Panel:
    text = "How long a service takes to answer Prometheus. Over 0.9 s the sample is lost."
    return lines("Scrape time", text, "s", over_time("A", "scrape_duration_seconds", "{{job}}")).axis_soft_min(0)
