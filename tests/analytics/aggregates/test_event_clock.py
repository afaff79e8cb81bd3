"""Where windows end: wall time for what is live, the newest trade for what is replayed."""

from analytics.aggregates.event_clock import REPLAYED_AFTER_NS, EventClock

NOW = 10**18


def test_without_trades_it_is_wall_time() -> None:
    assert EventClock().read(NOW) == NOW


def test_a_live_feed_that_died_stays_live() -> None:
    clock = EventClock()
    clock.see(NOW - REPLAYED_AFTER_NS, received_ns=NOW)
    assert clock.read(NOW + 10**15) == NOW + 10**15


def test_a_replay_stands_where_its_newest_trade_is() -> None:
    clock = EventClock()
    clock.see(5_000, received_ns=NOW)
    clock.see(3_000, received_ns=NOW)
    assert clock.read(NOW + 10**15) == 5_000


def test_one_live_trade_ends_the_time_of_a_replay() -> None:
    clock = EventClock()
    clock.see(5_000, received_ns=NOW)
    clock.see(NOW - 1, received_ns=NOW)
    clock.see(6_000, received_ns=NOW)
    assert clock.read(NOW + 7) == NOW + 7


def test_live_trades_that_were_held_up_for_long_are_still_live() -> None:
    clock = EventClock()
    clock.see(NOW - 2 * REPLAYED_AFTER_NS, received_ns=NOW - 2 * REPLAYED_AFTER_NS)
    assert clock.read(NOW) == NOW


def test_a_replay_is_known_by_its_mark_as_its_times_of_receipt_are_recorded_too() -> None:
    clock = EventClock()
    clock.see(5_000, received_ns=4_000, replayed=True)
    assert clock.read(NOW) == 5_000


def test_a_backlog_of_live_trades_catches_up_with_wall_time() -> None:
    clock = EventClock()
    clock.see(NOW - 2 * REPLAYED_AFTER_NS, received_ns=NOW)
    assert clock.read(NOW) == NOW - 2 * REPLAYED_AFTER_NS
    clock.see(NOW - 1, received_ns=NOW)
    assert clock.read(NOW) == NOW
