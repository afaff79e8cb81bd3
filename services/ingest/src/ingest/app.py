"""The pipeline of ingest: receive → check → number → push, for clients and feeds alike."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import structlog

from ingest.checking.checker import Checker
from ingest.checking.chunks import ChunkBuilder
from ingest.checking.crowding import Crowding, reason_of
from ingest.checking.outcomes import Checked, Refusal
from ingest.checking.rate_limit import Limited, RateLimiter
from ingest.delivery.batch_delivery import BatchDelivery
from ingest.desk.desk import Desk
from ingest.desk.outcome import DeskOutcome
from ingest.feeds.runner import FeedRunner
from ingest.reporting.ledger import IngestLedger
from ingest.reporting.refusal_log import RefusalLog
from ingest.reporting.status import StatusReporter
from ingest.storage.audit import Audit, lines_of_what_was_done
from ingest.storage.dead_letters import DeadLetters
from ingest.storage.journal import Journal
from telemetry_runtime import AsyncTaskManager, Clock, EdgeSource, LossySink, Source, StopError
from telemetry_schema import DeskCommand, Reason, encode
from telemetry_schema.batch import CommandRef

HEARTBEAT_S = 0.5
REPORT_S = 0.25
HISTORY_S = 3.0
"""Between two reports of the last commands: how long a restarted page may lack them."""


class UnappliedError(StopError):
    """Ingest had to stop while analytics had not applied all accepted trades."""

    def __init__(self, trades: int) -> None:
        super().__init__(f"{trades} accepted trades were not applied, and are in no log: analytics is away or too slow")
        self.trades = trades


@dataclass(frozen=True, slots=True)
class Storage:
    """What the pipeline writes to disk."""

    dead_letters: DeadLetters
    audit: Audit
    journal: Journal


class Checks(NamedTuple):
    """What decides about clients' messages, in this order."""

    limiter: RateLimiter
    checker: Checker


class IngestApp:
    """The pipeline: `start` its tasks, and `finish` it before they are stopped."""

    def __init__(
        self,
        *,
        source: EdgeSource,
        ui: Sequence[LossySink],
        checks: Checks,
        desk: Desk,
        delivery: BatchDelivery,
        ledger: IngestLedger,
        storage: Storage,
        clock: Clock,
    ) -> None:
        self._source, self._ui = source, ui
        self._limiter, self._checker = checks
        self._crowding = Crowding()
        self._desk, self._delivery = desk, delivery
        self._ledger, self._storage, self._clock = ledger, storage, clock
        self._refusal_log = RefusalLog(monotonic_ns=clock.monotonic_ns)
        self._is_reading = True
        """Else the intake lets the clients wait."""
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
        tasks.start("history", self._report_history())
        self._intake = tasks.start("intake", self.take_in(), may_end=True)
        self._feeds = [tasks.start(f"feed {feed.name}", feed.run(), may_end=True) for feed in feeds]

    async def finish(self, tasks: AsyncTaskManager, stop_source: Callable[[], None], *, grace_s: float) -> None:
        """Drains the sources, then waits until analytics has applied what was accepted.

        If it does not, within `grace_s` seconds, the log has it for the next start.

        Raises:
            UnappliedError: there is no log on disk, or it could not take all of it.
        """
        await tasks.stop(*self._feeds)
        stop_source()
        try:
            async with asyncio.timeout(grace_s):
                await asyncio.wait([self._intake])
                await self._delivery.finish()
        except TimeoutError as error:
            if not self._delivery.is_in_log:
                raise UnappliedError(self._delivery.unapplied_trades) from error
            structlog.get_logger("ingest").warning(
                "stopped_before_all_was_applied", trades_in_log=self._delivery.unapplied_trades
            )

    async def take_in(self) -> None:
        """Receives and checks the messages of clients until the source ends."""
        while burst := await self._source.receive():
            now_ns, monotonic_ns = self._clock.now_ns(), self._clock.monotonic_ns()
            self._is_reading = False
            limited = self._limiter.admit(burst, monotonic_ns)
            checked = self._checker.check(limited.burst, now_ns)
            if limited.sources:
                self._refuse_limited(limited, checked)
            limited_messages = sum(checked.limited.values())
            if most := self._crowding.next_burst(len(burst.frames), limited_messages, checked.chunks, monotonic_ns):
                self._source.hold_back(most)
                self._ledger.held_back[reason_of(most)] += 1
            await self.pass_on(checked)
            self._is_reading = True

    def _refuse_limited(self, limited: Limited, checked: Checked) -> None:
        """Counts and logs what was taken out. No dead letters: to write them would cost more than to accept."""
        checked.limited = limited.sources
        checked.tally.refused += limited.sources.total()
        text = "its source sends more than INGEST_MAX_MESSAGES_PER_S or INGEST_MAX_BYTES_PER_S"
        self._refusal_log.log(
            [Refusal(Reason.RATE_LIMITED, text, frame, source=source) for source, frame in limited.samples.items()]
        )

    async def pass_on(self, checked: Checked) -> None:
        """Numbers, executes, counts and keeps what was checked, then waits until not too much is held."""
        now_ns, monotonic_ns = self._clock.now_ns(), self._clock.monotonic_ns()
        for chunk in checked.chunks:
            self._delivery.add(chunk)
        if checked.events:
            self._delivery.add_events(checked.events, now_ns)
        self._desk.last_prices.note(checked.chunks, monotonic_ns)
        outcome = self._desk.execute(checked.commands, now_ns, monotonic_ns, after=checked.chunks)
        # Most bursts are of one trade, or of a few, and nothing else: what does nothing for them is not even called.
        done = self._note_done(checked.commands, outcome, now_ns) if outcome else []
        self._ledger.count(checked, outcome)
        if refusals := checked.refusals + outcome.refusals:
            self._refusal_log.log(refusals)
            self._storage.dead_letters.write(refusals, now_ns)
        self._storage.journal.record()
        # Up to here nothing was awaited, so a burst is one transaction of the log. Cancelled below nothing is lost: it
        # is in the log, or pending for it.
        if not self._storage.journal.is_committed:
            await self._storage.journal.committed()
        if outcome:
            await self._storage.audit.write(checked.commands, outcome, now_ns)
            self._storage.journal.note_audited(done)
            self._answer(outcome)
        await self._delivery.flush()

    def _note_done(self, commands: Sequence[DeskCommand], outcome: DeskOutcome, now_ns: int) -> list[bytes]:
        """Adds the fills of a burst to the log, and notes the answers; the lines that the audit is to have of them."""
        end_seqs = self._add_fills(outcome, now_ns)
        self._note_answers(commands, outcome, end_seqs)
        done = lines_of_what_was_done(commands, outcome, now_ns)
        self._storage.journal.note_unaudited(done)
        return done

    def _add_fills(self, outcome: DeskOutcome, now_ns: int) -> dict[UUID, int]:
        """Adds the fills of a burst to the log; by command the offset after its trade."""
        end_seqs: dict[UUID, int] = {}
        for command_id, fill in outcome.fills():
            builder = ChunkBuilder()
            builder.add_trades([fill], now_ns)
            for chunk in builder.chunks():
                done = [] if command_id is None else [CommandRef(index=0, command_id=command_id)]
                self._delivery.add(chunk, done)
            self._checker.count_unsequenced(fill.source, now_ns)
            if command_id is not None:
                end_seqs[command_id] = self._delivery.next_seq
        for event in outcome.events:
            self._checker.count_unsequenced_event(event, now_ns)
        self._delivery.add_events([encode(event) for event in outcome.events], now_ns)
        return end_seqs

    def _note_answers(
        self, commands: Sequence[DeskCommand], outcome: DeskOutcome, end_seqs: Mapping[UUID, int]
    ) -> None:
        for command, decision in zip(commands, outcome.decisions, strict=True):
            if decision.outcome != "duplicate":
                self._desk.history.note(command, decision.result, end_seqs.get(command.command_id))
        for update in outcome.updates:
            self._desk.history.update(update.order.command, update.result, end_seqs.get(update.order.order_id))

    def _answer(self, outcome: DeskOutcome) -> None:
        """Answers the commands of a burst, once it is in the log: after a crash no command may be filled twice."""
        for decision in outcome.decisions:
            self._offer(encode(decision.result))
        for update in outcome.updates:
            self._offer(encode(update.result))

    async def _beat(self) -> None:
        """Sends several times a second that ingest is there, and which number comes next."""
        while True:
            self._delivery.heartbeat()
            await self._clock.sleep(HEARTBEAT_S)

    async def _report(self, reporter: StatusReporter) -> None:
        """Sends the UI the state of ingest."""
        while True:
            self._checker.tick(self._clock.now_ns(), self._clock.monotonic_ns(), is_reading=self._is_reading)
            self._ledger.refused_sources.tick(self._clock.monotonic_ns())
            self._offer(encode(reporter.status(self._clock.now_ns())))
            await self._clock.sleep(REPORT_S)

    async def _report_history(self) -> None:
        """Sends the UI the last commands: also one that has just started shows them."""
        journal = self._storage.journal
        while True:
            # An answer that is not in the log may be forgotten. What waits for the next burst is written now: in a
            # quiet market there may be none.
            journal.record()
            await journal.committed()
            history = self._desk.history.message(self._delivery.confirmed_seq)
            if history.commands and journal.is_committed:
                self._offer(encode(history))
            self._report_profit()
            await self._clock.sleep(HISTORY_S)

    def _report_profit(self) -> None:
        profit = self._desk.profit_curve
        profit.note(self._desk.state().positions, self._clock.now_ns() // 1_000_000_000)
        if (curve := profit.message()).second:
            self._offer(encode(curve))

    def _offer(self, frame: bytes) -> None:
        for sink in self._ui:
            sink.offer([frame])
