"""A batch that analytics cannot take, between the real ends of the hop: the delivery's and the streams'."""

import math

from analytics.intake.streams import Place, Streams
from ingest.checking.chunks import Chunk
from ingest.delivery.batch_delivery import BatchDelivery
from ingest.storage.log.group_commit import GroupCommit
from ingest.storage.log.memory_log import MemoryLog
from telemetry_runtime.fakes import FakeClock, FakeSink
from telemetry_schema import BatchError
from telemetry_schema.batch import RECORD, decode_batch


class _Hop:
    """Both ends, with nothing in between."""

    def __init__(self) -> None:
        self.clock, self.sink, self.streams = FakeClock(), FakeSink(), Streams()
        self.writer = GroupCommit(MemoryLog("s", max_bytes=1 << 30), clock=self.clock)
        self.delivery = BatchDelivery(self.sink, self.writer, clock=self.clock)
        self.applied = self.refused = self.lost = 0

    async def add(self, trades: int, price: float) -> None:
        """Sends a batch of that many trades at that price."""
        self.delivery.add(Chunk(RECORD.pack(1, 1, 1, price, 1.0, 0, 0, 0, 0) * trades, ["A"], ["bot"], []))
        self.writer.append()
        await self.delivery.flush()

    def receive(self) -> None:
        """Analytics takes what has come, and reports."""
        sent, self.sink.sent = self.sink.sent, []
        for frames in sent:
            try:
                header = decode_batch(frames).header
            except BatchError:
                self.refused += 1
                continue
            admission = self.streams.admit(header)
            self.lost += admission.lost
            if admission.place is Place.NEXT:
                self.applied += header.count - admission.repeated
        for report in self.streams.acknowledgements_due():
            self.delivery.on_progress(report)


async def test_a_batch_that_analytics_refuses_costs_its_own_trades_and_no_others() -> None:
    hop = _Hop()
    for trades, price in ((5, 1.0), (70, math.nan), (3, 1.0), (2, 1.0)):
        await hop.add(trades, price)
    for _ in range(100):
        hop.receive()
        hop.delivery.heartbeat()
        await hop.clock.advance(0.1)
    assert (hop.applied, hop.lost, hop.delivery.abandoned_trades) == (10, 70, 70)
    assert hop.refused <= 7
    assert hop.delivery.unapplied_trades == 0
    await hop.add(4, 1.0)
    hop.receive()
    assert hop.applied == 14
