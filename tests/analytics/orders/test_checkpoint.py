"""The state of orders outlives a restart: what is saved, restored and continued is what was never interrupted."""

from functools import partial
from typing import Any

import pytest

from analytics.checkpoint.codec import decode_state, encode_state
from analytics.checkpoint.parts import Part, State
from analytics.cooperative import run
from analytics.orders.books import MAX_FEE_CURRENCIES, MAX_OTHERS
from analytics.orders.latency import LatencyLabels
from analytics.orders.order import MAX_STAMPS
from analytics.orders.order_states import Outcome
from analytics.orders.quality import MAX_VENUES
from analytics.orders.registry import KEEP_ENDED_NS, MAX_NAMES, Key
from analytics.orders.repeats import MAX_SEEN
from analytics.orders.saved_tables import PART_ROWS
from analytics.orders.tracker import OrderTracker
from tests.analytics.orders.histories import MS, SECOND, T0, event, tracker
from tests.analytics.orders.test_histories import history, money, result
from tests.analytics.orders.test_quality import quoted


def saved(state: State) -> State:
    """A state as it comes back from the disk."""
    tree: State = {}
    for name, value in state.items():
        if isinstance(value, Part):
            content = encode_state(value.copy())
            tree[name] = Part(0, partial(decode_state, content))
        else:
            tree[name] = saved(value) if isinstance(value, dict) else value
    return tree


def restored(made: OrderTracker, **limits: int) -> OrderTracker:
    fresh = tracker(**limits)
    fresh.restore(saved(made.state()))
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


def lived(orders: int) -> OrderTracker:
    """So many orders, all of them filled but each tenth."""
    made = tracker()
    for number in range(orders):
        made.apply(event("submit", f"o-{number}", qty=1.0), T0)
        if number % 10:
            made.apply(event("fill", f"o-{number}", exec_id="x", last_qty=1.0), T0 + number)
    return made


def versions(made: OrderTracker) -> dict[str, int]:
    return {slot: part.version for slot, part in made.registry.state().items()}


def test_only_the_segment_of_an_order_that_changed_is_saved_anew() -> None:
    made = lived(350)
    before = versions(made)
    made.apply(event("bust", "o-111", ref_exec_id="x"), T0)
    assert sorted(before) == ["0", "1", "2", "3"]
    assert {slot for slot, version in versions(made).items() if version != before[slot]} == {"1"}
    order = restored(made).registry.get("bot", "o-111")
    assert order is not None
    assert order.executions.busted == {"x"}


def test_packed_orders_take_late_fills_and_are_forgotten_like_others() -> None:
    made = lived(30)
    run(made.tick(T0 + 6 * SECOND))
    assert sum(isinstance(order, bytes) for order in made.registry._orders.values()) == 27
    made.apply(event("fill", "o-1", exec_id="late", last_qty=0.5), T0 + 7 * SECOND)
    again = restored(made)
    for each in (made, again):
        order = each.registry.get("bot", "o-1")
        assert order is not None
        assert (order.filled_qty, len(each.registry)) == (1.5, 30)
        assert len(each.registry.open_keys()) == 3
        run(each.tick(T0 + 606 * SECOND))
        assert len(each.registry) == 4
        run(each.tick(T0 + 608 * SECOND))
        assert len(each.registry) == 3


@pytest.mark.parametrize("parts_copied", [0, 1, 2, 3, 4])
def test_what_comes_between_the_steps_of_a_capture_is_not_in_it(parts_copied: int) -> None:
    made = lived(350)
    expected = lived(350)
    state = made.state()
    early = {slot: state["orders"][slot].copy() for slot in sorted(state["orders"])[:parts_copied]}
    for number in range(0, 350, 7):
        made.apply(event("bust", f"o-{number}", ref_exec_id="x"), T0)
        made.apply(event("ack", f"new-{number}", alias=f"alias-{number}"), T0)
    run(made.tick(T0 + 700 * SECOND))
    for slot, copy in early.items():
        state["orders"][slot] = Part(0, partial(dict, copy))
    fresh = tracker()
    fresh.restore(state)
    assert list(fresh.registry) == list(expected.registry)
    assert fresh.quality.ended == expected.quality.ended


def test_slots_of_segments_are_used_again_and_the_oldest_order_still_comes_first() -> None:
    made = lived(250)
    run(made.tick(T0 + 700 * SECOND))
    for number in range(300):
        made.apply(event("submit", f"later-{number}", qty=1.0), T0 + 700 * SECOND)
    again = restored(made)
    assert [order.order_id for order in again.registry] == [order.order_id for order in made.registry]
    assert versions(again) == dict.fromkeys(versions(made), 0)
    again.apply(event("submit", "one-more", qty=1.0), T0)
    assert sum(versions(again).values()) == 1


def test_restarts_without_an_order_leave_no_empty_segments() -> None:
    made = tracker()
    for number in range(3):
        order_id = f"o-{number}"
        made.apply(event("submit", order_id), T0)
        made.apply(event("cancel", order_id), T0)
        run(made.tick(T0 + 2 * KEEP_ENDED_NS))
        made = restored(made)
    assert len(made.registry.state()) == 0


def test_names_joined_by_an_alias_are_one_order_after_a_restart_too() -> None:
    made = tracker()
    made.apply(event("submit", qty=5.0), T0)
    made.apply(event("replace", alias="o-2", qty=6.0), T0)
    again = restored(made)
    again.apply(event("fill", "o-2", exec_id="x", last_qty=1.0), T0)
    order = again.registry.get("bot", "o-2")
    assert order is not None
    assert (order.order_id, order.filled_qty, len(again.registry)) == ("o-1", 1.0, 1)


def test_a_table_with_many_rows_is_saved_in_parts_and_comes_back_whole() -> None:
    made = tracker()
    quoted(made, 100.0, T0)
    for number in range(3 * PART_ROWS):
        made.apply(event("fill", f"o-{number}", exec_id="x"), T0)
    state = made.state()
    assert len(state["tables"]["markouts"]) == 12
    assert sorted(restored(made).quality._pending) == sorted(made.quality._pending)


def test_an_order_whose_status_is_asked_for_again_and_again_stays_small_and_knows_the_newest_repeats() -> None:
    made = tracker()
    made.apply(event("submit"), T0)
    made.apply(event("replace", alias="o-2", at_ns=T0 + 1), T0 + 1)
    statuses = [event("status", at_ns=T0 + number * SECOND) for number in range(1, 5 * MAX_SEEN)]
    for each in statuses:
        assert made.apply(each, each.event_ns) is Outcome.APPLIED
    order = made.registry.get("bot", "o-1")
    assert order is not None
    assert len(order.seen) <= MAX_SEEN
    for each in (statuses[-1], statuses[-MAX_SEEN // 3], event("submit"), event("replace", alias="o-2", at_ns=T0 + 1)):
        assert made.apply(each, T0 + 10 * MAX_SEEN * SECOND) is Outcome.DUPLICATE


def test_an_order_that_is_replaced_again_and_again_stays_small_and_is_found_by_its_newest_names() -> None:
    made, replaces = tracker(), 3 * MAX_NAMES
    made.apply(event("submit", "o-0", account="main"), T0)
    for number in range(replaces):
        at_ns, of = T0 + number * SECOND, {"account": "main", "alias": f"o-{number + 1}"}
        made.apply(event("replace_request", f"o-{number}", at_ns=at_ns, **of), at_ns)
        made.apply(event("replace", f"o-{number}", at_ns=at_ns + MS, qty=number + 1.0, **of), at_ns)
    order = made.registry.get("main", "o-0")
    assert order is not None
    assert order.qty == replaces
    assert order.begun_ns == T0
    assert len(order.stamps) <= MAX_STAMPS
    assert len(order.measured) <= MAX_STAMPS
    assert sum(made.latencies.histograms[LatencyLabels("main", "", "replace", "bot")].counts) == replaces
    made = restored(made)
    assert len(made.registry) == 1
    row = made.state()["orders"]["0"].copy()["rows"]
    assert row.nbytes < 100_000
    end_ns = T0 + replaces * SECOND
    made.apply(event("ack", f"o-{replaces - MAX_NAMES // 5}", account="main", at_ns=end_ns), end_ns)
    made.apply(event("cancel", "o-0", at_ns=end_ns), end_ns)
    assert len(made.registry) == 1
    made.registry.expire(end_ns + KEEP_ENDED_NS)
    assert len(made.registry) == 0
    made.apply(event("status", f"o-{replaces}", account="main", at_ns=end_ns), end_ns)
    assert made.registry.newest_keys() == [Key("main", f"o-{replaces}")]


def made_up(made: OrderTracker, names: range) -> None:
    """Each name is another account, strategy, venue, currency of prices and of fees."""
    for n in names:
        whose: dict[str, Any] = {"account": f"a-{n}", "strategy": f"s-{n}", "venue": f"v-{n}"}
        made.apply(event("ack", f"early-{n}", **whose), T0)
        made.apply(event("reject", f"early-{n}", reason="risk", **whose), T0)
        made.apply(event("cancel", f"gone-{n}", **whose), T0)
        made.apply(event("submit", f"o-{n}", **whose | {"symbol": f"BTC-Q{n}"}), T0)
        fee: dict[str, Any] = {"fee": 1.0, "fee_currency": f"F{n}", "exec_id": f"x-{n}"}
        made.apply(event("fill", f"o-{n}", **whose | fee | {"symbol": f"BTC-Q{n}"}), T0)


def test_whoever_makes_names_up_makes_no_series_without_end_not_even_over_restarts() -> None:
    made = tracker(max_books=5)
    made_up(made, range(300))
    for part in range(3):
        made = restored(made, max_books=5)
        made_up(made, range(300 + part * 100, 400 + part * 100))
    books = 5 + MAX_OTHERS + 1
    assert len(made.books) == books
    assert len({labels[:3] for labels in made.events}) <= books + 5
    assert len(made.quality.rejects) <= (books + 5) * (MAX_VENUES + 1)
    assert len({labels[2] for labels in made.quality.rejects}) == MAX_VENUES + 1
    assert len(made.bookkeeper.fees_paid) <= books + MAX_FEE_CURRENCIES
    assert len(made.books.unpriced_fees) <= books * (MAX_FEE_CURRENCIES + 1)
    assert sum(made.bookkeeper.fees_paid.values()) == 600
    assert sum(made.events.values()) == 600 * 5
