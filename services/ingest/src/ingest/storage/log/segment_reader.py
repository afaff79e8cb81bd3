"""Reads a segment from disk in pieces, and remembers where it stopped: what is read next mostly follows."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ingest.storage.log.batch_log import LogBatch
from ingest.storage.log.segment import CutError, DamagedError, SegmentHead, decode_head, transactions

_PIECE_BYTES: Final = 1024 * 1024
"""What is read at once: about a millisecond. A longer transaction is read in one piece all the same."""


_NAME: Final = re.compile(r"(\d{20})\.segment")


def first_seq_of(path: Path) -> int | None:
    """The offset that a segment begins at, as its name says; None if the file is none by its name."""
    match = _NAME.fullmatch(path.name)
    return None if match is None else int(match[1])


@dataclass(slots=True)
class _Place:
    path: Path
    byte: int
    seq: int
    """The offset of the next batch there."""


class SegmentReader:
    """Finds the batches at an offset.

    Args:
        stream: the name of the log; a file of another one that got among its own is damage.
    """

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._place: _Place | None = None

    def read(self, path: Path, seq: int, end_seq: int, max_bytes: int) -> list[LogBatch]:
        """Batches from that offset on, which must be below `end_seq`, the end of the segment.

        Raises:
            DamagedError, OtherVersionError: the segment cannot be read there.
            OSError: the disk failed.
        """
        found: list[LogBatch] = []
        fd = os.open(path, os.O_RDONLY)
        try:
            place = self._find_place(fd, path, seq)
            while place.seq < end_seq and max_bytes > 0:
                for batch in self._next(fd, place):
                    if batch.end_seq > seq:
                        found.append(batch)
                        max_bytes -= len(batch.records) + len(batch.header)
        except DamagedError:
            self._place = None
            if not found:
                raise
        finally:
            os.close(fd)
        return found

    def _find_place(self, fd: int, path: Path, seq: int) -> _Place:
        place = self._place
        if place is None or place.path != path or place.seq > seq:
            head, end = self._head(fd)
            if head.stream != self._stream or head.first_seq != first_seq_of(path):
                raise DamagedError(f"it begins at offset {head.first_seq} of the log {head.stream}")
            place = self._place = _Place(path, end, head.first_seq)
        return place

    def _head(self, fd: int) -> tuple[SegmentHead, int]:
        piece_bytes = _PIECE_BYTES
        while True:
            data = memoryview(os.pread(fd, piece_bytes, 0))
            try:
                head, end = decode_head(data)
            except CutError:
                if len(data) < piece_bytes:
                    raise
                piece_bytes *= 2
            else:
                return head, end

    def _next(self, fd: int, place: _Place) -> list[LogBatch]:
        """The batches of the next transactions, about as many as there are in a piece."""
        piece_bytes = _PIECE_BYTES
        while True:
            data = memoryview(os.pread(fd, piece_bytes, place.byte))
            batches = self._decode(data, place)
            if batches:
                return batches
            if len(data) < piece_bytes:
                raise DamagedError(f"it ends at byte {place.byte + len(data)}, before offset {place.seq}")
            piece_bytes *= 2

    def _decode(self, data: memoryview, place: _Place) -> list[LogBatch]:
        found: list[LogBatch] = []
        begin = place.byte
        try:
            for transaction, end in transactions(data, 0, place.seq):
                found += transaction.batches
                place.byte = begin + end
                if transaction.batches:
                    place.seq = transaction.batches[-1].end_seq
        except CutError:
            pass  # The piece ends within it: the next one begins with it.
        except DamagedError:
            if not found:
                raise
        return found
