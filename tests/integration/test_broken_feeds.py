"""Feeds that break, beside others that do not and a live client, on real processes."""

import gzip
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from telemetry_client import Publisher
from tests.helpers.services import Pipeline, eventually
from tests.ingest.feeds.frames_of import BINANCE, RECEIVED_NS

READABLE = 3_000


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    """Ingest with a recording that is cut short, one that is garbage, one that is no recording, and a good one."""
    files = {"cut": _cut_short(), "garbage": b"\x1f\x8b" + b"\x55" * 500, "prose": b"Call me Ishmael.\n" * 50}
    files["good"] = b"%d %b\n" % (RECEIVED_NS, BINANCE.replace(b"BTCUSDT", b"ETHUSDT"))
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    feeds = " ".join(f"replay://{tmp_path / name}?venue=binance&speed=max&source={name}" for name in files)
    with Pipeline(tmp_path, feeds=feeds) as pipeline:
        yield pipeline


def _cut_short() -> bytes:
    """So many frames, and half of another one. Stored, not compressed, so that the cut is where it is meant."""
    frames = [
        b"%d %b\n" % (RECEIVED_NS + number, BINANCE.replace(b"4100000001", b"%d" % (4_100_000_000 + number)))
        for number in range(READABLE + 1)
    ]
    text = b"".join(frames)
    # Ten bytes of header, five of each stored block of 65,535, eight of the end.
    blocks = -(-len(text) // 65_535)
    return gzip.compress(text, compresslevel=0, mtime=0)[: 10 + 5 * blocks + len(text) - len(frames[0]) // 2]


def _end(pipeline: Pipeline, name: str) -> str | None:
    """How the feed has ended; None while it runs."""
    metrics = pipeline.ingest.metrics()
    feed = next(each["feed"] for each in metrics.labels("telemetry_feed_state") if each["feed"].endswith(f"/{name}"))
    ends = (state for state in ("finished", "failed") if metrics.value("telemetry_feed_state", feed=feed, state=state))
    return next(ends, None)


def test_broken_recordings_fail_alone_and_what_was_readable_is_applied_once(pipeline: Pipeline) -> None:
    pipeline.start()
    names = ("cut", "garbage", "prose", "good")
    ends = [eventually(partial(_end, pipeline, name), what=f"the end of {name}") for name in names]

    with Publisher(pipeline.endpoint, source="bot") as publisher:
        for _ in range(100):
            publisher.trade("BTC-USD", "buy", qty=1.0, price=100.0)
    pipeline.wait_applied(READABLE + 1 + 100)

    assert ends == ["failed", "failed", "failed", "finished"]
    assert pipeline.ingest.process.poll() is None
    metrics = pipeline.ingest.metrics()
    assert metrics.value("telemetry_source_trades_total", source="cut") == READABLE
    assert metrics.value("telemetry_source_trades_total", source="bot") == 100
    assert metrics.value("telemetry_source_lost_total", source="cut") == 0
    reasons = {line["feed"].rpartition("/")[2]: line["reason"] for line in pipeline.ingest.events("feed_failed")}
    assert reasons.keys() == {"cut", "garbage", "prose"}
    assert "Compressed file ended" in reasons["cut"]
    assert "no line starts with a time of receipt" in reasons["prose"]
    assert pipeline.ingest.stop() == 0
