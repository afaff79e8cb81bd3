"""The dashboard *Pipeline*: is everything there, how fast is it, and where does it go wrong."""

from grafana_foundation_sdk.builders import common, stat
from grafana_foundation_sdk.builders.dashboard import Dashboard, ThresholdsConfig

from dashboards import palette, promql
from dashboards.frame import choice, dashboard
from dashboards.parts import Panel, now, number, over_time
from dashboards.pipeline_charts import flow_panels, latency_panels, loss_panels, service_panels, source_panels

UID = "pipeline"
STAGES = ("end_to_end", "wire", "process", "feed")
RANGE = "$__range"


def pipeline() -> Dashboard:
    """The dashboard, with its variables."""
    sections = [
        ("Is everything there?", overview_panels()),
        ("Flow", flow_panels()),
        ("Latency", latency_panels()),
        ("Losses and refusals", loss_panels()),
        ("Sources", source_panels()),
        ("Services", service_panels()),
    ]
    text = "Whether every trade that was sent is in the metrics, how long it took, and where it went wrong if not."
    stage = choice(
        "stage",
        "Stage",
        "end_to_end: sent to applied. wire: sent to received. process: received to applied. feed: event to received.",
        STAGES,
    )
    return dashboard(UID, "Pipeline", text, "now-15m", sections).with_variable(stage)


def overview_panels() -> list[Panel]:
    """One big number, and twelve small ones beside it."""
    return [
        completeness(),
        *(_count(*each) for each in _COUNTS),
        _unapplied(),
        _latency(0.5, "p50"),
        _latency(0.99, "p99"),
        _down(),
        _restarts(),
        _alerts(),
        _overflow(),
    ]


def completeness() -> stat.Panel:
    """Green at exactly 100 %, red below: there is no nearly complete."""
    text = (
        "Trades applied ÷ trades received over the chosen time range. A trade is missing when its number "
        "never came to ingest, "
        "when it was lost between ingest and analytics, or when it was accepted over 5 s ago and is not applied. "
        "Refused messages are not trades; they are counted beside."
    )
    query = now("A", promql.completeness_in(RANGE), "completeness")
    limits = palette.limits(palette.BAD, (1, palette.GOOD))
    return (
        number("Completeness", text, "percentunit", query, limits)
        .no_value("ingest is down")
        .text(common.VizTextDisplayOptions().value_size(64))
        .span(6)
        .height(8)
    )


_COUNTS = (
    (
        "Accepted",
        "Trades that ingest accepted in the chosen time range.",
        promql.ACCEPTED,
        palette.limits(palette.ACCENT),
    ),
    (
        "Applied",
        "Trades that analytics applied in the chosen time range.",
        promql.APPLIED,
        palette.limits(palette.ACCENT),
    ),
    (
        "Refused",
        "Messages that ingest refused in the chosen time range; the dead letters have them with their reasons.",
        'telemetry_refused_total{job="ingest"}',
        palette.none_is_good(),
    ),
    (
        "Duplicate",
        "Trades whose numbers had come before in the chosen time range; they were not counted again.",
        'telemetry_source_duplicate_total{job="ingest"}',
        palette.none_is_good(palette.WARN),
    ),
    (
        "Lost",
        "Trades whose numbers never came, in the chosen time range: lost before ingest.",
        promql.LOST,
        palette.none_is_good(),
    ),
)


def _count(title: str, text: str, counter: str, limits: ThresholdsConfig) -> stat.Panel:
    query = now("A", f"round(sum({promql.total_in(counter, RANGE)})) or vector(0)", title.lower())
    return number(title, text, "short", query, limits).span(3)


def _unapplied() -> stat.Panel:
    text = "Trades accepted, but not yet reported applied. In flow some always are; a number that grows is a backlog."
    query = over_time("A", "sum(telemetry_unapplied_trades)", "unapplied")
    limits = palette.limits(palette.GOOD, (10_000, palette.WARN), (100_000, palette.BAD))
    return number("Unapplied", text, "short", query, limits).span(3)


def _latency(probability: float, name: str) -> stat.Panel:
    text = (
        f"From the sender's clock to the metric: {probability:.0%} of the last minute's trades took at most this long."
    )
    query = over_time("A", promql.quantile(probability, '{stage="end_to_end"}', "1m"), name)
    limits = palette.limits(palette.GOOD, (palette.LATENCY_BUDGET_S, palette.BAD))
    return number(f"Latency {name}", text, "s", query, limits).span(3)


def _down() -> stat.Panel:
    text = "Targets that do not answer Prometheus: every one is a service that is down."
    query = now("A", "count(up == 0) or vector(0)", "down")
    return number("Targets down", text, "none", query, palette.none_is_good()).span(3)


def _restarts() -> stat.Panel:
    text = "Starts of services in the chosen time range after their first one."
    query = now("A", "sum(changes(process_start_time_seconds[$__range])) or vector(0)", "restarts")
    return number("Restarts", text, "none", query, palette.none_is_good(palette.WARN)).span(3)


def _alerts() -> stat.Panel:
    text = "Alerts that fire now; the marks in time on all charts say which, and each alert says what to do."
    query = now("A", 'count(ALERTS{alertstate="firing"}) or vector(0)', "alerts")
    return number("Alerts", text, "none", query, palette.none_is_good()).span(3)


def _overflow() -> stat.Panel:
    text = (
        "Trades counted under `other` in the chosen time range, because there are more symbols or sources than labels."
    )
    expr = f"round(sum({promql.total_in('telemetry_label_overflow_total', RANGE)})) or vector(0)"
    return number("Label overflow", text, "short", now("A", expr, "overflow"), palette.none_is_good(palette.WARN)).span(
        3
    )
