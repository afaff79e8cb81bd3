"""A cursor over the log: which batch is sent to analytics next.

    sent ──▶ │ sent_seq ... queue in memory ... queued_seq │ in the log ...... committed_seq │ pending

It goes back when analytics misses something, and forward where the log holds no more; both behind a mark that says
where the stream goes on.
"""

from collections import deque

from ingest.storage.log.batch_log import Epoch, LogBatch
from ingest.storage.log.group_commit import GroupCommit
from telemetry_runtime import Clock, TrySink
from telemetry_schema.batch import FastHeader, encode_header

MAX_QUEUED_BATCHES = 256
"""Batches that are kept in memory until they are sent. What comes after them is read back from the log."""

_READ_BYTES = 1024 * 1024
"""What is read from the log at once: about a millisecond."""


class LogCursor:
    """Sends the batches of a log in order, from `first_seq` on; a full sink takes up where it was.

    Args:
        sink: where batches go.
        writer: of the log.
        clock: for the time of marks.
        first_seq: where it begins.
    """

    def __init__(self, sink: TrySink, writer: GroupCommit, *, clock: Clock, first_seq: int) -> None:
        self._sink, self._writer, self._clock = sink, writer, clock
        self._log = writer.log
        # The queue holds what is to be sent next. It begins at `sent_seq` and ends at `_queued_seq`.
        self._queue: deque[LogBatch] = deque()
        self.sent_seq = self._queued_seq = first_seq
        self.resume_due = True
        """Analytics must hear where the stream goes on, before anything else: behind marks of the epochs that ended."""
        self._announced = 0
        """Of those marks so many are sent."""
        self.has_more = False
        """There is more in the log than one piece: whoever sends comes again."""

    def add(self, batch: LogBatch) -> None:
        """Takes note of a batch that is being added to the log: while there is room it need not be read back."""
        if self._queued_seq == batch.first_seq and len(self._queue) < MAX_QUEUED_BATCHES:
            self._queue.append(batch)
            self._queued_seq = batch.end_seq

    def go_back(self, seq: int) -> None:
        """Sends again from there on, or from the oldest that the log holds."""
        self._queue.clear()
        self.sent_seq = self._queued_seq = max(seq, self._log.first_seq)
        self._resume()

    @property
    def is_all_sent(self) -> bool:
        """Whether all that is committed is sent."""
        return self.sent_seq >= self._writer.committed_seq and not self.resume_due

    def send(self) -> bool:
        """Sends what is committed, after the queue at most one piece that is read from the log; False when it is full.

        `has_more` says whether there is more in the log: reading a long one must not hold up the rest of the loop.
        """
        self.has_more = False
        if not self._send_queued():
            return False
        if not self._queue and self._queued_seq < self._writer.committed_seq:
            self._read_on()
            if not self._send_queued():
                return False
            self.has_more = self._queued_seq < self._writer.committed_seq
        return True

    def _send_queued(self) -> bool:
        """Sends what is queued, as far as it is committed; False when the sink is full."""
        while self.resume_due or (self._queue and self._queue[0].end_seq <= self._writer.committed_seq):
            if not self._sink.try_send(self._next_frames()):
                return False
            if self._announced < len(self._log.ended):
                self._announced += 1
            elif self.resume_due:
                self.resume_due = False
            else:
                self.sent_seq = self._queue.popleft().end_seq
        return True

    def _next_frames(self) -> tuple[bytes, bytes | memoryview]:
        if self._announced < len(self._log.ended):
            epoch = self._log.ended[self._announced]
            return self._mark(epoch, epoch.first_seq, resume=True, final=True)
        if self.resume_due:
            return self.mark(self.sent_seq, resume=True)
        return self._queue[0].header, self._queue[0].records

    def _read_on(self) -> None:
        """Queues the batches that follow in the log."""
        self._queue.extend(self._log.read(self._queued_seq, max_bytes=_READ_BYTES))
        first_seq = self._queue[0].first_seq if self._queue else self._log.next_seq
        if first_seq > self._queued_seq:
            # What is between them cannot be read any more: analytics counts it as lost.
            self.sent_seq = first_seq
            self._resume()
        self._queued_seq = self._queue[-1].end_seq if self._queue else first_seq

    def _resume(self) -> None:
        self.resume_due, self._announced = True, 0

    def mark(self, first_seq: int, *, resume: bool = False, final: bool = False) -> tuple[bytes, bytes]:
        """A batch without trades: it says which number comes next, and that the stream goes on there, or has ended."""
        return self._mark(self._log.epoch, first_seq, resume=resume, final=final)

    def _mark(self, epoch: Epoch, first_seq: int, *, resume: bool, final: bool) -> tuple[bytes, bytes]:
        header = FastHeader(
            stream=self._log.stream,
            epoch=epoch.number,
            epoch_seq=epoch.first_seq,
            first_seq=first_seq,
            count=0,
            symbols=[],
            sources=[],
            sent_ns=self._clock.now_ns(),
            resume=resume,
            final=final,
        )
        return encode_header(header), b""
