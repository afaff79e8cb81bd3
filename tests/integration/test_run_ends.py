"""How the end of a bot shows, on real processes: in order, by SIGTERM, quiet, after a loss at the end."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from telemetry_client import Publisher
from tests.helpers.services import Pipeline, eventually

AFTER_S = 2.5
"""Long for a bot that reports every 0.1 s: a busy machine may hold it up for a second."""

BOT = """
import sys, time
from telemetry_client import Publisher
publisher = Publisher(sys.argv[1], "bot", alive_every_s=0.1)
for _ in range(5):
    publisher.trade("BTC-USD", "buy", 1, 1)
assert publisher.flush(30)
print("sent", flush=True)
time.sleep(600)
"""


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    with Pipeline(tmp_path, INGEST_UNFINISHED_AFTER_S=str(AFTER_S)) as both:
        yield both.start()


@contextmanager
def bot(pipeline: Pipeline) -> Iterator["subprocess.Popen[str]"]:
    """A bot that has sent five trades and sleeps."""
    with subprocess.Popen([sys.executable, "-c", BOT, pipeline.endpoint], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "sent\n"
            yield process
        finally:
            process.kill()


def _unfinished(pipeline: Pipeline) -> float:
    return pipeline.ingest.metrics().value("telemetry_unfinished_runs", source="bot")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_bot_that_a_signal_ends_is_unfinished(pipeline: Pipeline, number: signal.Signals) -> None:
    with bot(pipeline) as process:
        process.send_signal(number)
        process.wait(10)
        eventually(lambda: _unfinished(pipeline) == 1, what="an unfinished run")
        # The log is written by a thread of its own.
        (line,) = eventually(lambda: pipeline.ingest.events("run_unfinished"), what="a line in the log")
    assert line["source"] == "bot"


def test_a_bot_that_is_only_quiet_is_not_unfinished(pipeline: Pipeline) -> None:
    with bot(pipeline):
        reports = pipeline.ingest.metrics().value("telemetry_run_reports_total", type="alive")
        until_s = time.monotonic() + 2 * AFTER_S
        eventually(
            lambda: (
                time.monotonic() > until_s
                and pipeline.ingest.metrics().value("telemetry_run_reports_total", type="alive") > reports + 5
            ),
            what="reports",
        )
        assert _unfinished(pipeline) == 0
        assert pipeline.ingest.events("run_unfinished") == []


def test_a_quiet_bot_is_not_unfinished_while_ingest_restarts(pipeline: Pipeline) -> None:
    with bot(pipeline) as process:
        assert pipeline.ingest.stop() == 0
        pipeline.ingest.start().wait_ready()
        alive = "telemetry_run_reports_total"
        eventually(lambda: pipeline.ingest.metrics().value(alive, type="alive") > 3, what="the bot heard again")
        assert _unfinished(pipeline) == 0
        process.kill()
        eventually(lambda: pipeline.ingest.metrics().total("telemetry_unfinished_runs") == 1, what="an unfinished run")


def test_a_bot_that_closes_is_finished_and_a_loss_at_its_end_shows(pipeline: Pipeline) -> None:
    with Publisher(pipeline.endpoint, "bot", max_queued_messages=10, linger_s=30, alive_every_s=0.1) as publisher:
        publisher.trade("BTC-USD", "buy", 1, 1)
        assert publisher.flush(30)
        pipeline.ingest.stop()
        queued = [publisher.trade("BTC-USD", "buy", 1, 1) for _ in range(50)]
        pipeline.ingest.start().wait_ready()
    dropped = queued.count(False)
    assert dropped == publisher.dropped_trades > 0
    eventually(
        lambda: pipeline.ingest.metrics().value("telemetry_source_lost_total", source="bot") >= dropped,
        what="the loss at the end",
    )
    assert pipeline.ingest.metrics().value("telemetry_run_reports_total", type="end") == 1
    assert _unfinished(pipeline) == 0
