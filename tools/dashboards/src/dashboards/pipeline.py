"""The dashboard *Pipeline*: is everything there, how fast is it, and where does it go wrong."""

from grafana_foundation_sdk.builders import common, stat
from grafana_foundation_sdk.builders.dashboard import Dashboard, ThresholdsConfig

from dashboards import palette, promql
from dashboards.frame import choice, dashboard
from dashboards.parts import COUNT, Panel, now, number
from dashboards.pipeline_charts import flow_panels, latency_panels, loss_panels
from dashboards.pipeline_objective import alert_panels, objective_panels
from dashboards.pipeline_services import desk_panels, service_panels
from dashboards.pipeline_sources import source_panels
from dashboards.promql import RANGE

UID = "pipeline"
STAGES = ("end_to_end", "wire", "process", "feed")


def pipeline() -> Dashboard:
    """The dashboard, with its variables."""
    sections = [
        ("Is everything there?", overview_panels()),
        ("Objective and alerts", [*objective_panels(), *alert_panels()]),
        ("Flow", flow_panels()),
        ("Latency", latency_panels()),
        ("Losses and refusals", loss_panels()),
        ("Sources and feeds", source_panels()),
        ("Orders and the page", desk_panels()),
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
        "Trades applied ÷ trades received over the chosen time range, rounded down. A trade is missing when its "
        "number never "
        "came to ingest, when it is unaccounted for after a crash of ingest, when it was lost between ingest and "
        "analytics, "
        "or when it was accepted over 5 s ago and is not applied. Refused messages are not trades; they are "
        "counted beside."
    )
    query = now("A", promql.floored(promql.completeness_in(RANGE)), "completeness")
    limits = palette.limits(palette.BAD, (1, palette.GOOD))
    return (
        number("Completeness", text, "percentunit", query, limits)
        .decimals(4)
        .text(common.VizTextDisplayOptions().value_size(64))
        .span(6)
        .height(8)
    )


_COUNTS = (
    (
        "Accepted",
        (
            "Trades that ingest accepted in the chosen time range. Applied may differ by a second's trades: it is "
            "another scrape."
        ),
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
        promql.REFUSED,
        palette.none_is_good(),
    ),
    (
        "Duplicate",
        "Trades whose numbers had come before in the chosen time range; they were not counted again.",
        promql.DUPLICATE,
        palette.none_is_good(palette.WARN),
    ),
    (
        "Lost",
        "Trades whose numbers never came, in the chosen time range: lost before ingest.",
        promql.LOST,
        palette.none_is_good(),
    ),
)


def _count(title: str, text: str, record: str, limits: ThresholdsConfig) -> stat.Panel:
    query = now("A", f"round({promql.sum_added(record, RANGE)})", title.lower())
    return number(title, text, COUNT, query, limits).decimals(0).span(3)


def _unapplied() -> stat.Panel:
    text = "Trades accepted, but not yet reported applied. In flow some always are; a number that grows is a backlog."
    query = now("A", "sum(telemetry_unapplied_trades)", "unapplied")
    limits = palette.limits(palette.GOOD, (10_000, palette.WARN), (100_000, palette.BAD))
    return number("Unapplied", text, COUNT, query, limits).decimals(0).span(3)


def _latency(probability: float, name: str) -> stat.Panel:
    text = (
        f"From receipt to the metric: {probability:.0%} of the last minute's trades took at most this long. The "
        f"clocks of the "
        "senders have no part in it."
    )
    query = now("A", promql.quantile(probability, '{stage="process"}', "1m"), name)
    limits = palette.limits(palette.GOOD, (palette.LATENCY_BUDGET_S, palette.BAD))
    return number(f"Latency {name}", text, "s", query, limits).span(3)


def _down() -> stat.Panel:
    text = "Targets that do not answer Prometheus: every one is a service that is down."
    query = now("A", "count(up == 0) or vector(0)", "down")
    return number("Targets down", text, "none", query, palette.none_is_good()).span(3)


def _restarts() -> stat.Panel:
    text = "Starts of services in the chosen time range after their first one."
    query = now("A", f"sum(changes(process_start_time_seconds[{RANGE}])) or vector(0)", "restarts")
    return number("Restarts", text, "none", query, palette.none_is_good(palette.WARN)).span(3)


def _alerts() -> stat.Panel:
    text = "Alerts that fire now; the table below says which and since when, and each alert says what to do."
    query = now("A", 'count(ALERTS{alertstate="firing",alertname!="Watchdog"}) or vector(0)', "alerts")
    return number("Alerts", text, "none", query, palette.none_is_good()).span(3)


def _overflow() -> stat.Panel:
    text = (
        "Trades counted under `other` in the chosen time range, because there are more symbols or sources than labels."
    )
    query = now("A", f"round({promql.sum_added(promql.OVERFLOW, RANGE)})", "overflow")
    return number("Label overflow", text, COUNT, query, palette.none_is_good(palette.WARN)).decimals(0).span(3)
