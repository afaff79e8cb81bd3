"""Batches of messages about orders: a line for each, read as they were written, or refused."""

import pytest

from telemetry_schema import BatchError, OrderEvent, Quote, encode
from telemetry_schema.batch import (
    BatchHeader,
    EventBatch,
    decode_batch,
    decode_stream_batch,
    encode_event_lines,
    encode_header,
)

T0 = 1_700_000_000_000_000_000


def header(count: int) -> bytes:
    return encode_header(
        BatchHeader(kind="events", stream="s", first_seq=0, count=count, symbols=[], sources=[], sent_ns=T0)
    )


def order(**fields: object) -> OrderEvent:
    values = {"source": "bot", "event": "ack", "order_id": "o", "event_ns": T0, "sent_ns": T0, "clock": "bot"}
    return OrderEvent.model_validate({**values, **fields})


def quote() -> Quote:
    return Quote(source="bot", symbol="BTC-USD", bid=1.0, ask=2.0, event_ns=T0, sent_ns=T0)


def test_messages_are_read_in_the_order_and_with_the_values_they_were_written_with() -> None:
    messages = [order(event="fill", symbol="A", side="buy", last_qty=1.0, last_price=2.0), quote(), order(text="é\n")]
    lines = encode_event_lines([encode(message) for message in messages], T0 + 5)
    batch = decode_stream_batch([header(3), lines])
    assert isinstance(batch, EventBatch)
    assert [event.kind for event in batch.events] == ["order", "quote", "order"]
    assert {event.received_ns for event in batch.events} == {T0 + 5}
    for message, event in zip(messages, batch.events, strict=True):
        for name in type(message).model_fields.keys() - {"type"}:
            assert getattr(event.message, name) == getattr(message, name)


def test_line_breaks_between_values_do_not_make_two_lines() -> None:
    frame = encode(quote()).replace(b",", b",\r\n")
    batch = decode_stream_batch([header(1), encode_event_lines([frame], T0)])
    assert isinstance(batch, EventBatch)
    assert len(batch.events) == 1


@pytest.mark.parametrize(
    "lines",
    [
        b"",
        b"1 {}\n",
        b"x " + encode(quote()) + b"\n",
        b"-1 " + encode(quote()) + b"\n",
        encode_event_lines([encode(quote())] * 2, T0),
        b"1 " + encode(order()).replace(b'"ack"', b'"fill"') + b"\n",
        b"1 " + b"[" * 10_000 + b"\n",
        b"1 \xff\n",
    ],
)
def test_what_ingest_never_writes_is_refused_as_a_whole(lines: bytes) -> None:
    with pytest.raises(BatchError):
        decode_stream_batch([header(1), lines])


def test_a_batch_of_events_is_none_of_trades() -> None:
    with pytest.raises(BatchError):
        decode_batch([header(1), encode_event_lines([encode(quote())], T0)])
