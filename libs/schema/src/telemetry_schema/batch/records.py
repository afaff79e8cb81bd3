"""The batch between ingest and analytics: a JSON header and the trades as one little-endian NumPy array.

Sent and read without copying; decoding costs microseconds whatever the number of trades.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Annotated, Final, Literal, TypeAlias, cast

import msgspec
import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationError

from telemetry_schema.batch.structs import KnownNames, struct_of
from telemetry_schema.errors import MAX_DESCRIBED_FAULTS, MAX_DETAIL_CHARS, BatchError
from telemetry_schema.fields import LAST_NS, Account, CommandId, Count, EpochNs, Seq, Source, Symbol, TradeId
from telemetry_schema.messages import Message

BUY: Final = 0
SELL: Final = 1

TRADE_DTYPE: Final = np.dtype(
    {
        "names": ["event_ns", "sent_ns", "received_ns", "price", "qty", "symbol", "source", "side", "account"],
        "formats": ["<i8", "<i8", "<i8", "<f8", "<f8", "<u2", "<u2", "u1", "<u2"],
        "offsets": [0, 8, 16, 24, 32, 40, 42, 44, 46],
        # A byte of padding after the side, so that every column stays aligned.
        "itemsize": 48,
    }
)
"""One trade: times in UTC epoch nanoseconds, price in quote per base, qty in base, side `BUY` or `SELL` (the taker's).
Symbol and source are indexes into the header's tables; account is 1 + its index there, or 0 for a market trade."""

MAX_BATCH_TRADES: Final = 65_535
"""Symbol and source are 16-bit indexes, and every trade may bring its own."""

BATCH_TRADES_BOUNDS: Final = tuple(2**power for power in range(15))
"""Upper bounds of the histogram `telemetry_batch_trades`, in trades: 1, 2, 4, … 16,384, the same in both services."""

RECORD: Final = struct.Struct("<qqqddHHBxH")
"""One trade of `TRADE_DTYPE`, to pack or unpack a few: NumPy's calls cost as much for one trade as for hundreds."""

FEW_TRADES: Final = 16
"""Up to here a batch is cheaper to check trade by trade (1 trade: 0.7 µs against 9.9; 32 trades: 8.5 against 8.8)."""

Frame: TypeAlias = bytes | memoryview

Records: TypeAlias = npt.NDArray[np.void]
"""Trades as a structured array of `TRADE_DTYPE`, shape (n,)."""


class CommandRef(Message):
    """The trade at `index` of the batch fills this command."""

    index: Count = Field(description="Of the trade in the records, from 0.")
    command_id: CommandId


class TradeIdRef(Message):
    """The sender's or venue's identifier of the trade at `index` of the batch."""

    index: Count = Field(description="Of the trade in the records, from 0.")
    id: TradeId


class BatchHeader(Message):
    """What the records need to be understood.

    A stream is a log of ingest, and a trade's number in it its offset; messages about orders are
    numbered with them. Each ingest process begins an epoch of the log.
    If a power cut took the end of the log, the next epoch begins (`epoch_seq`) at an offset that was used before: what
    was applied from there on came from trades that are gone, and the offsets are used anew.

    `replayed` lists the sources (as indexes) that are replayed: their times are of the recording, so only feed latency
    and skew mean anything. `accounts` and `ids` are empty unless there are trades of our own. A batch without trades is
    a heartbeat: it says which number comes next, so that a loss at the end shows. `resume` says that nothing before
    `first_seq` will come any more; `final` that the stream has ended; both together that this epoch has, and another
    one goes on.
    """

    kind: Literal["trades", "events"] = Field(
        default="trades", description="What the batch holds: trades, or messages about orders, as lines."
    )
    stream: str = Field(min_length=1, max_length=64, description="The log that the trades are in.")
    epoch: Seq = Field(default=0, description="The ingest process that numbered the trades: later ones have higher.")
    epoch_seq: Seq = Field(default=0, description="Number of the first trade of the epoch.")
    first_seq: Seq = Field(description="Number of the first trade in the stream; of the next one in a heartbeat.")
    count: Annotated[int, Field(ge=0, le=MAX_BATCH_TRADES, description="Trades in the records, or lines.")]
    # The first fault of a list ends its check: 8 MiB of faults would take seconds to collect.
    symbols: list[Symbol] = Field(fail_fast=True)
    sources: list[Source] = Field(fail_fast=True)
    accounts: list[Account] = Field(default_factory=list, fail_fast=True, description="Accounts of our own trades.")
    ids: list[TradeIdRef] = Field(
        default_factory=list, fail_fast=True, description="Identifiers of our own trades, where they have one."
    )
    replayed: list[Count] = Field(
        default_factory=list, fail_fast=True, description="Sources that are replayed, by index."
    )
    commands: list[CommandRef] = Field(
        default_factory=list, fail_fast=True, description="Commands that the trades fill."
    )
    sent_ns: EpochNs = Field(description="When ingest pushed it, UTC epoch nanoseconds.")
    resume: bool = Field(default=False, description="Nothing before first_seq will come any more.")
    final: bool = Field(default=False, description="The stream has ended.")


FastHeader = cast("type[BatchHeader]", struct_of(BatchHeader))
"""A header with the same fields, made and encoded in a tenth of the time; nothing checks what it is made of."""


@dataclass(frozen=True, slots=True)
class TradeBatch:
    """A header and its trades: `count` records of `TRADE_DTYPE`, as bytes."""

    header: BatchHeader
    frame: Frame

    @classmethod
    def of(cls, header: BatchHeader, records: Records) -> "TradeBatch":
        """A batch that shares memory with its records.

        Raises:
            BatchError: they are not of `TRADE_DTYPE` (NumPy drops its padding at times), or not as many as it says.
        """
        if records.dtype != TRADE_DTYPE or len(records) != header.count:
            raise BatchError(f"{len(records)} records of {records.dtype} are not {header.count} trades")
        return cls(header, records.view(np.uint8).data)

    @property
    def records(self) -> Records:
        """The trades, shape (count,); they share memory with the frame."""
        return np.frombuffer(self.frame, TRADE_DTYPE)


def encode_batch(batch: TradeBatch) -> tuple[bytes, Frame]:
    """The two frames of a batch; the second is the batch's own."""
    return encode_header(batch.header), batch.frame


def encode_header(header: BatchHeader) -> bytes:
    """A header of either kind as one frame of UTF-8 JSON."""
    return _encode(header)


def decode_batch(frames: Sequence[Frame]) -> TradeBatch:
    """The batch in two frames; it shares memory with the second.

    Raises:
        BatchError: not two frames, no header, or records that do not fit it or that no trade can have.
    """
    if len(frames) != 2:  # noqa: PLR2004 - header and records
        raise BatchError(f"a batch has 2 frames, not {len(frames)}")
    header = decode_header(bytes(frames[0]))
    if header.kind != "trades":
        raise BatchError(f"a batch of {header.kind}, not of trades")
    return checked_batch(header, frames[1])


def checked_batch(header: BatchHeader, frame: Frame) -> TradeBatch:
    """The batch of a header of trades and their records; raises `BatchError` where they do not fit."""
    if len(frame) != header.count * TRADE_DTYPE.itemsize:
        raise BatchError(f"{header.count} trades do not fill {len(frame)} bytes")
    _check_header(header)
    if header.count > FEW_TRADES:
        _check_many(header, frame)
    elif header.count:
        _check_few(header, frame)
    return TradeBatch(header, frame)


_encode: Final = msgspec.json.Encoder(enc_hook=BatchHeader.model_dump).encode
_decode: Final = msgspec.json.Decoder(FastHeader).decode
_names: Final = KnownNames()


def decode_header(frame: bytes) -> BatchHeader:
    """The header in a batch's first frame; raises `BatchError`."""
    try:
        header = _decode(frame)
        if _names_are_good(header):
            return header
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # pydantic decides, and says what is wrong
    try:
        return BatchHeader.model_validate_json(frame)
    except ValidationError as error:
        if error.error_count() > MAX_DESCRIBED_FAULTS:
            raise BatchError(f"not a batch header: {error.error_count():,} faults") from None
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise BatchError(f"not a batch header: {first['msg'][:MAX_DETAIL_CHARS]}") from error


def _names_are_good(header: BatchHeader) -> bool:
    good = _names.are_good(header.symbols) and _names.are_good(header.sources)
    if header.accounts or header.ids:
        good = good and _names.are_good(header.accounts) and _names.are_good([ref.id for ref in header.ids])
    return good


def _check_header(header: BatchHeader) -> None:
    if max(len(header.symbols), len(header.sources), len(header.accounts)) > MAX_BATCH_TRADES:
        raise BatchError("the header's tables are longer than any batch")
    if header.first_seq + header.count > LAST_NS:
        raise BatchError("the stream's numbers end before the batch does")
    if header.ids and any(ref.index >= header.count for ref in header.ids):
        raise BatchError("an identifier refers to a trade outside the batch")
    if header.commands and any(ref.index >= header.count for ref in header.commands):
        raise BatchError("a command refers to a trade outside the batch")
    if header.replayed and any(index >= len(header.sources) for index in header.replayed):
        raise BatchError("a replayed source is outside the header's table")


_BAD_INDEX: Final = "a symbol, source or account index is outside the header's tables"
_BAD_SIDE: Final = "a side is neither buy nor sell"
_BAD_NUMBER: Final = "a time, price or quantity is out of range"

_WORDS: Final = TRADE_DTYPE.itemsize // 8

_INFINITY: Final = int(np.array(np.inf).view(np.uint64))
"""The bits of positive floats, read as integers, lie between 0 and those of infinity, and in the same order. Those of
negative ones are the same with the sign bit set."""

_NO_SIGN: Final = np.uint64(2**63 - 1)
_ONE: Final = np.uint64(1)


def _check_many(header: BatchHeader, frame: Frame) -> None:
    """Looks at the records as unsigned words: one maximum of each says nearly all.

    The last word is, from the lowest bits on:

    | symbol: 16 | source: 16 | side: 8 | padding: 8 | account: 16 |

    It is NumPy's calls that this costs, not the trades.
    """
    words = np.frombuffer(frame, np.uint64).reshape(-1, _WORDS).T.copy()
    words[3] &= _NO_SIGN  # a price may be negative
    words[4] -= _ONE  # a quantity of 0 becomes the largest of all
    event_ns, sent_ns, received_ns, price, qty, codes = np.maximum.reduce(words, axis=1).tolist()
    either = int(np.bitwise_or.reduce(words[5]))
    if codes >> 48 > len(header.accounts) or not _are_indexes(words[5], either, header):
        raise BatchError(_BAD_INDEX)
    if either >> 32 & 0xFF > SELL:
        raise BatchError(_BAD_SIDE)
    if (event_ns | sent_ns | received_ns) >> 63 or price >= _INFINITY or qty >= _INFINITY - 1:
        raise BatchError(_BAD_NUMBER)


def _are_indexes(codes: npt.NDArray[np.uint64], either: int, header: BatchHeader) -> bool:
    """Whether all symbols and sources are in the header's tables.

    No index is larger than all of them combined bit by bit (`either`), which is known already; only where that is too
    large, the largest index is looked for.
    """
    symbols, sources, halves = len(header.symbols), len(header.sources), codes.view(np.uint16)
    if either & 0xFFFF >= symbols and np.maximum.reduce(halves[::4]) >= symbols:
        return False
    return either >> 16 & 0xFFFF < sources or bool(np.maximum.reduce(halves[1::4]) < sources)


def _check_few(header: BatchHeader, frame: Frame) -> None:
    symbols, sources, accounts = len(header.symbols), len(header.sources), len(header.accounts)
    for event_ns, sent_ns, received_ns, price, qty, symbol, source, side, account in RECORD.iter_unpack(frame):
        if symbol >= symbols or source >= sources or account > accounts:
            raise BatchError(_BAD_INDEX)
        if side > SELL:
            raise BatchError(_BAD_SIDE)
        if min(event_ns, sent_ns, received_ns) < 0 or not (-inf < price < inf and 0 < qty < inf):
            raise BatchError(_BAD_NUMBER)
