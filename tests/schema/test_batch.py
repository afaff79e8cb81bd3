"""The binary batch: layout, round trip, and every way in which two frames can fail to be one."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from telemetry_schema import BatchError
from telemetry_schema.batch import (
    FEW_TRADES,
    MAX_BATCH_TRADES,
    TRADE_DTYPE,
    BatchHeader,
    CommandRef,
    TradeBatch,
    TradeIdRef,
    decode_batch,
    encode_batch,
    encode_header,
)
from tests.schema.strategies import names

COMMAND_ID = "12345678-1234-5678-1234-567812345678"


def header_frame(**changes: Any) -> bytes:  # noqa: ANN401 - tests put in what they like
    fields = {"stream": "s", "first_seq": 5, "count": 2, "symbols": ["A", "B"], "sources": ["x"], "sent_ns": 1}
    return json.dumps(fields | changes, separators=(",", ":")).encode()


def header(count: int) -> BatchHeader:
    return BatchHeader.model_validate_json(header_frame(count=count))


def frames(**changes: Any) -> list[bytes]:  # noqa: ANN401 - as above
    """A batch of two trades; a change names a header field or a column."""
    records = np.ones(2, TRADE_DTYPE)
    records["symbol"], records["source"], records["side"], records["account"] = [0, 1], 0, [0, 1], 0
    for name in changes.keys() & set(TRADE_DTYPE.names or ()):
        records[name] = changes.pop(name)
    return [header_frame(**changes), records.tobytes()]


def test_a_record_is_laid_out_byte_by_byte_as_the_other_side_expects() -> None:
    record = np.zeros(1, TRADE_DTYPE)
    record["event_ns"], record["sent_ns"], record["received_ns"] = 0x0102030405060708, 2, 3
    record["price"], record["qty"] = 1.0, -2.0
    record["symbol"], record["source"], record["side"], record["account"] = 0x0A0B, 0x0C0D, 1, 0x0E0F
    assert record.tobytes() == bytes.fromhex(
        "0807060504030201"  # event_ns, the lowest byte first
        "0200000000000000"  # sent_ns
        "0300000000000000"  # received_ns
        "000000000000f03f"  # price
        "00000000000000c0"  # qty
        "0b0a"  # symbol
        "0d0c"  # source
        "01"  # side
        "00"  # padding
        "0f0e"  # account
    )
    assert TRADE_DTYPE.itemsize == 48


def test_every_column_is_aligned_so_that_numpy_reads_it_at_full_speed() -> None:
    records = np.zeros(3, TRADE_DTYPE)
    assert all(records[name].flags.aligned for name in TRADE_DTYPE.names or ())


@st.composite
def batches(draw: st.DrawFn) -> TradeBatch:
    name = names()
    symbols, sources = draw(st.lists(name, min_size=1, max_size=4)), draw(st.lists(name, min_size=1, max_size=4))
    count = draw(st.integers(0, 50))
    records = np.zeros(count, TRADE_DTYPE)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    for column in ("event_ns", "sent_ns", "received_ns"):
        records[column] = rng.integers(0, 2**63 - 1, count)
    records["price"], records["qty"] = 1 - rng.random((2, count))
    records["symbol"], records["source"] = (
        rng.integers(len(symbols), size=count),
        rng.integers(len(sources), size=count),
    )
    records["side"] = rng.integers(2, size=count)
    accounts = draw(st.lists(name, max_size=3))
    records["account"] = rng.integers(len(accounts) + 1, size=count)
    indexes = draw(st.lists(st.integers(0, count - 1), max_size=3)) if count else []
    head = BatchHeader(
        stream=draw(name),
        first_seq=draw(st.integers(0, 2**63 - 1 - count)),
        count=count,
        symbols=symbols,
        sources=sources,
        replayed=draw(st.lists(st.integers(0, len(sources) - 1), max_size=3)),
        accounts=accounts,
        ids=[TradeIdRef(index=index, id=draw(name)) for index in indexes],
        commands=[CommandRef(index=index, command_id=draw(st.uuids())) for index in indexes],
        sent_ns=draw(st.integers(0, 2**63 - 1)),
        resume=draw(st.booleans()),
        final=draw(st.booleans()),
    )
    return TradeBatch.of(head, records)


@given(batch=batches())
def test_a_batch_comes_out_as_it_went_in(batch: TradeBatch) -> None:
    head, body = encode_batch(batch)
    decoded = decode_batch([head, body])
    assert BatchHeader.model_validate_json(head) == batch.header
    assert encode_header(decoded.header) == head
    assert decoded.records.tobytes() == batch.records.tobytes()


def test_records_are_not_copied_on_the_way_out_nor_on_the_way_in() -> None:
    batch = decode_batch(frames())
    out = encode_batch(batch)
    assert np.shares_memory(np.frombuffer(out[1], np.uint8), batch.records)
    assert np.shares_memory(decode_batch(out).records, batch.records)


def test_a_batch_without_trades_is_a_heartbeat() -> None:
    head, _ = frames(count=0, symbols=[], sources=[])
    assert len(decode_batch([head, b""]).records) == 0


def test_the_largest_batch_is_accepted() -> None:
    records = np.ones(MAX_BATCH_TRADES, TRADE_DTYPE)
    records["source"] = records["account"] = 0
    batch = TradeBatch.of(header(MAX_BATCH_TRADES), records)
    assert len(decode_batch(encode_batch(batch)).records) == MAX_BATCH_TRADES


GOOD_HEADER, GOOD_RECORDS = frames()

CORRUPT: dict[str, list[bytes]] = {
    "no frame": [],
    "one frame": [GOOD_HEADER],
    "three frames": [GOOD_HEADER, GOOD_RECORDS, b""],
    "frames swapped": [GOOD_RECORDS, GOOD_HEADER],
    "header is empty": [b"", GOOD_RECORDS],
    "header is no JSON": [b"\xff\x00{", GOOD_RECORDS],
    "header is truncated": [GOOD_HEADER[:-1], GOOD_RECORDS],
    "header is a list": [b"[]", GOOD_RECORDS],
    "header has an unknown field": [GOOD_HEADER[:-1] + b',"x":1}', GOOD_RECORDS],
    "header lacks the stream": [GOOD_HEADER.replace(b'"stream":"s",', b""), GOOD_RECORDS],
    "count is negative": [GOOD_HEADER.replace(b'"count":2', b'"count":-2'), GOOD_RECORDS],
    "count is too large": [GOOD_HEADER.replace(b'"count":2', b'"count":65536'), bytes(65536 * 48)],
    "count is a float": [GOOD_HEADER.replace(b'"count":2', b'"count":2.0'), GOOD_RECORDS],
    "a trade is missing": [GOOD_HEADER, GOOD_RECORDS[:48]],
    "a trade too many": [GOOD_HEADER, GOOD_RECORDS + bytes(48)],
    "a byte is missing": [GOOD_HEADER, GOOD_RECORDS[:-1]],
    "a byte too many": [GOOD_HEADER, GOOD_RECORDS + b"\0"],
    "no records": [GOOD_HEADER, b""],
    "records in a heartbeat": [GOOD_HEADER.replace(b'"count":2', b'"count":0'), GOOD_RECORDS],
    "symbol index outside the table": frames(symbol=[0, 2]),
    "source index outside the table": frames(source=[0, 1]),
    "no tables": frames(symbols=[], sources=[]),
    "account index outside the table": frames(account=[0, 2], accounts=["mine"]),
    "an account without a table": frames(account=[0, 1]),
    "account is no name": frames(accounts=["a\nb"]),
    "id outside the batch": frames(ids=[{"index": 2, "id": "x"}]),
    "id is no name": frames(ids=[{"index": 0, "id": "\t"}]),
    "numbers beyond the last one": frames(first_seq=2**63 - 2),
    "neither buy nor sell": frames(side=[0, 2]),
    "replayed source outside the table": frames(replayed=[1]),
    "command outside the batch": frames(commands=[{"index": 2, "command_id": COMMAND_ID}]),
    "command in a heartbeat": [frames(count=0, commands=[{"index": 0, "command_id": COMMAND_ID}])[0], b""],
    "symbol is no name": [GOOD_HEADER.replace(b'"A"', b'"a "'), GOOD_RECORDS],
}


@pytest.mark.parametrize("corrupt", CORRUPT.values(), ids=CORRUPT)
def test_a_corrupt_batch_is_refused(corrupt: list[bytes]) -> None:
    with pytest.raises(BatchError):
        decode_batch(corrupt)


BAD_VALUES: dict[str, list[float]] = {
    "event_ns": [-1, -(2**63)],
    "sent_ns": [-1],
    "received_ns": [-1],
    "price": [np.inf, -np.inf, np.nan, -np.nan],
    "qty": [0.0, -1.0, np.inf, np.nan],
    "symbol": [2, 256, 65_535],
    "source": [1, 256, 65_535],
    "side": [2, 255],
    "account": [1, 65_535],
}


@pytest.mark.parametrize("count", [1, FEW_TRADES, FEW_TRADES + 1, 1_000])
@pytest.mark.parametrize(
    ("column", "value"), [(column, value) for column in BAD_VALUES for value in BAD_VALUES[column]]
)
def test_one_impossible_trade_refuses_its_batch_however_many_there_are(column: str, value: float, count: int) -> None:
    records = np.zeros(count, TRADE_DTYPE)
    records["price"] = records["qty"] = 5e-324
    records["event_ns"], records["symbol"] = 2**63 - 1, 1
    head = header_frame(count=count)
    assert decode_batch([head, records.tobytes()]).header.count == count
    records[column][count - 1] = value
    with pytest.raises(BatchError):
        decode_batch([head, records.tobytes()])


@given(
    indexes=st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 4), st.integers(0, 3), st.integers(0, 3), st.integers(0, 255)),
        min_size=1,
        max_size=FEW_TRADES,
    )
)
@example([(4, 2, 1, 2, 255), (3, 1, 0, 0, 0)])  # the largest of each; bit by bit, 7 and 3 are beyond the tables
@example([(5, 0, 0, 0, 0)])
@example([(0, 3, 0, 0, 0)])
@example([(0, 0, 2, 0, 0)])
@example([(0, 0, 0, 3, 0)])
def test_a_batch_of_many_is_judged_as_one_of_a_few(indexes: list[tuple[int, ...]]) -> None:
    tables = {"symbols": ["A", "B", "C", "D", "E"], "sources": ["x", "y", "z"], "accounts": ["mine", "yours"]}
    records = np.ones(len(indexes), TRADE_DTYPE)
    for column, values in zip(("symbol", "source", "side", "account"), zip(*indexes, strict=True), strict=False):
        records[column] = values
    frame = bytearray(records.tobytes())
    frame[45::48] = bytes(padding for *_, padding in indexes)  # whatever is there
    assert _is_taken(frame, **tables) == _is_taken(frame * (FEW_TRADES + 1), **tables)


def _is_taken(frame: bytearray, **tables: list[str]) -> bool:
    head = header_frame(count=len(frame) // TRADE_DTYPE.itemsize, **tables)
    try:
        decode_batch([head, bytes(frame)])
    except BatchError:
        return False
    return True


@given(data=st.data())
def test_whatever_happens_to_the_bytes_a_batch_is_decoded_or_refused_but_never_crashes(data: st.DataObject) -> None:
    corrupt = [bytearray(GOOD_HEADER), bytearray(GOOD_RECORDS)]
    for frame in corrupt:
        for index in data.draw(st.lists(st.integers(0, len(frame) - 1), max_size=3)):
            frame[index] = data.draw(st.integers(0, 255))
    try:
        batch = decode_batch([bytes(frame) for frame in corrupt])
    except BatchError:
        return
    assert len(batch.records) == batch.header.count
    assert all(batch.header.symbols[index] for index in batch.records["symbol"])


@pytest.mark.parametrize(
    "records",
    [np.zeros(1, TRADE_DTYPE), np.zeros(2, [("event_ns", "<i8")]), np.zeros(4, TRADE_DTYPE)[::2][["event_ns"]]],
    ids=["too few", "other columns", "some columns"],
)
def test_records_that_do_not_fit_their_header_are_not_sent(records: Any) -> None:  # noqa: ANN401 - wrong on purpose
    with pytest.raises(BatchError):
        encode_batch(TradeBatch.of(header(2), records))
