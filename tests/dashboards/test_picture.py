"""The picture of a dashboard, drawn from made-up answers."""

import math

import pytest

from dashboards.picture import units
from dashboards.picture.data import View, table_of
from dashboards.picture.page import draw
from dashboards.prometheus import Line
from tests.dashboards.conftest import MODELS

NAN = math.nan


class FakePrometheus:
    """Answers every expression with two series."""

    def __init__(self, last: float = 2.0) -> None:
        self._last = last

    def at(self, expr: str, time_s: float | None = None) -> list[Line]:
        labels = ({"symbol": "A", "window": "1m"}, {"symbol": "B", "window": "5m"})
        return [Line(each, [time_s or 0], [len(expr) + index]) for index, each in enumerate(labels)]

    def over(self, expr: str, start_s: float, end_s: float, step_s: float) -> list[Line]:
        sign = -1 if expr.startswith("-") else 1
        return [Line({"symbol": "A"}, [start_s, start_s + step_s, end_s], [sign * 1.0, NAN, sign * self._last])]


VIEW = View(FakePrometheus(), {"symbol": "A", "source": ".*", "candle": "10s", "__range": "60s"}, 60_000, 60_060)


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "text"),
    [
        (61_234.5, "locale", 5, "61,234.5"),
        (83_500_000, "bytes", None, "79.6 MiB"),
        (1_490_000, "short", None, "1.49 Mil"),
        (0.0451, "percentunit", 1, "4.5%"),
        (-2.06, "suffix: bp", 2, "-2.06 bp"),
        (0.0491, "s", None, "49.1 ms"),
        (90, "s", 1, "1.5 min"),
        (0.0, "short", None, "0"),
        (NAN, "s", None, "–"),
    ],
)
def test_numbers_are_written_with_their_units(value: float, unit: str, decimals: int | None, text: str) -> None:
    assert units.text(value, unit, decimals) == text


def test_the_picture_has_room_for_every_row_of_the_dashboard() -> None:
    model = MODELS["trading"]
    figure = draw(model, VIEW, "drawn in a test")
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in model["panels"])
    assert figure.get_size_inches()[1] * figure.dpi > rows * 38
    written = {text.get_text() for text in figure.texts}
    assert {"Candles, 10s", "Price and VWAP", "Top symbols, 5 m", "drawn in a test"} <= written


def test_a_table_is_joined_named_sorted_and_cut_as_its_transformations_say() -> None:
    panels = {panel["title"]: panel for panel in MODELS["trading"]["panels"]}
    columns, rows = table_of(panels["Top symbols, 5 m"], VIEW)
    assert columns == ["Symbol", "Last", "Change", "Turnover", "Trades", "Imbalance"]
    assert [row[0] for row in rows] == ["B", "A"]
