"""The hostile corpus against real processes: counted, kept, and nothing else suffers."""

import base64
import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from socket import create_connection

import pytest
import zmq

from ingest.storage.dead_letters import MAX_KEPT_BYTES
from tests.helpers.hostile import HOSTILE
from tests.helpers.services import Pipeline, eventually
from tests.helpers.trades import NOW_NS, frame

_AHEAD_NS = 3_600 * 10**9


@pytest.fixture
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with Pipeline(tmp_path_factory.mktemp("hostile")) as pipeline:
        yield pipeline.start()


@pytest.fixture
def push(pipeline: Pipeline) -> Iterator["zmq.Socket[bytes]"]:
    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.linger = 5000
        socket.connect(pipeline.endpoint)
        yield socket


def _good(seq: int, symbol: str = "BTC-USD") -> bytes:
    now_ns = time.time_ns()
    return frame(
        {
            "type": "trade",
            "source": "good",
            "run": "r",
            "seq": seq,
            "symbol": symbol,
            "side": "buy",
            "qty": 0.5,
            "price": 61000.0,
            "event_ns": now_ns,
            "sent_ns": now_ns,
        }
    )


def _as_seen_now(frames: list[bytes]) -> list[bytes]:
    """The corpus' future is a second after its own now; here it must be in the future of the real clock."""
    return [
        each.replace(str(NOW_NS + 6_000_000_000).encode(), str(time.time_ns() + _AHEAD_NS).encode()) for each in frames
    ]


def test_each_is_refused_under_its_reason_and_kept_and_the_next_good_trade_is_applied(
    pipeline: Pipeline, push: "zmq.Socket[bytes]"
) -> None:
    expected: Counter[str] = Counter()
    sent: list[bytes] = []
    for seq, (frames, reason) in enumerate(HOSTILE.values()):
        hostile = _as_seen_now(frames)
        push.send_multipart(hostile)
        push.send(_good(seq))
        expected[reason] += 1
        sent.append(b"".join(hostile))
    pipeline.wait_applied(len(HOSTILE))
    ingest = pipeline.ingest.metrics()
    by_reason = {each["reason"] for each in ingest.labels("telemetry_refused_total")}
    refused = {reason: ingest.sum_of("telemetry_refused_total", reason=reason) for reason in by_reason}
    assert {reason: count for reason, count in refused.items() if count} == dict(expected)
    assert ingest.value("telemetry_messages_total", service="ingest", outcome="accepted") == len(HOSTILE)
    assert ingest.value("telemetry_messages_total", service="ingest", outcome="refused") == len(HOSTILE)
    # A thread writes them.
    eventually(lambda: len(pipeline.dead_letters.read_bytes().splitlines()) == len(HOSTILE), what="all being kept")
    letters = [json.loads(line) for line in pipeline.dead_letters.read_text().splitlines()]
    assert all(letter["detail"] for letter in letters)
    kept = [(letter["bytes"], base64.b64decode(letter["data"])) for letter in letters]
    assert sorted(kept) == sorted((len(each), each[:MAX_KEPT_BYTES]) for each in sent)


def test_a_hundred_thousand_symbols_stay_within_the_label_budget_and_the_memory(
    pipeline: Pipeline, push: "zmq.Socket[bytes]"
) -> None:
    count = 100_000
    for seq in range(2_000):
        push.send(_good(seq, f"S{seq}"))
    pipeline.wait_applied(2_000)
    before = pipeline.ingest.rss_bytes(), pipeline.analytics.rss_bytes()
    for seq in range(2_000, count):
        push.send(_good(seq, f"S{seq}"))
    pipeline.wait_applied(count, within_s=50)
    analytics = pipeline.analytics.metrics()
    symbols = {labels["symbol"] for labels in analytics.labels("trading_trades_total")}
    assert len(symbols) <= 201
    assert "other" in symbols
    assert analytics.value("telemetry_label_overflow_total", label="symbol") == count - 200
    after = pipeline.ingest.rss_bytes(), pipeline.analytics.rss_bytes()
    assert after[0] - before[0] < 40e6
    assert after[1] - before[1] < 40e6


def test_what_is_no_batch_is_refused_by_analytics_and_the_next_batch_is_applied(
    pipeline: Pipeline, push: "zmq.Socket[bytes]"
) -> None:
    endpoint = pipeline.analytics._environment["ANALYTICS_PULL_ENDPOINT"]
    with zmq.Context() as context, context.socket(zmq.PUSH) as stranger:
        stranger.connect(endpoint)
        for frames in ([b"one"], [b"{}", b""], [b"\xff", b"x" * 48], [b"a", b"b", b"c"]):
            stranger.send_multipart(frames)
        refused = {"service": "analytics", "outcome": "refused"}
        eventually(
            lambda: pipeline.analytics.metrics().value("telemetry_messages_total", **refused) == 4,
            what="four refused batches",
        )
    push.send(_good(0))
    pipeline.wait_applied(1)


def test_peers_that_do_not_push_show_in_the_metric_and_in_one_log_line_and_trades_go_on(
    pipeline: Pipeline, push: "zmq.Socket[bytes]"
) -> None:
    kinds = (zmq.PUB, zmq.SUB, zmq.REQ, zmq.DEALER, zmq.PAIR)
    with zmq.Context() as context, ExitStack() as peers:
        for kind in kinds:
            peer = peers.enter_context(context.socket(kind))
            peer.linger = 0
            peer.connect(pipeline.endpoint)
        peers.enter_context(create_connection(("127.0.0.1", int(pipeline.endpoint.rpartition(":")[2]))))

        def refused() -> bool:
            metrics = pipeline.ingest.metrics()
            return metrics.sum_of("telemetry_refused_peers_total", service="ingest", endpoint="trades") > len(kinds)

        eventually(refused, what="all of them being counted")
        push.send(_good(0))
        pipeline.wait_applied(1)
    lines = pipeline.ingest.events("peer_refused")
    assert lines
    assert len(lines) <= 3, "one a minute and reason"
    assert any("PUSH" in line["hint"] for line in lines)
