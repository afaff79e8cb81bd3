"""Analytics: receive → apply → acknowledge. Metrics are rendered on request, snapshots are pushed at intervals."""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import chain

from analytics.analysis import FRESH_NS, Analysis, Results
from analytics.cooperative import run_cooperatively
from analytics.engine import Engine
from analytics.intake.patience import Patience
from analytics.output.bot_views import BotViews
from analytics.output.exposition import Family, openmetrics_text, text
from analytics.output.metrics import Metrics
from analytics.output.open_orders import open_totals
from analytics.output.order_metrics import OrderMetrics
from analytics.output.snapshots import Snapshots
from analytics.output.study_metrics import StudyMetrics
from analytics.output.study_views import studies_state
from analytics.studies.runner.studies import Studies
from telemetry_runtime import AsyncTaskManager, Clock, Frames, LossySink, RateLimitedWarning, Source
from telemetry_runtime.http import TextFormat
from telemetry_schema import BatchError, CommandResult, encode
from telemetry_schema.batch import EventBatch, TradeBatch, decode_stream_batch

ACKNOWLEDGE_S = 0.1
ACKNOWLEDGE_TRADES = 8_192
"""Interval of acknowledgements, and the number of trades after which one is sent at once: ingest's window of
unacknowledged trades is some tens of thousands."""

ORDERS_S = 1.0
"""Interval at which markouts are settled, ended orders are forgotten and accounts are valued."""

_TRADES_A_STEP = 16_384
"""Trades applied without a break: about 2 ms."""

BOTS_S = 1.0
"""Interval of what the UI is shown of bots and orders."""

STUDIES_S = 2.0
"""Interval of what the UI is shown of the studies."""

CATCH_UP_S = 0.05
"""Interval at which the first metrics after a restart look whether what came since the checkpoint is applied."""

_VALUES_A_STEP = 2_000
"""Metrics written without a break: about 1 ms."""


class AnalyticsApp:
    """The pipeline: `start` its tasks, and `finish` it before they are stopped."""

    def __init__(  # noqa: PLR0913 - one more part than most, each handed in by keyword
        self,
        *,
        source: Source,
        progress: LossySink,
        ui: Sequence[LossySink],
        engine: Engine,
        analysis: Analysis,
        snapshots: Snapshots,
        metrics: Metrics,
        clock: Clock,
        studies: Studies | None = None,
    ) -> None:
        self._source, self._progress, self._ui = source, progress, ui
        self._engine, self._analysis, self._clock = engine, analysis, clock
        self._snapshots, self._metrics, self._studies = snapshots, metrics, studies
        self._study_metrics = None if studies is None else StudyMetrics(studies)
        self._order_metrics = OrderMetrics()
        self._acknowledged_work, self._patience = 0, Patience()
        self._refused = RateLimitedWarning("batches_refused", monotonic_ns=clock.monotonic_ns)
        # Results are computed in steps, and the engine allows one read at a time: a second asker waits for the first.
        self.reading = asyncio.Lock()
        """Held while the engine is read in steps."""

    def start(self, tasks: AsyncTaskManager, *, snapshot_interval_s: float) -> None:
        """Starts the tasks: sinks before the source."""
        if self._ui:
            tasks.start("snapshots", self._push_snapshots(snapshot_interval_s))
            tasks.start("bot views", self._push_bots(BotViews(self._engine.orders, run=self._snapshots.run)))
        if self._studies is not None:
            tasks.start("studies", self._studies.run())
            if self._ui:
                tasks.start("study views", self._push_studies(self._studies))
        tasks.start("orders", self._follow_time())
        tasks.start("progress", self._acknowledge_regularly())
        tasks.start("intake", self.take_in())

    async def take_in(self) -> None:
        """Applies what ingest sends, until the source ends."""
        while burst := await self._source.receive():
            broken_at = self._engine.ledger.work
            for frames in burst:
                self._take(frames)
                if self._engine.ledger.work - broken_at >= _TRADES_A_STEP:
                    # Cancelled here the rest of the burst is not applied: it is not acknowledged either.
                    await asyncio.sleep(0)
                    broken_at = self._engine.ledger.work
            if self._engine.ledger.work - self._acknowledged_work >= ACKNOWLEDGE_TRADES:
                self.acknowledge()
            # Cancelled in `receive` nothing is lost: ingest holds what is not acknowledged and retransmits it.

    def _take(self, frames: Frames) -> None:
        now_ns = self._clock.now_ns()
        try:
            batch = decode_stream_batch(frames)
        except BatchError as error:
            self._engine.refuse()
            self._refused.log(last=str(error))
            return
        if isinstance(batch, EventBatch):
            self._engine.apply_events(batch, monotonic_ns=self._clock.monotonic_ns())
        elif (
            self._engine.apply(batch, now_ns=now_ns, monotonic_ns=self._clock.monotonic_ns()) and batch.header.commands
        ):
            self._confirm(batch, now_ns)

    def _confirm(self, batch: TradeBatch, now_ns: int) -> None:
        for ref in batch.header.commands:
            trade = batch.records[ref.index]
            result = CommandResult(
                command_id=ref.command_id,
                status="applied",
                price=float(trade["price"]),
                received_ns=int(trade["received_ns"]),
                applied_ns=now_ns,
            )
            self._offer(encode(result))

    def _offer(self, frame: bytes) -> None:
        for sink in self._ui:
            self._engine.ledger.dropped += not sink.offer([frame])

    async def _acknowledge_regularly(self) -> None:
        """Sends ingest the acknowledgements, and requests to retransmit what is missing."""
        while True:
            self._engine.streams.tick(self._clock.monotonic_ns())
            self.acknowledge()
            await self._clock.sleep(ACKNOWLEDGE_S)

    def acknowledge(self) -> None:
        """Sends the acknowledgements that are due; those that the queue has no room for stay due."""
        self._acknowledged_work = self._engine.ledger.work
        for progress in self._engine.streams.acknowledgements_due():
            if self._progress.offer([encode(progress)]):
                self._engine.streams.acknowledged(progress)

    async def _follow_time(self) -> None:
        """Gives the orders what only the passing of time brings, in steps, for ever."""
        while True:
            await self._clock.sleep(ORDERS_S)
            await run_cooperatively(self._engine.orders.tick(self._clock.now_ns()))

    async def _push_snapshots(self, interval_s: float) -> None:
        while True:
            snapshot = await run_cooperatively(self._snapshots.steps(await self._results(FRESH_NS)))
            self._offer(encode(snapshot))
            await self._clock.sleep(interval_s)

    async def _push_bots(self, views: BotViews) -> None:
        while True:
            self._offer(encode(await run_cooperatively(views.steps(self._clock.now_ns()))))
            await self._clock.sleep(BOTS_S)

    async def _push_studies(self, studies: Studies) -> None:
        while True:
            state = studies_state(studies, run=self._snapshots.run, at_ns=self._clock.now_ns())
            self._offer(encode(state))
            await self._clock.sleep(STUDIES_S)

    async def render(self, text_format: TextFormat = TextFormat.PROMETHEUS) -> bytes:
        """The metrics as text, without an end mark, with all trades that have been applied.

        After a restart it waits for what came since the checkpoint, so that no counter is seen to fall.
        """
        await self._catch_up()
        write = openmetrics_text if text_format is TextFormat.OPENMETRICS else text
        results, parts, values = await self._results(0), [], 0
        open_now = await run_cooperatively(open_totals(self._engine.orders))
        orders = self._order_metrics.families(self._engine.orders, self._clock.now_ns(), open_now)
        for family in chain(self._metrics.families(results), orders, self._study_families()):
            for _ in family.series.steps():
                await asyncio.sleep(0)
            parts.append(write(family).encode())
            values += len(family.values)
            if values > _VALUES_A_STEP:
                values = 0
                await asyncio.sleep(0)
        return b"".join(parts)

    async def _catch_up(self) -> None:
        streams, patience = self._engine.streams, self._patience
        while streams.is_behind and patience.is_left(self._engine.ledger.work, monotonic_ns=self._clock.monotonic_ns()):
            await self._clock.sleep(CATCH_UP_S)
        streams.give_up_waiting()

    def _study_families(self) -> Iterable[Family]:
        return () if self._study_metrics is None else self._study_metrics.families()

    async def _results(self, max_age_ns: int) -> Results:
        async with self.reading:
            return await run_cooperatively(self._analysis.steps(max_age_ns=max_age_ns))

    async def finish(self, *, quiet_s: float, grace_s: float) -> None:
        """Goes on applying until every stream has ended, no trade has come for `quiet_s`, or `grace_s` is over.

        So an ingest that stops at the same moment gets all its trades applied. One that goes on loses nothing
        either: it holds what is not acknowledged.
        """
        waited_s = quiet = 0.0
        applied = self._engine.ledger.work
        while waited_s < grace_s and quiet < quiet_s and not self._engine.streams.all_final:
            await self._clock.sleep(ACKNOWLEDGE_S)
            waited_s += ACKNOWLEDGE_S
            quiet = quiet + ACKNOWLEDGE_S if self._engine.ledger.work == applied else 0.0
            applied = self._engine.ledger.work
        self.acknowledge()
