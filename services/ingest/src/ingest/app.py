"""Ingest: receive → check → number → push, for clients and feeds alike."""

import asyncio
from collections.abc import Callable, Sequence

from ingest.checking.checker import Checked, Checker, Command, Refusal
from ingest.checking.chunks import ChunkBuilder
from ingest.delivery.batch_delivery import Outflow
from ingest.desk.desk import Decision, Desk
from ingest.feeds.runner import FeedRunner
from ingest.reporting.ledger import Ledger
from ingest.reporting.status import StatusReporter
from ingest.storage.dead_letters import DeadLetters
from telemetry_runtime import AsyncTaskManager, Clock, EdgeSource, LossySink, Source, StopError
from telemetry_schema import encode
from telemetry_schema.batch import CommandRef

HEARTBEAT_S = 0.5
REPORT_S = 0.25


class UnappliedError(StopError):
    """Ingest had to stop while analytics had not applied all accepted trades."""

    def __init__(self, trades: int) -> None:
        super().__init__(f"{trades} accepted trades were not applied: analytics is away or too slow")
        self.trades = trades


class IngestApp:
    """The pipeline: `start` its tasks, and `finish` it before they are stopped."""

    def __init__(
        self,
        *,
        source: EdgeSource,
        ui: Sequence[LossySink],
        checker: Checker,
        desk: Desk,
        outflow: Outflow,
        ledger: Ledger,
        dead_letters: DeadLetters,
        clock: Clock,
    ) -> None:
        self._source, self._ui = source, ui
        self._checker, self._desk, self._outflow = checker, desk, outflow
        self._ledger, self._dead_letters, self._clock = ledger, dead_letters, clock
        self._intake: asyncio.Task[None]
        self._feeds: list[asyncio.Task[None]] = []

    def start(
        self, tasks: AsyncTaskManager, *, progress: Source, feeds: Sequence[FeedRunner], reporter: StatusReporter
    ) -> None:
        """Starts the pipeline, from the sea to the spring."""
        tasks.start("progress", self._outflow.follow(progress), may_end=True)
        tasks.start("pump", self._outflow.pump())
        tasks.start("heartbeat", self._beat())
        tasks.start("report", self._report(reporter))
        self._intake = tasks.start("intake", self.take_in(), may_end=True)
        self._feeds = [tasks.start(f"feed {feed.name}", feed.run(), may_end=True) for feed in feeds]

    async def finish(self, tasks: AsyncTaskManager, stop_source: Callable[[], None], *, grace_s: float) -> None:
        """Lets the sources dry up, then waits until analytics has applied what was accepted.

        Raises:
            UnappliedError: it did not, within `grace_s` seconds.
        """
        await tasks.stop(*self._feeds)
        stop_source()
        try:
            async with asyncio.timeout(grace_s):
                await asyncio.wait([self._intake])
                await self._outflow.finish()
        except TimeoutError as error:
            raise UnappliedError(self._outflow.unapplied_trades) from error

    async def take_in(self) -> None:
        """Takes in what clients send, until the source ends."""
        while burst := await self._source.receive():
            now_ns = self._clock.now_ns()
            await self.pass_on(self._checker.check(burst, now_ns))

    async def pass_on(self, checked: Checked) -> None:
        """Counts, keeps and numbers what was checked, all at once, then waits until it is on its way."""
        now_ns = self._clock.now_ns()
        for chunk in checked.chunks:
            self._outflow.add(chunk)
        self._desk.last_prices.note(checked.chunks)
        for command in checked.commands:
            self._execute(command, checked, now_ns)
        self._ledger.count(checked)
        self._dead_letters.write(checked.refusals, now_ns)
        # Cancelled here nothing is lost: what was accepted is held by the outflow.
        await self._outflow.flush()

    def _execute(self, command: Command, checked: Checked, now_ns: int) -> None:
        decision = self._desk.decide(command, now_ns)
        self._tally(decision, command, checked)
        answer = [encode(decision.result)]
        for sink in self._ui:
            sink.offer(answer)
        if decision.fill is not None:
            builder = ChunkBuilder()
            builder.add_trades([decision.fill], now_ns)
            for chunk in builder.chunks():
                self._outflow.add(chunk, [CommandRef(index=0, command_id=command.command_id)])
            self._checker.count_unsequenced(decision.fill.source, now_ns)

    def _tally(self, decision: Decision, command: Command, checked: Checked) -> None:
        self._ledger.commands[decision.outcome, decision.reason] += 1
        if decision.outcome == "refused":
            checked.refusals.append(Refusal("command_refused", str(decision.result.reason), encode(command), trades=0))
        setattr(checked.tally, decision.outcome, getattr(checked.tally, decision.outcome) + 1)

    async def _beat(self) -> None:
        """Says several times a second that ingest is there, and which number comes next."""
        while True:
            self._outflow.heartbeat()
            await self._clock.sleep(HEARTBEAT_S)

    async def _report(self, reporter: StatusReporter) -> None:
        """Tells the UI how ingest is."""
        while True:
            status = [encode(reporter.status(self._clock.now_ns()))]
            for sink in self._ui:
                sink.offer(status)
            await self._clock.sleep(REPORT_S)
