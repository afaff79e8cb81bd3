"""How far each recording was replayed, across crashes: a supervisor's restart goes on, and counts nothing twice.

Saved every second, so that after a crash a second of a recording at most is counted twice. After a clean stop a
recording is replayed from its beginning, as whoever starts ingest again would expect.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import structlog
from pydantic import BaseModel, Field

from ingest.feeds.replay import ReplayFeed
from ingest.storage.saved_state import OffLoop, SavedState, in_thread
from ingest.storage.state_file import StateFile

SAVE_EVERY_S: Final = 1.0


def replay_memory(directory: Path, feeds: Sequence[ReplayFeed], *, off_loop: OffLoop = in_thread) -> SavedState:
    """The positions of these feeds and their file `replays.json`."""
    return SavedState(StateFile(directory / "replays.json"), _Positions(feeds), every_s=SAVE_EVERY_S, off_loop=off_loop)


class ReplayRecord(BaseModel):
    """One recording: the feed's name, which content it had, and the frames that were given."""

    feed: str
    content: str
    frames: Annotated[int, Field(ge=0)]


class ReplaysRecord(BaseModel):
    """The file; empty after a clean stop."""

    replays: list[ReplayRecord]


class _Positions:
    """The feeds as a `Restorable`."""

    def __init__(self, feeds: Sequence[ReplayFeed]) -> None:
        self._feeds = feeds

    @property
    def changes(self) -> int:
        return sum(feed.position for feed in self._feeds)

    def dump(self, *, clean: bool) -> Iterator[bytes]:
        positions = [
            ReplayRecord(feed=feed.name, content=feed.content, frames=feed.position)
            for feed in self._feeds
            if not clean
        ]
        yield ReplaysRecord(replays=positions).model_dump_json().encode()

    def restore(self, content: bytes) -> None:
        known = {(each.feed, each.content): each.frames for each in ReplaysRecord.model_validate_json(content).replays}
        for feed in self._feeds:
            frames = known.get((feed.name, feed.content), 0)
            feed.resume_at(frames)
            if frames:
                structlog.get_logger("state").info("replay_resumed", feed=feed.name, frames=frames)

    def restore_unknown(self) -> None:
        """Recordings are replayed from their beginning."""
