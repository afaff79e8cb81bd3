"""Panels in the house style: what all panels of a kind have in common is said here once."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import candlestick, common, heatmap, stat, table, timeseries
from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import (
    DashboardSpecialValueMapOptions,
    DataTransformerConfig,
    DynamicConfigValue,
    SpecialValueMap,
    SpecialValueMatch,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards import palette

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="prometheus")
"""The datasource of grafana/provisioning/datasources/prometheus.yml."""

BASIS_POINTS = "suffix: bp"
PER_SECOND = "suffix:/s"
PRICE = "locale"
"""Groups of thousands; `decimals` is the most it shows, so that 61,000 and 0.59998 are both readable."""

COUNT = "locale"
"""Counts to the last digit: 1,000,000 and 1,004,900 are not the same."""

PRICE_DECIMALS = 5
AVERAGE_DECIMALS = 4
SPANNED_GAP_MS = 3_000
"""Gaps up to this long are drawn through: two scrapes may fail before a line breaks."""

NO_TRADES = SpecialValueMap(
    options=DashboardSpecialValueMapOptions(
        match=SpecialValueMatch.NA_N, result=ValueMappingResult(text="no trades", color=palette.QUIET)
    )
)
"""A mean or a quantile of nothing is no number."""

Panel = timeseries.Panel | stat.Panel | table.Panel | heatmap.Panel | candlestick.Panel


def over_time(ref: str, expr: str, legend: str) -> Dataquery:
    """A query for each step of the time range."""
    return Dataquery().ref_id(ref).expr(expr).legend_format(legend).range().datasource(PROMETHEUS)


def now(ref: str, expr: str, legend: str = "") -> Dataquery:
    """A query for the end of the time range alone."""
    return Dataquery().ref_id(ref).expr(expr).legend_format(legend).instant().datasource(PROMETHEUS)


def rows(ref: str, expr: str) -> Dataquery:
    """A query for the end of the time range, as rows of a table."""
    return now(ref, expr).format(PromQueryFormat.TABLE)


def number(title: str, description: str, unit: str, query: Dataquery, thresholds: ThresholdsConfig) -> stat.Panel:
    """One big number of now, coloured by its limits; the last of a range would be an old one where none is now."""
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .unit(unit)
        .with_target(query)
        .thresholds(thresholds)
        .color_scheme(palette.by_threshold())
        .color_mode(kinds.BigValueColorMode.VALUE)
        .graph_mode(kinds.BigValueGraphMode.NONE)
        .mappings([NO_TRADES])
        .no_value("no data")
        .justify_mode(kinds.BigValueJustifyMode.AUTO)
        .text_mode(kinds.BigValueTextMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(values=False))
        .span(4)
        .height(4)
    )


def lines(title: str, description: str, unit: str, *queries: Dataquery) -> timeseries.Panel:
    """Lines over time, with the last and the largest value in the legend."""
    return (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .unit(unit)
        .targets(list(queries))
        .color_scheme(palette.by_name())
        .legend(legend("lastNotNull", "max"))
        .tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI).sort(kinds.SortOrder.DESCENDING))
        .line_width(1.5)
        .fill_opacity(8)
        .show_points(kinds.VisibilityMode.NEVER)
        .span_nulls(SPANNED_GAP_MS)
        .span(8)
        .height(8)
    )


def legend(*calculations: str) -> common.VizLegendOptions:
    """A list below the panel: it costs less room than a table, on a laptop above all."""
    return (
        common.VizLegendOptions()
        .show_legend(show_legend=True)
        .display_mode(kinds.LegendDisplayMode.LIST)
        .placement(kinds.LegendPlacement.BOTTOM)
        .calcs(list(calculations))
    )


def bars(title: str, description: str, unit: str, *queries: Dataquery) -> timeseries.Panel:
    """Stacked bars over time; what is negative hangs from the zero line."""
    return (
        lines(title, description, unit, *queries)
        .draw_style(kinds.GraphDrawStyle.BARS)
        .line_width(0)
        .fill_opacity(80)
        .bar_width_factor(0.9)
        .span_nulls(span_nulls=False)
        .stacking(common.StackingConfig().mode(kinds.StackingMode.NORMAL).group("A"))
    )


def sheet(title: str, description: str, *queries: Dataquery) -> table.Panel:
    """A table; its columns get their names, order and units from what is added to it."""
    return (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .targets(list(queries))
        .show_header(show_header=True)
        .cell_height(kinds.TableCellHeight.SM)
        .cell_options(kinds.TableAutoCellOptions())
        .span(8)
        .height(8)
    )


def cells(title: str, description: str, unit: str, query: Dataquery) -> heatmap.Panel:
    """A heatmap of a Prometheus histogram."""
    return (
        heatmap.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .with_target(query.format(PromQueryFormat.HEATMAP))
        .calculate(calculate=False)
        .y_axis(heatmap.YAxisConfig().unit(unit).axis_placement(kinds.AxisPlacement.LEFT))
        .color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Turbo").steps(64).exponent(0.5))
        .filter_values(heatmap.FilterValueRange().le(1e-9))
        .tooltip(heatmap.HeatmapTooltip().mode(kinds.TooltipDisplayMode.SINGLE).y_histogram(y_histogram=True))
        .show_legend()
        .cell_gap(1)
        .span(12)
        .height(9)
    )


def colored(panel: timeseries.Panel, **colors: str) -> timeseries.Panel:
    """Gives the series of these names their colours."""
    for name, color in colors.items():
        panel.override_by_name(name, [color_property(color)])
    return panel


def color_property(color: str) -> DynamicConfigValue:
    """What an override says to fix a colour."""
    return DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": color})


def properties(**values: object) -> list[DynamicConfigValue]:
    """What an override says; `custom__width` stands for `custom.width`."""
    return [DynamicConfigValue(id_val=name.replace("__", "."), value=value) for name, value in values.items()]


def rename(names: dict[str, str], hidden: Sequence[str] = ()) -> dict[str, object]:
    """The options of the transformation `organize`: columns in this order and with these names, the hidden ones out."""
    return {
        "renameByName": names,
        "indexByName": {name: index for index, name in enumerate(names)},
        "excludeByName": dict.fromkeys(hidden, True),
        "includeByName": {},
    }


def merged(names: dict[str, str], *, by: str, largest_first: bool, most: int = 0) -> list[DataTransformerConfig]:
    """Makes one table of queries that bring a column each: joined by labels, named, sorted, cut to `most` rows."""
    steps: list[tuple[str, dict[str, object]]] = [
        ("merge", {}),
        ("organize", rename(names, hidden=("Time",))),
        ("sortBy", {"fields": {}, "sort": [{"field": by, "desc": largest_first}]}),
    ]
    if most:
        steps.append(("limit", {"limitField": most}))
    return [DataTransformerConfig(id_val=kind, options=options) for kind, options in steps]
