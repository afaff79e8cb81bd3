"""What the page shows, as one immutable value: built in the link's thread, read by all sessions. Pure."""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from uuid import UUID

from telemetry_schema import (
    BotsState,
    IngestStatus,
    Origin,
    ProfitHistory,
    Snapshot,
    StudiesState,
    SymbolSummary,
    TapeTrade,
)
from ui.bars import BarHistory
from ui.commands import MAX_COMMANDS
from ui.instant import Instant
from ui.page.model.bots import BotHistory
from ui.wire import AnyToPage, BotLimits, CommandUpdate, CommandView, History, PageState, Problem

SILENT_AFTER_NS = 1_500_000_000
"""The main process speaks four times a second; silent this long, it is away."""

TREND_POINTS = 300
"""Seconds that the pipeline's chart shows."""

EQUITY_EVERY_S = 5
EQUITY_POINTS = 720
"""Of the profit's curve: an hour."""

STUDY_POINTS = 40
"""Values of each series that the page draws: a minute and a half."""

TAPE_TRADES = 25
"""Trades kept of each symbol for the tape."""

MAX_TAPES = 512
"""Symbols with a tape, the ones that traded last: more than a snapshot has, or each would push out another's."""

_SECOND_NS = 1_000_000_000


class TrendPoint(NamedTuple):
    """The pipeline at one second."""

    at_ns: int
    applied: int
    p50_ns: int | None
    p99_ns: int | None


class StudySubject(NamedTuple):
    """Whose trades studies looked at."""

    symbol: str
    origin: Origin
    together: tuple[str, ...] = ()
    """The several symbols that `symbol` joins; none of one, whose name may have a plus in it."""


class TapeLine(NamedTuple):
    """A row of the tape. Its number rises with every row of its symbol; `skipped` trades before it have none."""

    number: int
    trade: TapeTrade
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class PageView:
    """All that a session may show."""

    snapshot: Snapshot | None = None
    status: IngestStatus | None = None
    studies: StudiesState | None = None
    bots: BotsState | None = None
    bot_history: BotHistory = field(default_factory=BotHistory)
    study_history: Mapping[StudySubject, Mapping[str, tuple[float, ...]]] = field(default_factory=dict)
    state: PageState | None = None
    commands: tuple[CommandView, ...] = ()
    trend: tuple[TrendPoint, ...] = ()
    tapes: Mapping[str, tuple[TapeLine, ...]] = field(default_factory=dict)
    bars: BarHistory = field(default_factory=lambda: BarHistory(3_600))
    equity: tuple[tuple[int, float], ...] = ()
    heard: Instant | None = None
    snapshot_heard: Instant | None = None

    @property
    def symbols(self) -> list[str]:
        """Symbols that there is something to show of, in a fixed order."""
        return sorted(summary.symbol for summary in self.snapshot.symbols) if self.snapshot else []

    @property
    def bot_limits(self) -> BotLimits:
        """Beyond which a bot or an account is in trouble."""
        return self.state.bot_limits if self.state else BotLimits()

    @property
    def cut(self) -> str:
        """How much of the market the snapshot leaves out, after a comma; nothing if it has all of it."""
        shown, in_all = (len(self.snapshot.symbols), self.snapshot.symbols_in_all) if self.snapshot else (0, 0)
        return f", {shown} busiest of {in_all:,}" if in_all > shown else ""

    def summary(self, symbol: str | None) -> SymbolSummary | None:
        """One symbol now."""
        found = (one for one in self.snapshot.symbols if one.symbol == symbol) if self.snapshot else iter(())
        return next(found, None)

    def command(self, command_id: UUID | None) -> CommandView | None:
        """One command; None if it is not known (yet)."""
        return next((one for one in self.commands if one.command_id == command_id), None)

    def age_ns(self, event_ns: int, now: Instant) -> int:
        """How old something is: by analytics' clock, which stamped the snapshot, and by our own since that came."""
        if self.snapshot is None or self.snapshot_heard is None:
            return 0
        since_ns = max(0, now.monotonic_ns - self.snapshot_heard.monotonic_ns)
        return max(0, self.snapshot.at_ns - event_ns) + since_ns

    def silence_ns(self, now: Instant) -> int | None:
        """Since the main process was last heard of."""
        return None if self.heard is None else now.monotonic_ns - self.heard.monotonic_ns

    def problems(self, now: Instant) -> list[Problem]:
        """The banner's lines, with what only this process can see: that the main process is silent."""
        if self.heard is not None and (self.silence_ns(now) or 0) > SILENT_AFTER_NS:
            gone = Problem(
                code="main_away",
                severity="error",
                title="The page has lost its data source",
                detail="Everything below stands still.",
                since_ns=self.heard.wall_ns,
            )
            return [gone]
        return list(self.state.problems) if self.state else []


class PageModel:
    """Turns messages into the next view."""

    def __init__(self, history_s: int = 3_600) -> None:
        self._commands: OrderedDict[UUID, CommandView] = OrderedDict()
        self.view = PageView(bars=BarHistory(history_s))

    def apply(self, message: AnyToPage, now: Instant) -> PageView:
        """The view after a message."""
        before = self.view
        view = replace(before, heard=now)
        match message:
            case Snapshot():
                view.bars.follow(message.recent_bars)
                view.bars.merge([message.history] if message.history else [])
                trend, tapes = _trend(before, message), _tapes(before, message)
                view = replace(view, snapshot=message, snapshot_heard=now, trend=trend, tapes=tapes)
            case IngestStatus():
                history = before.bot_history.after_status(message)
                view = replace(view, status=message, equity=_equity(before, message), bot_history=history)
            case ProfitHistory():
                view = replace(view, equity=_with_past(before.equity, message))
            case StudiesState():
                view = replace(view, studies=message, study_history=_study_history(before, message))
            case BotsState():
                view = replace(view, bots=message, bot_history=before.bot_history.after_bots(message))
            case PageState():
                view = replace(view, state=message)
            case CommandUpdate():
                view = replace(view, commands=self._take_commands(message))
            case History():
                view.bars.merge([message.bars])
        self.view = view
        return view

    def _take_commands(self, update: CommandUpdate) -> tuple[CommandView, ...]:
        """All commands, newest first."""
        self._commands.update((one.command_id, one) for one in update.commands)
        # Those of an earlier process of the main one come later than they were sent.
        commands = sorted(self._commands.values(), key=lambda one: one.order_ns)[-MAX_COMMANDS:]
        self._commands = OrderedDict((one.command_id, one) for one in commands)
        return tuple(reversed(commands))


def _study_history(before: PageView, state: StudiesState) -> dict[StudySubject, dict[str, tuple[float, ...]]]:
    """The last values of each series, of the subjects that were just reported."""
    history = {}
    for each in state.values:
        subject = StudySubject(each.symbol, each.origin, tuple(each.together))
        known = before.study_history.get(subject, {})
        history[subject] = {
            name: (*known.get(name, ())[-STUDY_POINTS + 1 :], value) for name, value in each.values.items()
        }
    return history


def _is_new_run(before: PageView, snapshot: Snapshot) -> bool:
    return before.snapshot is not None and before.snapshot.run != snapshot.run


def _trend(before: PageView, snapshot: Snapshot) -> tuple[TrendPoint, ...]:
    points = () if _is_new_run(before, snapshot) else before.trend
    if points and snapshot.at_ns - points[-1].at_ns < _SECOND_NS:
        return points
    latency = snapshot.latencies.get("end_to_end")
    point = TrendPoint(
        at_ns=snapshot.at_ns,
        applied=snapshot.ledger.applied,
        p50_ns=latency.p50_ns if latency else None,
        p99_ns=latency.p99_ns if latency else None,
    )
    return (*points[-TREND_POINTS + 1 :], point)


def _equity(before: PageView, status: IngestStatus) -> tuple[tuple[int, float], ...]:
    """Profit of the paper account every few seconds, from the first position on."""
    points, second = before.equity, status.at_ns // _SECOND_NS
    if status.desk is None or (not points and not status.desk.positions):
        return points
    if points and 0 <= second - points[-1][0] < EQUITY_EVERY_S:
        return points
    profit = sum(one.realised + one.unrealised for one in status.desk.positions)
    # A clock that was set back begins anew: the curve has one direction.
    kept = points if not points or second > points[-1][0] else ()
    return (*kept[-EQUITY_POINTS + 1 :], (second, profit))


def _with_past(points: tuple[tuple[int, float], ...], history: ProfitHistory) -> tuple[tuple[int, float], ...]:
    """The curve with what was before this page looked; what an ingest that was started again has forgotten stays."""
    known = tuple(zip(history.second, history.profit, strict=True))
    if not known:
        return points
    earlier = tuple(one for one in points if one[0] < known[0][0])
    later = tuple(one for one in points if one[0] > known[-1][0])
    return (*earlier, *known, *later)[-EQUITY_POINTS:]


def _tapes(before: PageView, snapshot: Snapshot) -> Mapping[str, tuple[TapeLine, ...]]:
    """Each symbol's last trades, newest first: a quiet symbol keeps its own while a busy one fills the snapshots.

    A snapshot repeats what the one before had. Batches are applied whole, so what was applied later is new.
    """
    seen_ns = 0
    if before.snapshot is not None and before.snapshot.last_trades and not _is_new_run(before, snapshot):
        seen_ns = max(trade.applied_ns for trade in before.snapshot.last_trades)
    tapes = dict(before.tapes) if seen_ns else {}
    new = [one for one in snapshot.last_trades if one.applied_ns > seen_ns]
    # Only where nothing of the one before is repeated can something have come in between.
    skipped = _skipped(before, snapshot, new) if seen_ns and len(new) == len(snapshot.last_trades) else {}
    for trade in reversed(new):
        rows = tapes.pop(trade.symbol, ())[: TAPE_TRADES - 1]
        number = rows[0].number + 1 if rows else 0
        tapes[trade.symbol] = (TapeLine(number, trade, skipped.pop(trade.symbol, 0)), *rows)
    for symbol in list(tapes)[:-MAX_TAPES]:
        del tapes[symbol]
    return tapes


def _skipped(before: PageView, snapshot: Snapshot, new: list[TapeTrade]) -> dict[str, int]:
    """By symbol, the trades between two snapshots that are on neither's tape."""
    shown = Counter(trade.symbol for trade in new)
    known = {one.symbol: one.trades for one in before.snapshot.symbols} if before.snapshot else {}
    rises = {one.symbol: one.trades - known.get(one.symbol, one.trades) for one in snapshot.symbols}
    return {symbol: rise - shown[symbol] for symbol, rise in rises.items() if rise > shown[symbol]}
