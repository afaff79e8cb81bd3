"""One feed and its end: what it gave counts, and a feed that fails ends alone."""

import gzip
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ingest.checking.outcomes import Checked
from ingest.feeds.base import FeedBurst, FeedError
from telemetry_runtime.fakes import FakeClock
from tests.ingest.feeds.frames_of import BINANCE, feed_trade
from tests.ingest.feeds.opened import opened
from tests.ingest.feeds.running import NOW_NS, Running, ScriptedFeed

RECORDED_NS = 1_750_000_000_000_000_000


def burst(*numbers: int, replayed: bool = False) -> FeedBurst:
    return FeedBurst([feed_trade(number, RECORDED_NS) for number in numbers], replayed=replayed)


async def test_a_feed_that_ends_well_is_finished_and_all_it_gave_was_passed_on() -> None:
    running = Running(ScriptedFeed(burst(1, 2), burst(3)))

    await running.runner.run()

    assert running.trades == 3
    assert (running.runner.state, running.runner.view().detail, running.runner.view().trades) == ("finished", None, 3)


@pytest.mark.parametrize(
    ("error", "reason"),
    [(FeedError("the file ends early"), "the file ends early"), (KeyError("surprise"), "KeyError: 'surprise'")],
)
async def test_a_feed_that_fails_is_failed_with_its_reason_and_raises_nothing(error: Exception, reason: str) -> None:
    running = Running(ScriptedFeed(burst(1, 2), error=error))

    with capture_logs() as logs:
        await running.runner.run()

    assert running.trades == 2
    view = running.runner.view()
    assert (view.state, view.detail, view.trades) == ("failed", reason, 2)
    (line,) = [line for line in logs if line["event"] == "feed_failed"]
    assert (line["log_level"], line["reason"], line["feed"]) == ("error", reason, "scripted://feed")


async def test_a_fault_of_the_pipeline_is_not_taken_for_the_feeds() -> None:
    running = Running(ScriptedFeed(burst(1)))

    async def broken(_: Checked) -> None:
        raise OSError("no space left")

    running.runner._pass_on = broken

    with pytest.raises(OSError, match="no space left"):
        await running.runner.run()
    assert running.runner.state == "live"


async def test_a_reason_may_be_long_and_the_status_stays_short() -> None:
    running = Running(ScriptedFeed(error=FeedError("x" * 100_000)))

    await running.runner.run()

    assert len(running.runner.view().detail or "") == 300


async def test_a_trade_is_reported_received_by_ingests_clock_in_a_replay_too() -> None:
    running = Running(ScriptedFeed(burst(1, replayed=True)))

    await running.runner.run()

    assert running.runner.view().last_trade_ns == NOW_NS
    assert running.sequences.sources["venue"].last_ns == NOW_NS
    assert running.passed[0].chunks[0].records["received_ns"].tolist() == [RECORDED_NS]


async def test_a_burst_without_trades_is_no_sign_of_trades() -> None:
    running = Running(ScriptedFeed(FeedBurst([], ignored=3)))

    await running.runner.run()

    assert (running.runner.view().last_trade_ns, running.runner.view().trades) == (None, 0)


async def test_a_recording_that_is_cut_short_fails_after_what_was_readable(tmp_path: Path) -> None:
    lines = [
        b"%d %b\n" % (RECORDED_NS, BINANCE.replace(b'"t":4100000001', b'"t":%d' % number)) for number in range(20_000)
    ]
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(b"".join(lines), mtime=0)[:-2_000])
    running = Running(opened(f"replay://{path}?venue=binance&speed=max", FakeClock()))

    await running.runner.run()

    assert 1_000 < running.trades < 20_000
    assert running.sequences.sources["binance"].accepted == running.trades
    view = running.runner.view()
    assert (view.state, view.trades) == ("failed", running.trades)
    assert "Compressed file ended" in (view.detail or "")


async def test_a_recording_that_vanished_after_the_start_fails_alone(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"%d %b\n" % (RECORDED_NS, BINANCE))
    running = Running(opened(f"replay://{path}?venue=binance", FakeClock()))
    path.unlink()

    await running.runner.run()

    assert running.runner.state == "failed"
    assert "No such file" in (running.runner.view().detail or "")
