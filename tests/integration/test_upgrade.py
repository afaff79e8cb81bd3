"""Data that an earlier version has written is taken over: nothing counts twice, nothing is forgotten."""

import tarfile
import time
from pathlib import Path

import zmq

from tests.helpers.services import Pipeline, eventually
from tests.helpers.trades import frame

EARLIER = Path(__file__).parents[1] / "golden" / "earlier" / "data_2026-11-26.tar.gz"
"""Both services were killed, after ten trades, a quote and the kill switch; before there were durable clients."""


def _send(pipeline: Pipeline, seqs: range) -> None:
    now_ns = time.time_ns()
    values = {"symbol": "BTC-USD", "side": "buy", "qty": 1.0, "price": 100.0, "event_ns": now_ns, "sent_ns": now_ns}
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.linger = 5_000
        push.connect(pipeline.endpoint)
        for seq in seqs:
            push.send(frame({"type": "trade", "source": "bot", "run": "r", "seq": seq, **values}))


def test_data_of_an_earlier_version_is_taken_over(tmp_path: Path) -> None:
    with tarfile.open(EARLIER) as archive:
        archive.extractall(tmp_path, filter="data")
    with Pipeline(tmp_path).start() as pipeline:
        pipeline.wait_applied(10)
        assert pipeline.ingest.metrics().value("telemetry_kill_switch_engaged") == 1
        # One that it had, and five new ones.
        _send(pipeline, range(9, 15))
        pipeline.wait_applied(15)
        eventually(lambda: pipeline.ingest.metrics().value("telemetry_source_duplicate_total", source="bot") == 1)
        for what in ("lost", "unaccounted"):
            assert pipeline.ingest.metrics().total(f"telemetry_source_{what}_total") == 0
        assert pipeline.analytics.metrics().total("telemetry_stream_lost_trades_total") == 0
        assert not list(tmp_path.rglob("*.unreadable"))
        assert pipeline.analytics.events("checkpoint_restored")[0]["applied_trades"] == 10
        assert len(pipeline.analytics.events("checkpoint_without_orders")) == 1
        # And once more, now that it is of this version.
        pipeline.ingest.kill()
        pipeline.analytics.kill()
        pipeline.start()
        _send(pipeline, range(14, 20))
        pipeline.wait_applied(20)
