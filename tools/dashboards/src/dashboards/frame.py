"""What all dashboards share: the time range, the links to each other, the variables and the marks in time."""

from collections.abc import Sequence
from itertools import count

from grafana_foundation_sdk.builders.dashboard import (
    AnnotationQuery,
    AnnotationTarget,
    CustomVariable,
    Dashboard,
    DashboardLink,
    QueryVariable,
    Row,
    TimePicker,
)
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    VariableHide,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from dashboards.parts import PROMETHEUS, Panel
from dashboards.shelf import Shelf

TAG = "trading-telemetry"
GRAFANA = DataSourceRef(type_val="grafana", uid="-- Grafana --")

Section = tuple[str, Sequence[Panel]]


def dashboard(
    uid: str,
    title: str,
    description: str,
    since: str,
    sections: Sequence[Section],
    *,
    chosen: Sequence[str] = ("symbol", "source"),
) -> Dashboard:
    """A dashboard of titled rows of panels. Panels are numbered in order, from 1: the links of the alerts name them.

    Symbol and source travel with every link between the dashboards; those that are not `chosen` on this one are hidden.
    """
    built = (
        Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .readonly()
        .timezone("browser")
        .time(since, "now")
        .refresh("5s")
        .timepicker(TimePicker().refresh_intervals(["1s", "5s", "10s", "30s", "1m", "5m"]))
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(_links())
        .link(_page())
        .link(_runbook())
        .annotation(_alerts())
        .annotation(_restarts())
        .annotation(_load_tests())
        .with_variable(_shown(_symbol(), "symbol" in chosen))
        .with_variable(_shown(_source(), "source" in chosen))
        .with_variable(_shown(_address("page"), shown=False))
        .with_variable(_shown(_address("runbook"), shown=False))
        .with_variable(_shown(_address("prometheus"), shown=False))
    )
    numbers, shelf = count(1), Shelf()
    for title_of_row, panels in sections:
        built.with_row(Row(title_of_row).id(next(numbers)).grid_pos(shelf.place_row()))
        for panel in panels:
            built.with_panel(panel.id(next(numbers)).grid_pos(shelf.place(panel.build().grid_pos)))
    return built


def _links() -> DashboardLink:
    return (
        DashboardLink("Dashboards")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(as_dropdown=False)
        .include_vars(include_vars=True)
        .keep_time(keep_time=True)
    )


def _page() -> DashboardLink:
    """To the live page: where PAGE_URL says that it is."""
    return _elsewhere("Live page", "${page}")


def _runbook() -> DashboardLink:
    """To what to do when an alert fires: where RUNBOOK_URL says that it is, by default on the page."""
    return _elsewhere("Runbook", "${runbook}")


def _elsewhere(title: str, url: str) -> DashboardLink:
    return (
        DashboardLink(title).type(DashboardLinkType.LINK).url(url).icon("external link").target_blank(target_blank=True)
    )


def _alerts() -> AnnotationQuery:
    # Over a whole step, so that a short alert is not missed where a long time range has long steps.
    expr = 'max_over_time(ALERTS{alertstate="firing",alertname!="Watchdog"}[$__interval])'
    query = Dataquery().ref_id("alerts").expr(expr).interval("5s").range()
    return (
        _marks("Alerts", "red", PROMETHEUS)
        .target(query)
        .title_format("{{alertname}}")
        .text_format("{{severity}} {{job}} {{source}} {{reason}} {{stage}}")
    )


def _restarts() -> AnnotationQuery:
    """Where a service was started: windows and counters begin anew there."""
    expr = "changes(process_start_time_seconds[$__interval]) > 0"
    query = Dataquery().ref_id("restarts").expr(expr).interval("5s").range()
    return _marks("Restarts", "orange", PROMETHEUS).target(query).title_format("{{job}} was started")


def _load_tests() -> AnnotationQuery:
    """What the load tester writes into Grafana."""
    target = AnnotationTarget().limit(100).match_any(match_any=False).tags(["loadtest"]).type("tags")
    # The SDK's type knows queries of datasources only; this one is Grafana's own.
    return _marks("Load tests", "purple", GRAFANA).target(target)  # type: ignore[arg-type]


def _marks(name: str, color: str, datasource: DataSourceRef) -> AnnotationQuery:
    return AnnotationQuery().name(name).datasource(datasource).enable(enable=True).icon_color(color)


def _symbol() -> QueryVariable:
    return (
        _values("symbol", "Symbol", "label_values(trading_last_price, symbol)")
        .description("What is traded; the panels of one symbol show this one.")
        .include_all(include_all=False)
        .multi(multi=False)
    )


def symbols() -> QueryVariable:
    """Several symbols, for the charts that compare them."""
    text = "The symbols that are compared with each other."
    return several("symbols", "Compare", text, "label_values(trading_last_price, symbol)")


def _source() -> QueryVariable:
    text = "Who sends the trades: feeds, bots, the load tester."
    return several("source", "Source", text, "label_values(telemetry_source_trades_total, source)")


def _address(what: str) -> QueryVariable:
    """Where something is reached: a label of the alert that always fires, which has it from .env."""
    return _values(what, what, f'label_values(ALERTS{{alertname="Watchdog"}}, {what})').description(
        "Where links lead; set in .env."
    )


def _shown(variable: QueryVariable, shown: bool) -> QueryVariable:  # noqa: FBT001 - its name is in the function's
    return variable if shown else variable.hide(VariableHide.HIDE_VARIABLE)


def several(name: str, label: str, description: str, query: str) -> QueryVariable:
    """A variable of any number of values, by default of all."""
    return (
        _values(name, label, query)
        .description(description)
        .include_all(include_all=True)
        .all_value(".*")
        .multi(multi=True)
        .current(VariableOption(selected=True, text=["All"], value=["$__all"]))
    )


def _values(name: str, label: str, query: str) -> QueryVariable:
    return (
        QueryVariable(name)
        .label(label)
        .datasource(PROMETHEUS)
        .query({"query": query, "refId": name})
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )


def choice(name: str, label: str, description: str, options: Sequence[str]) -> CustomVariable:
    """A variable with fixed values; the first is chosen."""
    values = [VariableOption(selected=index == 0, text=text, value=text) for index, text in enumerate(options)]
    return (
        CustomVariable(name)
        .label(label)
        .description(description)
        .values(",".join(options))
        .options(values)
        .current(values[0])
    )
