"""Lays a dashboard out and draws each of its panels."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Text

from dashboards.picture import charts, theme, units
from dashboards.picture.data import Series, View, properties_of, series_of, table_of, threshold_color, value_of
from dashboards.picture.theme import points

LEGEND_PX = 22
TITLE_PX = 28
CHARACTER_PX = 6.0


class Page:
    """A figure that is measured in pixels from its upper left corner."""

    def __init__(self, height_px: float) -> None:
        self.height_px = height_px
        self.figure = Figure(figsize=(theme.WIDTH_PX / theme.DPI, height_px / theme.DPI), dpi=theme.DPI)
        self.figure.set_facecolor(theme.PAGE)
        FigureCanvasAgg(self.figure)

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Axes that fill a rectangle."""
        left, bottom = x / theme.WIDTH_PX, 1 - (y + height) / self.height_px
        return self.figure.add_axes((left, bottom, width / theme.WIDTH_PX, height / self.height_px))

    def text(self, x: float, y: float, text: str, px: float, color: str = theme.TEXT, **more: Any) -> Text:  # noqa: ANN401 - matplotlib's
        """Text whose middle is at this height."""
        place = (x / theme.WIDTH_PX, 1 - y / self.height_px)
        return self.figure.text(*place, text, fontsize=points(px), color=color, va="center", **more)

    def box(self, x: float, y: float, width: float, height: float, color: str, edge: str, radius: float = 3) -> None:
        """A filled rectangle with round corners."""
        canvas = self.axes(x, y, width, height)
        canvas.set_xlim(0, width)
        canvas.set_ylim(0, height)
        canvas.axis("off")
        style = f"round,pad=0,rounding_size={radius}"
        canvas.add_patch(
            FancyBboxPatch((0.5, 0.5), width - 1, height - 1, style, facecolor=color, edgecolor=edge, lw=0.8)
        )


def draw(model: Mapping[str, Any], view: View, caption: str, below: int | None = None) -> Figure:
    """The dashboard, down to the grid row `below` where one is given."""
    panels = [panel for panel in model["panels"] if below is None or panel["gridPos"]["y"] < below]
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    page = Page(theme.HEADER_PX + rows * (theme.ROW_PX + theme.GAP_PX) + theme.CAPTION_PX)
    _header(page, model, view)
    for panel in panels:
        _panel(page, panel, view)
    page.text(theme.MARGIN_PX + 2, page.height_px - theme.CAPTION_PX / 2, caption, 11.5, theme.FAINT)
    return page.figure


def _header(page: Page, model: Mapping[str, Any], view: View) -> None:
    page.text(theme.MARGIN_PX + 2, 20, model["title"], 18, weight="bold")
    shown = [v for v in model["templating"]["list"] if v["name"] in view.variables]
    x = theme.MARGIN_PX + 0.0
    for variable in shown:
        value = view.variables[variable["name"]]
        text = f"{variable['label']}  {'All' if value == '.*' else value}"
        width = 18 + CHARACTER_PX * len(text)
        page.box(x, 34, width, 20, theme.PANEL, theme.BORDER)
        page.text(x + 9, 44, text, 11)
        x += width + 8
    times = [datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M") for at in (view.start_s, view.end_s)]
    page.text(theme.WIDTH_PX - theme.MARGIN_PX, 20, f"{times[0]} to {times[1]} UTC", 12, theme.FAINT, ha="right")


def _panel(page: Page, panel: Mapping[str, Any], view: View) -> None:
    grid, column = panel["gridPos"], (theme.WIDTH_PX - 2 * theme.MARGIN_PX + theme.GAP_PX) / 24
    x, width = theme.MARGIN_PX + grid["x"] * column, grid["w"] * column - theme.GAP_PX
    y = theme.HEADER_PX + grid["y"] * (theme.ROW_PX + theme.GAP_PX)
    height = grid["h"] * (theme.ROW_PX + theme.GAP_PX) - theme.GAP_PX
    if panel["type"] == "row":
        page.text(x + 4, y + height / 2, f"⌄  {view.fill(panel['title'])}", 14, weight="bold")
        return
    page.box(x, y, width, height, theme.PANEL, theme.BORDER)
    page.text(x + 10, y + 15, view.fill(panel["title"]), 12.5)
    drawn = {"stat": _number, "table": _table}.get(panel["type"], _chart)
    drawn(page, panel, view, (x, y + TITLE_PX, width, height - TITLE_PX))


Place = tuple[float, float, float, float]


def _number(page: Page, panel: Mapping[str, Any], view: View, place: Place) -> None:
    x, y, width, height = place
    defaults = panel["fieldConfig"]["defaults"]
    value = value_of(panel, view)
    color = threshold_color(defaults["thresholds"]["steps"], value)
    middle = 0.45
    if panel["options"]["graphMode"] == "area":
        middle = 0.36
        (series,) = series_of(panel, view, 5)
        charts.spark(page.axes(x + 1, y + height * 0.55, width - 2, height * 0.44), series.line, color, view)
    text = units.text(value, defaults["unit"], defaults.get("decimals"))
    size = min(panel["options"].get("text", {}).get("valueSize", 30), 1.5 * width / len(text))
    page.text(x + width / 2, y + height * middle, text, size, color, ha="center", weight="bold")


def _chart(page: Page, panel: Mapping[str, Any], view: View, place: Place) -> None:
    x, y, width, height = place
    wanted = panel.get("interval")
    step_s = (
        float(view.fill(wanted).removesuffix("s")) if wanted else max(1.0, (view.end_s - view.start_s) // (width / 2.4))
    )
    series = series_of(panel, view, step_s)
    defaults = panel["fieldConfig"]["defaults"]
    left, right = _margins(defaults.get("unit", "s"), panel)
    below = 24 if panel["type"] in {"candlestick", "heatmap"} else LEGEND_PX + 24
    axes = page.axes(x + left, y + 4, width - left - right, height - below - 4)
    if panel["type"] == "heatmap":
        charts.heat(axes, panel, series, view)
        return
    if panel["type"] == "candlestick":
        charts.candles(axes, series, step_s)
    elif defaults["custom"].get("drawStyle") == "bars":
        charts.bars(axes, series, step_s)
    else:
        charts.lines(axes, panel, series)
    charts.style(axes, panel, view)
    _legend(page, panel, series, (x + 10, y + height - LEGEND_PX / 2 - 1, width))


def _margins(unit: str, panel: Mapping[str, Any]) -> tuple[float, float]:
    has_right = any(
        "custom.axisPlacement" in properties_of(panel, o["matcher"]["options"])
        for o in panel["fieldConfig"]["overrides"]
    )
    return (70 if unit == "locale" else 58), (40 if has_right else 12)


def _legend(page: Page, panel: Mapping[str, Any], series: Sequence[Series], place: tuple[float, float, float]) -> None:
    """As many of the series as there is room for."""
    x, y, width = place
    end, defaults = x + width - 20, panel["fieldConfig"]["defaults"]
    for each in series if panel["type"] != "candlestick" else ():
        own = properties_of(panel, each.name)
        decimals = own.get("decimals", defaults.get("decimals"))
        value = units.text(each.line.last, own.get("unit", defaults["unit"]), decimals)
        text = f"{each.name}  {value}" if panel["options"]["legend"].get("calcs") else each.name
        written = page.text(x + 17, y, text, 10.5, theme.FAINT)
        after = written.get_window_extent().x1
        if after > end:
            written.remove()
            return
        page.box(x, y - 2, 12, 4, each.color, each.color, radius=1)
        x = after + 12


def _table(page: Page, panel: Mapping[str, Any], view: View, place: Place) -> None:
    x, y, width, _ = place
    columns, rows = table_of(panel, view)
    defaults = panel["fieldConfig"]["defaults"]
    edges = [
        x + 12 + width * 0.2 + (width * 0.8 - 24) * (index + 1) / (len(columns) - 1)
        for index in range(len(columns) - 1)
    ]
    page.text(x + 12, y + 14, columns[0], 12, "#6E9FFF")
    for edge, name in zip(edges, columns[1:], strict=True):
        page.text(edge, y + 14, name, 12, "#6E9FFF", ha="right")
    for index, row in enumerate(rows):
        height = y + 44 + index * 32
        page.box(x + 8, height - 17, width - 16, 1.5, theme.GRID, theme.GRID, radius=0)
        page.text(x + 12, height, str(row[0]), 12.5)
        for edge, name, value in zip(edges, columns[1:], row[1:], strict=True):
            own = properties_of(panel, name)
            number = float(value)
            color = threshold_color(own["thresholds"]["steps"], number) if "thresholds" in own else theme.TEXT
            text = units.text(
                number, own.get("unit", defaults.get("unit", "none")), own.get("decimals", defaults.get("decimals"))
            )
            page.text(edge, height, text, 12.5, color, ha="right")
