"""The hostile corpus: messages that must be refused, each with the one reason it is counted under."""

import json
from typing import Any

from telemetry_schema import Reason
from tests.helpers.trades import NOW_NS, columns, frame, trade


def _raw(**texts: str) -> bytes:
    """A trade whose named fields hold raw JSON text."""
    message = json.dumps(trade(**dict.fromkeys(texts, "@@")))
    for text in texts.values():
        message = message.replace('"@@"', text, 1)
    return message.encode()


def _without(name: str) -> bytes:
    fields: dict[str, Any] = trade()
    del fields[name]
    return frame(fields)


HOSTILE: dict[str, tuple[list[bytes], Reason]] = {
    "empty": ([b""], Reason.NOT_JSON),
    "bad utf-8": ([b'{"type":"trade","source":"\xff\xfe"}'], Reason.NOT_UTF8),
    "utf-16": ([json.dumps(trade()).encode("utf-16")], Reason.NOT_UTF8),
    "truncated": ([frame(trade())[:-7]], Reason.NOT_JSON),
    "two objects": ([frame(trade()) * 2], Reason.NOT_JSON),
    "deeply nested": ([b'{"type":"trade","source":' + b"[" * 100_000 + b"]" * 100_000 + b"}"], Reason.NOT_JSON),
    "deeply nested objects": ([b'{"a":' * 10_000 + b"1" + b"}" * 10_000], Reason.NOT_JSON),
    "an array": ([b"[1,2,3]"], Reason.WRONG_TYPE),
    "a number": ([b"42"], Reason.WRONG_TYPE),
    "null": ([b"null"], Reason.WRONG_TYPE),
    "2 MiB": ([frame(trade(id="x" * 2 * 1024 * 1024))], Reason.TOO_LARGE),
    "no type": ([_without("type")], Reason.UNKNOWN_TYPE),
    "unknown type": ([frame(trade(type="invoice"))], Reason.UNKNOWN_TYPE),
    "type is a number": ([frame(trade(type=1))], Reason.UNKNOWN_TYPE),
    "unknown side": ([frame(trade(side="short"))], Reason.UNKNOWN_SIDE),
    "side in capitals": ([frame(trade(side="BUY"))], Reason.UNKNOWN_SIDE),
    "no price": ([_without("price")], Reason.MISSING_FIELD),
    "no source": ([_without("source")], Reason.MISSING_FIELD),
    "an extra field": ([frame(trade(note="hello"))], Reason.UNKNOWN_FIELD),
    "price is text": ([frame(trade(price="61000"))], Reason.WRONG_TYPE),
    "qty is a boolean": ([frame(trade(qty=True))], Reason.WRONG_TYPE),
    "time is a float": ([frame(trade(event_ns=1.5))], Reason.WRONG_TYPE),
    "qty is NaN": ([_raw(qty="NaN")], Reason.OUT_OF_RANGE),
    "price is Infinity": ([_raw(price="Infinity")], Reason.OUT_OF_RANGE),
    "price overflows": ([_raw(price="1e999")], Reason.OUT_OF_RANGE),
    "qty is negative": ([frame(trade(qty=-1.0))], Reason.OUT_OF_RANGE),
    "qty is zero": ([frame(trade(qty=0))], Reason.OUT_OF_RANGE),
    "qty underflows to zero": ([_raw(qty="1e-999")], Reason.OUT_OF_RANGE),
    "time is negative": ([frame(trade(event_ns=-1))], Reason.PAST_TIME),
    "time in seconds": ([frame(trade(event_ns=NOW_NS // 10**9))], Reason.PAST_TIME),
    "time in milliseconds": ([frame(trade(event_ns=NOW_NS // 10**6))], Reason.PAST_TIME),
    "time in microseconds": ([frame(trade(event_ns=NOW_NS // 10**3))], Reason.PAST_TIME),
    "sent in milliseconds": ([frame(trade(sent_ns=NOW_NS // 10**6))], Reason.PAST_TIME),
    "one time in milliseconds in a column": (
        [frame(columns(3, event_ns=[NOW_NS, NOW_NS // 10**6, NOW_NS]))],
        Reason.PAST_TIME,
    ),
    "time beyond 64 bits": ([frame(trade(event_ns=2**63))], Reason.OUT_OF_RANGE),
    "far future": ([frame(trade(event_ns=NOW_NS + 6_000_000_000))], Reason.FUTURE_TIME),
    "sent in the future": ([frame(trade(sent_ns=NOW_NS + 6_000_000_000))], Reason.FUTURE_TIME),
    "last possible time": ([frame(trade(event_ns=2**63 - 1))], Reason.FUTURE_TIME),
    "symbol of 10 kB": ([frame(trade(symbol="X" * 10_000))], Reason.BAD_NAME),
    "symbol with control characters": ([frame(trade(symbol="BTC\n\x00USD"))], Reason.BAD_NAME),
    "symbol ends in a newline": ([frame(trade(symbol="BTC-USD\n"))], Reason.BAD_NAME),
    "empty symbol": ([frame(trade(symbol=""))], Reason.BAD_NAME),
    "source with a blank before it": ([frame(trade(source=" bot"))], Reason.BAD_NAME),
    "source with a blank after it": ([frame(trade(source="bot "))], Reason.BAD_NAME),
    "symbol that turns the text around": ([frame(trade(symbol="BTC\u202eUSD"))], Reason.BAD_NAME),
    "symbol not in normal form C": ([frame(trade(symbol="e\u0301"))], Reason.BAD_NAME),
    "symbol of 129 bytes": ([frame(trade(symbol="é" * 64 + "x"))], Reason.BAD_NAME),
    "a number without a run": ([frame(trade(seq=1))], Reason.SEQ_WITHOUT_RUN),
    "columns numbered without a run": ([frame(columns(3, seq=1))], Reason.SEQ_WITHOUT_RUN),
    "multipart": ([frame(trade()), frame(trade())], Reason.MULTIPART),
    "multipart with an empty frame": ([b"", frame(trade())], Reason.MULTIPART),
    "unequal columns": ([frame(columns(3, qty=[1.0]))], Reason.UNEQUAL_COLUMNS),
    "empty columns": ([frame(columns(0))], Reason.OUT_OF_RANGE),
    "one bad qty in a column": ([frame(columns(3, qty=[1.0, -1.0, 1.0]))], Reason.OUT_OF_RANGE),
    "one far future time in a column": (
        [frame(columns(3, event_ns=[NOW_NS, NOW_NS + 6_000_000_000, NOW_NS]))],
        Reason.FUTURE_TIME,
    ),
    "a snapshot is not for ingest": ([b'{"type":"snapshot"}'], Reason.UNKNOWN_TYPE),
}
"""Frames of the message, and its reason; times are as seen at `NOW_NS`, with 5 s ahead allowed."""
