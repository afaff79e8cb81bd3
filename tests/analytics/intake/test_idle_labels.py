"""Labels go to names that are alive: an idle name gives its label to a new one, and no other counter jumps."""

from itertools import pairwise

from analytics.cooperative import CooperativeTask
from analytics.engine import Engine
from tests.analytics.batches import NOW, SECOND, SETTLED, WHOLE_NS, T, batch, state_of

HOUR = 3_600 * SECOND


def full_engine() -> Engine:
    """With room for two symbols and two sources, which are taken."""
    made = Engine(max_symbols=2, max_sources=2, recent_trades=4, label_idle_s=3_600)
    give(made, 0, T(symbol="A", source="a", qty=5), T(symbol="B", source="b"))
    return made


def give(made: Engine, after_ns: int, *trades: T) -> None:
    seq = made.ledger.applied
    made.apply(batch(trades, first_seq=seq), now_ns=NOW + after_ns, monotonic_ns=after_ns)


def volumes(made: Engine, after_ns: int) -> dict[str, float]:
    state = state_of(made, NOW + after_ns, after_ns)
    volume = state.totals.volume.sum(axis=0)
    return {key.symbol: float(volume[slot]) for slot, key in enumerate(state.symbols) if volume[slot]}


def test_a_new_name_gets_the_label_of_an_idle_one_whose_counts_end_with_it() -> None:
    made = full_engine()
    give(made, HOUR, T(symbol="B", source="b"))
    give(made, HOUR + SECOND, T(symbol="C", source="c", qty=7, at_ns=HOUR + SECOND))
    assert volumes(made, HOUR + SECOND) == {"B": 2, "C": 7}
    state = state_of(made, SETTLED + HOUR + SECOND, WHOLE_NS + HOUR + SECOND)
    assert set(state.skews_ns) == {"b", "c"}
    assert [int(state.windows["1h"].n[slot]) for slot, key in enumerate(state.symbols) if key.symbol == "C"] == [1]


def test_while_nobody_is_idle_a_new_name_is_other() -> None:
    made = full_engine()
    give(made, HOUR - SECOND, T(symbol="C", source="c", qty=7))
    assert volumes(made, HOUR) == {"other": 7, "A": 5, "B": 1}


def test_a_name_without_a_label_gets_one_as_soon_as_there_is_one() -> None:
    made = full_engine()
    for after_s in (10, 20, 3_601, 3_605):
        give(made, after_s * SECOND, T(symbol="C", source="c", qty=1), T(symbol="B", source="b"))
    assert volumes(made, 3_605 * SECOND) == {"other": 2, "C": 2, "B": 5}


def test_idle_names_keep_their_labels_while_nobody_needs_them() -> None:
    made = full_engine()
    give(made, 100 * HOUR, T(symbol="B", source="b"))
    assert volumes(made, 100 * HOUR) == {"A": 5, "B": 2}


def test_the_tape_never_shows_a_name_that_came_later() -> None:
    made = full_engine()
    give(made, 2 * HOUR, T(symbol="B", source="b"))
    give(made, 2 * HOUR + SECOND, T(symbol="C", source="c", qty=7))
    made.fold()
    rows = [(made.symbols.names[row.symbol].symbol, row.qty) for row in made.aggregates.tape.rows]
    assert rows == [("B", 1), ("B", 1), ("C", 7)]


def test_a_label_that_is_freed_while_a_state_is_read_leaves_that_state_as_it_was() -> None:
    made = full_engine()
    read = CooperativeTask(made.steps(now_ns=NOW, monotonic_ns=0))
    read.step()
    give(made, 2 * HOUR, T(symbol="C", source="c", qty=7))
    while read.step():
        pass
    state = read.result
    assert [key.symbol for key in state.symbols] == ["other", "A", "B"]
    assert state.totals.volume.sum(axis=0).tolist() == [0, 5, 1]


def test_a_flood_of_names_that_never_trade_again_stays_bounded() -> None:
    made = full_engine()
    for number in range(50):
        give(made, number * HOUR * 2, T(symbol=f"S{number}", source=f"s{number}", qty=1))
    assert len(made.symbols) <= 4
    assert volumes(made, 100 * HOUR).get("other", 0) <= 1, "all but the first one found an idle label"


def test_the_counts_of_other_grow_only_by_trades_that_are_counted_there() -> None:
    made = full_engine()
    seen = [0.0]
    for number in range(40):
        give(made, number * HOUR // 3, T(symbol=f"S{number}", source="b", qty=1))
        seen.append(volumes(made, number * HOUR // 3).get("other", 0.0))
    assert all(0 <= after - before <= 1 for before, after in pairwise(seen))
    assert seen[-1] > 0
