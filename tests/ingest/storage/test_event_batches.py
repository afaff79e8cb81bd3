"""Batches of messages about orders are read back from the log on disk, among those of trades, as they were written."""

from pathlib import Path

from ingest.checking.chunks import ChunkBuilder
from ingest.delivery.batch_delivery import BatchDelivery
from ingest.storage.log.group_commit import GroupCommit
from ingest.storage.log.segment_log import SegmentLog
from telemetry_runtime.fakes import FakeClock, FakeSink
from telemetry_schema.batch import EventBatch, TradeDecoder, decode_stream_batch
from tests.helpers.trades import NOW_NS, frame, trade

ACK = b'{"type":"order","source":"b","event":"ack","order_id":"o","event_ns":%d,"sent_ns":%d,"clock":"bot"}'


def test_a_later_process_reads_events_and_trades_in_one_order(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path, new_stream="s", now_ns=1, max_bytes=1 << 26)
    writer = GroupCommit(log, clock=FakeClock())
    delivery = BatchDelivery(FakeSink(), writer, clock=FakeClock())
    builder, decoded = ChunkBuilder(), TradeDecoder().decode(frame(trade()))
    for count in (1, 300):
        delivery.add_events([ACK % (NOW_NS, NOW_NS)] * count, NOW_NS)
        builder.add_trades([decoded], NOW_NS)  # type: ignore[list-item]  # a valid trade is no None
        for chunk in builder.chunks():
            delivery.add(chunk)
        writer.append()
    log.close()
    again = SegmentLog(tmp_path, new_stream="n", now_ns=2, max_bytes=1 << 26)
    batches = [decode_stream_batch([batch.header, batch.records]) for batch in again.read(0, max_bytes=1 << 26)]
    again.close()
    kinds = [("events" if isinstance(batch, EventBatch) else "trades", batch.header.count) for batch in batches]
    assert kinds == [("events", 1), ("trades", 1), ("events", 128), ("events", 128), ("events", 44), ("trades", 1)]
    assert again.next_seq == 303
