"""Ingest dies and is started again by its supervisor, or stopped and started by a person, after a replay."""

from pathlib import Path

from tests.helpers.services import Pipeline, eventually
from tests.ingest.feeds.frames_of import HYPERLIQUID, RECEIVED_NS

FRAMES = 3_000


def test_a_crash_counts_a_recording_once_and_a_clean_stop_replays_it(tmp_path: Path) -> None:
    """Hyperliquid does not number its trades: no sequence number would find them to be duplicates."""
    path = tmp_path / "recorded"
    frames = (HYPERLIQUID.replace(b"600000000000001", b"%d" % number) for number in range(FRAMES))
    path.write_bytes(b"".join(b"%d %b\n" % (RECEIVED_NS, frame) for frame in frames))

    with Pipeline(tmp_path, feeds=f"replay://{path}?venue=hyperliquid&speed=max&history=1") as pipeline:
        pipeline.start()
        pipeline.wait_applied(FRAMES)
        pipeline.ingest.kill()
        # The kill may have come before the first process could say that the feed had ended.
        ends = len(pipeline.ingest.events("feed_finished"))
        pipeline.ingest.start().wait_ready()
        eventually(lambda: pipeline.ingest.events("feed_finished")[ends:], what="the end of the resumed feed")
        assert pipeline.applied() == FRAMES
        assert pipeline.ingest.events("replay_resumed")[0]["frames"] == FRAMES

        assert pipeline.ingest.stop() == 0
        pipeline.ingest.start()
        pipeline.wait_applied(2 * FRAMES)
