"""Data directories that are not as they should be: a clear line and no start, or a line and all else goes on."""

import json
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
import zmq

from loadtest.scrape import AwayError
from tests.helpers.services import Pipeline, Service, eventually
from tests.helpers.trades import frame
from tests.helpers.wall_clock import WallClock


def _send(pipeline: Pipeline, *frames: bytes) -> None:
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.linger = 5_000
        push.connect(pipeline.endpoint)
        for each in frames:
            push.send(each)


def _trade(seq: int, now_ns: int = 0) -> bytes:
    now_ns = now_ns or time.time_ns()
    values = {"symbol": "BTC-USD", "side": "buy", "qty": 1.0, "price": 100.0, "event_ns": now_ns, "sent_ns": now_ns}
    return frame({"type": "trade", "source": "bot", "run": "r", "seq": seq, **values})


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What both services have left when they were killed: ten trades, all in a checkpoint and in the log."""
    directory = tmp_path_factory.mktemp("killed")
    with Pipeline(directory).start() as pipeline:
        _send(pipeline, *map(_trade, range(10)))
        pipeline.wait_applied(10)
        eventually(lambda: len(list((directory / "analytics").glob("checkpoint-*.state"))) == 2, what="checkpoints")
        pipeline.ingest.kill()
        pipeline.analytics.kill()
    return directory


@pytest.fixture
def left(killed: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    for part in ("ingest", "analytics"):
        shutil.copytree(killed / part, tmp_path / part)
    return tmp_path


def _segment(directory: Path) -> Path:
    return max((directory / "ingest" / "log").glob("*.segment"))


def _in_the_place_of_a_file(find: Callable[[Path], Path]) -> Callable[[Path], Path]:
    def put(directory: Path) -> Path:
        path = find(directory)
        path.unlink(missing_ok=True)
        path.mkdir(parents=True)
        return path

    return put


def _in_the_place_of_a_directory(name: str) -> Callable[[Path], Path]:
    def put(directory: Path) -> Path:
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
        return path

    return put


def _log_of_another_version(directory: Path) -> Path:
    path = directory / "ingest" / "log" / f"{0:020}.segment"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"ttlog\x009\n" + bytes(100))
    return path


REFUSED = {
    "the log's directory is a file": _in_the_place_of_a_directory("ingest/log"),
    "the data directory is a file": _in_the_place_of_a_directory("ingest"),
    "a segment is a directory": _in_the_place_of_a_file(
        lambda directory: directory / "ingest" / "log" / f"{0:020}.segment"
    ),
    "the next segment cannot be made": _in_the_place_of_a_file(
        lambda directory: directory / "ingest" / "log" / f"{0:020}.part"
    ),
    "the lock is a directory": _in_the_place_of_a_file(lambda directory: directory / "ingest" / ".lock"),
    "the log is of another version": _log_of_another_version,
}


@pytest.mark.parametrize("what", REFUSED)
def test_ingest_does_not_start_and_names_what_is_wrong_in_one_line(tmp_path: Path, what: str) -> None:
    path = REFUSED[what](tmp_path)
    with Pipeline(tmp_path) as pipeline:
        assert _exit_code(pipeline.ingest.start()) == 1
        (line,) = pipeline.ingest.log().splitlines()
        assert str(path) in line or str(path.parent) in line
        assert not line.startswith("{")  # no crash with a traceback


def _exit_code(service: Service) -> int:
    return service.process.wait(20)


def test_audit_and_dead_letters_that_cannot_be_kept_are_counted_and_stop_nothing(tmp_path: Path) -> None:
    for name in ("audit.jsonl", "dead-letters.jsonl"):
        (tmp_path / "ingest" / name).mkdir(parents=True)
    switch = {"type": "kill_switch", "command_id": str(uuid4()), "source": "ui", "engaged": True}
    with Pipeline(tmp_path).start() as pipeline:
        _send(pipeline, b"no json", json.dumps({**switch, "sent_ns": time.time_ns()}).encode(), _trade(0))
        pipeline.wait_applied(1)
        ingest = pipeline.ingest
        eventually(lambda: ingest.metrics().value("telemetry_kill_switch_engaged") == 1, what="the kill switch")
        eventually(lambda: ingest.events("audit_unwritable") and ingest.events("dead_letters_unwritable"))
        eventually(lambda: ingest.metrics().total("telemetry_dead_letters_unkept_total") == 1, what="the dead letter")
        eventually(lambda: ingest.metrics().total("telemetry_audit_unkept_total") == 1, what="the command")


@pytest.mark.parametrize("content", [b"", bytes(range(256)) * 20])
def test_a_damaged_checkpoint_and_a_damaged_log_are_said_and_what_was_applied_stays(left: Path, content: bytes) -> None:
    max((left / "analytics").glob("checkpoint-*.state")).write_bytes(content)
    _segment(left).write_bytes(content)
    with Pipeline(left).start() as pipeline:
        assert len(pipeline.analytics.events("checkpoint_unreadable")) == 1
        assert len(pipeline.ingest.events("log_segment_unreadable")) == 1
        _send(pipeline, *map(_trade, range(10, 15)))
        pipeline.wait_applied(15)


def test_a_segment_under_another_name_is_put_aside(left: Path) -> None:
    _segment(left).rename(left / "ingest" / "log" / f"{77:020}.segment")
    with Pipeline(left).start() as pipeline:
        assert len(pipeline.ingest.events("log_segment_unreadable")) == 1
        _send(pipeline, *map(_trade, range(10, 15)))
        pipeline.wait_applied(15)


def test_analytics_alone_shows_its_last_checkpoint(left: Path) -> None:
    with Pipeline(left) as pipeline:
        pipeline.analytics.start().wait_ready()

        def applied() -> float:
            # The first answer waits for ingest, longer than we wait for an answer.
            with suppress(AwayError):
                return pipeline.applied()
            return 0

        eventually(lambda: applied() == 10, within_s=40, what="the trades of the checkpoint")


def test_a_log_that_was_taken_away_begins_anew_and_what_was_applied_stays(left: Path) -> None:
    shutil.rmtree(left / "ingest" / "log")
    with Pipeline(left).start() as pipeline:
        (started,) = pipeline.ingest.events("ingest_started")
        assert started["next_seq"] == 0
        _send(pipeline, *map(_trade, range(10, 15)))
        pipeline.wait_applied(15)


def test_directories_that_were_swapped_between_the_services_are_refused_in_one_line_each(left: Path) -> None:
    (left / "ingest").rename(left / "x")
    (left / "analytics").rename(left / "ingest")
    (left / "x").rename(left / "analytics")
    with Pipeline(left) as pipeline:
        for service, setting, owner in (
            (pipeline.ingest, "INGEST_DATA_DIR", "analytics"),
            (pipeline.analytics, "ANALYTICS_DATA_DIR", "ingest"),
        ):
            assert _exit_code(service.start()) == 1
            (line,) = service.log().splitlines()
            assert setting in line
            assert f"of {owner};" in line


def test_the_log_of_another_desk_is_applied_besides_with_a_warning(
    left: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    with Pipeline(other).start() as pipeline:
        _send(pipeline, *map(_trade, range(3)))
        pipeline.wait_applied(3)
    shutil.rmtree(left / "ingest")
    shutil.copytree(other / "ingest", left / "ingest")
    with Pipeline(left).start() as pipeline:
        pipeline.wait_applied(13)
        eventually(lambda: pipeline.analytics.events("stream_joined"), what="the line")
        assert pipeline.analytics.events("stream_joined")[-1]["level"] == "warning"


@pytest.mark.timeout(90)
def test_an_older_copy_of_the_log_under_an_earlier_clock_is_applied_and_what_is_gone_is_counted(tmp_path: Path) -> None:
    clock = WallClock(tmp_path / "clock")
    with Pipeline(tmp_path).run_on(clock).start() as pipeline:
        ingest = pipeline.ingest
        _send(pipeline, *map(_trade, range(10)))
        pipeline.wait_applied(10)
        ingest.kill()
        shutil.copytree(tmp_path / "ingest", tmp_path / "backup")
        ingest.start().wait_ready()
        _send(pipeline, *map(_trade, range(10, 30)))
        pipeline.wait_applied(30)
        ingest.kill()
        clock.step(-86_400)
        shutil.rmtree(tmp_path / "ingest")
        shutil.copytree(tmp_path / "backup", tmp_path / "ingest")
        ingest.start().wait_ready()
        _send(pipeline, *(_trade(seq, clock.now_ns()) for seq in range(30, 35)))
        pipeline.wait_applied(35)
        analytics = pipeline.analytics
        assert analytics.metrics().value("telemetry_stream_rewound_trades_total") == 20
        eventually(lambda: ingest.metrics().value("telemetry_unapplied_trades") == 0, what="nothing unapplied")
        assert ingest.metrics().total("telemetry_source_lost_total") == 20
        assert len(analytics.events("stream_older")) == 1
