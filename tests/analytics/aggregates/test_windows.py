"""Windows are right for any trades, in any order, however they are cut into batches."""

import math
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.aggregates.window_statistics import window_statistics
from analytics.aggregates.windows import WINDOWS_S
from analytics.engine import Engine
from analytics.intake.labels import OTHER
from telemetry_schema import WindowName
from tests.analytics.batches import NOW, SECOND, SETTLED, T, applied, batch, engine, state_of
from tests.analytics.reference import window

SYMBOLS = ("A", "B", "C")

offsets = st.one_of(
    st.integers(-9_000 * SECOND, 0),
    st.integers(-12 * SECOND, 0),
    # Whole seconds and few of them: equal times, and times at the edges of buckets.
    st.integers(-70, 0).map(lambda second: second * SECOND),
)
trades = st.builds(
    T,
    qty=st.floats(1e-6, 1e6),
    price=st.one_of(st.floats(1e-3, 1e6), st.floats(-100, 100), st.sampled_from([0.0, -37.63])),
    at_ns=offsets,
    side=st.sampled_from(["buy", "sell"]),
    symbol=st.sampled_from(SYMBOLS),
).map(lambda trade: replace(trade, wire_ns=-trade.at_ns))
"""Trades that all come now, whenever they happened: a client may replay old ones."""
batches = st.lists(st.lists(trades, min_size=1, max_size=12), min_size=1, max_size=6)


Values = dict[tuple[str, WindowName], dict[str, float]]


def all_values(made: Engine, now_ns: int = SETTLED) -> Values:
    """Everything that is exported, by symbol and window."""
    state = state_of(made, now_ns)
    values = {name: window_statistics(rows) for name, rows in state.windows.items()}
    return {
        (key.symbol, name): {field: float(getattr(window, field)[slot]) for field in window.__dataclass_fields__}
        for slot, key in enumerate(state.symbols)
        if key.origin == "market"
        for name, window in values.items()
    }


def values(made: Engine, symbol: str, name: WindowName, now_ns: int = SETTLED) -> dict[str, float]:
    return all_values(made, now_ns)[symbol, name]


def assert_equal(got: dict[str, float], expected: dict[str, float]) -> None:
    # A spread of nearly nothing is as exact as the mean it is a spread about.
    slack = {"qty_std": expected["qty_mean"] * 1e-9, "imbalance_ratio": 1e-9, "realised_volatility_ratio": 1e-9}
    # Of prices of both signs, the sum is as exact as the largest of them.
    slack["vwap"] = 1e-9 * max(abs(expected["high"]), abs(expected["low"]), 0)
    for field, value in expected.items():
        assert got[field] == pytest.approx(value, rel=1e-9, abs=slack.get(field, 0.0), nan_ok=True), field


@given(batches=batches, folds=st.booleans())
def test_every_window_equals_a_plain_recomputation(batches: list[list[T]], folds: bool) -> None:  # noqa: FBT001
    made = engine()
    arrived: list[T] = []
    for each in batches:
        made.apply(batch(each, first_seq=len(arrived)), now_ns=NOW, monotonic_ns=NOW)
        arrived += each
        if folds:
            state_of(made)
    got = all_values(made)
    for symbol in {trade.symbol for trade in arrived}:
        for name, length_s in WINDOWS_S.items():
            assert_equal(got[symbol, name], window(arrived, symbol, NOW // SECOND, length_s))


@given(batches=batches)
def test_what_is_read_again_in_the_same_second_is_what_a_fresh_engine_reads(batches: list[list[T]]) -> None:
    made, arrived = engine(), list[list[T]]()
    for each in batches:
        made.apply(batch(each, first_seq=sum(map(len, arrived))), now_ns=SETTLED, monotonic_ns=SETTLED)
        arrived.append(each)
        assert str(all_values(made)) == str(all_values(applied(*arrived, now_ns=SETTLED)))


def test_while_only_the_second_that_runs_changes_windows_are_not_read_again() -> None:
    made = applied([T()], [T(symbol="B")])
    first = state_of(made, SETTLED).windows
    made.apply(batch([T(at_ns=SECOND)], first_seq=2), now_ns=SETTLED, monotonic_ns=SETTLED)
    assert state_of(made, SETTLED).windows is first
    made.apply(batch([T(at_ns=SECOND - 1)], first_seq=3), now_ns=SETTLED, monotonic_ns=SETTLED)
    second = state_of(made, SETTLED).windows
    assert (first["10s"].n.sum(), second["10s"].n.sum()) == (2, 3)
    assert state_of(made, SETTLED + SECOND).windows["10s"].n.sum() == 4


def test_windows_are_read_again_when_a_clock_was_set_back_or_more_symbols_have_come() -> None:
    made = applied([T(), T(at_ns=SECOND)])
    before = state_of(made, SETTLED).windows
    made.aggregates.timelines.live.buckets.forget_after(NOW // SECOND - 1)
    assert (before["10s"].n.sum(), state_of(made, SETTLED).windows["10s"].n.sum()) == (1, 0)
    made.apply(batch([T(symbol="NEW", at_ns=SECOND)], first_seq=2), now_ns=SETTLED, monotonic_ns=SETTLED)
    assert state_of(made, SETTLED).windows["10s"].n.shape == (3,)
    many = applied([T()], max_symbols=40)
    state_of(many, SETTLED)
    new = [T(symbol=f"S{number}", at_ns=SECOND) for number in range(30)]
    many.apply(batch(new, first_seq=1), now_ns=SETTLED, monotonic_ns=SETTLED)
    assert state_of(many, SETTLED).windows["10s"].n.shape == (32,)


@given(each=st.lists(trades, min_size=1, max_size=30), random=st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter_where_times_differ(each: list[T], random: Random) -> None:
    distinct = list({(trade.at_ns, trade.symbol): trade for trade in each}.values())
    shuffled = list(distinct)
    random.shuffle(shuffled)
    one, other = all_values(applied(distinct)), all_values(applied(shuffled))
    for key, expected in one.items():
        if key[0] != OTHER:
            assert_equal(other[key], expected)


def test_three_trades_by_hand() -> None:
    made = applied([T(qty=1, price=10, at_ns=0), T(qty=2, price=20, at_ns=1, side="sell"), T(qty=3, price=15, at_ns=2)])
    assert values(made, "A", "10s") == pytest.approx(
        {
            "trades": 3,
            "buy_volume": 4,
            "sell_volume": 2,
            "vwap": (10 + 40 + 45) / 6,
            "qty_mean": 2,
            "qty_std": math.sqrt(2 / 3),
            "qty_max": 3,
            "imbalance_ratio": 2 / 6,
            "open": 10,
            "high": 20,
            "low": 10,
            "close": 15,
            "realised_volatility_ratio": math.nan,
        },
        nan_ok=True,
    )


def test_prices_below_zero_have_a_vwap_and_ends_but_no_log_returns() -> None:
    day = [T(qty=1, price=17.7, at_ns=-2 * SECOND), T(qty=3, price=-37.63, at_ns=-SECOND), T(qty=1, price=-10.0)]
    got = values(applied(day), "A", "10s")
    assert got["vwap"] == pytest.approx((17.7 - 3 * 37.63 - 10) / 5)
    assert (got["open"], got["high"], got["low"], got["close"]) == (17.7, 17.7, -37.63, -10)
    assert math.isnan(got["realised_volatility_ratio"])
    assert values(applied(day[1:]), "A", "10s")["high"] == -10


def test_realised_volatility_is_back_once_prices_below_zero_have_left_the_window() -> None:
    made = applied([T(price=price, at_ns=-at * SECOND) for at, price in ((50, -1), (5, 10), (0, 20))])
    assert math.isnan(values(made, "A", "1m")["realised_volatility_ratio"])
    assert values(made, "A", "10s")["realised_volatility_ratio"] == pytest.approx(math.log(2))


@pytest.mark.parametrize("price", [2.2250738585e-313, 5e-324, 1e300, 1e-300])
def test_the_return_to_an_absurd_price_is_finite(price: float) -> None:
    made = applied([T(price=price, at_ns=-SECOND), T(price=1e-10 if price > 1 else 1e10)])
    expected = abs(math.log(1e-10 if price > 1 else 1e10) - math.log(price))
    assert values(made, "A", "10s")["realised_volatility_ratio"] == pytest.approx(expected)


def test_a_window_without_trades_has_no_averages_but_counts_0() -> None:
    got = values(applied([T(at_ns=-30 * SECOND)]), "A", "10s")
    assert (got["trades"], got["buy_volume"], got["sell_volume"]) == (0, 0, 0)
    assert all(math.isnan(got[field]) for field in ("vwap", "qty_mean", "qty_std", "qty_max", "open", "close"))


def test_a_window_holds_whole_seconds_up_to_the_one_that_runs() -> None:
    made = applied([T(at_ns=-10 * SECOND), T(at_ns=-9 * SECOND), T(at_ns=SECOND - 1), T(at_ns=SECOND)])
    assert values(made, "A", "10s")["trades"] == 2
    assert values(made, "A", "10s", SETTLED + SECOND - 1)["trades"] == 2
    assert values(made, "A", "10s", SETTLED + SECOND)["trades"] == 2
    assert values(made, "A", "1m")["trades"] == 3
    assert values(made, "A", "1m", SETTLED + SECOND)["trades"] == 4


def test_a_second_counts_when_trades_that_were_on_their_way_at_its_end_have_come() -> None:
    made = applied([T()])
    assert values(made, "A", "10s", NOW + SECOND)["trades"] == 0
    assert values(made, "A", "10s", SETTLED - 1)["trades"] == 0
    assert values(made, "A", "10s", SETTLED)["trades"] == 1


@pytest.mark.parametrize("phase_ns", range(0, SECOND, SECOND // 7))
def test_a_steady_rate_gives_the_same_count_whenever_one_looks(phase_ns: int) -> None:
    every_ns = SECOND // 20
    made = applied([T(at_ns=-at_ns) for at_ns in range(0, 80 * SECOND, every_ns)])
    assert values(made, "A", "10s", NOW + phase_ns)["trades"] == 10 * 20
    assert values(made, "A", "1m", NOW + phase_ns)["trades"] == 60 * 20


def test_the_close_is_the_latest_event_and_of_equals_the_last_to_arrive() -> None:
    made = applied([T(price=1, at_ns=5), T(price=2, at_ns=9), T(price=3, at_ns=7)], [T(price=4, at_ns=9)])
    assert values(made, "A", "10s")["close"] == 4
    assert values(made, "A", "10s")["open"] == 1


def test_the_open_is_the_earliest_event_and_of_equals_the_first_to_arrive() -> None:
    made = applied([T(price=1, at_ns=5), T(price=2, at_ns=3)], [T(price=3, at_ns=3), T(price=4, at_ns=4)])
    assert values(made, "A", "10s")["open"] == 2


def test_realised_volatility_comes_from_the_closes_of_seconds_across_gaps() -> None:
    made = applied([T(price=100, at_ns=0), T(price=90, at_ns=-7 * SECOND), T(price=80, at_ns=-7 * SECOND - 1)])
    assert values(made, "A", "10s")["realised_volatility_ratio"] == pytest.approx(
        math.hypot(math.log(90 / 80), math.log(100 / 90))
    )


def test_windows_empty_when_a_feed_dies() -> None:
    made = applied([T()])
    assert values(made, "A", "10s", SETTLED + 9 * SECOND)["trades"] == 1
    assert values(made, "A", "10s", SETTLED + 10 * SECOND)["trades"] == 0
    assert values(made, "A", "1h", SETTLED + 3_599 * SECOND)["trades"] == 1
    assert values(made, "A", "1h", SETTLED + 3_600 * SECOND)["trades"] == 0


def test_windows_of_a_replay_end_with_its_newest_trade_and_stay_there() -> None:
    made = engine()
    ages_s = (86_400, 86_405)
    old = batch([T(at_ns=-age_s * SECOND) for age_s in ages_s], replayed=[0])
    made.apply(old, now_ns=NOW, monotonic_ns=NOW)
    for now_ns in (SETTLED, SETTLED + 5_000 * SECOND):
        assert values(made, "A", "10s", now_ns)["trades"] == 2


def test_windows_of_a_source_whose_clock_is_slow_end_at_wall_time() -> None:
    made = applied([T(at_ns=-125 * SECOND, wire_ns=125 * SECOND)])
    assert values(made, "A", "1m")["trades"] == 0
    assert values(made, "A", "5m")["trades"] == 1
    assert values(made, "A", "5m", SETTLED + 600 * SECOND)["trades"] == 0


def test_looking_before_a_replay_begins_does_not_make_its_trades_late() -> None:
    made = engine()
    state_of(made)
    made.apply(batch([T(at_ns=-86_400 * SECOND)], replayed=[0]), now_ns=NOW, monotonic_ns=NOW)
    assert values(made, "A", "10s")["trades"] == 1
    assert made.ledger.late == 0


def test_windows_of_live_trades_that_were_held_up_end_at_wall_time() -> None:
    made = applied([T(at_ns=-90 * SECOND)])
    assert values(made, "A", "1m")["trades"] == 0
    assert values(made, "A", "5m")["trades"] == 1
    assert values(made, "A", "1h", SETTLED + 3_600 * SECOND)["trades"] == 0


def test_a_trade_that_is_over_an_hour_late_counts_in_the_totals_only() -> None:
    made = applied([T()], [T(at_ns=-4_000 * SECOND, qty=5)])
    assert values(made, "A", "1h")["trades"] == 1
    state = state_of(made)
    assert (state.ledger.late, state.ledger.ahead, state.ledger.applied) == (1, 0, 2)
    assert state.totals.volume[0].sum() == 6


def test_a_late_trade_goes_into_its_own_second() -> None:
    made = applied([T()], [T(at_ns=-200 * SECOND, qty=5)])
    assert values(made, "A", "1m")["trades"] == 1
    assert values(made, "A", "5m")["buy_volume"] == 6


def test_a_trade_from_the_far_future_moves_no_window() -> None:
    made = applied([T()], [T(at_ns=86_400 * SECOND)])
    assert values(made, "A", "10s")["trades"] == 1
    assert made.ledger.ahead == 1


def test_a_clock_that_was_set_back_does_not_make_all_trades_late() -> None:
    made, day_ns = applied([T()]), 86_400 * SECOND
    made.apply(batch([T(at_ns=-day_ns)], first_seq=1), now_ns=NOW - day_ns, monotonic_ns=NOW)
    made.fold()
    assert made.ledger.late == 0


def test_numbers_at_the_edge_of_float64_spoil_only_their_own_symbol() -> None:
    made = applied([T(qty=1e300, price=1e300), T(symbol="B", qty=2)])
    assert values(made, "B", "1h")["vwap"] == 100
    assert values(made, "A", "1h")["trades"] == 1


@given(parts=st.lists(st.integers(1, 5_000), min_size=1, max_size=3), symbols=st.integers(1, 19))
def test_large_batches_are_folded_in_parts_without_a_seam(parts: list[int], symbols: int) -> None:
    rng = np.random.default_rng(sum(parts))
    made, total, count = engine(max_symbols=20), 0.0, 0
    for n in parts:
        part = batch([T(symbol=f"S{i}") for i in range(symbols)], first_seq=count)
        records = part.records[np.arange(n) % symbols]
        records["qty"] = rng.integers(1, 1_000, n)
        records["symbol"] = rng.integers(0, symbols, n)
        header = part.header.model_copy(update={"count": n})
        made.apply(type(part).of(header, records), now_ns=NOW, monotonic_ns=NOW)
        total += float(records["qty"].sum())
        count += n
    window_1h = state_of(made, SETTLED).windows["1h"]
    assert int(window_1h.n.sum()) == count
    assert float(window_1h.buy_volume.sum()) == total
