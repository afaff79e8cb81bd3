"""Names get slots while there are any; the rest is `other`, and memory does not grow."""

import tracemalloc

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analytics.intake.labels import OTHER, name_slots
from tests.analytics.batches import NOW, SETTLED, T, batch, engine, results


def test_the_first_names_get_slots_and_the_others_slot_0() -> None:
    slots = name_slots(2)
    assert slots.find(["a", "b", "c", "a"]).tolist() == [1, 2, 0, 1]
    assert slots.names == (OTHER, "a", "b")


@given(tables=st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=6), max_size=8), budget=st.integers(1, 9))
def test_a_name_keeps_its_slot(tables: list[list[str]], budget: int) -> None:
    slots = name_slots(budget)
    for table in tables:
        found = slots.find(table)
        assert [slots.names[slot] for slot in found] == [name if name in slots.names else OTHER for name in table]
    assert len(slots) <= budget + 1


def test_100_000_symbols_and_sources_keep_the_label_budget_and_bounded_memory() -> None:
    made, names = engine(max_symbols=200, max_sources=100), np.arange(100_000)
    tracemalloc.start()
    before = 0
    for part in range(100):
        chosen = names[part * 1_000 : (part + 1) * 1_000]
        trades = [T(symbol=f"S{n}", source=f"B{n}") for n in chosen]
        made.apply(batch(trades, first_seq=part * 1_000), now_ns=NOW, monotonic_ns=NOW)
        if part == 2:
            made.fold()
            before = tracemalloc.get_traced_memory()[0]
    made.fold()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    state = results(made, SETTLED).state
    assert grown < 300_000
    assert len(state.symbols) == 201
    assert (state.ledger.symbol_overflow, state.ledger.source_overflow) == (99_800, 99_900)
    assert state.totals.trades[:, 0].sum() == 99_800
    assert int(state.windows["1h"].n.sum()) == 100_000
