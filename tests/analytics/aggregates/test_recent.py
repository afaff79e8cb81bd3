"""The recent trades of a symbol: the last ones that arrived, as a DataFrame and as statistics."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.aggregates.recent import PROBABILITIES, Tape, interarrival, ohlcv
from tests.analytics.batches import NOW, SECOND, SETTLED, T, applied, batch, engine, results, state_of

DEPTH = 5

trades = st.builds(
    T,
    qty=st.floats(1e-3, 1e3),
    price=st.floats(1e-3, 1e3),
    at_ns=st.integers(-(10**10), 0),
    side=st.sampled_from(["buy", "sell"]),
    symbol=st.sampled_from("AB"),
)


@given(batches=st.lists(st.lists(trades, min_size=1, max_size=12), min_size=1, max_size=4))
def test_the_frame_holds_the_last_trades_that_arrived_sorted_by_event_time(batches: list[list[T]]) -> None:
    made = applied(*batches, recent_trades=DEPTH)
    for slot, symbol in enumerate([key.symbol for key in made.symbols.names[1:]], start=1):
        last = [trade for batch in batches for trade in batch if trade.symbol == symbol][-DEPTH:]
        last.sort(key=lambda trade: trade.event_ns)
        frame = made.aggregates.recent.frame(slot)
        assert frame["price"].tolist() == [trade.price for trade in last]
        assert frame["qty"].tolist() == [trade.qty for trade in last]
        assert frame["side"].tolist() == [trade.side for trade in last]
        assert frame.index.astype("int64").tolist() == [trade.event_ns for trade in last]


@given(batches=st.lists(st.lists(trades, min_size=1, max_size=12), min_size=1, max_size=4))
def test_the_statistics_are_those_of_the_frame(batches: list[list[T]]) -> None:
    made = applied(*batches, recent_trades=DEPTH)
    found = results(made)
    for slot in range(1, len(made.symbols)):
        frame = made.aggregates.recent.frame(slot)
        assert found.qty_quantiles[:, slot] == pytest.approx(frame["qty"].quantile(list(PROBABILITIES)).to_numpy())
        gaps = interarrival(frame)
        mean, std = gaps.mean(), gaps.std(ddof=0)
        burst = (std - mean) / (std + mean) if len(gaps) and std + mean else np.nan
        assert found.mean_interval_s[slot] == pytest.approx(mean, nan_ok=True, abs=1e-12)
        assert found.burstiness[slot] == pytest.approx(burst, nan_ok=True, abs=1e-6)


def test_the_frame_is_indexed_by_utc_time_and_can_be_filtered_by_side() -> None:
    made = applied([T(side="buy"), T(side="sell", qty=2)])
    frame = made.aggregates.recent.frame(1)
    assert frame.index.dtype == "datetime64[ns, UTC]"
    assert frame.index[0] == pd.Timestamp(NOW, tz="UTC")
    assert made.aggregates.recent.frame(1, side="sell")["qty"].tolist() == [2]
    assert frame["notional"].tolist() == [100, 200]


def test_bars_leave_out_spans_without_trades() -> None:
    made = applied([T(price=1, qty=1), T(price=3, qty=3, at_ns=1), T(price=2, at_ns=5 * SECOND)])
    bars = ohlcv(made.aggregates.recent.frame(1), "1s")
    assert bars[["open", "high", "low", "close", "volume", "trades", "vwap"]].to_numpy().tolist() == [
        [1, 3, 1, 3, 4, 2, 2.5],
        [2, 2, 2, 2, 1, 1, 2],
    ]


def test_times_from_one_trade_to_the_next() -> None:
    made = applied([T(), T(at_ns=SECOND // 2), T(at_ns=2 * SECOND)])
    assert interarrival(made.aggregates.recent.frame(1)).tolist() == [0.5, 1.5]


def test_the_tape_holds_the_last_50_trades_of_all_symbols_in_the_order_of_arrival() -> None:
    made = applied(*[[T(symbol=f"S{i % 3}", qty=1 + i + 20 * part) for i in range(20)] for part in range(4)])
    assert [row.qty for row in made.aggregates.tape.rows] == list(range(31, 81))
    assert {row.applied_ns for row in made.aggregates.tape.rows} == {NOW}


@pytest.mark.parametrize("looks", [False, True], ids=["at the end", "each time"])
def test_the_tape_is_the_same_however_the_trades_come_and_whenever_somebody_looks(looks: bool) -> None:  # noqa: FBT001
    tape, made, qty = Tape(5), engine(), 0
    for size in (2, 1, 7, 3, 1, 5, 4, 1, 1):
        made.apply(batch([T(qty=qty + i + 1) for i in range(size)], first_seq=qty), now_ns=NOW, monotonic_ns=NOW)
        tape.fold(made._pending.take())
        qty += size
        if looks:
            assert [row.qty for row in tape.rows] == list(range(max(qty - 4, 1), qty + 1))
    assert [row.qty for row in tape.rows] == list(range(qty - 4, qty + 1))


def test_room_for_more_symbols_keeps_what_is_there() -> None:
    made = applied([T(qty=7)], [T(symbol=f"S{i}") for i in range(19)], max_symbols=20)
    assert made.aggregates.recent.frame(1)["qty"].tolist() == [7]
    assert state_of(made, SETTLED).windows["10s"].n.tolist() == [0, *[1] * 20]
