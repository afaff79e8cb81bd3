"""The banner is not green while trades are lost, sources are silent, messages are refused or clocks are wrong."""

import pytest

from telemetry_schema import SourceSkew, SourceState
from tests.helpers.views import NOW_NS, S_NS, at, feed_state, snapshot, status
from ui.bars import BarHistory
from ui.health import Limits, condition, problems
from ui.instant import Instant
from ui.state import RECENT_NS, Backend
from ui.wire import Condition

LIMITS = Limits(away_after_ns=1_500_000_000, stale_after_ns=5 * S_NS)
HOUR_NS = 3_600 * S_NS


class World:
    """A backend that hears of the same sources again and again."""

    def __init__(self) -> None:
        self.backend = Backend(started=at(NOW_NS), bars=BarHistory(60))
        self.version = 0

    def hear(self, seconds: float, *sources: SourceState, wall_off_ns: int = 0, **changes: object) -> Instant:
        """Both services report at this second, with these sources."""
        self.version += 1
        now_ns = NOW_NS + round(seconds * S_NS)
        now = Instant(now_ns + wall_off_ns, now_ns)
        latest = status(self.version, at_ns=now_ns, feeds=[feed_state(last_trade_ns=now_ns)])
        more = {"accepted_trades": 100 + self.version, "sources": list(sources)} | changes
        self.backend.take_status(latest.model_copy(update=more), now)
        self.backend.take_snapshot(snapshot(self.version, at_ns=now_ns), now)
        return now

    def codes(self, now: Instant) -> list[str]:
        return [one.code for one in problems(self.backend, LIMITS, now)]

    def condition(self, now: Instant) -> Condition:
        return condition(problems(self.backend, LIMITS, now), self.backend, now)


def _source(name: str = "bot", *, trades: int = 10, lost: int = 0, last_s: float = 0.0) -> SourceState:
    last_ns = NOW_NS + round(last_s * S_NS)
    return SourceState(source=name, trades=trades, lost=lost, duplicate=0, last_trade_ns=last_ns)


def test_while_all_is_well_it_is_live() -> None:
    world = World()
    now = world.hear(0, _source())
    assert (world.codes(now), world.condition(now)) == ([], "live")


def test_a_loss_is_shown_by_source_for_five_minutes() -> None:
    world = World()
    world.hear(0, _source("bot-gap"))
    now = world.hear(1, _source("bot-gap", lost=231))
    (problem,) = problems(world.backend, LIMITS, now)
    assert (problem.code, "bot-gap 231" in problem.title, world.condition(now)) == ("trades_lost", True, "degraded")
    now = world.hear(RECENT_NS / S_NS + 30, _source("bot-gap", lost=231, last_s=330))
    assert world.codes(now) == []


def test_a_loss_that_was_there_before_we_looked_and_one_after_a_restart_of_ingest_are_shown_too() -> None:
    world = World()
    assert world.codes(world.hear(0, _source(lost=5))) == ["trades_lost"]
    world.hear(1, _source(lost=2))
    assert world.backend.lost.rises() == {"bot": 7}


def test_a_source_that_stops_is_silent_and_one_that_was_always_slow_is_not() -> None:
    world = World()
    for second in range(20):
        slow = _source("slow", trades=second // 15, last_s=second - second % 15)
        now = world.hear(
            second, _source(trades=second, last_s=second), slow, _source("ui", trades=second, last_s=second)
        )
    silent, slow, ui = (
        _source(trades=19, last_s=19),
        _source("slow", trades=1, last_s=15),
        _source("ui", trades=19, last_s=19),
    )
    assert world.codes(world.hear(40, silent, slow, ui)) == []
    now = world.hear(50, silent, slow, ui)
    (problem,) = problems(world.backend, LIMITS, now)
    assert (problem.code, problem.title, problem.since_ns) == (
        "source_silent",
        "No trades from bot",
        NOW_NS + 19 * S_NS,
    )
    assert world.codes(world.hear(51, _source(trades=20, last_s=51), slow, ui)) == []


def test_refused_messages_degrade_and_refused_orders_do_not() -> None:
    world = World()
    now = world.hear(0, _source(), refused={"unknown_side": 47, "command_refused": 3})
    (problem,) = problems(world.backend, LIMITS, now)
    assert (problem.code, problem.title[:2], "unknown side 47" in problem.detail) == ("messages_refused", "47", True)


def test_a_wrong_clock_is_named_and_alerts_are_shown() -> None:
    world = World()
    now = world.hear(0, _source())
    world.backend.take_snapshot(
        snapshot(9, at_ns=NOW_NS).model_copy(update={"skews": [SourceSkew(source="bot-skew", skew_ns=HOUR_NS)]}), now
    )
    world.backend.alerts = ("DiskFull",)
    titles = [one.title for one in problems(world.backend, LIMITS, now)]
    assert titles == ["The clock of bot-skew is 1.0 h behind ours", "Alerts fire: DiskFull"]


@pytest.mark.parametrize(("receivers", "is_told"), [(0, True), (1, False), (None, False)])
def test_an_alert_says_when_it_calls_nobody(receivers: int | None, is_told: bool) -> None:  # noqa: FBT001 - a column
    world = World()
    now = world.hear(0, _source())
    world.backend.alerts, world.backend.receivers = ("DiskFull",), receivers
    (told,) = problems(world.backend, LIMITS, now)
    assert ("nobody is called" in told.detail) is is_told


def test_a_hop_that_lost_trades_is_an_error() -> None:
    world = World()
    now = world.hear(0, _source())
    world.backend.take_snapshot(snapshot(9, at_ns=NOW_NS, lost=3), now)
    assert [(one.code, one.severity) for one in problems(world.backend, LIMITS, now)] == [("hop_lost", "error")]


def test_a_replay_is_neither_stale_nor_silent_nor_failed() -> None:
    world = World()
    day_ns = 86_400 * S_NS
    now = at(NOW_NS)
    for second in range(60):
        now = world.hear(
            second, _source(trades=second, last_s=second), feeds=[feed_state(last_trade_ns=NOW_NS - day_ns)]
        )
        world.backend.take_snapshot(snapshot(1_000 + second, at_ns=now.wall_ns, clock_ns=NOW_NS - day_ns), now)
    assert world.codes(now) == ["replay"]
    assert world.condition(now) == "live"


def test_nothing_coming_in_is_idle_and_not_green() -> None:
    world = World()
    now = at(NOW_NS)
    for second in range(8):
        now = world.hear(second, accepted_trades=0)
    assert world.condition(now) == "idle"
    quiet = World()
    for second in range(8):
        now = quiet.hear(second, accepted_trades=100)
    assert quiet.condition(now) == "idle"


@pytest.mark.parametrize("step_ns", [HOUR_NS, -HOUR_NS, 125 * S_NS, -125 * S_NS])
def test_a_wall_clock_that_is_set_changes_nothing_but_the_times_that_are_shown(step_ns: int) -> None:
    world = World()
    world.hear(0, _source())
    now = world.hear(1, _source(trades=11, last_s=1), wall_off_ns=step_ns)
    assert (world.codes(now), world.condition(now)) == ([], "live")
    later = Instant(now.wall_ns - step_ns, now.monotonic_ns + 2 * S_NS)
    assert world.codes(later)[:2] == ["ingest_away", "analytics_away"]


def test_what_many_sources_do_is_one_line() -> None:
    world = World()
    world.hear(0, *(_source(f"b{i:02}") for i in range(30)))
    now = world.hear(1, *(_source(f"b{i:02}", lost=i) for i in range(30)))
    (problem,) = problems(world.backend, LIMITS, now)
    assert problem.title == "Trades lost in the last 5 minutes: b29 29, b28 28, b27 27 and 26 more"


def test_a_bot_that_was_cut_off_is_named_until_its_run_goes_on() -> None:
    world = World()
    now = world.hear(0, _source("a").model_copy(update={"unfinished_runs": 1}), _source("b"))
    (problem,) = problems(world.backend, LIMITS, now)
    assert (problem.code, problem.title) == ("runs_unfinished", "Cut off without an end: a")
    assert world.condition(now) == "degraded"
    assert world.codes(world.hear(1, _source("a"), _source("b"))) == []


def test_two_senders_of_one_run_are_a_line_on_the_page_for_five_minutes() -> None:
    world = World()
    world.hear(0, _source("a"), _source("b"))
    now = world.hear(1, _source("a", last_s=1).model_copy(update={"conflicts": 7}), _source("b", last_s=1))
    (problem,) = problems(world.backend, LIMITS, now)
    assert (problem.code, world.condition(now)) == ("runs_shared", "degraded")
    assert problem.title.endswith("two senders share a run: a 7")


def test_lost_log_lines_are_shown_by_service_for_five_minutes() -> None:
    world = World()
    world.hear(0, _source())
    now = world.hear(1, _source(last_s=1), log_lines_lost=12)
    (problem,) = problems(world.backend, LIMITS, now)
    assert (problem.code, "ingest 12" in problem.title, world.condition(now)) == ("log_lines_lost", True, "degraded")
    now = world.hear(RECENT_NS / S_NS + 30, _source(last_s=330), log_lines_lost=12)
    assert world.codes(now) == []


def test_a_restart_of_the_service_whose_log_lost_lines_loses_none_again() -> None:
    world = World()
    now = world.hear(0, _source())
    lossy = snapshot(10, at_ns=NOW_NS).model_copy(update={"log_lines_lost": 3})
    world.backend.take_snapshot(lossy, now)
    world.backend.take_snapshot(lossy.model_copy(update={"run": "again", "version": 1, "log_lines_lost": 0}), now)
    world.backend.take_status(status(10), now)
    titles = [one.title for one in problems(world.backend, LIMITS, now)]
    assert titles == ["Log lines lost in the last 5 minutes: analytics 3"]
