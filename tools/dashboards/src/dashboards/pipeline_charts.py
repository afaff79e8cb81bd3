"""The charts of *Pipeline*, by section."""

from grafana_foundation_sdk.builders import common, heatmap, timeseries
from grafana_foundation_sdk.models import common as kinds

from dashboards import palette, promql
from dashboards.parts import PER_SECOND, Panel, cells, colored, legend, lines, over_time
from dashboards.promql import STEP

QUANTILES = ((0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99.9"))
QUANTILE_COLORS = {"p50": palette.GOOD, "p90": palette.ACCENT, "p99": palette.WARN, "p99.9": palette.BAD}
OUTCOME_COLORS = {"accepted": palette.GOOD, "refused": palette.BAD, "duplicate": palette.WARN, "ignored": palette.QUIET}


def flow_panels() -> list[Panel]:
    """Rates by hop, messages by outcome, and how they are batched."""
    return [_hops(), _outcomes(), _batches()]


def _hops() -> timeseries.Panel:
    text = (
        "Per second: messages that came to ingest, trades it accepted from them, trades that analytics "
        "applied, and messages that reached the page's service. One message can hold many trades."
    )
    queries = [
        over_time("A", f"sum(rate({promql.MESSAGES}[{STEP}]))", "messages received"),
        over_time("B", promql.per_second(promql.ACCEPTED), "trades accepted"),
        over_time("C", promql.per_second(promql.APPLIED), "trades applied"),
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
        "Messages that came to ingest by outcome, per second. The outcomes are disjoint: they add up "
        "to what was received. And the outcomes of messages about orders, at ingest and in analytics."
    )
    queries = [
        over_time("A", f"sum by (outcome) (rate({promql.MESSAGES}[{STEP}]))", "{{outcome}}"),
        over_time("B", f"sum by (outcome) (rate(telemetry_events_total[{STEP}]))", "about orders, {{outcome}}"),
        over_time("C", f"sum(rate(telemetry_applied_events_total[{STEP}]))", "about orders, applied"),
        over_time("D", f"sum(rate(telemetry_duplicate_events_total[{STEP}]))", "about orders, applied before"),
    ]
    return colored(lines("Messages by outcome", text, PER_SECOND, *queries), **OUTCOME_COLORS)


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
            "Refused by reason", "Messages that ingest refused; the dead letters have each.", promql.REFUSED, "reason"
        ),
        _quiet("Lost by source", "Trades whose numbers never came.", promql.LOST, "source"),
        _quiet(
            "Unaccounted by source",
            "Trades missing after a crash of ingest: lost with it, or accepted after its last note.",
            promql.UNACCOUNTED,
            "source",
        ),
        _quiet("Duplicate by source", "Trades whose numbers had come before.", promql.DUPLICATE, "source"),
        _unapplied(),
        _hop(),
        _quiet("Overflow by label", "Trades counted under `other`.", promql.OVERFLOW, "label"),
        _refused_trades(),
    ]


def _quiet(title: str, text: str, record: str, label: str) -> timeseries.Panel:
    chosen = promql.FROM_SOURCE if label == "source" else ""
    expr = promql.or_none(promql.per_second(record, chosen, by=label), label)
    panel = lines(
        title, text + " Per second; `none` when there are none.", PER_SECOND, over_time("A", expr, f"{{{{{label}}}}}")
    )
    return colored(panel.axis_soft_min(0).axis_soft_max(1), none=palette.GOOD).span(6)


def _hop() -> timeseries.Panel:
    text = (
        "Between ingest and analytics, per second: trades lost for good, batches retransmitted, trades that ingest "
        "gave up because analytics refused their batch again and again, trades that came twice and were applied "
        "once, and applied trades that a power cut took from ingest's log."
    )
    queries = [
        over_time("A", promql.per_second(promql.LOST_ON_THE_WAY), "trades lost"),
        over_time("B", f"sum(rate(telemetry_resends_total[{STEP}]))", "retransmissions"),
        over_time("C", f"sum(rate(telemetry_abandoned_trades_total[{STEP}]))", "trades given up"),
        over_time("D", f"sum(rate(telemetry_duplicate_trades_total[{STEP}]))", "trades that came twice"),
        over_time("E", f"sum(rate(telemetry_stream_rewound_trades_total[{STEP}]))", "trades gone from the log"),
    ]
    panel = lines("Ingest to analytics", text, PER_SECOND, *queries).axis_soft_min(0).axis_soft_max(1)
    return colored(panel, **{"trades lost": palette.BAD}).span(6)


def _refused_trades() -> timeseries.Panel:
    text = (
        "Trades per second in refused messages, as far as these can be read; a message that cannot counts as one. "
        "too fast: messages beyond what their source may send. peers: connections that were refused. "
        "held back: bursts that all clients' messages waited for a moment, because one of them floods."
    )
    queries = [
        over_time("A", f"sum(rate(telemetry_refused_trades_total[{STEP}]))", "trades"),
        over_time("B", f"sum(rate(telemetry_rate_limited_total[{STEP}])) or vector(0)", "too fast"),
        over_time("C", f"sum(rate(telemetry_refused_peers_total[{STEP}])) or vector(0)", "peers"),
        over_time("D", f"sum(rate(telemetry_ingest_held_back_bursts_total[{STEP}])) or vector(0)", "held back"),
    ]
    return lines("Trades refused", text, PER_SECOND, *queries).axis_soft_min(0).axis_soft_max(1).span(6)


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
