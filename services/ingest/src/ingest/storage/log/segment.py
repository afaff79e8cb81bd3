"""The format of a segment, a file of the log on disk. Pure: bytes in, bytes out.

    segment      = MAGIC  record(head)  record(transaction)*
    record       = | crc32: 4 | payload bytes: 4 | payload |          the checksum is of all that follows it
    head         = msgpack map: stream, epoch, epoch_seq, ended, first_seq, state (all, so that one file is enough)
    transaction  = | first_seq: 8 | batches: 4 | state bytes: 4 |
                   | trades: 4 | header bytes: 4 | records bytes: 4 |   for each batch
                   state as a msgpack map, then header and records of each batch

All numbers are little-endian. A transaction is valid as a whole or not at all: what a crash left half written has a
wrong checksum, and so has a bit that has flipped on the disk.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple
from zlib import crc32

import msgspec

from ingest.storage.log.batch_log import LogBatch, Transaction
from telemetry_schema.batch import TRADE_DTYPE, Frame

MAGIC: Final = b"ttlog\x001\n"
"""Begins each segment. The digit is the version of the format."""
_ANY_MAGIC: Final = MAGIC[:6]

RECORD_FORMAT: Final = repr(TRADE_DTYPE)
"""Records are kept as they are in memory, so another layout is another version."""

_RECORD: Final = struct.Struct("<II")
_TRANSACTION: Final = struct.Struct("<QII")
_BATCH: Final = struct.Struct("<III")


class SegmentHead(msgspec.Struct):
    """What a segment says about itself."""

    stream: str
    epoch: int
    epoch_seq: int
    """The offset that the epoch begins at."""
    first_seq: int
    """The offset that the segment begins at."""
    state: dict[str, bytes]
    """The state before its first transaction."""
    ended: list[tuple[int, int]] = msgspec.field(default_factory=list)
    """Earlier epochs, oldest first: their numbers and the offsets they began at."""
    record_format: str = RECORD_FORMAT
    """How the records of its batches are laid out."""


class OtherVersionError(Exception):
    """The file is a segment of a version of this format that is not known here."""


class DamagedError(Exception):
    """The bytes are not what was written."""


class CutError(DamagedError):
    """They end before the record does."""


class _Kept(NamedTuple):
    transaction: Transaction
    end: int


def encode_head(head: SegmentHead) -> bytes:
    """The beginning of a segment."""
    return MAGIC + b"".join(_record(msgspec.msgpack.encode(head)))


def encode_transaction(transaction: Transaction) -> tuple[bytes, bytes]:
    """A transaction as a record, in two parts that are to be written one after the other."""
    batches = transaction.batches
    state = msgspec.msgpack.encode(transaction.state) if transaction.state else b""
    first_seq = batches[0].first_seq if batches else 0
    parts: list[Frame] = [_TRANSACTION.pack(first_seq, len(batches), len(state))]
    parts += [_BATCH.pack(batch.trades, len(batch.header), len(batch.records)) for batch in batches]
    parts.append(state)
    for batch in batches:
        parts += (batch.header, batch.records)
    # Joined: most are of one small batch, whose parts would each cost as much as their copy.
    return _record(b"".join(parts))


def _record(payload: bytes) -> tuple[bytes, bytes]:
    size = len(payload).to_bytes(4, "little")
    return crc32(payload, crc32(size)).to_bytes(4, "little") + size, payload


def decode_head(data: memoryview) -> tuple[SegmentHead, int]:
    """What a segment says about itself, and where its first transaction begins.

    Raises:
        OtherVersionError: it is of another version.
        DamagedError: it is no whole head.
    """
    if bytes(data[: len(MAGIC)]) != MAGIC:
        if bytes(data[: len(_ANY_MAGIC)]) == _ANY_MAGIC:
            raise OtherVersionError(f"version {bytes(data[len(_ANY_MAGIC) : len(MAGIC)])!r}")
        raise DamagedError("it does not begin as a segment does")
    payload, end = _payload(data, len(MAGIC))
    try:
        head = msgspec.msgpack.decode(payload, type=SegmentHead)
    except msgspec.DecodeError as error:
        raise DamagedError(f"its head cannot be read: {error}") from error
    if head.record_format != RECORD_FORMAT:
        raise OtherVersionError("its trades have other fields")
    return head, end


def transactions(data: memoryview, begin: int, next_seq: int) -> Iterator[_Kept]:
    """The transactions from there on, each with its end; `next_seq` is the offset that the first batch must have.

    Raises:
        DamagedError: the next one is not whole, or does not follow.
    """
    while begin < len(data):
        payload, begin = _payload(data, begin)
        transaction = _decode(payload)
        for batch in transaction.batches:
            if batch.first_seq != next_seq:
                raise DamagedError(f"a batch at offset {batch.first_seq} where {next_seq} should be")
            next_seq = batch.end_seq
        yield _Kept(transaction, begin)


def _payload(data: memoryview, begin: int) -> tuple[memoryview, int]:
    if begin + _RECORD.size > len(data):
        raise CutError(f"a record is cut at byte {begin}")
    checksum, size = _RECORD.unpack_from(data, begin)
    end = begin + _RECORD.size + size
    if end > len(data):
        raise CutError(f"a record is cut at byte {begin}")
    if crc32(data[begin + 4 : end]) != checksum:
        raise DamagedError(f"a wrong checksum at byte {begin}")
    return data[begin + _RECORD.size : end], end


def _decode(payload: memoryview) -> Transaction:
    """A transaction whose checksum is right; so only another program could have written it wrongly."""
    first_seq, count, state_bytes = _TRANSACTION.unpack_from(payload)
    sizes = [_BATCH.unpack_from(payload, _TRANSACTION.size + i * _BATCH.size) for i in range(count)]
    begin = _TRANSACTION.size + count * _BATCH.size
    state = msgspec.msgpack.decode(payload[begin : begin + state_bytes], type=_StateMap) if state_bytes else {}
    begin += state_bytes
    batches = []
    for trades, header_bytes, records_bytes in sizes:
        middle, end = begin + header_bytes, begin + header_bytes + records_bytes
        # How many bytes a batch takes is a matter of its kind: trades have a fixed length, messages about orders none.
        if end > len(payload):
            raise DamagedError(f"a batch of {records_bytes} bytes ends behind its transaction")
        batches.append(LogBatch(first_seq, trades, bytes(payload[begin:middle]), payload[middle:end]))
        first_seq, begin = first_seq + trades, end
    return Transaction(batches, state)


_StateMap = dict[str, bytes | None]
