"""The state of orders outlives a restart: what is saved, restored and continued is what was never interrupted."""

import pytest

from analytics.checkpoint.codec import decode_state, encode_state
from analytics.cooperative import run
from analytics.orders.tracker import OrderTracker
from tests.analytics.orders.histories import SECOND, T0, event, tracker
from tests.analytics.orders.test_histories import history, money, result
from tests.analytics.orders.test_quality import quoted


def restored(made: OrderTracker) -> OrderTracker:
    fresh = tracker()
    fresh.restore(decode_state(encode_state({"orders": made.state()}))["orders"])
    return fresh


@pytest.mark.parametrize("seed", range(30))
def test_a_restart_in_the_middle_changes_nothing(seed: int) -> None:
    events, lives = history(seed, orders=5)
    whole, broken = tracker(), tracker()
    for number, each in enumerate(events):
        whole.apply(each, each.sent_ns + number)
        broken.apply(each, each.sent_ns + number)
        if number % 7 == seed % 7:
            broken = restored(broken)
    assert result(broken, lives) == result(whole, lives)
    assert money(broken) == money(whole)
    assert broken.outcomes == whole.outcomes


def test_markouts_that_wait_are_taken_after_a_restart_too() -> None:
    made = tracker()
    quoted(made, 100.0, T0)
    made.apply(event("fill", exec_id="x"), T0)
    quoted(made, 101.0, T0 + SECOND)
    made = restored(made)
    quoted(made, 102.0, T0 + 2 * SECOND)
    run(made.tick(T0 + 2 * SECOND))
    assert sum(made.quality.markout_gained.values()) == pytest.approx(1.0)


def test_what_a_checkpoint_holds_does_not_change_afterwards() -> None:
    made = tracker()
    made.apply(event("submit"), T0)
    saved = made.state()
    made.apply(event("ack"), T0)
    fresh = tracker()
    fresh.restore(saved)
    order = fresh.registry.get("bot", "o-1")
    assert order is not None
    assert not order.acked


def test_an_order_that_has_ended_is_saved_anew_only_when_it_changes() -> None:
    made = tracker()
    made.apply(event("submit", qty=1.0), T0)
    made.apply(event("fill", exec_id="x"), T0)
    first = made.registry.state()["orders"][0]
    assert made.registry.state()["orders"][0] is first
    made.apply(event("bust", ref_exec_id="x"), T0)
    order = restored(made).registry.get("bot", "o-1")
    assert order is not None
    assert order.executions.busted == {"x"}
