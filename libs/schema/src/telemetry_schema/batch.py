"""The batch between ingest and analytics: a JSON header and the trades as one little-endian NumPy array.

Sent and read without copying; decoding costs microseconds whatever the number of trades.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationError

from telemetry_schema.errors import BatchError
from telemetry_schema.fields import CommandId, Count, EpochNs, Seq, Source, Symbol
from telemetry_schema.messages import Message

BUY: Final = 0
SELL: Final = 1

TRADE_DTYPE: Final = np.dtype(
    {
        "names": ["event_ns", "sent_ns", "received_ns", "price", "qty", "symbol", "source", "side"],
        "formats": ["<i8", "<i8", "<i8", "<f8", "<f8", "<u2", "<u2", "u1"],
        "offsets": [0, 8, 16, 24, 32, 40, 42, 44],
        # Padded to a multiple of 8, so that every column stays aligned.
        "itemsize": 48,
    }
)
"""One trade: times in UTC epoch nanoseconds, price in quote per base, qty in base, symbol and source as indexes into
the header's tables, side `BUY` or `SELL` (the taker's)."""

MAX_BATCH_TRADES: Final = 65_535
"""Symbol and source are 16-bit indexes, and every trade may bring its own."""

Records: TypeAlias = npt.NDArray[np.void]
"""Trades as a structured array of `TRADE_DTYPE`, shape (n,)."""


class CommandRef(Message):
    """The trade at `index` of the batch fills this command."""

    index: Count = Field(description="Of the trade in the records, from 0.")
    command_id: CommandId


class BatchHeader(Message):
    """What the records need to be understood.

    `recorded` lists the sources (as indexes) that are replayed: their times are of the recording, so only feed latency
    and skew mean anything. A batch without trades is a heartbeat: it says which number comes next, so that a loss at
    the end shows. `resume` says that nothing before `first_seq` will come any more; `final` that the stream has ended.
    """

    stream: str = Field(min_length=1, max_length=64, description="The ingest run that numbered the trades.")
    first_seq: Seq = Field(description="Number of the first trade in the stream; of the next one in a heartbeat.")
    count: Annotated[int, Field(ge=0, le=MAX_BATCH_TRADES, description="Trades in the records.")]
    symbols: list[Symbol]
    sources: list[Source]
    recorded: list[Count] = Field(default_factory=list, description="Sources that are replayed, by index.")
    commands: list[CommandRef] = Field(default_factory=list, description="Commands that the trades fill.")
    sent_ns: EpochNs = Field(description="When ingest pushed it, UTC epoch nanoseconds.")
    resume: bool = Field(default=False, description="Nothing before first_seq will come any more.")
    final: bool = Field(default=False, description="The stream has ended.")


@dataclass(frozen=True, slots=True)
class TradeBatch:
    """A header and its records, shape (count,)."""

    header: BatchHeader
    records: Records


def encode_batch(batch: TradeBatch) -> tuple[bytes, memoryview]:
    """The two frames of a batch; the second shares memory with the records.

    Raises:
        BatchError: the records are not of `TRADE_DTYPE` (NumPy drops its padding at times), or not as many as it says.
    """
    if batch.records.dtype != TRADE_DTYPE or len(batch.records) != batch.header.count:
        raise BatchError(f"{len(batch.records)} records of {batch.records.dtype} are not {batch.header.count} trades")
    return batch.header.model_dump_json().encode(), batch.records.view(np.uint8).data


def decode_batch(frames: Sequence[bytes | memoryview]) -> TradeBatch:
    """The batch in two frames; the records share memory with the second.

    Raises:
        BatchError: not two frames, no header, or records that do not fit it.
    """
    if len(frames) != 2:  # noqa: PLR2004 - header and records
        raise BatchError(f"a batch has 2 frames, not {len(frames)}")
    try:
        header = BatchHeader.model_validate_json(bytes(frames[0]))
    except ValidationError as error:
        raise BatchError(f"not a batch header: {error.errors(include_url=False)[0]['msg']}") from error
    if len(frames[1]) != header.count * TRADE_DTYPE.itemsize:
        raise BatchError(f"{header.count} trades do not fill {len(frames[1])} bytes")
    records = np.frombuffer(frames[1], TRADE_DTYPE)
    _check_indexes(header, records)
    return TradeBatch(header, records)


def _check_indexes(header: BatchHeader, records: Records) -> None:
    if any(ref.index >= header.count for ref in header.commands):
        raise BatchError("a command refers to a trade outside the batch")
    if any(index >= len(header.sources) for index in header.recorded):
        raise BatchError("a replayed source is outside the header's table")
    if not header.count:
        return
    if records["symbol"].max() >= len(header.symbols) or records["source"].max() >= len(header.sources):
        raise BatchError("a symbol or source index is outside the header's tables")
    if records["side"].max() > SELL:
        raise BatchError("a side is neither buy nor sell")
