"""The UI's main process: backend → state → page, and commands the other way."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

import structlog
from pydantic import ValidationError

from telemetry_runtime import AsyncTaskManager, Clock, Frame, LossySink, Source, TrySink
from telemetry_schema import (
    BotsState,
    CancelAll,
    CancelOrder,
    CommandHistory,
    CommandResult,
    DecodeError,
    DeskCommand,
    IngestStatus,
    KillSwitch,
    ProfitHistory,
    Snapshot,
    StudiesState,
    decode_ui,
    encode,
)
from ui.commands import CommandBook
from ui.health import Limits, condition, is_away, problems
from ui.instant import Instant
from ui.state import Backend
from ui.tally import Tally
from ui.wire import CommandUpdate, CommandView, Hello, History, PageState, decode_from_page

TICK_S = 0.25


class OwnState(NamedTuple):
    """What the main process knows of itself; each is asked several times a second."""

    page_state: Callable[[], PageState]
    log_lines_lost: Callable[[], int]


class UiApp:
    """Three loops over one state: what the backend says, what the page says, and a tick."""

    def __init__(
        self,
        *,
        page: LossySink,
        ingest: TrySink,
        backend: Backend,
        book: CommandBook,
        tally: Tally,
        limits: Limits,
        clock: Clock,
        own: OwnState,
    ) -> None:
        self._page, self._ingest = page, ingest
        self._backend, self._book, self._tally = backend, book, tally
        self._limits, self._clock, self._own = limits, clock, own
        # What the page must get, however full its queue is now: changed commands, and after its start all history.
        self._changed: deque[CommandView] = deque()
        self._owed_history: deque[str] = deque()
        self._page_is_linked = False
        self._command_history = self._profit = b""
        self._log = structlog.get_logger("ui")

    def start(self, tasks: AsyncTaskManager, *, page: Source, backend: Source) -> None:
        """Starts the three loops."""
        tasks.start("tick", self.tick())
        tasks.start("page", self.follow_page(page))
        tasks.start("backend", self.follow_backend(backend))

    async def follow_backend(self, source: Source) -> None:
        """Takes in snapshots, statuses and results until the source ends."""
        while burst := await source.receive():
            for frames in burst:
                self._take(frames[0])

    async def follow_page(self, source: Source) -> None:
        """Takes in what the page sends until the source ends."""
        while burst := await source.receive():
            for frames in burst:
                self._take_from_page(frames[0])

    async def tick(self) -> None:
        """Checks several times a second for what no message reports: silence."""
        while True:
            now = Instant.now(self._clock)
            self._changed.extend(self._book.expire(now.monotonic_ns))
            self._backend.note_log("ui", self._own.log_lines_lost(), now)
            self._send_state(now)
            await self._clock.sleep(TICK_S)

    def _take(self, frame: Frame) -> None:
        now, raw = Instant.now(self._clock), bytes(frame)
        try:
            message = decode_ui(raw)
        except DecodeError as error:
            self._tally.messages.refused += 1
            self._tally.refused_reasons[error.reason] += 1
            return
        match message:
            case Snapshot():
                self._count_and_forward(raw, is_new=self._backend.take_snapshot(message, now))
            case StudiesState():
                self._backend.studies = message
                self._count_and_forward(raw, is_new=True)
            case BotsState():
                self._backend.bots = message
                self._count_and_forward(raw, is_new=True)
            case IngestStatus():
                self._count_and_forward(raw, is_new=self._backend.take_status(message, now))
            case CommandHistory():
                self._take_history(message, raw, now)
            case ProfitHistory():
                is_new, self._profit = raw != self._profit, raw
                self._count_and_forward(raw, is_new=is_new)
            case CommandResult():
                self._take_result(message, now)

    def _count_and_forward(self, raw: bytes, *, is_new: bool) -> None:
        if is_new:
            self._tally.messages.accepted += 1
            self._offer(raw)
        else:
            self._tally.messages.duplicate += 1

    def _offer(self, frame: bytes) -> bool:
        # Before its first word the page's queue would fill with what is old when it comes.
        return self._page_is_linked and self._page.offer([frame])

    def _take_result(self, result: CommandResult, now: Instant) -> None:
        if not self._book.knows(result.command_id):
            self._tally.messages.ignored += 1
        elif view := self._book.apply(result, now.monotonic_ns):
            self._tally.messages.accepted += 1
            self._changed.append(view)
            self._send_commands()
        else:
            self._tally.messages.duplicate += 1

    def _take_history(self, history: CommandHistory, raw: bytes, now: Instant) -> None:
        if raw == self._command_history:
            self._tally.messages.duplicate += 1
            return
        self._command_history = raw
        self._tally.messages.accepted += 1
        self._changed.extend(self._book.take_over(history.commands, now.monotonic_ns))
        self._send_commands()

    def _take_from_page(self, frame: Frame) -> None:
        try:
            message = decode_from_page(bytes(frame))
        except ValidationError as error:
            self._log.warning("page_message_wrong", error=str(error))
            return
        if isinstance(message, Hello):
            self._greet(message)
        else:
            self._execute(message, bytes(frame))

    def _greet(self, hello: Hello) -> None:
        self._log.info("page_linked", pid=hello.pid)
        self._page_is_linked = True
        backend = self._backend
        for known in (backend.snapshot, backend.status, backend.studies, backend.bots):
            if known is not None:
                self._offer(encode(known))
        if self._profit:
            self._offer(self._profit)
        self._changed = deque(self._book.all())
        self._owed_history = deque(self._backend.bars.symbols)
        self._send_state(Instant.now(self._clock))

    def _execute(self, command: DeskCommand, raw: bytes) -> None:
        now = Instant.now(self._clock)
        if (view := self._book.add(command, now.monotonic_ns)) is None:
            return  # a resend: what it asks for is under way already
        if refusal := self._send(command, raw, now):
            view = self._book.refuse(command.command_id, refusal, now.monotonic_ns) or view
        self._changed.append(view)
        self._send_commands()

    def _send(self, command: DeskCommand, raw: bytes, now: Instant) -> str | None:
        """Passes a command on, or says why not: one that waited for ingest would fill at a price of another time."""
        # To stop trading is never late: it is sent even where it may not arrive. So are cancels.
        stops = isinstance(command, CancelOrder | CancelAll) or (isinstance(command, KillSwitch) and command.engaged)
        if not stops and is_away(self._backend.ingest, self._backend.started, self._limits, now):
            return "Not sent: ingest is away. Nothing was traded; try again when it is back."
        if not self._ingest.try_send([raw]):
            return "Not sent: the line to ingest is full. Nothing was traded; try again."
        return None

    def _send_state(self, now: Instant) -> None:
        backend = self._backend
        found = problems(backend, self._limits, now)
        state = self._own.page_state().model_copy(
            update={
                "at_ns": now.wall_ns,
                "started_ns": backend.started.wall_ns,
                "problems": found,
                "condition": condition(found, backend, now),
                "alert_receivers": backend.receivers,
                "analytics_silence_ns": backend.analytics.silence_ns(backend.started, now),
                "ingest_silence_ns": backend.ingest.silence_ns(backend.started, now),
            }
        )
        self._offer(encode(state))
        self._send_commands()
        self._send_history()

    def _send_commands(self) -> None:
        if self._changed and self._offer(_commands(self._changed)):
            self._changed.clear()

    def _send_history(self) -> None:
        while self._owed_history:
            bars = self._backend.bars.columns(self._owed_history[0])
            if not self._offer(encode(History(bars=bars))):
                return
            self._owed_history.popleft()


def _commands(views: Iterable[CommandView]) -> bytes:
    return encode(CommandUpdate(commands=list(views)))
