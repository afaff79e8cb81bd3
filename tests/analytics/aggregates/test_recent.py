"""The recent trades of a symbol: statistics of the last ones that arrived, and the tape."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.aggregates.recent import PROBABILITIES, Tape
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
def test_the_statistics_are_those_of_the_last_trades_that_arrived(batches: list[list[T]]) -> None:
    made = applied(*batches, recent_trades=DEPTH)
    found = results(made)
    for slot, symbol in enumerate([key.symbol for key in made.symbols.names[1:]], start=1):
        last = [trade for batch in batches for trade in batch if trade.symbol == symbol][-DEPTH:]
        qty = pd.Series([trade.qty for trade in last])
        assert found.qty_quantiles[:, slot] == pytest.approx(qty.quantile(list(PROBABILITIES)).to_numpy())
        gaps = pd.Series(sorted(trade.event_ns for trade in last)).diff().iloc[1:] / SECOND
        mean, std = gaps.mean(), gaps.std(ddof=0)
        burst = (std - mean) / (std + mean) if len(gaps) and std + mean else np.nan
        assert found.mean_interval_s[slot] == pytest.approx(mean, nan_ok=True, abs=1e-12)
        assert found.burstiness[slot] == pytest.approx(burst, nan_ok=True, abs=1e-6)


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
    assert results(made).qty_quantiles[:, 1].tolist() == [7, 7, 7]
    assert state_of(made, SETTLED).windows["10s"].n.tolist() == [0, *[1] * 20]
