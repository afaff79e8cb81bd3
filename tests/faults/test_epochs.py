"""Ingest's log and delivery against the streams of analytics: power cuts and restarts of either, at any moment.

What holds: each trade of the log is applied once, and what was applied besides is counted as rewound, exactly.
"""

import shutil
from collections import Counter
from contextlib import suppress
from itertools import count
from pathlib import Path
from random import Random

import pytest

from analytics.checkpoint.parts import State
from analytics.intake.streams import Place, Streams
from ingest.checking.chunks import Chunk
from ingest.delivery.batch_delivery import BatchDelivery
from ingest.storage.log.group_commit import GroupCommit
from ingest.storage.log.segment_log import SegmentLog
from telemetry_runtime.fakes import FakeClock, FakeSink
from telemetry_schema.batch import RECORD, decode_batch


class Ingest:
    """One process, on a log that it finds."""

    def __init__(self, directory: Path, now_ns: int) -> None:
        self.log = SegmentLog(
            directory, new_stream="s", now_ns=now_ns, max_bytes=1 << 30, segment_bytes=2_000, fdatasync=lambda _: None
        )
        self.sink, self.clock = FakeSink(), FakeClock()
        self.writer = GroupCommit(self.log, clock=self.clock)
        self.delivery = BatchDelivery(self.sink, self.writer, clock=self.clock)

    def add(self, prices: list[float]) -> None:
        """A batch of trades, in the log."""
        records = b"".join(RECORD.pack(1, 1, 1, price, 1.0, 0, 0, 0, 0) for price in prices)
        self.delivery.add(Chunk(records, ["A"], ["bot"], []))
        self.writer.append()


class Analytics:
    """What is applied, and the position that belongs to it."""

    def __init__(self) -> None:
        self.streams, self.applied, self.rewound, self.lost = Streams(), list[float](), 0, 0

    def take(self, ingest: Ingest, frames: int) -> None:
        """Takes some of what was sent."""
        taken, ingest.sink.sent[:frames] = ingest.sink.sent[:frames], []
        for each in taken:
            batch = decode_batch(each)
            admission = self.streams.admit(batch.header)
            self.rewound += admission.rewound
            self.lost += admission.lost
            if admission.place is Place.NEXT:
                self.applied += batch.records["price"][admission.repeated :].tolist()

    def report(self, ingest: Ingest) -> None:
        """Reports to ingest what it has, and what it misses."""
        for progress in self.streams.acknowledgements_due():
            ingest.delivery.on_progress(progress)
            self.streams.acknowledged(progress)

    def saved(self) -> tuple[State, list[float], int, int]:
        """A checkpoint."""
        return self.streams.state(), list(self.applied), self.rewound, self.lost

    @classmethod
    def restored(cls, saved: tuple[State, list[float], int, int]) -> "Analytics":
        """The next process."""
        made = cls()
        made.streams.restore(saved[0])
        made.applied, made.rewound, made.lost = list(saved[1]), saved[2], saved[3]
        return made


class World:
    """Both of them, what the log holds, and what the disk holds."""

    def __init__(self, directory: Path, random: Random) -> None:
        self._directory, self._random, self._now_ns, self._prices = directory, random, count(1), count(1)
        self.truth = list[float]()
        self.ingest, self.analytics = Ingest(directory, next(self._now_ns)), Analytics()
        self._checkpoint = self.analytics.saved()
        self._disk = self._files(), list(self.truth)

    def _files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self._directory.iterdir()}

    def write(self) -> None:
        prices = [float(next(self._prices)) for _ in range(self._random.randint(1, 8))]
        self.truth += prices
        self.ingest.add(prices)

    async def deliver(self) -> None:
        await self._some_flush()
        self.analytics.take(self.ingest, self._random.randint(0, 6))

    async def exchange(self) -> None:
        self.analytics.report(self.ingest)
        await self.ingest.clock.advance(1.0)

    async def _some_flush(self) -> None:
        self.ingest.delivery.heartbeat()

    def reach_disk(self) -> None:
        self._disk = self._files(), list(self.truth)

    def restart_ingest(self) -> None:
        self.ingest = Ingest(self._directory, next(self._now_ns))

    def cut_power(self) -> None:
        """Both go back to what was on disk; analytics has synced each of its checkpoints."""
        shutil.rmtree(self._directory)
        self._directory.mkdir()
        files, self.truth = self._disk[0], list(self._disk[1])
        for name, content in files.items():
            (self._directory / name).write_bytes(content)
        self.restart_ingest()
        self.reach_disk()  # a start syncs what it finds
        self.restart_analytics()

    def checkpoint(self) -> None:
        self._checkpoint = self.analytics.saved()

    def restart_analytics(self) -> None:
        self.analytics = Analytics.restored(self._checkpoint)

    async def settle(self) -> None:
        """Until analytics has all."""
        for _ in range(200):
            await self._some_flush()
            self.analytics.take(self.ingest, 1_000)
            await self.exchange()
            if self.analytics.streams.positions().get("s", (0, 0))[1] == self.ingest.log.next_seq:
                return


@pytest.mark.parametrize("seed", range(60))
async def test_each_trade_of_the_log_is_applied_once_and_the_rest_is_counted_as_rewound(
    tmp_path: Path, seed: int
) -> None:
    random = Random(seed)  # noqa: S311 - not for secrets
    world = World(tmp_path / "log", random)
    steps = [world.write] * 6 + [world.reach_disk, world.restart_ingest, world.checkpoint, world.restart_analytics]
    awaited = [world.deliver] * 4 + [world.exchange] * 2
    for _ in range(150):
        kind = random.random()
        if kind < 0.05:
            world.cut_power()
        elif kind < 0.55:
            random.choice(steps)()
        else:
            await random.choice(awaited)()
    await world.settle()
    applied, truth = Counter(world.analytics.applied), Counter(world.truth)
    assert world.analytics.lost == 0
    assert [applied[price] for price in truth] == [1] * len(truth)
    assert len(world.analytics.applied) - len(world.truth) == world.analytics.rewound
    with suppress(OSError):
        world.ingest.log.close()
