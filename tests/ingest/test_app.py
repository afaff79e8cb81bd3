"""The whole pipeline of ingest on fakes."""

import asyncio
import errno
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest
import structlog
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from ingest.app import HISTORY_S, Checks, IngestApp, Storage, UnappliedError
from ingest.checking.checker import Checker
from ingest.checking.crowding import HELD_BACK_LIMITED, HELD_BACK_MESSAGES
from ingest.checking.rate_limit import RateLimit, RateLimiter
from ingest.checking.sequences import SequenceTracker
from ingest.delivery.batch_delivery import BatchDelivery
from ingest.desk.desk import Desk
from ingest.desk.limits import DeskLimits
from ingest.desk.outcome import DeskOutcome
from ingest.reporting.ledger import IngestLedger
from ingest.reporting.metrics import IngestCollector, KeptFiles, RateLimitCollector
from ingest.reporting.status import StatusReporter
from ingest.storage.audit import AuditFile
from ingest.storage.dead_letters import DeadLetterFile
from ingest.storage.journal import Journal
from ingest.storage.log.group_commit import GroupCommit
from ingest.storage.log.memory_log import MemoryLog
from telemetry_runtime import AsyncTaskManager
from telemetry_runtime.fakes import FakeClock, FakeEdgeSource, FakeSink, FakeSource
from telemetry_runtime.http import TextFormat, registry_text
from telemetry_schema import (
    CommandHistory,
    CommandResult,
    DeskCommand,
    IngestStatus,
    KillSwitch,
    ProfitHistory,
    Progress,
    TradeCommand,
    decode_ui,
    encode,
)
from telemetry_schema.batch import TradeBatch, decode_stream_batch
from tests.helpers.openmetrics import families_of
from tests.helpers.trades import NOW_NS, frame, trade

COMMAND_ID = UUID("12345678-1234-5678-1234-567812345678")


class AuditAtOnce(AuditFile):
    """The audit without its thread, which knows nothing of the rig's clock."""

    async def write(self, commands: Sequence[DeskCommand], outcome: DeskOutcome, now_ns: int) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, super().write(commands, outcome, now_ns)).result()


class Rig:
    """Ingest with a fake on every side."""

    def __init__(self, directory: Path, limit: RateLimit | None = None) -> None:
        self.clock = FakeClock(NOW_NS)
        self.source, self.progress = FakeEdgeSource(), FakeSource(stays_open=True)
        self.analytics, self.ui = FakeSink(), FakeSink()
        self.ledger = IngestLedger()
        self.sequences = SequenceTracker(max_runs=10, max_sources=10)
        self.log = MemoryLog("s", max_bytes=1 << 30)
        self.writer = GroupCommit(self.log, clock=self.clock)
        self.delivery = BatchDelivery(self.analytics, self.writer, clock=self.clock)
        self.dead_letters = DeadLetterFile(directory, file_bytes=100_000, files=2)
        self.audit = AuditAtOnce(directory, file_bytes=100_000, files=2)
        limits = DeskLimits(max_qty=10, max_notional=100_000, price_band_ratio=0.1, max_commands_per_s=5)
        desk = Desk(limits, account="paper")
        self.checker = Checker(self.sequences, max_ahead_ns=5_000_000_000)
        limiter = RateLimiter(limit or RateLimit(), max_sources=10)
        self.app = IngestApp(
            source=self.source,
            ui=[self.ui],
            checks=Checks(limiter, self.checker),
            desk=desk,
            delivery=self.delivery,
            ledger=self.ledger,
            storage=Storage(self.dead_letters, self.audit, Journal(self.writer, self.sequences, desk, boot="")),
            clock=self.clock,
        )
        self.reporter = StatusReporter(
            stream="s",
            ledger=self.ledger,
            sequences=self.sequences,
            open_runs=self.checker.open_runs,
            delivery=self.delivery,
            desk=desk,
            feeds=[],
        )
        self.registry = CollectorRegistry()
        self.registry.register(RateLimitCollector(limiter, self.ledger.held_back, lambda: 0.5))
        self.registry.register(
            IngestCollector(
                self.ledger,
                self.sequences,
                self.delivery,
                KeptFiles(self.dead_letters, self.audit),
                [],
                self.writer,
                desk=desk,
                open_runs=self.checker.open_runs,
            )
        )

    async def take(self, *frames: bytes) -> None:
        """Lets clients send messages, and ingest take them in."""
        self.source.put(*frames)
        self.source.stop()
        await self.app.take_in()

    def batches(self) -> list[TradeBatch]:
        """What analytics got, but for the mark that begins the stream."""
        decoded = [decode_stream_batch(frames) for frames in self.analytics.sent]
        batches = [batch for batch in decoded if isinstance(batch, TradeBatch)]
        return [batch for batch in batches if not batch.header.resume]

    def done(self) -> list[UUID]:
        """The commands that analytics was told of with their trades."""
        return [command.command_id for batch in self.batches() for command in batch.header.commands]

    def results(self) -> list[CommandResult]:
        """What the UI got as answers."""
        messages = [decode_ui(bytes(frames[0])) for frames in self.ui.sent]
        return [message for message in messages if isinstance(message, CommandResult)]

    def histories(self) -> list[CommandHistory]:
        """What the UI was told of the last commands."""
        messages = [decode_ui(bytes(frames[0])) for frames in self.ui.sent]
        return [message for message in messages if isinstance(message, CommandHistory)]

    def profits(self) -> list[ProfitHistory]:
        """What the UI was told of the account's profit."""
        messages = [decode_ui(bytes(frames[0])) for frames in self.ui.sent]
        return [message for message in messages if isinstance(message, ProfitHistory)]

    def metric(self, name: str, **labels: str) -> float | None:
        """A sample of /metrics."""
        return self.registry.get_sample_value(name, labels)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def _command(qty: float = 1.0, command_id: UUID = COMMAND_ID) -> bytes:
    return encode(
        TradeCommand(command_id=command_id, source="ui", symbol="BTC-USD", side="buy", qty=qty, sent_ns=NOW_NS)
    )


async def test_trades_go_through_and_every_message_is_counted_once(rig: Rig) -> None:
    await rig.take(frame(trade(run="r", seq=0)), b"nonsense", frame(trade(run="r", seq=0)), frame(trade()))
    assert [len(batch.records) for batch in rig.batches()] == [2]
    outcomes = ("accepted", "refused", "duplicate", "ignored")
    counts = [rig.metric("telemetry_messages_total", service="ingest", outcome=outcome) for outcome in outcomes]
    assert counts == [2, 1, 1, 0]
    assert rig.metric("telemetry_refused_total", source="", reason="not_json") == 1
    assert rig.metric("telemetry_source_trades_total", source="bot") == 2
    assert rig.metric("telemetry_source_duplicate_total", source="bot") == 1
    assert rig.metric("telemetry_unapplied_trades") == 2
    assert rig.metric("telemetry_batch_trades_sum", service="ingest") == 2
    assert rig.metric("telemetry_batch_trades_bucket", service="ingest", le="2.0") == 1


async def test_a_command_is_filled_answered_and_becomes_a_trade_that_names_it(rig: Rig) -> None:
    await rig.take(frame(trade(price=100.0)), _command(2.0))
    (answer,) = rig.results()
    assert (answer.status, answer.price) == ("accepted", 100.0)
    fill = rig.batches()[-1]
    assert fill.header.commands[0].command_id == COMMAND_ID
    assert (fill.records["qty"][0], fill.records["price"][0]) == (2.0, 100.0)
    assert rig.metric("telemetry_commands_total", outcome="accepted", reason="") == 1


async def test_a_repeated_command_is_answered_and_not_filled_again(rig: Rig) -> None:
    await rig.take(frame(trade(price=100.0)), _command(), _command())
    assert [answer.status for answer in rig.results()] == ["accepted", "accepted"]
    assert sum(len(batch.records) for batch in rig.batches()) == 2
    assert rig.metric("telemetry_commands_total", outcome="duplicate", reason="") == 1
    assert rig.metric("telemetry_messages_total", service="ingest", outcome="duplicate") == 1


async def test_an_order_that_rests_is_answered_again_when_a_trade_fills_it_and_names_its_command_then(
    rig: Rig, tmp_path: Path
) -> None:
    resting = TradeCommand(
        command_id=COMMAND_ID, source="ui", symbol="BTC-USD", side="buy", qty=2.0, price=99.0, tif="gtc", sent_ns=NOW_NS
    )
    await rig.take(frame(trade(price=100.0)), encode(resting))
    assert rig.metric("telemetry_desk_open_orders", source="ui") == 1
    assert rig.done() == []
    await rig.clock.advance(1)
    await rig.take(frame(trade(price=98.0, event_ns=rig.clock.now_ns(), sent_ns=rig.clock.now_ns())))
    assert [(answer.status, answer.price, answer.filled_qty) for answer in rig.results()] == [
        ("resting", None, 0.0),
        ("accepted", 99.0, 2.0),
    ]
    assert rig.done() == [COMMAND_ID]
    async with AsyncTaskManager() as tasks:
        rig.app.start(tasks, progress=rig.progress, feeds=[], reporter=rig.reporter)
        await rig.clock.advance(HISTORY_S)
    assert [one.result.status for one in rig.histories()[-1].commands] == ["accepted"]
    assert rig.metric("telemetry_desk_open_orders", source="ui") is None
    assert rig.metric("telemetry_commands_total", outcome="accepted", reason="") == 1
    audited = [json.loads(line)["outcome"] for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert audited == ["accepted", "filled"]


async def test_a_refused_command_says_why_and_is_kept(rig: Rig) -> None:
    await rig.take(frame(trade(price=100.0)), _command(11.0))
    (answer,) = rig.results()
    assert (answer.status, answer.code) == ("refused", "max_qty")
    assert rig.metric("telemetry_commands_total", outcome="refused", reason="max_qty") == 1
    assert rig.metric("telemetry_refused_total", source="ui", reason="command_refused") == 1
    assert rig.ledger.messages.received == 2


async def test_the_kill_switch_refuses_every_command(rig: Rig) -> None:
    switch = encode(KillSwitch(command_id=UUID(int=1), source="ui", engaged=True, sent_ns=NOW_NS))
    assert rig.metric("telemetry_kill_switch_engaged") == 0
    await rig.take(frame(trade(price=100.0)), switch, _command())
    assert rig.metric("telemetry_kill_switch_engaged") == 1
    assert [(answer.status, answer.code) for answer in rig.results()] == [
        ("accepted", None),
        ("refused", "kill_switch"),
    ]


async def test_the_status_holds_the_ledger_and_the_desk(rig: Rig) -> None:
    await rig.take(frame(trade(price=100.0)), _command())
    status = decode_ui(encode(rig.reporter.status(NOW_NS)))
    assert isinstance(status, IngestStatus)
    assert (status.ledger.received, status.accepted_trades, status.unapplied_trades) == (2, 2, None)
    assert status.desk is not None
    assert [(position.symbol, position.qty) for position in status.desk.positions] == [("BTC-USD", 1.0)]


async def test_a_stop_waits_until_analytics_has_everything(rig: Rig) -> None:
    async with AsyncTaskManager() as tasks:
        rig.app.start(tasks, progress=rig.progress, feeds=[], reporter=rig.reporter)
        rig.source.put(frame(trade()))
        finishing = asyncio.ensure_future(rig.app.finish(tasks, rig.source.stop, grace_s=5))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not finishing.done()
        rig.progress.put([[encode(Progress(stream="s", epoch=1, next_seq=1))]])
        await finishing
    assert rig.batches()[-1].header.final


async def test_a_stop_without_analytics_says_how_many_trades_it_costs(rig: Rig) -> None:
    async with AsyncTaskManager() as tasks:
        rig.app.start(tasks, progress=rig.progress, feeds=[], reporter=rig.reporter)
        rig.source.put(frame(trade()))
        with pytest.raises(UnappliedError, match="1 accepted trades"):
            await rig.app.finish(tasks, rig.source.stop, grace_s=0.01)


async def test_a_stop_without_analytics_costs_nothing_where_the_log_is_on_disk(rig: Rig) -> None:
    rig.log.is_durable = True
    async with AsyncTaskManager() as tasks:
        rig.app.start(tasks, progress=rig.progress, feeds=[], reporter=rig.reporter)
        rig.source.put(frame(trade()))
        with capture_logs() as logs:
            await rig.app.finish(tasks, rig.source.stop, grace_s=0.01)
    assert [(line["event"], line["trades_in_log"]) for line in logs] == [("stopped_before_all_was_applied", 1)]


async def test_a_command_is_answered_only_when_its_fill_is_in_the_log(rig: Rig) -> None:
    rig.log.failure = OSError(errno.ENOSPC, "no space left")
    rig.source.put(frame(trade(price=100.0)), _command())
    rig.source.stop()
    taking = asyncio.ensure_future(rig.app.take_in())
    for _ in range(20):
        await asyncio.sleep(0)
    assert not taking.done()
    assert rig.results() == []
    assert rig.batches() == []
    rig.log.failure = None
    rig.writer.append()
    await taking
    assert [answer.status for answer in rig.results()] == ["accepted"]
    assert [len(batch.records) for batch in rig.batches()] == [1, 1]


async def test_what_a_burst_changes_is_one_transaction(rig: Rig) -> None:
    await rig.take(frame(trade(run="r", seq=0)), frame(trade(run="r", seq=1)))
    (run,) = [key for key in rig.log.state() if key.startswith("run ")]
    assert run == "run bot\x1fr"
    assert rig.log.next_seq == 2


async def test_reports_about_runs_are_counted_and_the_unfinished_shown(rig: Rig) -> None:
    head = {"source": "bot", "run": "r", "next_seq": 1, "sent_ns": NOW_NS}
    silent = {"type": "alive", **head, "source": "unknown"}
    await rig.take(frame(trade(run="r", seq=0)), frame({"type": "alive", **head}), frame(silent))
    for second in range(40):
        rig.checker.tick(NOW_NS, second * 1_000_000_000)
    (bot,) = rig.reporter.status(NOW_NS).sources
    assert bot.unfinished_runs == 1
    value = rig.registry.get_sample_value
    assert value("telemetry_unfinished_runs", {"source": "bot"}) == 1
    assert value("telemetry_unfinished_runs", {"source": "other"}) == 1
    assert value("telemetry_run_reports_total", {"type": "alive"}) == 2
    assert value("telemetry_run_reports_total", {"type": "end"}) == 0
    assert value("telemetry_messages_total", {"service": "ingest", "outcome": "accepted"}) == 3


async def test_every_command_is_audited_with_its_answer_the_refused_and_the_repeated_too(
    rig: Rig, tmp_path: Path
) -> None:
    await rig.take(frame(trade()), _command(), _command(), _command(qty=11, command_id=UUID(int=2)))
    lines = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert [line["outcome"] for line in lines] == ["accepted", "duplicate", "refused"]
    assert [line["answer"] for line in lines] == [json.loads(encode(each)) for each in rig.results()]
    assert rig.metric("telemetry_audit_unkept_total") == 0


async def test_what_a_source_sends_beyond_its_limit_is_refused_counted_and_logged_once_and_others_get_through(
    tmp_path: Path,
) -> None:
    rig = Rig(tmp_path, RateLimit(messages_per_s=5))
    flood = [frame(trade(source="flood", run="r", seq=number)) for number in range(50)]
    with structlog.testing.capture_logs() as lines:
        await rig.take(*flood, *(frame(trade(run="r", seq=number)) for number in range(5)))
    assert rig.metric("telemetry_source_trades_total", source="bot") == 5
    assert rig.metric("telemetry_source_trades_total", source="flood") == 5
    assert rig.metric("telemetry_refused_total", source="flood", reason="rate_limited") == 45
    assert rig.metric("telemetry_rate_limited_total", source="flood") == 45
    outcomes = [
        rig.metric("telemetry_messages_total", service="ingest", outcome=outcome) or 0
        for outcome in ("accepted", "refused", "duplicate", "ignored")
    ]
    assert outcomes == [10, 45, 0, 0]
    assert rig.metric("telemetry_refused_trades_total") == 45
    refusals = [line for line in lines if line["event"] == "message_refused"]
    assert [(line["reason"], line["source"]) for line in refusals] == [("rate_limited", "flood")]
    assert not (tmp_path / "dead-letters.jsonl").exists()


async def test_a_flood_is_held_back_beside_another_client_and_not_alone(rig: Rig) -> None:
    flood = [frame(trade(source="flood", run="r", seq=number)) for number in range(200)]
    await rig.take(*flood[:100])
    assert rig.source.held_back == []
    rig.source.put(frame(trade(source="bot")), *flood[100:])
    rig.source.put(frame(trade(source="bot")))
    rig.source.stop()
    await rig.app.take_in()
    assert rig.source.held_back == [HELD_BACK_MESSAGES]
    assert rig.metric("telemetry_ingest_held_back_bursts_total", reason="flood") == 1
    assert rig.metric("telemetry_ingest_held_back_bursts_total", reason="rate_limited") == 0
    assert rig.metric("telemetry_ingest_held_back_seconds_total") == 0.5
    assert rig.metric("telemetry_source_trades_total", source="flood") == 200


async def test_a_flood_that_is_refused_is_held_back(tmp_path: Path) -> None:
    rig = Rig(tmp_path, RateLimit(messages_per_s=5))
    await rig.take(*(frame(trade(source="flood", run="r", seq=number)) for number in range(100)))
    assert rig.source.held_back == [HELD_BACK_LIMITED]
    assert rig.metric("telemetry_ingest_held_back_bursts_total", reason="rate_limited") == 1


async def test_the_page_is_sent_the_last_commands_as_far_as_they_came(rig: Rig) -> None:
    async with AsyncTaskManager() as tasks:
        rig.app.start(tasks, progress=rig.progress, feeds=[], reporter=rig.reporter)
        await rig.clock.advance(0)
        assert rig.histories() == []
        rig.source.put(frame(trade(price=100.0)), _command(2.0), _command(2.0))
        await rig.clock.advance(HISTORY_S)
        await rig.clock.advance(HISTORY_S)
        rig.progress.put([[encode(Progress(stream="s", epoch=1, next_seq=2))]])
        await rig.clock.advance(HISTORY_S)
    first, second, third = rig.histories()
    assert [(one.command.command_id, one.result.status) for one in first.commands] == [(COMMAND_ID, "accepted")]
    assert second == first
    assert [(one.result.status, one.result.price) for one in third.commands] == [("applied", 100.0)]


async def test_the_page_is_sent_the_profit_from_the_first_position_on(rig: Rig) -> None:
    async with AsyncTaskManager() as tasks:
        rig.app.start(tasks, progress=rig.progress, feeds=[], reporter=rig.reporter)
        await rig.clock.advance(HISTORY_S)
        assert rig.profits() == []
        rig.source.put(frame(trade(price=100.0)), _command(2.0))
        await rig.clock.advance(HISTORY_S / 2)
        rig.source.put(frame(trade(price=101.0)))
        for _ in range(4):
            await rig.clock.advance(HISTORY_S)
    assert rig.profits()[-1].profit == [2.0, 2.0]


async def test_the_page_is_sent_no_command_that_is_not_in_the_log(rig: Rig) -> None:
    async with AsyncTaskManager() as tasks:
        rig.app.start(tasks, progress=rig.progress, feeds=[], reporter=rig.reporter)
        rig.log.failure = OSError(errno.ENOSPC, "no space left")
        rig.source.put(frame(trade(price=100.0)), _command())
        await rig.clock.advance(2 * HISTORY_S)
        assert rig.histories() == []


async def test_in_a_quiet_market_the_page_is_sent_the_last_commands_too(rig: Rig) -> None:
    async with AsyncTaskManager() as tasks:
        rig.app.start(tasks, progress=rig.progress, feeds=[], reporter=rig.reporter)
        rig.source.put(frame(trade(price=100.0)), _command())
        await rig.clock.advance(0.1)
        rig.progress.put([[encode(Progress(stream="s", epoch=1, next_seq=2, checkpointed_seq=2))]])
        await rig.clock.advance(HISTORY_S)
    assert [one.result.status for one in rig.histories()[-1].commands] == ["applied"]


async def test_all_metrics_can_be_read_as_openmetrics(rig: Rig) -> None:
    await rig.take(frame(trade(run="r", seq=0)), b"nonsense", _command())
    exposed = registry_text(rig.registry, TextFormat.OPENMETRICS).decode()
    names = {metric.name for metric in families_of(exposed)}
    assert {"telemetry_messages", "telemetry_source_trades", "telemetry_batch_trades"} <= names
