"""What is chosen, in the address and after clicks; and the numbered updates of a board."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_schema import WindowName
from ui.page.model.parts import Part, PartSender
from ui.page.model.selection import MAX_PINS, Selection

TEXT = st.text(max_size=20)


@given(
    symbol=st.none() | st.text(min_size=1, max_size=20),
    window=st.sampled_from(["10s", "1m", "5m", "1h"]),
    sort=st.text(min_size=1, max_size=20),
    find=TEXT,
    pins=st.lists(st.text(min_size=1, max_size=20), unique=True, max_size=MAX_PINS),
    page=st.integers(0, 10_000),
)
def test_what_is_written_to_the_address_is_read_back(
    symbol: str | None, window: WindowName, sort: str, find: str, pins: list[str], page: int
) -> None:
    chosen = Selection(symbol=symbol, window=window, sort=sort, find=find, pins=tuple(pins), order_page=page)
    query = {name: value if isinstance(value, list) else [value] for name, value in chosen.query().items()}
    assert Selection.from_query(query) == chosen


@given(st.dictionaries(TEXT | st.sampled_from(["symbol", "order_page", "pin", "orders", "zone"]), st.lists(TEXT)))
def test_any_address_is_some_selection(query: dict[str, list[str]]) -> None:
    Selection.from_query(query).query()


@given(TEXT, st.none() | st.integers() | TEXT | st.lists(TEXT, max_size=3) | st.dictionaries(TEXT, TEXT))
def test_any_click_leaves_some_selection(kind: str, value: object) -> None:
    Selection().after(kind, value)


@pytest.mark.parametrize(
    ("kind", "value", "query"),
    [
        ("pick", "SOL-USD", {"symbol": "SOL-USD"}),
        ("pin", "SOL-USD", {"pin": ["SOL-USD"]}),
        ("sort", ["symbols", "rate"], {"sort": "rate"}),
        ("sort", ["symbols", "symbol"], {"sort": "-symbol"}),
        ("find", ["symbols", "sol"], {"find": "sol"}),
        ("show", ["blotter", "refused"], {"orders": "refused"}),
        ("page", ["blotter", "2"], {"order_page": "2"}),
        ("page", ["blotter", "-2"], {}),
        ("nothing", 7, {}),
    ],
)
def test_a_click_changes_what_it_is_about(kind: str, value: object, query: dict[str, object]) -> None:
    assert Selection().after(kind, value).query() == query


def test_a_second_click_on_a_pin_takes_it_off() -> None:
    assert Selection().after("pin", "A").after("pin", "B").after("pin", "A").pins == ("B",)


def _update(sender: PartSender, **parts: Part) -> dict[str, Any]:
    return sender.update("market", parts, order=list(parts), stamp_ms=0)


def test_only_what_has_changed_is_sent_again() -> None:
    sender = PartSender("r")
    first = _update(sender, a={"kind": "note", "text": "1"}, b={"kind": "note", "text": "2"})
    second = _update(sender, a={"kind": "note", "text": "1"}, b={"kind": "note", "text": "3"})
    assert (first["whole"], first["number"], set(first["parts"])) == (True, 1, {"a", "b"})
    assert (second["whole"], second["number"], set(second["parts"])) == (False, 2, {"b"})
    sender.forget()
    third = _update(sender, a={"kind": "note", "text": "1"})
    assert (third["whole"], set(third["parts"])) == (True, {"a"})


def _chart(bars: list[list[float]], end: int) -> Part:
    return {"kind": "candles", "id": "BTC 1", "step": 1, "span": 60, "end": end, "from": None, "bars": bars}


def test_of_a_chart_only_the_bars_from_the_first_new_one_are_sent() -> None:
    sender = PartSender("r")
    bars: list[list[float]] = [[second, 1, 1, 1, 1, 1, 1] for second in range(100, 160)]
    _update(sender, chart=_chart(bars, 159))
    moved: list[list[float]] = [*bars[1:-1], [159, 1, 2, 1, 2, 1, 1], [160, 2, 2, 2, 2, 0, 0]]
    part = _update(sender, chart=_chart(moved, 160))["parts"]["chart"]
    assert (part["from"], [bar[0] for bar in part["bars"]]) == (159, [159, 160])
    older: list[list[float]] = [[99, 1, 1, 1, 1, 1, 1], *moved]
    part = _update(sender, chart=_chart(older, 160))["parts"]["chart"]
    assert part["from"] == 99
    assert len(part["bars"]) == len(older)


def test_another_chart_is_sent_whole() -> None:
    sender = PartSender("r")
    bars: list[list[float]] = [[100, 1, 1, 1, 1, 1, 1]]
    _update(sender, chart=_chart(bars, 100))
    part = _update(sender, chart=_chart(bars, 100) | {"id": "ETH 1"})["parts"]["chart"]
    assert (part["from"], part["bars"]) == (None, bars)


def _clicks(board: str, *events: object) -> dict[str, object]:
    return {"board": board, "events": list(events)}


def test_a_click_that_comes_again_is_taken_once_and_the_browser_hears_which_was_the_last() -> None:
    sender = PartSender("r")
    assert sender.take(_clicks("b", [1, "pin", "A"])) == [("pin", "A")]
    assert sender.take(_clicks("b", [1, "pin", "A"], [2, "pin", "B"])) == [("pin", "B")]
    assert sender.take(_clicks("b", [2, "pin", "B"])) == []
    assert _update(sender)["heard"] == ["b", 2]


def test_another_tab_or_a_board_that_was_loaded_again_counts_anew() -> None:
    sender = PartSender("r")
    sender.take(_clicks("b", [7, "pin", "A"]))
    assert sender.take(_clicks("c", [1, "pin", "B"])) == [("pin", "B")]
    assert _update(sender)["heard"] == ["c", 1]


@pytest.mark.parametrize(
    "message", [None, 7, [], {}, {"board": 1, "events": []}, _clicks("b", 1, [], ["1", "pin", "A"], [1, None, "A"])]
)
def test_a_message_of_nonsense_is_no_click(message: object) -> None:
    assert PartSender("r").take(message) == []
