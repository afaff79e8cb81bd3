"""The pipeline of ingest: receive → check → number → push, for clients and feeds alike."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ingest.checking.checker import Checker
from ingest.checking.chunks import ChunkBuilder
from ingest.checking.outcomes import Checked
from ingest.delivery.batch_delivery import BatchDelivery
from ingest.desk.desk import Desk
from ingest.desk.outcome import Decision, DeskOutcome
from ingest.feeds.runner import FeedRunner
from ingest.reporting.ledger import IngestLedger
from ingest.reporting.refusal_log import RefusalLog
from ingest.reporting.status import StatusReporter
from ingest.storage.dead_letters import DeadLetters
from ingest.storage.saved_state import SavedState
from telemetry_runtime import AsyncTaskManager, Clock, EdgeSource, LossySink, Source, StopError
from telemetry_schema import encode
from telemetry_schema.batch import CommandRef

HEARTBEAT_S = 0.5
REPORT_S = 0.25

MAX_UNANSWERED = 10_000
"""Answers that wait for the disk at most; whoever misses one asks again."""


class UnappliedError(StopError):
    """Ingest had to stop while analytics had not applied all accepted trades."""

    def __init__(self, trades: int) -> None:
        super().__init__(f"{trades} accepted trades were not applied: analytics is away or too slow")
        self.trades = trades


@dataclass(frozen=True, slots=True)
class Storage:
    """What the pipeline writes to disk."""

    dead_letters: DeadLetters
    desk: SavedState


class IngestApp:
    """The pipeline: `start` its tasks, and `finish` it before they are stopped."""

    def __init__(
        self,
        *,
        source: EdgeSource,
        ui: Sequence[LossySink],
        checker: Checker,
        desk: Desk,
        delivery: BatchDelivery,
        ledger: IngestLedger,
        storage: Storage,
        clock: Clock,
    ) -> None:
        self._source, self._ui = source, ui
        self._checker, self._desk, self._delivery = checker, desk, delivery
        self._ledger, self._storage, self._clock = ledger, storage, clock
        self._refusal_log = RefusalLog(monotonic_ns=clock.monotonic_ns)
        self._unanswered: deque[Decision] = deque(maxlen=MAX_UNANSWERED)
        self._answers_due = asyncio.Event()
        self._intake: asyncio.Task[None]
        self._feeds: list[asyncio.Task[None]] = []

    def start(
        self, tasks: AsyncTaskManager, *, progress: Source, feeds: Sequence[FeedRunner], reporter: StatusReporter
    ) -> None:
        """Starts the tasks, sinks before sources."""
        tasks.start("progress", self._delivery.follow(progress), may_end=True)
        tasks.start("pump", self._delivery.pump())
        tasks.start("watch", self._delivery.watch())
        tasks.start("heartbeat", self._beat())
        tasks.start("report", self._report(reporter))
        tasks.start("answers", self._answer())
        self._intake = tasks.start("intake", self.take_in(), may_end=True)
        self._feeds = [tasks.start(f"feed {feed.name}", feed.run(), may_end=True) for feed in feeds]

    async def finish(self, tasks: AsyncTaskManager, stop_source: Callable[[], None], *, grace_s: float) -> None:
        """Drains the sources, then waits until analytics has applied what was accepted.

        Raises:
            UnappliedError: it did not, within `grace_s` seconds.
        """
        await tasks.stop(*self._feeds)
        stop_source()
        try:
            async with asyncio.timeout(grace_s):
                await asyncio.wait([self._intake])
                await self.answer_due()
                await self._delivery.finish()
        except TimeoutError as error:
            raise UnappliedError(self._delivery.unapplied_trades) from error

    async def take_in(self) -> None:
        """Receives and checks the messages of clients until the source ends."""
        while burst := await self._source.receive():
            now_ns = self._clock.now_ns()
            await self.pass_on(self._checker.check(burst, now_ns))

    async def pass_on(self, checked: Checked) -> None:
        """Numbers, executes, counts and keeps what was checked, then waits until not too much is held."""
        now_ns, monotonic_ns = self._clock.now_ns(), self._clock.monotonic_ns()
        for chunk in checked.chunks:
            self._delivery.add(chunk)
        self._desk.last_prices.note(checked.chunks, monotonic_ns)
        outcome = self._desk.execute(checked.commands, now_ns, monotonic_ns)
        self._add_fills(outcome, now_ns)
        self._ledger.count(checked, outcome)
        refusals = [*checked.refusals, *outcome.refusals]
        self._refusal_log.log(refusals)
        self._storage.dead_letters.write(refusals, now_ns)
        self._unanswered += outcome.decisions
        self._answers_due.set()
        # Up to here nothing was awaited, so a burst is taken in as a whole. Cancelled below nothing is lost: what was
        # accepted is held by the delivery, and the desk is saved when its memory closes.
        await self._delivery.flush()

    def _add_fills(self, outcome: DeskOutcome, now_ns: int) -> None:
        for command_id, fill in outcome.fills():
            builder = ChunkBuilder()
            builder.add_trades([fill], now_ns)
            for chunk in builder.chunks():
                self._delivery.add(chunk, [CommandRef(index=0, command_id=command_id)])
            self._checker.count_unsequenced(fill.source, now_ns)

    async def _answer(self) -> None:
        """Answers commands as they come, apart from the intake: a disk that is slow holds up nobody else; for ever."""
        while True:
            await self._answers_due.wait()
            self._answers_due.clear()
            await self.answer_due()

    async def answer_due(self) -> None:
        """Answers the commands so far, once the desk is saved: after a crash no command may be filled twice.

        Cancelled here the answers wait for the next call.
        """
        if not self._unanswered:
            return
        due = len(self._unanswered)
        await self._storage.desk.save()
        for _ in range(min(due, len(self._unanswered))):  # those that came meanwhile are of a later state
            answer = [encode(self._unanswered.popleft().result)]
            for sink in self._ui:
                sink.offer(answer)

    async def _beat(self) -> None:
        """Sends several times a second that ingest is there, and which number comes next."""
        while True:
            self._delivery.heartbeat()
            await self._clock.sleep(HEARTBEAT_S)

    async def _report(self, reporter: StatusReporter) -> None:
        """Sends the UI the state of ingest."""
        while True:
            self._checker.tick(self._clock.now_ns(), self._clock.monotonic_ns())
            status = [encode(reporter.status(self._clock.now_ns()))]
            for sink in self._ui:
                sink.offer(status)
            await self._clock.sleep(REPORT_S)
