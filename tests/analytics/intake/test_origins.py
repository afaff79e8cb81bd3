"""The market's trades and our own are kept apart, in whatever mixture and batches they come."""

from collections import Counter
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from tests.analytics.batches import NOW, SETTLED, T, applied, batch, state_of

trades = st.builds(
    T,
    qty=st.integers(1, 100).map(float),
    symbol=st.sampled_from("ABC"),
    account=st.sampled_from([None, None, "paper", "fund"]),
    source=st.sampled_from(["x", "y"]),
)


@given(batches=st.lists(st.lists(trades, min_size=1, max_size=8), min_size=1, max_size=5))
def test_every_trade_counts_for_its_symbol_and_origin(batches: list[list[T]]) -> None:
    expected: Counter[tuple[str, str]] = Counter()
    for trade in chain.from_iterable(batches):
        expected[trade.symbol, "own" if trade.account else "market"] += int(trade.qty)
    state = state_of(applied(*batches), SETTLED)
    volume = state.totals.volume.sum(axis=0)
    window = state.windows["1h"].buy_volume
    assert {key: int(volume[slot]) for slot, key in enumerate(state.symbols) if volume[slot]} == expected
    assert {key: int(window[slot]) for slot, key in enumerate(state.symbols) if window[slot]} == expected


@given(batches=st.lists(st.lists(trades, min_size=1, max_size=8), min_size=1, max_size=5))
def test_batches_that_are_folded_together_count_like_those_folded_alone(batches: list[list[T]]) -> None:
    alone, together = applied(*batches), applied()
    seq = 0

    for each in batches:
        together.apply(batch(each, first_seq=seq), now_ns=NOW, monotonic_ns=NOW)
        seq += len(each)
    one, other = state_of(alone), state_of(together)
    assert one.symbols == other.symbols
    assert (one.totals.volume == other.totals.volume).all()
    assert [(row.symbol, row.account) for row in alone.aggregates.own_tape.rows] == [
        (row.symbol, row.account) for row in together.aggregates.own_tape.rows
    ]
