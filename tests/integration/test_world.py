"""What the world sends, through real processes: dense frames of a venue, old recordings beside live bots, names."""

import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import zmq

from telemetry_client import Publisher
from tests.helpers.names import REAL
from tests.helpers.services import Pipeline, eventually
from tests.ingest.feeds.frames_of import BINANCE, RECEIVED_NS

FRAMES, ROWS = 600, 200
S_NS = 1_000_000_000


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    with Pipeline(tmp_path) as both:
        yield both


def _send(pipeline: Pipeline, *messages: dict[str, object]) -> None:
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.linger = 5_000
        push.connect(pipeline.endpoint)
        for message in messages:
            push.send(json.dumps(message | {"sent_ns": time.time_ns()}).encode())


def test_a_recording_of_dense_frames_is_applied_whole_beside_a_live_bot(pipeline: Pipeline, tmp_path: Path) -> None:
    row = '["161.2","0.5","1750000000.5","s","m",""]'
    frame = f'[77,[{",".join([row] * ROWS)}],"trade","XMR/USD"]'
    path = tmp_path / "dense.ws"
    path.write_text("".join(f"{1_750_000_000 + number}.5: {frame}\n" for number in range(FRAMES)))
    pipeline.set(INGEST_FEEDS=f"replay://{path}?venue=kraken_v1&speed=max")
    pipeline.start()
    with Publisher(pipeline.endpoint, source="bot") as publisher:
        for _ in range(100):
            publisher.trade("BTC-USD", "buy", qty=1.0, price=100.0)

    pipeline.wait_applied(FRAMES * ROWS + 100, within_s=50)

    metrics = pipeline.analytics.metrics()
    assert metrics.value("telemetry_refused_total", reason="bad_batch") == 0
    assert metrics.value("trading_trades_total", symbol="XMR/USD", side="sell") == FRAMES * ROWS


def test_an_order_fills_at_the_live_price_and_not_at_that_of_a_recording_beside_it(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    old = BINANCE.replace(b"64321.50000000", b"55000.0")
    path = tmp_path / "old.txt"
    path.write_bytes(
        b"".join(
            b"%d %b\n" % (RECEIVED_NS + number * S_NS // 100, old.replace(b"4100000001", b"%d" % number))
            for number in range(1_000)
        )
    )
    pipeline.set(INGEST_FEEDS=f"replay://{path}?venue=binance&speed=1")
    pipeline.start()
    trade = {"type": "trade", "source": "bot", "symbol": "BTCUSDT", "side": "buy", "qty": 1.0, "price": 97_000.0}
    _send(pipeline, trade | {"event_ns": time.time_ns()})

    def price(origin: str) -> float:
        return pipeline.analytics.metrics().value("trading_last_price", symbol="BTCUSDT", origin=origin)

    eventually(lambda: price("market") == 97_000.0, what="the live price")
    order = {"type": "command", "command_id": str(uuid4()), "source": "ui", "symbol": "BTCUSDT", "side": "buy"}
    _send(pipeline, order | {"qty": 0.5})
    eventually(lambda: price("own") == 97_000.0, what="the fill")

    applied = pipeline.applied()
    eventually(lambda: pipeline.applied() > applied + 10, what="more of the recording")

    def vwap() -> float:
        return pipeline.analytics.metrics().value("trading_window_vwap", symbol="BTCUSDT", window="1m")

    # The second of the live trade must have ended: until then it is in no window.
    eventually(lambda: not math.isnan(vwap()), what="the live trade in a window")
    assert (price("market"), vwap()) == (97_000.0, 97_000.0)


@pytest.mark.parametrize("by", ["client", "raw"])
def test_names_as_the_world_writes_them_are_accepted_and_shown(pipeline: Pipeline, by: str) -> None:
    pipeline.start()
    fields = {"side": "buy", "qty": 1.0, "price": 100.0}
    if by == "client":
        with Publisher(pipeline.endpoint, source="币安") as publisher:
            assert all(publisher.trade(symbol, "buy", qty=1.0, price=100.0) for symbol in REAL)
    else:
        now_ns = time.time_ns()
        trade = {"type": "trade", "source": "币安", "event_ns": now_ns}
        _send(pipeline, *(fields | trade | {"symbol": symbol} for symbol in REAL))

    pipeline.wait_applied(len(REAL))

    shown = {labels["symbol"] for labels in pipeline.analytics.metrics().labels("trading_last_price")}
    assert shown >= {*REAL}
    assert pipeline.ingest.metrics().value("telemetry_source_trades_total", source="币安") == len(REAL)
