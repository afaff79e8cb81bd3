"""The queue: the messages in its file, the numbers that they have, and how many are held."""

import sqlite3
import threading
import time
from collections.abc import Callable

from telemetry_client.durable.disk.queue_file import QueueFile
from telemetry_client.durable.disk.rows import ROW_BYTES, MessageRow
from telemetry_client.durable.notices import Notices
from telemetry_client.durable.streams import QueueStream, QueueStreams
from telemetry_client.run_counts import TRADE, RunCounts
from telemetry_schema import with_seq


class HeldQueue:
    """What is put, until it is acknowledged. Two threads use it: the bot's, and the one that talks with ingest.

    Args:
        file: what holds the messages, those of earlier processes too.
        counts: of this run.
        notices: where a failing disk is said.
        wake: wakes the thread, which has to ask ingest about a new stream.
    """

    def __init__(self, file: QueueFile, counts: RunCounts, notices: Notices, wake: Callable[[], None]) -> None:
        found = file.found
        self.file, self.counts = file, counts
        self._notices, self._wake = notices, wake
        self.streams = QueueStreams.found(found.streams, found.messages)
        self.messages, self.trades = len(found.messages), sum(row.trades for row in found.messages)
        """Held: not acknowledged yet."""
        file.found = found._replace(messages=[])
        self.current: dict[str, QueueStream] = {}
        """The streams of this run, by kind."""
        # Held for a millisecond at most but for a wait for room, which gives it up: file, streams and PUSH socket.
        # It is not reentrant: the handler of a signal, a finalizer, or a report that finds the publisher gone may run
        # in the middle of a call that has it, and must not wait for it (`DurableOutbox.close`, `forget`).
        self.lock = threading.Lock()
        self.changed = threading.Condition(self.lock)
        """Notified where messages have left the queue, and where it is closed."""

    def put(self, frame: bytes, count: int, kind: str) -> MessageRow | None:
        """Numbers a message and puts it into the file; None if it has no room, or the disk does not take it."""
        if not self.file.has_room(len(frame) + ROW_BYTES):
            return None
        try:
            stream = self.current.get(kind) or self._new_stream(kind)
            row = self._keep(stream, frame, count)
        except sqlite3.Error as error:
            self._notices.report_disk(f"the durable queue takes nothing: {error}; messages are dropped")
            return None
        stream.messages += 1
        self.messages += 1
        self.trades += count
        self.counts.sent_trades += count
        self.counts.sent_messages += 1
        return row

    def _keep(self, stream: QueueStream, frame: bytes, count: int) -> MessageRow:
        """Puts the next message of a stream into the file; raises `sqlite3.Error` if the disk does not take it."""
        seq = stream.next_seq
        # Before it is there: a bot that Ctrl+C interrupts just then, and that goes on, must not use the number twice.
        stream.next_seq = seq + max(count, 1)
        try:
            return self.file.put(stream.row.id, seq, count, with_seq(frame, seq))
        except sqlite3.Error:
            stream.next_seq = seq
            raise

    def _new_stream(self, kind: str) -> QueueStream:
        # That of trades first: reports that the run is alive name its numbers.
        if kind != TRADE and TRADE not in self.current:
            self._new_stream(TRADE)
        stream = self.streams.add(self.file.add_stream(self.counts.source, self.counts.run, kind))
        self.current[kind] = stream
        stream.close(time.monotonic())
        self._wake()
        return stream

    def release(self) -> None:
        """Drops what is acknowledged from the file."""
        released = self.streams.release()
        if released is not None:
            self.file.drop_through(released.last_id, released.size_bytes, self.streams.parked)
            self.messages -= released.messages
            self.trades -= released.trades
            self.changed.notify_all()
