"""A log in memory: what it holds is gone with the process. For tests, and where nothing may be written to disk."""

from bisect import bisect_right
from collections.abc import Sequence

from ingest.storage.log.batch_log import Epoch, LogBatch, LogFullError, Transaction, apply_state


class MemoryLog:
    """A `BatchLog` without a disk.

    Args:
        stream: the name of the log.
        max_bytes: what it may hold.
        epoch: number of the epoch.
        next_seq: the offset it begins at.
    """

    def __init__(self, stream: str, *, max_bytes: int, epoch: int = 1, next_seq: int = 0) -> None:
        self.stream = stream
        self.epoch = Epoch(epoch, next_seq)
        self.ended: tuple[Epoch, ...] = ()
        self.next_seq = next_seq
        self.held_bytes = 0
        self.synced: list[int] = []
        self.failure: Exception | None = None
        """Raised by `append` and `sync` while it is set: a disk that fails."""
        self.was_cut = self.is_durable = self.is_sync_due = False
        self._max_bytes = max_bytes
        self._batches: list[LogBatch] = []
        self._state: dict[str, bytes] = {}

    @property
    def first_seq(self) -> int:
        """The offset of the oldest batch."""
        return self._batches[0].first_seq if self._batches else self.next_seq

    def state(self) -> dict[str, bytes]:
        """The state."""
        return dict(self._state)

    def append(self, transaction: Transaction) -> None:
        """Appends all of it, or raises."""
        if self.failure is not None:
            raise self.failure
        size = sum(map(_size, transaction.batches))
        if self._batches and self.held_bytes + size > self._max_bytes:
            raise LogFullError
        self._batches += transaction.batches
        self.held_bytes += size
        if transaction.batches:
            self.next_seq = transaction.batches[-1].end_seq
        apply_state(self._state, transaction.state)

    def read(self, seq: int, *, max_bytes: int) -> Sequence[LogBatch]:
        """Batches from there on."""
        first = last = bisect_right(self._batches, seq, key=lambda batch: batch.end_seq)
        room_bytes = max_bytes
        while last < len(self._batches) and (room_bytes > 0 or last == first):
            room_bytes -= _size(self._batches[last])
            last += 1
        return self._batches[first:last]

    def trim(self, seq: int) -> None:
        """Drops batches before that offset."""
        if self.failure is not None:
            raise self.failure
        gone = bisect_right(self._batches, seq, key=lambda batch: batch.end_seq)
        self.held_bytes -= sum(map(_size, self._batches[:gone]))
        del self._batches[:gone]

    def roll(self) -> None:
        """Nothing to do: any batch can be dropped."""

    def sync_head(self) -> None:
        """Nothing to do: nothing waits for it."""

    def sync(self) -> int:
        """Notes that it was asked; there is no disk."""
        if self.failure is not None:
            raise self.failure
        self.synced.append(self.next_seq)
        return self.next_seq

    def close(self) -> None:
        """Nothing to close."""


def _size(batch: LogBatch) -> int:
    return len(batch.header) + len(batch.records)
