"""Counters only rise and stay finite, whatever trades come."""

import math

from hypothesis import given
from hypothesis import strategies as st

from tests.analytics.batches import NOW, T, applied, batch, engine, state_of

finite = st.floats(allow_nan=False, allow_infinity=False)
trades = st.builds(T, qty=st.floats(min_value=0, exclude_min=True, allow_infinity=False), price=finite)


@given(batches=st.lists(st.lists(trades, min_size=1, max_size=5), min_size=1, max_size=4))
def test_counters_only_rise_and_stay_finite(batches: list[list[T]]) -> None:
    before = 0.0, 0.0
    for length in range(1, len(batches) + 1):
        totals = state_of(applied(*batches[:length])).totals
        sums = float(totals.volume.sum()), float(totals.notional.sum())
        assert all(map(math.isfinite, sums))
        assert (sums[0] >= before[0], sums[1] >= before[1]) == (True, True)
        before = sums


def test_one_absurd_trade_counts_as_a_trade_but_not_in_volume_and_notional() -> None:
    state = state_of(applied([T(qty=5e17, price=1e300), T(qty=2, price=10)]))
    assert (state.totals.trades.sum(), state.totals.volume.sum(), state.totals.notional.sum()) == (2, 2, 20)
    assert state.ledger.oversized == 1


def test_a_price_below_zero_does_not_make_the_notional_fall() -> None:
    totals = state_of(applied([T(qty=2, price=10)], [T(qty=1, price=-37.63)])).totals
    assert totals.notional.sum() == 57.63
    assert totals.last_price.tolist()[1:] == [-37.63]


def test_what_was_too_large_before_a_restart_counts_on_after_it() -> None:
    fresh = engine()
    fresh.restore(applied([T(qty=5e17, price=1e300)]).state(), now_ns=NOW, monotonic_ns=NOW)
    assert state_of(fresh).ledger.oversized == 1
    for seq, trade, oversized in ((1, T(qty=1), 1), (2, T(qty=1e19), 2)):
        fresh.apply(batch([trade], first_seq=seq), now_ns=NOW, monotonic_ns=NOW)
        assert state_of(fresh).ledger.oversized == oversized
