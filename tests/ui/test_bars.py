"""The charts' history: put together from snapshots, bounded, later bars replace earlier ones."""

from hypothesis import given
from hypothesis import strategies as st

from telemetry_schema import Bars
from tests.helpers.views import bars
from ui.bars import MAX_SYMBOLS, BarHistory


def _one(second: int, close: float, symbol: str = "A") -> Bars:
    columns = {name: [close] for name in ("open", "high", "low", "close", "buy_volume", "sell_volume")}
    return Bars(symbol=symbol, second=[second], **columns)


def test_a_growing_second_is_replaced_and_the_order_is_by_time() -> None:
    history = BarHistory(60)
    history.merge([_one(100, 1.0), _one(99, 2.0), _one(100, 3.0)])
    assert [(bar.second, bar.close) for bar in history.last("A", 60)] == [(99, 2.0), (100, 3.0)]


def test_history_that_comes_later_fills_the_past() -> None:
    history = BarHistory(600)
    history.merge([bars(first=1_000, count=5)])
    history.merge([bars(first=900, count=50)])
    assert len(history.last("BTC-USD", 600)) == 55


def test_a_clock_that_was_set_back_or_one_bar_of_a_wrong_clock_does_not_stop_the_chart() -> None:
    history = BarHistory(3_600)
    history.merge([bars(first=10_000, count=60)])
    for second, step_s in ((10_060, 0), (6_460, -3_600), (6_461, 0), (2**63 - 1, 3_600), (6_462, -3_600)):
        history.follow([_one(second, float(step_s), "BTC-USD")])
        assert history.last("BTC-USD", 60)[-1] == (second, *[float(step_s)] * 6)
    history.merge([bars(first=6_400, count=60)])
    assert [bar.second for bar in history.last("BTC-USD", 3_600)] == [*range(6_400, 6_460), 6_462]


def test_only_the_last_seconds_are_kept_and_given() -> None:
    history = BarHistory(60)
    history.merge([bars(first=1_000, count=200)])
    assert [bar.second for bar in history.last("BTC-USD", 3)] == [1_197, 1_198, 1_199]
    assert len(history.last("BTC-USD", 10_000)) == 60


def test_an_unknown_symbol_has_no_bars() -> None:
    assert BarHistory(60).last("A", 60) == []
    assert BarHistory(60).columns("A").second == []


def test_empty_columns_make_no_symbol() -> None:
    history = BarHistory(60)
    history.merge([bars(count=0)])
    assert history.symbols == []


def test_symbols_are_bounded() -> None:
    history = BarHistory(60)
    history.merge(_one(1, 1.0, f"S{i}") for i in range(MAX_SYMBOLS + 5))
    assert len(history.symbols) == MAX_SYMBOLS


def test_a_newcomer_takes_the_place_of_the_longest_idle_symbol_and_of_no_other() -> None:
    history = BarHistory(60)
    busy = [f"S{i}" for i in range(MAX_SYMBOLS) if i != 7]
    history.merge(_one(1, 1.0, f"S{i}") for i in range(MAX_SYMBOLS))
    for second in (2, 3):
        history.merge(_one(second, 1.0, symbol) for symbol in [*busy, "NEW"])
    assert sorted(history.symbols) == sorted([*busy, "NEW"])
    assert all(len(history.last(symbol, 60)) == 3 for symbol in busy)


@given(seconds=st.lists(st.integers(1, 200), min_size=1, max_size=60))
def test_columns_bring_back_what_was_merged_whatever_the_order(seconds: list[int]) -> None:
    first, second = BarHistory(100), BarHistory(100)
    first.merge(_one(each, float(each)) for each in seconds)
    second.merge([first.columns("A")])
    assert second.last("A", 100) == first.last("A", 100)
    assert [bar.second for bar in first.last("A", 100)] == sorted({s for s in seconds if s > max(seconds) - 100})
