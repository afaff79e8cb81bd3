"""Messages of trading telemetry, and the one way to turn them into bytes and back.

- `fields`: the annotated types, with units; `messages`: what clients, ingest and the UI say to each other;
  `views`: what the services tell the UI about themselves; `errors`: why something was refused.
- `codec`: JSON frames to messages and back; `encoder`: the fast way from a sender's trades to frames.
- `batch` and `decoder` (extra `batch`, need NumPy and msgspec): the binary batch, and the fast decoder for trades.
"""

from telemetry_schema.codec import decode_edge, decode_progress, decode_ui, encode, with_seq
from telemetry_schema.errors import BatchError, DecodeError, Reason, SchemaError
from telemetry_schema.messages import CommandResult, KillSwitch, Progress, Trade, TradeColumns, TradeCommand
from telemetry_schema.views import IngestStatus, Snapshot

__all__ = [
    "BatchError",
    "CommandResult",
    "DecodeError",
    "IngestStatus",
    "KillSwitch",
    "Progress",
    "Reason",
    "SchemaError",
    "Snapshot",
    "Trade",
    "TradeColumns",
    "TradeCommand",
    "decode_edge",
    "decode_progress",
    "decode_ui",
    "encode",
    "with_seq",
]
