"""A feed that runs through the real checker and sequence tracker, and what came of it."""

from collections.abc import AsyncGenerator

import numpy as np

from ingest.checking.checker import Checker
from ingest.checking.chunks import Chunk
from ingest.checking.outcomes import Checked
from ingest.checking.sequences import SequenceTracker
from ingest.checking.source_counts import SourceCounts
from ingest.feeds.base import Feed, FeedBurst
from ingest.feeds.runner import FeedRunner
from telemetry_runtime import MessageCounts
from telemetry_runtime.fakes import FakeClock
from tests.ingest.feeds.opened import opened

NOW_NS = 1_800_000_000_000_000_000


class ScriptedFeed(Feed):
    """Gives the bursts it was handed, then ends, or fails with an error."""

    def __init__(self, *bursts: FeedBurst, error: Exception | None = None) -> None:
        super().__init__("scripted://feed")
        self._bursts, self._error = bursts, error

    async def bursts(self) -> AsyncGenerator[FeedBurst, None]:
        for burst in self._bursts:
            yield burst
        if self._error:
            raise self._error


class Running:
    """A runner, its clock, and what it passed on."""

    def __init__(self, feed: Feed, sequences: SequenceTracker | None = None) -> None:
        self.clock = FakeClock(NOW_NS)
        self.restarts: list[tuple[str, str | None]] = []
        self.sequences = sequences or SequenceTracker(
            max_runs=10, max_sources=10, on_restart=lambda source, run: self.restarts.append((source, run))
        )
        self.passed: list[Checked] = []
        checker = Checker(self.sequences, max_ahead_ns=5_000_000_000)
        self.runner = FeedRunner(feed, checker, self._pass_on, self.clock)

    async def _pass_on(self, checked: Checked) -> None:
        self.passed.append(checked)

    @property
    def chunks(self) -> list[Chunk]:
        return [chunk for checked in self.passed for chunk in checked.chunks]

    @property
    def trades(self) -> int:
        return sum(chunk.trades for chunk in self.chunks)

    @property
    def tally(self) -> MessageCounts:
        """Messages by outcome."""
        total = MessageCounts()
        for checked in self.passed:
            total.add(checked.tally)
        return total

    def counts(self, source: str) -> SourceCounts:
        return self.sequences.sources[source]

    def vwap(self) -> float:
        records = np.concatenate([chunk.records for chunk in self.chunks])
        return float((records["price"] * records["qty"]).sum() / records["qty"].sum())

    def volume(self, side: int) -> float:
        records = np.concatenate([chunk.records for chunk in self.chunks])
        return float(records["qty"][records["side"] == side].sum())

    def symbols(self) -> set[str]:
        return {symbol for chunk in self.chunks for symbol in chunk.symbols}


async def ran(uri: str) -> Running:
    """The feed of a URI after its end."""
    running = Running(opened(uri, FakeClock()))
    await running.runner.run()
    return running
