"""The events of each order as they came: bounded, joined, forgotten, and over a restart."""

import msgspec
import numpy as np
import pytest

from analytics.cooperative import run
from analytics.orders.order_states import Outcome
from analytics.orders.registry import KEEP_ENDED_NS, Key
from analytics.orders.segments import SEGMENT_ORDERS
from analytics.orders.tracker import OrderTracker
from analytics.orders.trails import FIRST_EVENTS, LAST_EVENTS, MAX_EVENTS, SeenEvent, Trails
from tests.analytics.orders.histories import MS, SECOND, T0, event, tracker
from tests.analytics.orders.test_checkpoint import restored, saved

KEY = Key("bot", "o-1")


def events_of(made: OrderTracker, order_id: str = "o-1") -> list[tuple[str, str]]:
    trail = made.trails.get(Key("bot", order_id))
    return [] if trail is None else [(one["event"], one["outcome"]) for one in trail.moments()]


def test_every_event_is_there_with_its_outcome_and_its_stamps() -> None:
    made = tracker()
    made.apply(event("submit", price=100.0), T0 + MS)
    made.apply(event("fill", at_ns=T0 + MS, exec_id="x", fee=-0.5, fee_currency="USD", liquidity="maker"), T0 + 2 * MS)
    made.apply(event("fill", at_ns=T0 + MS, exec_id="x", fee=-0.5, fee_currency="USD", liquidity="maker"), T0 + 3 * MS)
    made.apply(event("fill", at_ns=T0 + MS, exec_id="x", last_qty=3.0), T0 + 4 * MS)
    assert events_of(made) == [
        ("submit", "applied"),
        ("fill", "applied"),
        ("fill", "duplicate"),
        ("fill", "conflict"),
    ]
    trail = made.trails.get(KEY)
    assert trail is not None
    first, second = trail.moments()[:2]
    assert (first["qty"], first["price"], first["received_ns"], "fee" in first) == (10.0, 100.0, T0 + MS, False)
    assert (second["qty"], second["fee"], second["exec_id"], second["event_ns"]) == (1.0, -0.5, "x", T0 + MS)


def test_of_many_events_the_first_and_the_last_are_kept() -> None:
    made = tracker()
    made.apply(event("submit", qty=1_000.0), T0)
    for number in range(100):
        made.apply(event("fill", at_ns=T0 + number, exec_id=f"x{number}"), T0 + number)
    trail = made.trails.get(KEY)
    assert trail is not None
    ids = [one.get("exec_id") for one in trail.moments()]
    assert len(ids) == FIRST_EVENTS + LAST_EVENTS
    assert ids[:2] == [None, "x0"]
    assert ids[FIRST_EVENTS - 1 : FIRST_EVENTS + 1] == ["x14", "x68"]
    assert ids[-1] == "x99"
    assert trail.left_out == 101 - len(ids)


def test_beyond_the_limit_orders_that_have_ended_go_first() -> None:
    trails = Trails(max_events=4)
    for number, (name, ended) in enumerate([("open", False), ("ended", True), ("new", False), ("newer", True)]):
        for _ in range(2):
            seen = SeenEvent(event("status", name), Outcome.APPLIED, T0 + number)
            trails.see(Key("bot", name), seen, ended=ended)
    kept = {name for name in ("open", "ended", "new", "newer") if trails.get(Key("bot", name))}
    assert kept == {"open", "new"}


def test_two_names_of_one_order_have_one_trail_in_the_order_of_receipt() -> None:
    made = tracker()
    made.apply(event("submit"), T0)
    made.apply(event("ack", "o-1b", at_ns=T0 + MS), T0 + MS)
    made.apply(event("replace", alias="o-1b", at_ns=T0 + 2 * MS), T0 + 2 * MS)
    assert events_of(made) == [("submit", "applied"), ("ack", "orphan"), ("replace", "applied")]
    assert made.trails.get(Key("bot", "o-1b")) is None
    assert made.trails.take_changed() == [KEY]  # the other name is no order any more


def test_an_order_that_is_forgotten_leaves_nothing() -> None:
    made = tracker()
    made.apply(event("submit"), T0)
    made.apply(event("cancel"), T0)
    run(made.tick(T0 + KEEP_ENDED_NS + SECOND))
    assert made.trails.get(KEY) is None
    assert made.trails.take_changed() == []


def test_what_changed_is_told_once_the_newest_first() -> None:
    made = tracker()
    for order_id in ("o-1", "o-2", "o-1"):
        made.apply(event("status", order_id), T0)
    assert made.trails.take_changed() == [Key("bot", "o-1"), Key("bot", "o-2")]
    assert made.trails.take_changed() == []


@pytest.mark.parametrize("last", ["ack", "cancel"])
def test_a_restart_keeps_the_trail_and_it_goes_on(last: str) -> None:
    made = tracker()
    made.apply(event("submit"), T0)
    made.apply(event(last, at_ns=T0 + MS), T0 + MS)
    made = restored(made)
    made.apply(event("status", at_ns=T0 + 2 * MS, cum_qty=0.0), T0 + 2 * MS)
    assert [name for name, _ in events_of(made)] == ["submit", last, "status"]


def test_a_checkpoint_of_a_version_without_trails_is_good() -> None:
    made = tracker()
    made.apply(event("submit"), T0)
    state = made.state()
    tree = msgspec.msgpack.decode(state["packed"].tobytes())
    for name in ("activities", "differences"):
        del tree[name]
    state |= {"packed": np.frombuffer(msgspec.msgpack.encode(tree), np.uint8)}
    del state["trails"]
    fresh = tracker()
    fresh.restore(saved(state))
    assert fresh.registry.get("bot", "o-1") is not None
    assert fresh.trails.get(KEY) is None


def test_a_checkpoint_writes_only_the_trails_that_changed() -> None:
    made = tracker()
    for number in range(SEGMENT_ORDERS * 3):
        made.apply(event("submit", f"o-{number}"), T0)
    before = {slot: part.version for slot, part in made.state()["trails"].items()}
    made.apply(event("ack", "o-1", at_ns=T0 + MS), T0 + MS)
    after = {slot: part.version for slot, part in made.state()["trails"].items()}
    assert len(before) == 3
    assert [slot for slot in before if before[slot] != after[slot]] == ["0"]


def test_a_trail_that_changes_between_the_steps_of_a_capture_is_saved_as_it_was() -> None:
    made = tracker()
    made.apply(event("submit"), T0)
    state = made.state()
    made.apply(event("ack", at_ns=T0 + MS), T0 + MS)
    made.trails.forget(KEY)
    fresh = tracker()
    fresh.restore(saved(state))
    assert [name for name, _ in events_of(fresh)] == ["submit"]


def test_trails_beyond_the_limit_are_gone_after_a_restart_too_and_the_limit_holds() -> None:
    made = tracker()
    for number in range(MAX_EVENTS + 50):
        made.apply(event("deny", f"o-{number}"), T0 + number)
    fresh = restored(made)
    fresh.apply(event("deny", "another", at_ns=T0 + SECOND), T0 + SECOND)
    assert events_of(fresh, "o-49") == []
    assert events_of(fresh, "o-50") == []
    assert events_of(fresh, "o-51") == [("deny", "applied")]
    assert events_of(fresh, "another") == [("deny", "applied")]
