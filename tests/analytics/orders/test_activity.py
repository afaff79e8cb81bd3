"""What each bot did in the last minutes: windows end, places are given up, and a restart keeps them."""

import pytest

from analytics.cooperative import run
from analytics.orders.activity import MAX_ACKS, OTHER_BOT, BotKey, RecentAcks, VenueKey
from analytics.orders.tracker import OrderTracker
from tests.analytics.orders.histories import MS, SECOND, T0, event, tracker
from tests.analytics.orders.test_checkpoint import restored

BOT = BotKey("bot", "bot", "s")


def lived() -> OrderTracker:
    """One order that was acknowledged after 4 ms, and one that was rejected."""
    made = tracker()
    made.apply(event("submit", strategy="s", venue="v"), T0 + MS)
    made.apply(event("ack", at_ns=T0 + 4 * MS), T0 + 5 * MS)
    made.apply(event("submit", "o-2", at_ns=T0 + SECOND, strategy="s"), T0 + SECOND)
    made.apply(event("reject", "o-2", at_ns=T0 + SECOND, reason="risk"), T0 + SECOND)
    return made


def test_events_orders_rejects_and_acks_are_of_the_bot_that_sent_them() -> None:
    ((key, bot),) = lived().activities.bots()
    sums = bot.sums(T0 + SECOND)
    assert key == BOT
    assert (sums.orders, sums.rejects, sums.skew_ns) == (2, 1, 0)
    assert sums.events_per_s * 61 == 4
    assert bot.acks.spans(T0 + SECOND) == (1, 4 * MS, 4 * MS)
    assert bot.last_ns == T0 + SECOND


def test_after_five_minutes_nothing_is_recent() -> None:
    made = lived()
    ((_, bot),) = made.activities.bots()
    later = T0 + 301 * SECOND
    assert bot.sums(later) == (0.0, 0, 0, None)
    assert bot.acks.spans(later) == (0, None, None)


def test_an_event_that_comes_twice_is_an_event_but_no_second_order() -> None:
    made = lived()
    made.apply(event("submit", strategy="s"), T0 + SECOND)
    made.apply(event("reject", "o-2", at_ns=T0 + SECOND, reason="risk"), T0 + SECOND)
    ((_, bot),) = made.activities.bots()
    assert bot.sums(T0 + SECOND)[1:3] == (2, 1)


def test_an_ack_before_its_submit_makes_no_bot_without_a_strategy() -> None:
    made = tracker()
    made.apply(event("ack", at_ns=T0 + MS), T0)
    assert made.activities.bots() == []
    made.apply(event("submit", strategy="s"), T0)
    ((key, bot),) = made.activities.bots()
    assert key == BOT
    assert bot.acks.spans(T0).p50_ns == MS


@pytest.mark.parametrize("back_s", [1, 59, 61, 3_600, 86_400])
def test_a_clock_that_is_set_back_ends_nothing_and_keeps_nothing_longer(back_s: int) -> None:
    made = lived()
    now_ns = T0 - back_s * SECOND
    made.apply(event("submit", "o-3", strategy="s"), now_ns)
    run(made.tick(now_ns + SECOND))
    ((_, bot),) = made.activities.bots()
    assert bot.last_ns == now_ns
    assert bot.sums(now_ns + SECOND).orders == 3
    assert bot.acks.spans(now_ns + SECOND).number == 1
    later_ns = now_ns + (300 + 65) * SECOND
    run(made.tick(later_ns))
    assert bot.sums(later_ns).orders == 0
    assert bot.acks.spans(later_ns).number == 0


def test_acks_from_before_the_clock_was_set_back_are_not_recent_for_longer_where_new_ones_follow_at_once() -> None:
    made = lived()
    now_ns = T0 - 86_400 * SECOND
    made.apply(event("submit", "o-3", at_ns=now_ns, strategy="s"), now_ns)
    made.apply(event("ack", "o-3", at_ns=now_ns + MS), now_ns + MS)
    run(made.tick(now_ns + SECOND))
    ((_, bot),) = made.activities.bots()
    assert bot.acks.spans(now_ns + SECOND).number == 2
    assert bot.acks.spans(now_ns + (300 + 65) * SECOND).number == 0


def test_a_bot_that_is_silent_since_the_clock_was_set_back_gives_its_place_up_in_time() -> None:
    made = tracker(max_books=1)
    made.apply(event("submit", source="a", strategy="s"), T0)
    now_ns = T0 - 3_600 * SECOND
    run(made.tick(now_ns))
    ((_, bot),) = made.activities.bots()
    assert bot.last_ns == now_ns
    made.apply(event("submit", source="b", strategy="s"), now_ns + 301 * SECOND)
    assert [key.source for key, _ in made.activities.bots()] == ["b"]


def test_orders_that_ended_before_the_clock_was_set_back_are_packed_in_time() -> None:
    made = tracker()
    made.apply(event("deny"), T0)
    now_ns = T0 - 3_600 * SECOND
    assert made.registry.cool(now_ns)
    assert not made.registry.cool(now_ns)
    assert made.registry.get("bot", "o-1") is not None


def test_orders_that_ended_before_the_clock_was_set_back_are_forgotten_ten_minutes_later() -> None:
    made = tracker()
    made.apply(event("deny"), T0)
    now_ns = T0 - 86_400 * SECOND
    run(made.tick(now_ns))
    made.apply(event("deny", "o-2"), now_ns + SECOND)
    run(made.tick(now_ns + 599 * SECOND))
    assert len(made.registry) == 2
    run(made.tick(now_ns + 601 * SECOND))
    assert len(made.registry) == 0


def test_a_silent_bot_gives_its_place_up_and_an_active_one_does_not() -> None:
    made = tracker(max_books=1)
    made.apply(event("submit", source="a", strategy="s"), T0)
    made.apply(event("submit", source="b", strategy="s"), T0 + 299 * SECOND)
    assert [key for key, _ in made.activities.bots()] == [("a", "a", "s"), OTHER_BOT]
    made.apply(event("submit", source="c", strategy="s"), T0 + 700 * SECOND)
    assert ("c", "c", "s") in dict(made.activities.bots())
    assert len(made.activities.bots()) <= 2


def test_only_the_last_acks_are_kept() -> None:
    acks = RecentAcks()
    for span_ns in range(MAX_ACKS * 2):
        acks.add(T0, span_ns)
    assert acks.spans(T0) == (MAX_ACKS, MAX_ACKS * 3 // 2 - 1, MAX_ACKS * 2 - 3)


def test_a_restart_keeps_the_last_minutes() -> None:
    made = lived()
    fresh = restored(made)
    ((_, before),), ((_, after),) = made.activities.bots(), fresh.activities.bots()
    assert after.sums(T0 + SECOND) == before.sums(T0 + SECOND)
    assert after.acks.spans(T0 + SECOND) == before.acks.spans(T0 + SECOND)
    ((venue, acks),) = fresh.activities.venues()
    assert (venue, acks.spans(T0 + SECOND).number) == (VenueKey("bot", "v"), 1)
