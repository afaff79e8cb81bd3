"""The part of a check that is the same for bursts of clients and of feeds. Pure."""

from ingest.checking.chunks import ChunkBuilder
from ingest.checking.outcomes import Checked, Refusal
from ingest.checking.sequences import SequenceTracker
from ingest.checking.size_limits import SizeLimits
from telemetry_schema import Reason


class BurstCheck:
    """One burst that is being checked: its builder and its result."""

    def __init__(self, builder: ChunkBuilder, sequences: SequenceTracker, sizes: SizeLimits) -> None:
        self._builder, self._sequences, self._sizes = builder, sequences, sizes
        self._checked = Checked()

    def _refuse(self, reason: Reason, detail: str, frame: bytes, trades: int = 1, source: str | None = None) -> None:
        self._checked.refusals.append(Refusal(reason, detail, frame, trades, source))
        self._checked.tally.refused += 1

    def _count(self, source: str, seq: int | None, trades: int, now_ns: int) -> None:
        self._sequences.accept(source, trades, now_ns, numbered=seq is not None)

    def _finish(self) -> Checked:
        self._checked.chunks = self._builder.chunks()
        return self._checked


def ahead_text(newest_ns: int, now_ns: int) -> str:
    """How far a time is ahead of the clock, and what to do."""
    return f"{(newest_ns - now_ns) / 1e9:.3f} s ahead of the clock; check the sender's clock and that times are in ns"
