"""Durable clients against the real ingest: whatever is killed, each trade counts once, and none is missing."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from telemetry_client import Publisher
from tests.helpers.keys import Keys
from tests.helpers.services import Pipeline, eventually

BOT = """
import sys
from telemetry_client import Publisher
publisher = Publisher(sys.argv[1], "bot", durable=sys.argv[2], acks_endpoint=sys.argv[3])
print("", flush=True)
while publisher.trade("BTC-USD", "buy", 1, 100):
    print(publisher.sent_trades, flush=True)
"""


def durable(pipeline: Pipeline, directory: Path, **settings: Any) -> Publisher:  # noqa: ANN401 - a publisher's
    settings = {"linger_s": 20.0} | settings
    return Publisher(
        pipeline.endpoint, "bot", durable=directory / "queue", acks_endpoint=pipeline.acks_endpoint, **settings
    )


def send(publisher: Publisher, count: int) -> None:
    for _ in range(count):
        assert publisher.trade("BTC-USD", "buy", 1, 100)


def nothing_lost(pipeline: Pipeline) -> bool:
    ingest = pipeline.ingest.metrics()
    return all(ingest.total(f"telemetry_source_{what}_total") == 0 for what in ("lost", "unaccounted", "events_lost"))


@pytest.mark.parametrize("sync", ["os", "burst"])
def test_kills_of_ingest_cost_a_durable_client_nothing(tmp_path: Path, sync: str) -> None:
    with Pipeline(tmp_path, INGEST_LOG_SYNC=sync).start() as pipeline:
        with durable(pipeline, tmp_path) as bot:
            for _ in range(3):
                send(bot, 500)
                pipeline.ingest.kill()
                send(bot, 500)
                pipeline.ingest.start().wait_ready()
            assert bot.flush(30)
        pipeline.wait_applied(3_000)
        assert nothing_lost(pipeline)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_bot_loses_nothing_that_it_was_told_is_kept(tmp_path: Path) -> None:
    with Pipeline(tmp_path).start() as pipeline:
        arguments = [pipeline.endpoint, str(tmp_path / "queue"), pipeline.acks_endpoint]
        said = 0
        for _ in range(3):
            with subprocess.Popen([sys.executable, "-c", BOT, *arguments], stdout=subprocess.PIPE) as bot:
                assert bot.stdout is not None
                lines = [bot.stdout.readline() for _ in range(400)]
                bot.send_signal(signal.SIGKILL)
                lines += bot.stdout.read().splitlines()
            said += int([line for line in lines if line.strip()][-1])
        with durable(pipeline, tmp_path) as last:
            assert last.flush(30)
        eventually(lambda: pipeline.ingest.metrics().value("telemetry_unapplied_trades") == 0)
        # The last one of each may have been kept before the kill came, and not said so.
        assert said <= pipeline.applied() <= said + 3
        assert nothing_lost(pipeline)
        # Each killed run was ended by the one after it.
        eventually(lambda: pipeline.ingest.metrics().value("telemetry_run_reports_total", type="end") == 3)
        assert pipeline.ingest.metrics().total("telemetry_unfinished_runs") == 0


def test_messages_about_orders_survive_a_kill_of_ingest_too(tmp_path: Path) -> None:
    with Pipeline(tmp_path).start() as pipeline:
        with durable(pipeline, tmp_path) as bot:
            for number in range(300):
                if number in {100, 200}:
                    pipeline.ingest.kill()
                bot.order_submitted(f"o{number}", "BTC-USD", "buy", 1)
                send(bot, 1)
                if number in {150, 250}:
                    pipeline.ingest.start().wait_ready()
            assert bot.flush(30)
        pipeline.wait_applied(300)
        eventually(lambda: pipeline.ingest.metrics().value("telemetry_unapplied_trades") == 0)
        accepted = pipeline.ingest.metrics().value(
            "telemetry_source_events_duplicate_total", source="bot", kind="order"
        )
        assert accepted == 0
        assert nothing_lost(pipeline)


def test_with_keys_the_acknowledgements_are_encrypted_and_need_a_key_too(tmp_path: Path) -> None:
    keys = Keys.make(tmp_path / "keys")
    keys.add("bot")
    with Pipeline(tmp_path, **keys.settings("INGEST", "ANALYTICS")).start() as pipeline:
        with durable(pipeline, tmp_path, linger_s=0) as stranger:
            send(stranger, 10)
            assert not stranger.flush(1)
        with durable(pipeline, tmp_path, curve=keys.of_client("bot")) as bot:
            send(bot, 10)
            assert bot.flush(30)
        pipeline.wait_applied(20)

        def refused() -> float:
            # Which end notices first is chance, and one that goes away silently is counted some seconds later.
            return pipeline.ingest.metrics().sum_of("telemetry_refused_peers_total", service="ingest", endpoint="acks")

        eventually(lambda: refused() >= 1, what="the stranger being counted")


def test_a_rate_limited_durable_client_is_slowed_down_and_loses_nothing(tmp_path: Path) -> None:
    with Pipeline(tmp_path, INGEST_MAX_MESSAGES_PER_S="500").start() as pipeline:
        with durable(pipeline, tmp_path) as bot:
            send(bot, 1_500)
            assert bot.flush(60)
        pipeline.wait_applied(1_500)
        assert nothing_lost(pipeline)
        assert pipeline.ingest.metrics().total("telemetry_rate_limited_total") > 0


def test_what_a_client_holds_is_shown_while_ingest_acknowledges(tmp_path: Path) -> None:
    with Pipeline(tmp_path).start() as pipeline, durable(pipeline, tmp_path) as bot:
        send(bot, 10)
        assert bot.flush(30)
        metrics = pipeline.ingest.metrics()
        assert metrics.total("telemetry_durable_streams") == 1
        assert metrics.total("telemetry_acks_total") >= 1
        eventually(
            lambda: pipeline.ingest.metrics().labels("telemetry_client_unacknowledged_trades") == [{"source": "bot"}]
        )
