"""The line on top of every page: one word for the state, why, and as of when. Pure."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

from ui.health import AWAY
from ui.instant import Instant
from ui.page.model import formats
from ui.page.model.parts import Part
from ui.page.model.view import PageView
from ui.wire import CommandView, Condition, Problem

SLOT: Final = '<div id="tt-banner"></div>'
"""Where the board draws it, so that it may stay in sight while the page scrolls."""
_LATE_NS: Final = 1_000_000_000
_JUST_NOW_NS: Final = 15_000_000_000
_WORDS: Final[dict[Condition, str]] = {"live": "Live", "idle": "Idle", "degraded": "Degraded", "away": "Away"}


def part(view: PageView, now: Instant, zone: tzinfo) -> Part:
    """The banner's part."""
    if view.state is None:
        word = "Connecting to the data…"
        return {"state": "idle", "word": word, "lines": [], "facts": [], "faded": False, "refused": None}
    problems = view.problems(now)
    is_lost = any(one.code == "main_away" for one in problems)
    condition: Condition = "away" if is_lost else view.state.condition
    return {
        "state": condition,
        "word": _WORDS[condition],
        "lines": [_line(one, now, zone) for one in problems],
        "facts": _facts(view, condition, zone),
        # What stands still is paler too: a number far from the banner must not look live.
        "faded": is_lost or any(one.code in AWAY for one in problems),
        "refused": _refused(view.commands, now),
    }


def _refused(commands: Sequence[CommandView], now: Instant) -> list[str] | None:
    """The newest command that was refused just now, of whichever session, for the alarm: its id, its name, why."""
    one = next((one for one in commands if one.status == "refused"), None)
    if one is None or now.wall_ns - one.sent_ns > _JUST_NOW_NS:
        return None  # a page that starts anew learns of old ones, too
    order = f"{one.side.upper()} {formats.exact(one.qty)} {one.symbol}" if one.side else one.kind.replace("_", " ")
    return [one.command_id.hex, f"{order} was refused", one.reason or ""]


def _line(problem: Problem, now: Instant, zone: tzinfo) -> Part:
    # The since-times do not move, so a screen reader hears each line once.
    since = f"{formats.moment(problem.since_ns, now.wall_ns, zone)} {zone_name(zone)}" if problem.since_ns else ""
    words = {"title": problem.title, "since": since, "detail": problem.detail}
    return {"code": problem.code, "severity": problem.severity, **words}


def _facts(view: PageView, condition: Condition, zone: tzinfo) -> list[str]:
    state, snapshot = view.state, view.snapshot
    if state is None or condition == "away":
        return []
    idle = ["nothing is coming in"] if condition == "idle" else []
    as_of = [f"as of {formats.clock(snapshot.at_ns, zone)} {zone_name(zone)}"] if snapshot else []
    # Up to a second all is as it should be; more is worth a word.
    silences = (("analytics", state.analytics_silence_ns), ("ingest", state.ingest_silence_ns))
    late = [f"{name} {formats.ago(ns)}" for name, ns in silences if ns is not None and ns >= _LATE_NS]
    return [*idle, *as_of, *late]


def zone_name(zone: tzinfo) -> str:
    """The zone as it is written behind a time."""
    return str(zone) if str(zone) == "UTC" else str(zone).rpartition("/")[2].replace("_", " ")
