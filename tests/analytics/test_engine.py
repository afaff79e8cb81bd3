"""A state is of one moment, however many steps it takes to read it."""

import pytest

from analytics.cooperative import CooperativeTask
from analytics.engine import MARK_AGE_NS, Engine
from analytics.intake.pending import MAX_FOLD_BATCHES, MAX_FOLD_TRADES
from analytics.state import State
from telemetry_schema.batch import EventBatch
from tests.analytics.batches import NOW, SETTLED, T, applied, batch, state_of

LATER = {"few": 1, "enough to be folded": MAX_FOLD_TRADES}


def _counts(state: State) -> tuple[object, ...]:
    return (
        state.symbols,
        state.ledger.applied,
        state.totals.trades.sum(),
        {name: rows.n.tolist() for name, rows in state.windows.items()},
        state.latencies["wire"].count,
        list(state.skews_ns),
    )


def _steps_of(made: Engine) -> int:
    task, steps = CooperativeTask(made.steps(now_ns=SETTLED, monotonic_ns=SETTLED)), 1
    while task.step():
        steps += 1
    return steps


@pytest.mark.parametrize("trades", LATER.values(), ids=LATER)
def test_trades_that_come_between_two_steps_are_in_the_next_state_whole(trades: int) -> None:
    first = [T(qty=2), T(symbol="B")]
    before, steps = _counts(state_of(applied(first), SETTLED)), _steps_of(applied(first))
    assert steps > 1
    for pause in range(1, steps):
        made = applied(first)
        task = CooperativeTask(made.steps(now_ns=SETTLED, monotonic_ns=SETTLED))
        for _ in range(pause):
            task.step()
        made.apply(batch([T(symbol="C", source="new")] * trades, first_seq=2), now_ns=NOW, monotonic_ns=NOW)
        while task.step():
            pass
        assert _counts(task.result) == before
        after = state_of(made, SETTLED)
        assert after.ledger.applied == after.totals.trades.sum() == after.windows["1h"].n.sum() == 2 + trades


def test_a_reading_that_is_given_up_stops_nobody() -> None:
    made = applied([T()])
    steps = made.steps(now_ns=NOW, monotonic_ns=NOW)
    next(steps)
    steps.close()
    made.apply(batch([T()] * MAX_FOLD_TRADES, first_seq=1), now_ns=NOW, monotonic_ns=NOW)
    assert state_of(made).ledger.applied == state_of(made).totals.trades.sum() == 1 + MAX_FOLD_TRADES


def test_many_small_batches_are_folded_before_they_are_too_many() -> None:
    made = applied()
    for seq in range(3 * MAX_FOLD_BATCHES):
        made.apply(batch([T(symbol=f"S{seq % 4}")], first_seq=seq), now_ns=NOW, monotonic_ns=NOW)
        assert len(made._pending) < MAX_FOLD_BATCHES
    assert state_of(made, SETTLED).windows["10s"].n.tolist() == [0, *[3 * MAX_FOLD_BATCHES // 4] * 4]


def _last_prices_at(*event_times_ns: int) -> list[float]:
    """The mark after messages about orders at these times, with a trade before each: at 1, at 2 and so on."""
    made, marks = applied(), []
    for number, now_ns in enumerate(event_times_ns):
        made.apply(batch([T(price=number + 1)], first_seq=number), now_ns=now_ns, monotonic_ns=now_ns)
        made.apply_events(EventBatch(batch([], first_seq=number + 1).header, []), monotonic_ns=now_ns)
        mark = made.orders.marks.newest("A")
        marks.append(0.0 if mark is None else mark.price)
    return marks


def test_messages_about_orders_find_the_trades_that_came_a_moment_before() -> None:
    assert _last_prices_at(NOW, NOW + MARK_AGE_NS - 1, NOW + MARK_AGE_NS) == [1.0, 1.0, 3.0]
