"""The dashboard *Load test*: what was offered, what was achieved, and what it cost, for a chosen time range."""

from grafana_foundation_sdk.builders import stat, timeseries
from grafana_foundation_sdk.builders.dashboard import AnnotationQuery, Dashboard
from grafana_foundation_sdk.builders.prometheus import Dataquery

from dashboards import palette, promql
from dashboards.frame import dashboard
from dashboards.parts import COUNT, PER_SECOND, PROMETHEUS, Panel, cells, colored, lines, now, number, over_time
from dashboards.pipeline_charts import percentiles
from dashboards.pipeline_services import cpu, memory
from dashboards.pipeline_sources import symbol_rate
from dashboards.promql import FROM_SOURCE, RANGE, STEP

UID = "load-test"
END_TO_END = '{stage="end_to_end"}'
NUMBERED = (promql.ACCEPTED, promql.DUPLICATE, promql.LOST)
"""Every number that a source has used was accepted, came twice or never came."""


def load_test() -> Dashboard:
    """The dashboard; it has no variables of its own."""
    sections = [
        ("Result over the chosen time range", result_panels()),
        ("Rate and latency", rate_panels()),
        ("Backlog and cost", cost_panels()),
    ]
    text = (
        "A load test: choose its time range (the marks show where it began and ended) and its source. The "
        "numbers on top are over that range."
    )
    return dashboard(UID, "Load test", text, "now-5m", sections).annotation(_running())


def _running() -> AnnotationQuery:
    """A load test marks its time even where it may not write into Grafana: by its trades."""
    expr = f"""sum by (source) ({promql.added(promql.ACCEPTED, "5s", '{source=~"loadtest.*"}')}) / 5 > 0"""
    return (
        AnnotationQuery()
        .name("Load running")
        .datasource(PROMETHEUS)
        .enable(enable=True)
        .icon_color("blue")
        .target(Dataquery().ref_id("load").expr(expr).interval("5s").range())
        .title_format("load from {{source}}")
    )


def result_panels() -> list[Panel]:
    """The ledger of the range, and its latencies."""
    return [
        _offered(),
        _achieved(),
        _peak(),
        _missing(),
        _quantile(0.5, "p50"),
        _quantile(0.99, "p99"),
        _quantile(0.999, "p99.9"),
    ]


def _offered() -> stat.Panel:
    text = "Trades that the chosen sources numbered in the range: accepted, duplicate or lost."
    sums = " + ".join(promql.sum_added(record, RANGE, FROM_SOURCE) for record in NUMBERED)
    query = now("A", f"round({sums})", "offered")
    return number("Offered", text, COUNT, query, palette.limits(palette.ACCENT)).decimals(0).span(4)


def _achieved() -> stat.Panel:
    text = "Trades that analytics applied in the range, of all sources."
    query = now("A", f"round({promql.sum_added(promql.APPLIED, RANGE)})", "applied")
    return number("Applied", text, COUNT, query, palette.limits(palette.ACCENT)).decimals(0).span(4)


def _peak() -> stat.Panel:
    text = "The highest rate over any five seconds of the range at which analytics applied trades, of all sources."
    query = now("A", f"max_over_time(sum({promql.added(promql.APPLIED, '5s')})[{RANGE}:1s]) / 5", "peak")
    return number("Peak rate", text, PER_SECOND, query, palette.limits(palette.ACCENT)).decimals(0).span(4)


def _missing() -> stat.Panel:
    text = (
        "Trades of all sources that were sent in the range and are not applied: lost before ingest or after it, "
        "unaccounted for "
        "after a crash, or accepted over 5 s ago."
    )
    query = now("A", f"round({promql.missing_in(RANGE)})", "missing")
    return number("Missing", text, COUNT, query, palette.none_is_good()).decimals(0).span(3)


def _quantile(probability: float, name: str) -> stat.Panel:
    text = (
        f"From the sender's clock to the metric: {probability:.1%} of the range's trades, of all sources, took at "
        f"most this "
        "long."
    )
    query = now("A", promql.quantile(probability, END_TO_END, RANGE), name)
    return number(f"Latency {name}", text, "s", query, palette.limits(palette.PRICE)).span(3)


def rate_panels() -> list[Panel]:
    """What was offered and achieved, and how long it took."""
    return [
        _rates(),
        percentiles(END_TO_END, "End-to-end latency").span(12).height(9),
        _distribution(),
        _losses().span(12).height(9),
    ]


def _rates() -> timeseries.Panel:
    text = "Per second: trades that the chosen sources numbered, and trades of all sources that analytics applied."
    offered = " + ".join(promql.sum_added(record, STEP, FROM_SOURCE) for record in NUMBERED)
    queries = [
        over_time("A", f"({offered}) / {promql.STEP_S}", "offered"),
        over_time("B", promql.per_second(promql.APPLIED), "applied"),
    ]
    panel = lines("Offered and applied", text, PER_SECOND, *queries).axis_soft_min(0).span(12).height(9)
    return colored(panel, offered=palette.WARN, applied=palette.GOOD)


def _distribution() -> Panel:
    text = "Every trade's latency from the sender's clock to the metric, per second and bucket."
    expr = f"sum by (le) (rate(telemetry_latency_seconds_bucket{END_TO_END}[{STEP}]))"
    return cells("End-to-end latency, all trades", text, "s", over_time("A", expr, "{{le}}"))


def _losses() -> timeseries.Panel:
    text = (
        "Per second: trades of the chosen sources whose numbers never came, or came twice, and messages "
        "refused from anybody."
    )
    queries = [
        over_time("A", f"{promql.sum_added(promql.LOST, STEP, FROM_SOURCE)} / {promql.STEP_S}", "lost"),
        over_time("B", f"{promql.sum_added(promql.DUPLICATE, STEP, FROM_SOURCE)} / {promql.STEP_S}", "duplicate"),
        over_time("C", f"{promql.sum_added(promql.REFUSED, STEP)} / {promql.STEP_S}", "refused"),
    ]
    panel = lines("Lost, duplicate, refused", text, PER_SECOND, *queries).axis_soft_min(0).axis_soft_max(1)
    return colored(panel, lost=palette.BAD, duplicate=palette.WARN, refused=palette.QUIET)


def cost_panels() -> list[Panel]:
    """Where trades wait, and what the services use."""
    return [panel.span(6) for panel in (_backlog(), symbol_rate(), cpu(), memory())]


def _backlog() -> timeseries.Panel:
    text = "Trades accepted but not yet reported applied, and trades in one batch to analytics."
    queries = [
        over_time("A", "sum(telemetry_unapplied_trades)", "unapplied"),
        over_time("B", promql.mean_batch("ingest", STEP), "batch size"),
    ]
    panel = lines("Backlog and batch size", text, "short", *queries).axis_soft_min(0)
    return colored(panel, unapplied=palette.ACCENT, **{"batch size": palette.WARN})
