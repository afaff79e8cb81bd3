"""Why a long frame is refused, in time proportional to its length.

pydantic keeps the whole input with every fault it finds: a 1 MiB message of many keys, or of arrays within arrays,
costs it 0.2 to 1.3 s. msgspec stops at the first fault (8 ms at most), so for long frames its word is final.
"""

import re
from typing import Any, Final

import msgspec

from telemetry_schema.codec import TIME_HINT
from telemetry_schema.errors import DecodeError, Reason
from telemetry_schema.fields import MAX_FRAME_BYTES

LONG_FRAME_BYTES: Final = 2_048
"""A valid trade is shorter, so a longer frame holds columns, or is refused."""

LONGEST_OTHER_BYTES: Final = 16_384
"""The longest message that is no trade: all of them are a few short fields."""

TRADE_TAGS: Final = frozenset({"trade", "trades"})

_REASONS: Final = (
    (r"Object missing required field `type`", Reason.UNKNOWN_TYPE),
    (r"Object missing required field", Reason.MISSING_FIELD),
    (r"Object contains unknown field", Reason.UNKNOWN_FIELD),
    (r"Invalid value .* - at `\$\.type`", Reason.UNKNOWN_TYPE),
    (r"Invalid enum value .* - at `\$\.side", Reason.UNKNOWN_SIDE),
    (r"Expected `str` of length", Reason.BAD_NAME),
    (r"Expected `int` >= .* - at `\$\.(?:event_ns|sent_ns)", Reason.PAST_TIME),
    (r"Expected `(?:int|float|array)` (?:of length )?[<>]", Reason.OUT_OF_RANGE),
    (r"Number out of range|Integer value out of range", Reason.OUT_OF_RANGE),
    (r"Expected ", Reason.WRONG_TYPE),
)
"""How msgspec's messages begin, and what they mean; any other says that the frame is no JSON."""


class _Tag(msgspec.Struct, gc=False):
    """The one field that says what a message is; all others are skipped, not built."""

    type: str


_decode_tag: Final = msgspec.json.Decoder(_Tag).decode


def refuse_if_costly(frame: bytes | memoryview, decoder: "msgspec.json.Decoder[Any]") -> None:
    """Refuses a long frame that is not valid; returns where pydantic may judge it at little cost.

    Args:
        frame: a message of a client.
        decoder: of trades and columns.

    Raises:
        DecodeError: it is not valid; reason and detail name the first fault.
    """
    if len(frame) <= LONG_FRAME_BYTES or len(frame) > MAX_FRAME_BYTES:
        return
    try:
        tag = _decode_tag(frame).type
        if tag in TRADE_TAGS:
            decoder.decode(frame)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _decode_error(str(error)) from error
    except UnicodeDecodeError as error:
        raise DecodeError(Reason.NOT_UTF8, f"byte {error.start} is not UTF-8") from error
    if tag not in TRADE_TAGS and len(frame) > LONGEST_OTHER_BYTES:
        detail = f"{len(frame):,} bytes; only trades may be longer than {LONGEST_OTHER_BYTES:,}"
        raise DecodeError(Reason.TOO_LARGE, detail)


def _decode_error(text: str) -> DecodeError:
    reason = next((reason for pattern, reason in _REASONS if re.match(pattern, text)), Reason.NOT_JSON)
    hint = f"; {TIME_HINT}" if reason is Reason.PAST_TIME else ""
    return DecodeError(reason, f"{text[:256]}{hint}")
