"""The batch of what bots report of their own orders: a header, and one line for each message.

    1760000000000000000 {"type":"order","source":"bot",…}      when ingest received it, a blank, the message

A line is the JSON that ingest has checked, without line breaks: rates are thousands a second, not hundreds of
thousands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Final, NamedTuple, cast

import msgspec

from telemetry_schema.batch.event_decoder import FAST_STRUCTS, is_whole
from telemetry_schema.batch.records import BatchHeader, Frame, TradeBatch, checked_batch, decode_header
from telemetry_schema.errors import BatchError
from telemetry_schema.fields import LAST_NS
from telemetry_schema.orders import BotMessage, OrderEvent, missing_fields

MAX_BATCH_EVENTS: Final = 128
"""Messages in one batch: analytics applies a batch without a break, at about 15 µs each."""

_KINDS: Final = {struct: kind for kind, struct in FAST_STRUCTS.items()}
_decode: Final = msgspec.json.Decoder(reduce(or_, FAST_STRUCTS.values())).decode


class ReceivedEvent(NamedTuple):
    """A message, of which kind it is, and when ingest received it (UTC epoch nanoseconds)."""

    received_ns: int
    kind: str
    message: BotMessage


@dataclass(frozen=True, slots=True)
class EventBatch:
    """A header and its messages, `count` of them."""

    header: BatchHeader
    events: list[ReceivedEvent]


def encode_event_lines(frames: Sequence[bytes], received_ns: int) -> bytes:
    """The second frame of a batch of messages that were all received at once."""
    # A line break in JSON is a blank between values: in a string it is escaped.
    return b"".join(b"%d %b\n" % (received_ns, frame.replace(b"\n", b" ").replace(b"\r", b" ")) for frame in frames)


def decode_stream_batch(frames: Sequence[Frame]) -> TradeBatch | EventBatch:
    """The batch in two frames, of either kind.

    Raises:
        BatchError: not two frames, no header, or records or lines that do not fit it.
    """
    if len(frames) != 2:  # noqa: PLR2004 - header and content
        raise BatchError(f"a batch has 2 frames, not {len(frames)}")
    header = decode_header(bytes(frames[0]))
    if header.kind == "trades":
        return checked_batch(header, frames[1])
    if header.count > MAX_BATCH_EVENTS:
        raise BatchError(f"{header.count} messages are more than {MAX_BATCH_EVENTS}")
    lines = bytes(frames[1]).splitlines()
    if len(lines) != header.count:
        raise BatchError(f"{header.count} messages are not {len(lines)} lines")
    if header.first_seq + header.count > LAST_NS:
        raise BatchError("the stream's numbers end before the batch does")
    return EventBatch(header, [_event(line) for line in lines])


def _event(line: bytes) -> ReceivedEvent:
    received, _, frame = line.partition(b" ")
    try:
        received_ns, struct = int(received), _decode(frame)
    except (ValueError, RecursionError) as error:
        raise BatchError(f"a line holds no message: {error}") from error
    if not 0 <= received_ns <= LAST_NS:
        raise BatchError("a time of receipt is out of range")
    kind, message = _KINDS[type(struct)], cast("BotMessage", struct)
    if kind == "order" and not is_whole(cast("OrderEvent", message)):
        raise BatchError(f"an order event lacks {', '.join(_missing_of(cast('OrderEvent', message)))}")
    return ReceivedEvent(received_ns, kind, message)


def _missing_of(event: OrderEvent) -> list[str]:
    return missing_fields(event.event, lambda name: getattr(event, name))
