"""The log on disk: a directory of segments, each a file that is only ever appended to.

    log/00000000000000000000.segment   offsets from 0, complete
    log/00000000000000350208.segment   offsets from 350,208: the active one, which is appended to

The name of a segment is the offset it begins at, so the name of the next one says where it ends. Trimming removes whole
segments. Opening reads the newest one and begins the next, with a new epoch. Nothing that is there is changed: a tail
that a crash has left half written stays behind and is not read again.
"""

import errno
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from ingest.storage.log.batch_log import Epoch, LogBatch, LogFullError, Transaction, apply_state
from ingest.storage.log.segment import (
    DamagedError,
    OtherVersionError,
    SegmentHead,
    decode_head,
    encode_head,
    encode_transaction,
    transactions,
)
from ingest.storage.log.segment_reader import SegmentReader, first_seq_of
from telemetry_runtime import StartupError, make_directory, sync_directory

SEGMENT_BYTES: Final = 16 * 1024 * 1024
"""A segment is closed at this size: 350,000 trades. The start reads one of them, and trimming removes whole ones."""

MAX_ENDED: Final = 64
"""Epochs that are remembered: so often ingest may be started while analytics is away."""


@dataclass(slots=True)
class _Segment:
    path: Path
    first_seq: int
    head_bytes: int
    size: int


class _Sealed(NamedTuple):
    """A segment that is complete, and still open."""

    fd: int
    first_seq: int


@dataclass(slots=True)
class _Content:
    """What the newest segment holds."""

    head: SegmentHead
    state: dict[str, bytes]
    next_seq: int


class SegmentLog:
    """A `BatchLog` in a directory of its own, which no other process may use meanwhile.

    Args:
        directory: where the segments are; made if it is not there.
        new_stream: the name of the log, if there is none yet.
        now_ns: epochs are numbered by the time, so that one is never used twice.
        max_bytes: what it may take up.
        segment_bytes: when the next segment is begun.
        fdatasync: puts on disk what was written to a file descriptor.

    Raises:
        StartupError: it was written by another version.
        OSError: the directory cannot be used.
    """

    def __init__(
        self,
        directory: Path,
        *,
        new_stream: str,
        now_ns: int,
        max_bytes: int,
        segment_bytes: int = SEGMENT_BYTES,
        fdatasync: Callable[[int], None] = os.fdatasync,
    ) -> None:
        self._fdatasync = fdatasync
        self.was_cut, self.is_durable = False, True
        self._directory, self._max_bytes, self._segment_bytes = directory, max_bytes, segment_bytes
        self._log = structlog.get_logger("log").bind(directory=str(directory))
        make_directory(directory)
        self._segments = _find(directory)
        found = self._newest()
        self.stream = found.head.stream if found else new_stream
        self.next_seq = found.next_seq if found else 0
        self.epoch = Epoch(max(now_ns, found.head.epoch + 1 if found else 1), self.next_seq)
        self.ended = _ended(found.head, self.next_seq) if found else ()
        self._state = found.state if found else {}
        self._syncing = threading.Lock()
        self._sealed: list[_Sealed] = []
        """Segments that are complete, and may not be on disk yet."""
        self._unsynced_seq = -1
        """Where the newest of those begins that were closed before they were on disk; −1 if none was."""
        self._durable_seq = 0
        """Where the newest segment begins whose head is on disk: what is needed of those before it are their trades."""
        self._reader = SegmentReader(self.stream)
        self.held_bytes = sum(segment.size for segment in self._segments)
        self._sync_through(self.next_seq)
        self._fd, self._active = self._begin()
        # A later process must know that this epoch has been, even after a power cut.
        self.sync()

    def _newest(self) -> _Content | None:
        """What the newest segment that can be read holds; those that cannot be are put aside."""
        while self._segments:
            segment = self._segments[-1]
            try:
                content = self._content(segment)
                self._check_is_of_one_log(content.head.stream)
            except OtherVersionError as error:
                raise StartupError(
                    f"{segment.path}: written by another version of this program ({error}): start that one, "
                    "or move the directory away to begin with an empty log"
                ) from error
            except DamagedError as error:
                self.was_cut = True
                aside = segment.path.with_suffix(".unreadable")
                segment.path.replace(aside)
                self._log.error("log_segment_unreadable", moved_to=str(aside), error=str(error))
                self._segments.pop()
            else:
                return content
        return None

    def _check_is_of_one_log(self, stream: str) -> None:
        """Refuses to go on in the newest segment if the one before it is of another log: which is ours nobody knows.

        The state in the wrong one would be another desk's positions. Older ones are found out when they are read.
        """
        for segment in self._segments[-2:-1]:
            with suppress(DamagedError, OtherVersionError):
                head, _ = decode_head(memoryview(segment.path.read_bytes()))
                if head.stream != stream:
                    raise StartupError(
                        f"{self._segments[-1].path}: is of another log than {segment.path.name}: "
                        "move the files away that do not belong here"
                    )

    def _content(self, segment: _Segment) -> _Content:
        data = memoryview(segment.path.read_bytes())
        head, end = decode_head(data)
        if head.first_seq != segment.first_seq:
            raise DamagedError(f"it begins at offset {head.first_seq}, not where its name says")
        content = _Content(head, dict(head.state), head.first_seq)
        try:
            for transaction, after in transactions(data, end, head.first_seq):
                apply_state(content.state, transaction.state)
                if transaction.batches:
                    content.next_seq = transaction.batches[-1].end_seq
                end = after
        except DamagedError as error:
            # After a power cut the end may be half written. That, or the disk has damaged it: whatever was there is
            # missing in the runs' numbers as well, so that it is counted as lost when the sources go on.
            self.was_cut = True
            dropped_bytes = len(data) - end
            self._log.error("log_cut", next_seq=content.next_seq, dropped_bytes=dropped_bytes, error=str(error))
        return content

    def _sync_through(self, seq: int) -> None:
        """Puts on disk the segments that begin up to there: those that are not open.

        At the start these are what an earlier process has appended: from now on it is passed on as if it were there.
        """
        for segment in [each for each in list(self._segments) if each.first_seq <= seq]:
            with suppress(FileNotFoundError):  # trimmed meanwhile
                fd = os.open(segment.path, os.O_RDONLY)
                try:
                    self._fdatasync(fd)
                finally:
                    os.close(fd)

    def _begin(self) -> tuple[int, _Segment]:
        """Begins the next segment."""
        path = self._directory / f"{self.next_seq:020}.segment"
        content = encode_head(
            SegmentHead(
                self.stream,
                self.epoch.number,
                self.epoch.first_seq,
                self.next_seq,
                self._state,
                [(each.number, each.first_seq) for each in self.ended],
            )
        )
        part = path.with_suffix(".part")
        fd = os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            _write(fd, (content,), len(content), 0)
            if path.exists():
                # On disk before the other one is gone, which may be all that there is.
                self._fdatasync(fd)
            part.replace(path)
        except OSError:
            os.close(fd)
            part.unlink(missing_ok=True)
            raise
        if self._segments and self._segments[-1].path == path:
            # It held no batches, only state that the new one begins with.
            self.held_bytes -= self._segments.pop().size
        segment = _Segment(path, self.next_seq, len(content), len(content))
        self._segments.append(segment)
        self.held_bytes += segment.size
        return fd, segment

    @property
    def first_seq(self) -> int:
        """The offset of the oldest batch."""
        return self._segments[0].first_seq

    def state(self) -> dict[str, bytes]:
        """The state now."""
        return dict(self._state)

    def append(self, transaction: Transaction) -> None:
        """Appends all of it, or raises; a process that is killed afterwards loses nothing."""
        record, payload = encode_transaction(transaction)
        size = len(record) + len(payload)
        if transaction.batches and self.held_bytes + size > self._max_bytes and len(self._segments) > 1:
            raise LogFullError
        if self._active.size - self._active.head_bytes + size > self._segment_bytes:
            self._roll()
        _write(self._fd, (record, payload), size, self._active.size)
        self._active.size += size
        self.held_bytes += size
        if transaction.batches:
            self.next_seq = transaction.batches[-1].end_seq
        apply_state(self._state, transaction.state)

    def roll(self) -> None:
        """Begins the next segment, if the active one holds any batch: whole segments are trimmed."""
        if self.next_seq > self._active.first_seq:
            self._roll()

    def _roll(self) -> None:
        fd, segment = self._begin()
        # In this order: whoever syncs meanwhile finds the segment in one place or the other.
        self._sealed.append(_Sealed(self._fd, self._active.first_seq))
        self._fd, self._active = fd, segment
        self._reader = SegmentReader(self.stream)

    def read(self, seq: int, *, max_bytes: int) -> Sequence[LogBatch]:
        """Batches from there on; where a segment is damaged, those after it, and a line in the log says so."""
        for segment, end_seq in zip(self._segments, self._end_seqs(), strict=True):
            if seq < end_seq:
                batches = self._read(segment, max(seq, segment.first_seq), end_seq, max_bytes)
                if batches:
                    return batches
        return []

    def _end_seqs(self) -> list[int]:
        return [*(segment.first_seq for segment in self._segments[1:]), self.next_seq]

    def _read(self, segment: _Segment, seq: int, end_seq: int, max_bytes: int) -> Sequence[LogBatch]:
        try:
            return self._reader.read(segment.path, seq, end_seq, max_bytes)
        except (DamagedError, OtherVersionError, OSError) as error:
            path, lost_trades = str(segment.path), end_seq - seq
            self._log.error("log_segment_damaged", path=path, lost_trades=lost_trades, error=str(error))
            return []

    @property
    def is_sync_due(self) -> bool:
        """Whether there is a complete segment that may not be on disk: it is open, and keeps those before it."""
        return bool(self._sealed)

    def trim(self, seq: int) -> None:
        """Removes segments that end before that offset, once the state behind them is on disk."""
        seq = min(seq, self._durable_seq)
        while len(self._segments) > 1 and self._segments[1].first_seq <= seq:
            self._segments[0].path.unlink(missing_ok=True)
            self.held_bytes -= self._segments.pop(0).size

    def sync(self) -> int:
        """Waits until all that was appended is on disk; may be called in another thread."""
        # In this order: a segment that is sealed meanwhile is in the second or in the third, and holds all before the
        # first.
        with self._syncing:
            next_seq, active = self.next_seq, self._active
            fd = self._fd
            sealed = list(self._sealed)
            if self._unsynced_seq >= 0:
                # These alone: the others are open, and are synced below.
                self._sync_through(self._unsynced_seq)
                self._unsynced_seq = -1
            for each in (*(segment.fd for segment in sealed), fd):
                self._fdatasync(each)
            self._note_on_disk(active, sealed)
            return next_seq

    def sync_head(self) -> None:
        """Waits until what the active segment begins with is on disk; may be called in another thread.

        Just after a roll that is little. A sync of the complete segment, 16 MB, would hold up for 20 ms who appends.
        """
        # In this order, as in `sync`: a head that is sealed meanwhile is not needed, as that of the next one is synced.
        with self._syncing:
            active, sealed = self._active, list(self._sealed)
            self._fdatasync(self._fd)
            self._unsynced_seq = max((self._unsynced_seq, *(segment.first_seq for segment in sealed)))
            self._note_on_disk(active, sealed)

    def _note_on_disk(self, active: _Segment, sealed: Sequence[_Sealed]) -> None:
        sync_directory(self._directory)
        for each in sealed:
            self._sealed.remove(each)
            os.close(each.fd)
        self._durable_seq = active.first_seq

    def close(self) -> None:
        """Puts all on disk and closes the files; does nothing the second time."""
        if self._fd < 0:
            return
        self.sync()
        with self._syncing:
            os.close(self._fd)
            self._fd = -1


def _ended(head: SegmentHead, next_seq: int) -> tuple[Epoch, ...]:
    """The epochs before the one that begins at that offset; those are left out that it says all about."""
    found = [Epoch(*each) for each in (*head.ended, (head.epoch, head.epoch_seq))]
    return tuple(each for each in found if each.first_seq < next_seq)[-MAX_ENDED:]


def _find(directory: Path) -> list[_Segment]:
    """The segments that are there, oldest first."""
    return [
        _Segment(path, first_seq, 0, path.stat().st_size)
        for path in sorted(directory.iterdir())
        if (first_seq := first_seq_of(path)) is not None
    ]


def _write(fd: int, parts: Sequence[bytes], size: int, at: int) -> None:
    """Writes all parts, `size` bytes. What a full disk took of them is written over by the next attempt."""
    written = os.pwritev(fd, parts, at)
    if written < size:
        rest = memoryview(b"".join(parts))[written:]
        if os.pwrite(fd, rest, at + written) < len(rest):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
