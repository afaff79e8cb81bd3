"""What is wrong although the numbers move: losses, refusals, silent sources, clocks, alerts. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from telemetry_schema import SourceState
from ui.state import Backend, SourcePace
from ui.wire import Problem

SILENT_AFTER_NS: Final = 30_000_000_000
SILENT_AFTER_INTERVALS: Final = 8
"""So many times its usual interval a source may be silent: of one that sends at random one in 3,000 gaps is longer."""
RARE_NS: Final = 10_000_000_000
"""A source that sends more seldom is missed by nobody; the alert SourceSilent has the same limit."""
SKEW_NS: Final = 2_000_000_000
"""A clock that is further off is wrong, not slow: the network takes milliseconds."""
_NAMES: Final = 3


def degraded(backend: Backend, own_source: str, *, is_replay: bool) -> Iterator[Problem]:
    """One line for each kind of trouble that there is."""
    yield from _losses(backend)
    yield from _unfinished(backend)
    yield from _conflicts(backend)
    if not is_replay:
        yield from _silences(backend, own_source)
        yield from _clocks(backend)
    yield from _refusals(backend)
    yield from _studies(backend)
    yield from _lost_log_lines(backend)
    if backend.alerts:
        nobody = " No receiver is set: nobody is called." if backend.receivers == 0 else ""
        yield _warning("alerts", f"Alerts fire: {_listed(backend.alerts)}", f"As Prometheus reports them.{nobody}")


def _losses(backend: Backend) -> Iterator[Problem]:
    if rises := backend.lost.rises():
        lost = [f"{source} {trades:,}" for source, trades in _most(rises)]
        yield _warning("trades_lost", f"Trades lost in the last 5 minutes: {_listed(lost)}", "By the sources' numbers.")
    if backend.snapshot is not None and (lost_in_all := backend.snapshot.ledger.lost):
        title = f"{lost_in_all:,} accepted trades never reached analytics"
        yield Problem(code="hop_lost", severity="error", title=title, detail="Since analytics started.")


def _unfinished(backend: Backend) -> Iterator[Problem]:
    runs = Counter({one.source: one.unfinished_runs for one in backend.status.sources}) if backend.status else Counter()
    if +runs:
        title = f"Cut off without an end: {_listed(source for source, _ in _most(+runs))}"
        yield _warning(
            "runs_unfinished", title, "The bot was killed or lost its connection; what it had queued may be lost."
        )


def _conflicts(backend: Backend) -> Iterator[Problem]:
    if rises := backend.conflicts.rises():
        dropped = [f"{source} {trades:,}" for source, trades in _most(rises)]
        title = f"Trades dropped in the last 5 minutes, as two senders share a run: {_listed(dropped)}"
        yield _warning("runs_shared", title, "Their numbers come twice. Give each sender a run of its own.")


def _silences(backend: Backend, own_source: str) -> Iterator[Problem]:
    status = backend.status
    if status is None:
        return
    finished = {feed.name for feed in status.feeds if feed.state != "live"}
    silent = [
        one
        for one in status.sources
        if one.source not in finished
        and one.source != own_source
        and not one.source.startswith("loadtest")
        and _is_silent(one, backend.paces.get(one.source), status.at_ns)
    ]
    if silent:
        names = [one.source for one in sorted(silent, key=lambda one: one.last_trade_ns)]
        since_ns = min(one.last_trade_ns for one in silent)
        yield _warning("source_silent", f"No trades from {_listed(names)}", "It used to send.", since_ns)


def _is_silent(source: SourceState, pace: SourcePace | None, at_ns: int) -> bool:
    interval_ns = pace.mean_interval_ns(source) if pace else None
    if interval_ns is None or interval_ns > RARE_NS:
        return False
    return at_ns - source.last_trade_ns > max(SILENT_AFTER_NS, SILENT_AFTER_INTERVALS * interval_ns)


def _clocks(backend: Backend) -> Iterator[Problem]:
    skews = backend.snapshot.skews if backend.snapshot else []
    for one in sorted(skews, key=lambda one: -abs(one.skew_ns))[:_NAMES]:
        if abs(one.skew_ns) > SKEW_NS:
            side = "behind" if one.skew_ns > 0 else "ahead of"
            title = f"The clock of {one.source} is {_span(abs(one.skew_ns))} {side} ours"
            yield _warning("clock_skew", title, "Its latencies are not what the network takes.")


def _span(ns: int) -> str:
    """With the unit that a person would use."""
    seconds = ns / 1e9
    for unit, length_s, from_s in (("days", 86_400, 172_800), ("h", 3_600, 3_600), ("min", 60, 120)):
        if seconds >= from_s:
            return f"{seconds / length_s:,.1f} {unit}"
    return f"{seconds:,.1f} s"


def _studies(backend: Backend) -> Iterator[Problem]:
    studies = backend.studies
    if studies is None:
        return
    if failing := [one.name for one in studies.studies if one.failure is not None]:
        title = f"Studies fail: {_listed(failing)}"
        yield _warning("studies_failing", title, "The page Studies says why. Nothing else is affected.")
    if studies.problems:
        title = f"Files with studies that could not be loaded: {len(studies.problems):,}"
        yield _warning("studies_unusable", title, studies.problems[0])


def _refusals(backend: Backend) -> Iterator[Problem]:
    if rises := backend.refused.rises():
        reasons = [f"{reason.replace('_', ' ')} {count:,}" for reason, count in _most(rises)]
        title = f"{sum(rises.values()):,} messages refused in the last 5 minutes"
        yield _warning("messages_refused", title, f"{_listed(reasons)}. Ingest keeps them as dead letters.")


def _lost_log_lines(backend: Backend) -> Iterator[Problem]:
    if rises := backend.log_lines_lost.rises():
        title = f"Log lines lost in the last 5 minutes: {_listed(f'{name} {lines:,}' for name, lines in _most(rises))}"
        detail = "What reads the log is too slow, or a disk is full. No trade is affected."
        yield _warning("log_lines_lost", title, detail)


def _warning(code: str, title: str, detail: str, since_ns: int | None = None) -> Problem:
    return Problem(code=code, severity="warning", title=title, detail=detail, since_ns=since_ns)


def _most(rises: Counter[str]) -> list[tuple[str, int]]:
    return sorted(rises.items(), key=lambda item: (-item[1], item[0]))


def _listed(names: Iterable[str]) -> str:
    """The first few names, and how many more there are."""
    first = list(names)
    more = len(first) - _NAMES
    return ", ".join(first[:_NAMES]) + (f" and {more} more" if more > 0 else "")
