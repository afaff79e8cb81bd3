"""The second door of the schema: the binary batch and the fast decoder, which need NumPy and msgspec (extra `batch`).

A bot that only sends trades imports neither. The modules behind this door are private to the library.
"""

from telemetry_schema.batch.decoder import (
    FastColumns,
    FastTrade,
    SequencePosition,
    TradeDecoder,
    is_columns,
)
from telemetry_schema.batch.event_decoder import EventDecoder, kind_of
from telemetry_schema.batch.events import (
    MAX_BATCH_EVENTS,
    EventBatch,
    ReceivedEvent,
    decode_stream_batch,
    encode_event_lines,
)
from telemetry_schema.batch.records import (
    BATCH_TRADES_BOUNDS,
    BUY,
    FEW_TRADES,
    MAX_BATCH_TRADES,
    RECORD,
    SELL,
    TRADE_DTYPE,
    BatchHeader,
    CommandRef,
    FastHeader,
    Frame,
    Records,
    TradeBatch,
    TradeIdRef,
    decode_batch,
    encode_batch,
    encode_header,
)
from telemetry_schema.batch.structs import (
    KnownNames,
    struct_of,
)
from telemetry_schema.batch.table import (
    Sender,
    TradeNumbers,
    TradeTable,
)

__all__ = [
    "BATCH_TRADES_BOUNDS",
    "BUY",
    "FEW_TRADES",
    "MAX_BATCH_EVENTS",
    "MAX_BATCH_TRADES",
    "RECORD",
    "SELL",
    "TRADE_DTYPE",
    "BatchHeader",
    "CommandRef",
    "EventBatch",
    "EventDecoder",
    "FastColumns",
    "FastHeader",
    "FastTrade",
    "Frame",
    "KnownNames",
    "ReceivedEvent",
    "Records",
    "Sender",
    "SequencePosition",
    "TradeBatch",
    "TradeDecoder",
    "TradeIdRef",
    "TradeNumbers",
    "TradeTable",
    "decode_batch",
    "decode_stream_batch",
    "encode_batch",
    "encode_event_lines",
    "encode_header",
    "is_columns",
    "kind_of",
    "struct_of",
]
