"""What the banner says, and since when."""

import pytest

from tests.helpers.views import NOW_NS, S_NS, at, desk, feed_state, snapshot, status
from ui.bars import BarHistory
from ui.health import Limits, problems
from ui.state import Backend

LIMITS = Limits(away_after_ns=1_500_000_000, stale_after_ns=5 * S_NS)


def _backend(**changes: object) -> Backend:
    backend = Backend(started=at(NOW_NS - 60 * S_NS), bars=BarHistory(60))
    backend.take_snapshot(snapshot(), at(NOW_NS))
    backend.take_status(status(**changes), at(NOW_NS))  # type: ignore[arg-type]  # the status' own keywords
    return backend


def _codes(backend: Backend, now_ns: int = NOW_NS) -> list[str]:
    return [problem.code for problem in problems(backend, LIMITS, at(now_ns))]


def test_while_all_is_well_there_is_nothing_to_say() -> None:
    assert _codes(_backend()) == []
    assert _codes(_backend(), NOW_NS + 1_500_000_000) == []


def test_silent_services_are_away_since_they_were_last_heard() -> None:
    found = problems(_backend(), LIMITS, at(NOW_NS + 2 * S_NS))
    assert [(one.code, one.severity, one.since_ns) for one in found] == [
        ("ingest_away", "error", NOW_NS),
        ("analytics_away", "error", NOW_NS),
    ]


def test_one_silent_service_is_away_alone_and_comes_back() -> None:
    backend = _backend()
    later_ns = NOW_NS + 2 * S_NS
    backend.take_status(status(2, at_ns=later_ns, feeds=[feed_state(last_trade_ns=later_ns)]), at(later_ns))
    assert _codes(backend, later_ns) == ["analytics_away"]
    backend.take_snapshot(snapshot(2), at(later_ns))
    assert _codes(backend, later_ns) == []


def test_a_service_that_never_spoke_is_missed_since_the_start() -> None:
    backend = Backend(started=at(NOW_NS), bars=BarHistory(60))
    assert _codes(backend, NOW_NS + S_NS) == []
    found = problems(backend, LIMITS, at(NOW_NS + 2 * S_NS))
    assert [(one.since_ns, "not been heard of yet" in one.title) for one in found] == [(NOW_NS, True)] * 2


def test_a_live_feed_without_trades_makes_the_data_stale_since_its_last_trade() -> None:
    backend = _backend(feeds=[feed_state(last_trade_ns=NOW_NS - 6 * S_NS)])
    (problem,) = problems(backend, LIMITS, at(NOW_NS))
    assert (problem.code, problem.severity, problem.since_ns) == ("feed_stale", "error", NOW_NS - 6 * S_NS)


def test_a_feeds_age_is_counted_by_ingests_clock_alone() -> None:
    hour_ns = 3_600 * S_NS
    backend = _backend(at_ns=NOW_NS - hour_ns, feeds=[feed_state(last_trade_ns=NOW_NS - hour_ns)])
    assert _codes(backend) == []


@pytest.mark.parametrize(
    ("state", "code"), [("failed", "feed_failed"), ("waiting", "feed_waiting"), ("finished", None), ("starting", None)]
)
def test_a_feeds_state_is_shown_when_it_matters(state: str, code: str | None) -> None:
    feeds = [feed_state(state=state, detail="refused: 403", last_trade_ns=None)]
    found = problems(_backend(feeds=feeds), LIMITS, at(NOW_NS))
    assert [one.code for one in found] == ([code] if code else [])
    assert all(one.detail == "refused: 403" for one in found)


def test_a_feed_that_does_not_come_out_of_starting_is_shown_since_it_was_first_seen() -> None:
    starting = [feed_state(state="starting", last_trade_ns=None)]
    backend = _backend(feeds=starting)
    later_ns = NOW_NS
    for version, later_s, codes in ((2, 5, []), (3, 6, ["feed_starting"])):
        later_ns = NOW_NS + later_s * S_NS
        backend.take_snapshot(snapshot(version), at(later_ns))
        backend.take_status(status(version, at_ns=later_ns, feeds=starting), at(later_ns))
        assert _codes(backend, later_ns) == codes
    (problem,) = problems(backend, LIMITS, at(later_ns))
    assert (problem.severity, problem.since_ns) == ("warning", NOW_NS)
    backend.take_status(status(4, stream="t", at_ns=later_ns, feeds=starting), at(later_ns))
    assert _codes(backend, later_ns) == []
    backend.take_status(status(5, stream="t", at_ns=later_ns + 1), at(later_ns))
    assert backend.starting_since_ns == {}


def test_trades_that_wait_while_nothing_is_applied_are_shown() -> None:
    backend = _backend()
    later_ns = NOW_NS + 6 * S_NS
    fed = [feed_state(last_trade_ns=later_ns)]
    backend.take_snapshot(snapshot(2), at(later_ns))
    backend.take_status(status(2, at_ns=later_ns, feeds=fed, unapplied=500), at(later_ns))
    (problem,) = problems(backend, LIMITS, at(later_ns))
    assert (problem.code, problem.since_ns) == ("not_applied", NOW_NS)
    backend.take_snapshot(snapshot(3, applied=101), at(later_ns))
    assert _codes(backend, later_ns) == []


def test_an_engaged_kill_switch_is_shown_since_it_was_seen() -> None:
    backend = _backend(desk_state=desk(kill_switch=True))
    backend.take_status(status(2, desk_state=desk(kill_switch=True)), at(NOW_NS + S_NS))
    (problem,) = problems(backend, LIMITS, at(NOW_NS + S_NS))
    assert (problem.code, problem.since_ns) == ("kill_switch", NOW_NS)
    backend.take_status(status(3), at(NOW_NS + S_NS))
    assert _codes(backend, NOW_NS + S_NS) == []


def test_a_recording_is_not_taken_for_todays_market() -> None:
    backend = _backend()
    backend.take_snapshot(snapshot(2, clock_ns=NOW_NS - 86_400 * S_NS), at(NOW_NS))
    assert [(one.code, one.severity) for one in problems(backend, LIMITS, at(NOW_NS))] == [("replay", "info")]


def test_an_older_snapshot_of_the_same_run_is_a_duplicate_and_of_a_new_run_is_not() -> None:
    backend = _backend()
    assert not backend.take_snapshot(snapshot(1), at(NOW_NS))
    assert backend.take_snapshot(snapshot(0, run="b"), at(NOW_NS))
    assert not backend.take_status(status(1), at(NOW_NS))
    assert backend.take_status(status(0, stream="t"), at(NOW_NS))
