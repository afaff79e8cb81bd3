"""What other inputs of the same kind do to ingest, on real processes: strays, sessions, restarts, a second ingest."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import zmq

from telemetry_client import Publisher
from tests.helpers.services import Pipeline, eventually


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    with Pipeline(tmp_path) as both:
        yield both.start()


def _send(pipeline: Pipeline, *messages: dict[str, Any]) -> None:
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.linger = 5_000
        push.connect(pipeline.endpoint)
        for message in messages:
            push.send(json.dumps(message | {"sent_ns": time.time_ns()}).encode())


def _trade(seq: int, run: str = "r", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - tests put in what they like
    now_ns = time.time_ns()
    fields = {"source": "bot", "symbol": "BTC-USD", "side": "buy", "qty": 1.0, "price": 97_000.0, "event_ns": now_ns}
    return {"type": "trade", "run": run, "seq": seq, **fields, **changes}


def _value(pipeline: Pipeline, name: str, **labels: str) -> float:
    return pipeline.ingest.metrics().value(name, **labels)


def _until_accepted(pipeline: Pipeline, trades: int) -> None:
    eventually(
        lambda: _value(pipeline, "telemetry_source_trades_total", source="bot") >= trades, what=f"{trades} trades"
    )


def test_two_publishers_under_one_run_lose_nothing(pipeline: Pipeline) -> None:
    for _ in range(2):
        with Publisher(pipeline.endpoint, source="bot", run="prod") as publisher:
            assert all(publisher.trade("BTC-USD", "buy", 1.0, 100.0 + number) for number in range(100))
        eventually(lambda: _value(pipeline, "telemetry_source_trades_total", source="bot") >= 100, what="a session")
    _until_accepted(pipeline, 200)
    assert _value(pipeline, "telemetry_source_lost_total", source="bot") == 0


def test_one_far_number_and_a_refused_one_silence_nobody(pipeline: Pipeline) -> None:
    numbers = [0, 1, 2, 3, 4, 900_000_000, 5, 6, 7, 8, 9]
    _send(pipeline, *(_trade(seq) for seq in numbers), _trade(999_999, qty=-1), *(_trade(seq) for seq in range(10, 20)))
    _until_accepted(pipeline, 21)
    assert _value(pipeline, "telemetry_source_lost_total", source="bot") == 0
    (line,) = eventually(lambda: pipeline.ingest.events("message_refused"), what="a log line")
    assert (line["source"], line["reason"]) == ("bot", "out_of_range")


def test_a_second_ingest_on_one_data_directory_ends_with_one_line(pipeline: Pipeline, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with Pipeline(other, INGEST_DATA_DIR=str(tmp_path / "data")) as second:
        data_dir = pipeline.ingest._environment["INGEST_DATA_DIR"]
        second.ingest._environment = {**second.ingest._environment, "INGEST_DATA_DIR": data_dir}
        assert second.ingest.start().process.wait(20) == 1
        (line,) = [each for each in second.ingest.log().splitlines() if not each.startswith("{")]
    assert "INGEST_DATA_DIR" in line
    assert "in use by another process" in line
    _send(pipeline, _trade(0))
    _until_accepted(pipeline, 1)


@pytest.mark.parametrize("kill", [True, False])
def test_after_a_restart_the_numbers_go_on_and_late_ones_take_their_loss_back(pipeline: Pipeline, kill: bool) -> None:  # noqa: FBT001
    _send(pipeline, *(_trade(seq) for seq in (0, 1, 2, 5)))
    _until_accepted(pipeline, 4)
    if kill:
        pipeline.ingest.kill()
    else:
        assert pipeline.ingest.stop() == 0
    pipeline.ingest.start().wait_ready()
    _send(pipeline, *(_trade(seq) for seq in (6, 3, 4, 7, 7, 10)))
    _until_accepted(pipeline, 5)
    counts = {
        name: _value(pipeline, f"telemetry_source_{name}_total", source="bot")
        for name in ("lost", "unaccounted", "duplicate")
    }
    assert counts == {"lost": 2, "unaccounted": 0, "duplicate": 1}


def test_1024_kill_switches_neither_hold_up_ingest_nor_are_they_all_written(pipeline: Pipeline) -> None:
    switches = [
        {"type": "kill_switch", "command_id": str(uuid4()), "source": "ui", "engaged": True} for _ in range(1_024)
    ]
    _send(pipeline, *switches, _trade(0))
    _until_accepted(pipeline, 1)
    commands = pipeline.ingest.metrics()
    assert commands.value("telemetry_commands_total", outcome="accepted", reason="") <= 60
    assert commands.value("telemetry_commands_total", outcome="refused", reason="rate") >= 900
