"""Starts, stops and deaths of the processes: what was accepted is applied."""

import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from ingest.storage.log.segment_log import SegmentLog
from tests.helpers.services import Metrics, Pipeline, Service, eventually
from tests.helpers.trades import frame


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    with Pipeline(tmp_path) as pipeline:
        yield pipeline


class Load:
    """A client that sends numbered trades as fast as it can, until it is stopped."""

    def __init__(self, endpoint: str) -> None:
        self.sent = 0
        self.is_held_up = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(endpoint,), daemon=True)
        self._thread.start()

    def _run(self, endpoint: str) -> None:
        with zmq.Context() as context, context.socket(zmq.PUSH) as push:
            push.sndhwm = 100
            push.linger = 0
            push.sndtimeo = 500
            push.connect(endpoint)
            while not self._stop.is_set():
                try:
                    push.send(_trade(self.sent))
                except zmq.Again:
                    self.is_held_up = True
                    continue
                self.sent += 1

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)


def _trade(seq: int) -> bytes:
    now_ns = time.time_ns()
    fields = {"type": "trade", "source": "load", "run": "r", "seq": seq, "symbol": "BTC-USD", "side": "sell"}
    return frame({**fields, "qty": 1.0, "price": 100.0, "event_ns": now_ns, "sent_ns": now_ns})


@pytest.fixture
def load(pipeline: Pipeline) -> Iterator[Load]:
    load = Load(pipeline.endpoint)
    yield load
    load.stop()


def _columns(seq: int, count: int) -> bytes:
    now_ns = time.time_ns()
    column = {"symbol": "BTC-USD", "side": "sell", "qty": 1.0, "price": 100.0, "event_ns": now_ns}
    fields = {"type": "trades", "source": "load", "run": "r", "seq": seq, "sent_ns": now_ns}
    return frame({**fields, **{name: [value] * count for name, value in column.items()}})


def _accepted_in_log(pipeline: Pipeline) -> int:
    """The number of trades in the log of an ingest that has ended."""
    log = SegmentLog(pipeline.data_dir / "ingest" / "log", new_stream="none", now_ns=1, max_bytes=1 << 30)
    log.close()
    return log.next_seq


def _accepted(ingest: Metrics) -> float:
    return ingest.value("telemetry_source_trades_total", source="load")


def _flows(pipeline: Pipeline, beyond: float = 2_000) -> None:
    eventually(lambda: pipeline.applied() > beyond, what=f"more than {beyond} applied trades")


def test_sigterm_under_load_ends_with_0_and_everything_accepted_is_applied_first(
    pipeline: Pipeline, load: Load
) -> None:
    pipeline.start()
    _flows(pipeline)
    assert pipeline.ingest.stop() == 0
    accepted = _accepted_in_log(pipeline)
    assert accepted > 2_000
    # What ingest has in its log is exactly what analytics has applied: ingest waited for it before it ended.
    assert pipeline.applied() == accepted
    assert pipeline.analytics.stop() == 0
    assert load.sent >= accepted


def test_sigterm_to_both_at_once_loses_nothing_that_was_accepted(pipeline: Pipeline, load: Load) -> None:
    pipeline.start()
    _flows(pipeline)
    assert load.sent
    pipeline.analytics.signal(signal.SIGTERM)
    pipeline.ingest.signal(signal.SIGTERM)
    # Ingest ends with 0 only when analytics has confirmed all that was accepted.
    assert pipeline.ingest.process.wait(20) == 0
    assert pipeline.analytics.process.wait(20) == 0


def test_sigkill_of_analytics_under_load_costs_no_accepted_trade(pipeline: Pipeline, load: Load) -> None:
    pipeline.start()
    _flows(pipeline)
    pipeline.analytics.kill()

    def held() -> float:
        return pipeline.ingest.metrics().value("telemetry_unapplied_trades")

    held_trades = eventually(lambda: held() if held() > 1_000 else None, what="ingest holding trades")
    pipeline.analytics.start().wait_ready()
    _flows(pipeline)
    load.stop()
    eventually(lambda: held() == 0, what="all applied")
    assert pipeline.applied() >= held_trades > 1_000
    analytics = pipeline.analytics.metrics()
    assert analytics.total("telemetry_stream_lost_trades_total") == 0
    assert pipeline.ingest.stop() == 0


def test_ingest_waits_while_analytics_is_away_and_what_it_accepted_arrives_later(pipeline: Pipeline) -> None:
    pipeline.ingest.start().wait_ready()
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.connect(pipeline.endpoint)
        for seq in range(5_000):
            push.send(_trade(seq))
        eventually(lambda: _accepted(pipeline.ingest.metrics()) == 5_000, what="5,000 accepted trades")
        # Ten seconds without analytics; ingest keeps answering, and holds every trade.
        end = time.monotonic() + 10
        while time.monotonic() < end:
            assert pipeline.ingest.metrics().value("telemetry_unapplied_trades") == 5_000
        pipeline.analytics.start().wait_ready()
        pipeline.wait_applied(5_000)
        push.send(_trade(5_000))
        pipeline.wait_applied(5_001)


def test_backpressure_reaches_the_client_when_analytics_stays_away(tmp_path: Path) -> None:
    with Pipeline(tmp_path, INGEST_LOG_MAX_BYTES=str(64 * 1024 * 1024)) as pipeline:
        pipeline.ingest.start().wait_ready()
        with zmq.Context() as context, context.socket(zmq.PUSH) as push:
            push.sndhwm, push.linger, push.sndtimeo = 100, 0, 2_000
            push.connect(pipeline.endpoint)
            with pytest.raises(zmq.Again):
                for seq in range(0, 3_000_000, 5_000):
                    push.send(_columns(seq, 5_000))
            held = pipeline.ingest.metrics()
            assert held.value("telemetry_log_full_waits_total") == 1
            assert held.value("telemetry_log_bytes") <= 64 * 1024 * 1024
            accepted = _accepted(held)
            assert accepted > 1_000_000
            pipeline.analytics.start().wait_ready()
            eventually(lambda: pipeline.applied() >= accepted, what="all that was accepted being applied")
            eventually(lambda: push.send(_columns(seq, 1)) is None, what="the client going on")


@pytest.mark.parametrize("first", ["ingest", "analytics"])
def test_the_order_of_start_does_not_matter(pipeline: Pipeline, first: str) -> None:
    services: dict[str, Service] = {"ingest": pipeline.ingest, "analytics": pipeline.analytics}
    services.pop(first).start().wait_ready()
    (second,) = services.values()
    second.start().wait_ready()
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.connect(pipeline.endpoint)
        push.send(_trade(0))
        pipeline.wait_applied(1)


def test_ingest_can_be_restarted_and_a_gap_across_a_clean_stop_is_found(pipeline: Pipeline) -> None:
    pipeline.start()
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.connect(pipeline.endpoint)
        push.send(_trade(0))
        pipeline.wait_applied(1)
        assert pipeline.ingest.stop() == 0
        pipeline.ingest.start().wait_ready()
        push.send(_trade(3))
        pipeline.wait_applied(2)
    assert pipeline.ingest.metrics().value("telemetry_source_lost_total", source="load") == 2


def test_after_a_crash_of_ingest_what_is_missing_is_lost_exactly(pipeline: Pipeline) -> None:
    pipeline.start()
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.connect(pipeline.endpoint)
        push.send(_trade(0))
        pipeline.wait_applied(1)
        pipeline.ingest.kill()
        pipeline.ingest.start().wait_ready()
        push.send(_trade(3))
        pipeline.wait_applied(2)
    ingest = pipeline.ingest.metrics()
    assert ingest.value("telemetry_source_unaccounted_total", source="load") == 0
    assert ingest.value("telemetry_source_lost_total", source="load") == 2


def test_sigkill_of_both_in_any_order_costs_nothing_that_was_applied_and_counters_go_on(pipeline: Pipeline) -> None:
    pipeline.start()
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.connect(pipeline.endpoint)
        sent = 0
        for victims in ("analytics", "ingest", "analytics ingest", "ingest analytics"):
            for _ in range(1_000):
                push.send(_trade(sent))
                sent += 1
            pipeline.wait_applied(sent)
            for victim in victims.split():
                getattr(pipeline, victim).kill()
            for victim in victims.split():
                getattr(pipeline, victim).start().wait_ready()
            pipeline.wait_applied(sent)
    # The second that runs is in no window yet.
    window = {"symbol": "BTC-USD", "origin": "market", "window": "1h"}
    eventually(
        lambda: pipeline.analytics.metrics().value("trading_window_trades", **window) == sent, what="a whole second"
    )


@pytest.mark.parametrize(
    ("variable", "program"),
    [
        ("INGEST_PULL_ENDPOINT", "ingest"),
        ("INGEST_HTTP_PORT", "ingest"),
        ("ANALYTICS_PULL_ENDPOINT", "analytics"),
        ("ANALYTICS_HTTP_PORT", "analytics"),
    ],
)
def test_a_taken_port_is_one_line_and_exit_code_1(tmp_path: Path, variable: str, program: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        value = str(port) if variable.endswith("PORT") else f"tcp://127.0.0.1:{port}"
        with Pipeline(tmp_path, **{variable: value}) as pipeline:
            service: Service = getattr(pipeline, program)
            assert service.start().process.wait(20) == 1
            lines = [line for line in service.log().splitlines() if not line.startswith("{")]
    assert len(lines) == 1
    assert variable in lines[0]
    assert str(port) in lines[0]


@pytest.mark.parametrize(
    ("variable", "value"), [("INGEST_FEEDS", "simm://X"), ("INGEST_HTTP_PORT", "a lot"), ("INGEST_MAX_AHEAD_S", "-1")]
)
def test_a_wrong_setting_is_one_line_and_exit_code_1(tmp_path: Path, variable: str, value: str) -> None:
    with Pipeline(tmp_path, **{variable: value}) as pipeline:
        assert pipeline.ingest.start().process.wait(20) == 1
        (line,) = pipeline.ingest.log().splitlines()
    assert variable in line
