"""Event clocks: wall time that is set back is noticed, and a recording goes by its own trades."""

from analytics.aggregates.event_clock import MAX_DISORDER_NS, MIN_BEHIND_TRADES, ReplayClock, WallClockSteps

SECOND = 1_000_000_000


def test_wall_time_that_goes_on_or_is_set_forward_has_not_stepped_back() -> None:
    steps = WallClockSteps()
    walls = [10 * SECOND, 11 * SECOND, 3_600 * SECOND]
    assert not any(
        steps.stepped_back(wall, monotonic) for wall, monotonic in zip(walls, (0, SECOND, 2 * SECOND), strict=True)
    )


def test_wall_time_that_was_set_back_is_noticed_once_even_after_a_pause() -> None:
    steps = WallClockSteps()
    steps.stepped_back(10_000 * SECOND, 0)
    assert steps.stepped_back(10_400 * SECOND, 500 * SECOND)
    assert not steps.stepped_back(10_401 * SECOND, 501 * SECOND)


def test_wall_time_that_was_set_back_between_two_processes_is_noticed_once() -> None:
    steps = WallClockSteps()
    steps.saw(10_000 * SECOND)
    assert steps.stepped_back(9_999 * SECOND, 0)
    assert not steps.stepped_back(10_000 * SECOND, SECOND)
    later = WallClockSteps()
    later.saw(10_000 * SECOND)
    assert not later.stepped_back(10_000 * SECOND, 0)


def test_wall_time_that_is_slewed_by_ntp_has_not_stepped_back() -> None:
    steps = WallClockSteps()
    assert not any(steps.stepped_back(second * SECOND - second * 500_000, second * SECOND) for second in range(10_000))


def test_a_recording_stands_where_its_newest_trade_is_whatever_comes_late() -> None:
    clock = ReplayClock()
    clock.see(100 * SECOND, 1)
    clock.see(100 * SECOND - MAX_DISORDER_NS, 1_000)
    clock.see(1, MIN_BEHIND_TRADES - 1)
    assert clock.newest_ns == 100 * SECOND


def test_a_recording_whose_clock_was_ahead_goes_on_from_where_its_trades_are() -> None:
    clock = ReplayClock()
    clock.see(4_000 * SECOND, 1)
    assert [clock.see((10 + n) * SECOND, 16) for n in range(4)] == [False, False, False, True]
    assert clock.newest_ns == 13 * SECOND
    assert not clock.see(14 * SECOND, 1)


def test_one_trade_at_the_right_time_says_that_the_others_are_late() -> None:
    clock = ReplayClock()
    clock.see(4_000 * SECOND, 1)
    clock.see(1, MIN_BEHIND_TRADES - 1)
    clock.see(4_001 * SECOND, 1)
    assert not clock.see(1, MIN_BEHIND_TRADES - 1)
