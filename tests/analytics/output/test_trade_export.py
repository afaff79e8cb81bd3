"""`/trades`: what may be asked for, and the same rows in each format."""

import asyncio
import io
import json
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager

import aiohttp
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from multidict import MultiDict

from analytics.engine import Engine
from analytics.output.export_formats import ExportError, Format, chosen_format
from analytics.output.streamed_answers import MAX_ANSWERS
from analytics.output.trade_export import (
    CHUNK_ROWS,
    TradeRows,
    encode_rows,
    parse_query,
)
from analytics.output.trades_endpoint import TradesEndpoint
from analytics.studies.runner.studies import EngineTrades
from telemetry_runtime import AsyncTaskManager
from telemetry_runtime.fakes import FakeClock
from telemetry_runtime.http import HttpServer, Readiness, TextFormat
from tests.analytics.batches import NOW, SECOND, T, batch

ROWS = TradeRows(
    event_ns=np.array([NOW, NOW + 1, NOW + 1]),
    price=np.array([1e-9, 2.5, 1e9]),
    qty=np.array([1.0, 2.0, 4.0]),
    is_buy=np.array([True, False, True]),
    source=["bot", 'a "name", with commas', "币安"],
    account=["", "paper", ""],
    replayed=np.array([False, False, True]),
)


def asked(**query: str) -> tuple[str, int, int, int]:
    found = parse_query(query, now_ns=NOW, max_rows=1_000)
    return found.origin, found.since_ns, found.until_ns, found.limit


def test_a_limit_beyond_what_is_kept_is_all_that_is_kept() -> None:
    assert [asked(symbol="A", limit=limit)[3] for limit in ("7", "1000000", "9" * 5_000)] == [7, 1_000, 1_000]


def test_the_default_is_all_that_is_kept() -> None:
    assert asked(symbol="A") == ("market", 0, 2**63 - 1, 1_000)


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("5m", NOW - 300 * SECOND),
        ("1700000000000000000", 1_700_000_000_000_000_000),
        ("2023-11-14T22:13:20Z", 1_700_000_000_000_000_000),
        ("2023-11-14 22:13:20", 1_700_000_000_000_000_000),
        ("2023-11-14T23:13:20+01:00", 1_700_000_000_000_000_000),
        ("2023-11-14T23:13:20 01:00", 1_700_000_000_000_000_000),  # a plus sign as addresses have it
        ("2023-11-14", 1_699_920_000_000_000_000),
        ("2023-11-14T22:13:20.123456789Z", 1_700_000_000_123_456_789),
        ("2023-11-14T23:13:20.5+01:00", 1_700_000_000_500_000_000),
        ("2023-11-14 22:13:20.000000001", 1_700_000_000_000_000_001),
        ("0", 0),
        ("1h", NOW - 3_600 * SECOND),
        ("9" * 5_000, 2**63 - 1),
        ("0001-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59Z", 2**63 - 1),
        ("8760h", NOW - 8_760 * 3_600 * SECOND),
    ],
)
def test_a_moment_is_a_span_a_time_or_nanoseconds(since: str, expected: int) -> None:
    assert asked(symbol="A", since=since)[1] == expected


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({}, "symbol is missing"),
        ({"symbol": "A", "sinc": "5m"}, "'sinc' is not known; known are symbol, origin"),
        ({"symbol": "A", "origin": "mine"}, "market or own"),
        ({"symbol": "A", "since": "soon"}, "use a span"),
        ({"symbol": "A", "limit": "0"}, "at least 1"),
        ({"symbol": "A", "limit": "-5"}, "at least 1"),
        ({"symbol": "A", "limit": "²"}, "at least 1"),
        ({"symbol": "A", "since": "1700000000"}, "nanoseconds since 1970"),
        ({"symbol": "A", "since": "9" * 400 + "h"}, "use a span"),
        ({"symbol": "A", "since": "-5m"}, "use a span"),
        ({"symbol": "A", "until": "0001-01-01T00:00:00+25:00"}, "use a span"),
        ({"symbol": "A", "until": ""}, "use a span"),
        ({"symbol": ""}, "symbol is missing"),
        (MultiDict([("symbol", "A"), ("limit", "5"), ("limit", "6")]), "'limit' is there twice"),
    ],
)
def test_a_wrong_query_says_what_is_wrong(query: Mapping[str, str], text: str) -> None:
    with pytest.raises(ExportError, match=text):
        parse_query(query, now_ns=NOW, max_rows=10)


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", "csv"),
        ("*/*", "csv"),
        ("text/html, application/x-ndjson;q=0.9", "jsonl"),
        ("application/vnd.apache.arrow.stream", "arrow"),
        ("image/png", "csv"),
        ("text/csv;q=0.1, application/x-ndjson", "jsonl"),
        ("text/csv; q=0.500, APPLICATION/JSON ;q=0.9, application/arrow;Q=0.8", "jsonl"),
        ("application/x-ndjson, text/csv", "jsonl"),
        ("application/x-ndjson;q=0", "csv"),
        ("application/x-ndjson;q=-1, text/csv;q=0.9", "jsonl"),
        ("application/arrow;q=high", "arrow"),
        (",;,;q=1,", "csv"),
    ],
)
def test_the_format_is_the_first_of_those_that_are_liked_best(accept: str, wanted: str) -> None:
    assert chosen_format(accept) == wanted


def arrow_of(rows: TradeRows) -> pd.DataFrame:
    """Read by another implementation than the one that wrote it."""
    with pa.ipc.open_stream(b"".join(encode_rows(rows, "arrow"))) as reader:
        frame: pd.DataFrame = reader.read_pandas()
    return frame


def test_all_formats_hold_the_same_rows() -> None:
    from_csv = pd.read_csv(io.BytesIO(b"".join(encode_rows(ROWS, "csv"))), keep_default_na=False)
    lines = [json.loads(line) for line in b"".join(encode_rows(ROWS, "jsonl")).splitlines()]
    assert from_csv.to_dict("records") == lines
    from_csv["time"] = pd.to_datetime(from_csv["time"])
    assert from_csv["time"].astype("int64").tolist() == ROWS.event_ns.tolist()
    arrow = arrow_of(ROWS)
    assert arrow["time"].astype("int64").tolist() == ROWS.event_ns.tolist()
    assert arrow.drop(columns="time").to_dict("records") == from_csv.drop(columns="time").to_dict("records")


def test_without_rows_there_is_a_head() -> None:
    nothing, never = np.empty(0), np.empty(0, np.bool_)
    none = TradeRows(np.empty(0, np.int64), nothing, nothing, never, [], [], never)
    assert b"".join(encode_rows(none, "csv")).startswith(b"time,price")
    assert arrow_of(none).empty


def many(rows: int) -> TradeRows:
    return TradeRows(
        event_ns=NOW + np.arange(rows),
        price=np.arange(rows) / 8,
        qty=np.full(rows, 0.5),
        is_buy=np.arange(rows) % 2 == 0,
        source=["bot"] * rows,
        account=[""] * rows,
        replayed=np.zeros(rows, np.bool_),
    )


@pytest.mark.parametrize("rows", [1, CHUNK_ROWS, CHUNK_ROWS + 1, 5_000])
def test_many_rows_come_in_chunks_and_each_format_has_all_of_them(rows: int) -> None:
    table = many(rows)
    formats: tuple[Format, ...] = ("csv", "jsonl", "arrow")
    for wanted in formats:
        assert len(list(encode_rows(table, wanted))) >= -(-rows // CHUNK_ROWS)
    assert arrow_of(table)["price"].tolist() == table.price.tolist()
    csv = pd.read_csv(io.BytesIO(b"".join(encode_rows(table, "csv"))))
    assert csv["price"].tolist() == table.price.tolist()
    lines = b"".join(encode_rows(table, "jsonl")).splitlines()
    assert [json.loads(line)["price"] for line in lines] == table.price.tolist()


async def _render(_text_format: TextFormat) -> bytes:
    return b""


DEPTH = 60_000
"""Trades kept: their answer is several megabytes, more than sockets hold."""


@asynccontextmanager
async def serving(engine: Engine, **options: float) -> AsyncIterator[tuple[int, TradesEndpoint]]:
    assert engine.aggregates.ring is not None
    endpoint = TradesEndpoint(EngineTrades(engine, engine.aggregates.ring), FakeClock(NOW), **options)
    http = HttpServer(
        "127.0.0.1", 0, render=_render, readiness=Readiness(), setting="S", pages={"/trades": endpoint.answer}
    )
    async with http:
        yield http.port, endpoint


def filled() -> Engine:
    engine = Engine(max_symbols=4, max_sources=4, recent_trades=4, frame_rows=DEPTH)
    for seq in range(0, DEPTH, 10_000):
        engine.apply(batch([T()] * 10_000, first_seq=seq), now_ns=NOW, monotonic_ns=0)
    return engine


async def wait_until(endpoint: TradesEndpoint, answers: int) -> None:
    async with asyncio.timeout(20):
        while endpoint.answers != answers:  # noqa: ASYNC110 - the server knows nothing of our events
            await asyncio.sleep(0.01)


@contextmanager
def asking(port: int) -> Iterator[None]:
    """A client that asks, does not read, and is gone at the end without a word."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)  # the system buffers little
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.connect(("127.0.0.1", port))
        client.sendall(b"GET /trades?symbol=A HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/x-ndjson\r\n\r\n")
        yield


async def test_a_client_that_goes_away_frees_its_place_and_leaves_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(filled()) as (port, endpoint):
        for _ in range(3):
            with asking(port):
                await wait_until(endpoint, 1)
            await wait_until(endpoint, 0)
    assert [record.getMessage() for record in caplog.records] == []


async def test_a_slow_reader_is_cut_off_in_bounded_time(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(filled(), answer_s=1.0) as (port, endpoint):
        with asking(port):
            await wait_until(endpoint, 1)
            await wait_until(endpoint, 0)
    assert [record.getMessage() for record in caplog.records] == []


async def test_more_readers_than_are_served_at_once_are_told_to_wait() -> None:
    async with serving(filled()) as (port, endpoint), aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        with ExitStack() as readers:
            for _ in range(MAX_ANSWERS):
                readers.enter_context(asking(port))
            await wait_until(endpoint, MAX_ANSWERS)
            async with session.get("/trades", params={"symbol": "A"}) as refused:
                assert refused.status == 503
        await wait_until(endpoint, 0)
        async with session.get("/trades", params={"symbol": "A", "limit": "1"}) as served:
            assert served.status == 200


@pytest.mark.parametrize("symbol", ['a "quoted" {name}=x&y', "币安/BTC+USDT", "back\\slash", "#?%", "../../etc"])
async def test_symbols_with_odd_names_are_found(symbol: str) -> None:
    engine = Engine(max_symbols=4, max_sources=4, recent_trades=4, frame_rows=8)
    engine.apply(batch([T(symbol=symbol)]), now_ns=NOW, monotonic_ns=0)
    async with serving(engine) as (port, _), aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        answer = await session.get("/trades", params={"symbol": symbol})
        assert (answer.status, len((await answer.text()).splitlines())) == (200, 2)


async def test_a_big_answer_leaves_the_loop_free_between_its_chunks() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with serving(filled()) as (port, _), aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        for accept in ("text/csv", "application/x-ndjson", "application/vnd.apache.arrow.stream"):
            turns = 0
            async with AsyncTaskManager() as tasks:
                tasks.start("count", count())
                answer = await session.get("/trades?symbol=A", headers={"Accept": accept})
                await answer.read()
            assert turns > DEPTH // CHUNK_ROWS


async def test_a_thousand_requests_at_once_are_answered_or_told_to_wait() -> None:
    engine = filled()
    connector = aiohttp.TCPConnector(limit=100)
    async with (
        serving(engine) as (port, endpoint),
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=connector) as session,
        asyncio.timeout(60),
    ):

        async def ask() -> int:
            async with session.get("/trades?symbol=A&limit=1000") as answer:
                await answer.read()
                return answer.status

        found = Counter(await asyncio.gather(*(ask() for _ in range(1_000))))
        await wait_until(endpoint, 0)
    assert set(found) <= {200, 503}
    assert found[200] >= MAX_ANSWERS


@pytest.mark.parametrize("accept", ["text/csv", "application/x-ndjson", "application/vnd.apache.arrow.stream"])
async def test_a_head_request_gets_the_head_alone(accept: str) -> None:
    async with serving(filled()) as (port, endpoint), aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        for _ in range(2):  # the connection is good for another one
            answer = await session.head("/trades?symbol=A", headers={"Accept": accept})
            assert (answer.status, await answer.read()) == (200, b"")
            assert answer.headers["Content-Type"].startswith(accept)
        await wait_until(endpoint, 0)


async def test_it_is_served_and_read_by_pandas() -> None:
    engine = Engine(max_symbols=4, max_sources=4, recent_trades=4, frame_rows=8)
    engine.apply(batch([T(qty=number + 1, at_ns=number) for number in range(12)]), now_ns=NOW, monotonic_ns=0)
    assert engine.aggregates.ring is not None
    endpoint = TradesEndpoint(EngineTrades(engine, engine.aggregates.ring), FakeClock(NOW))
    http = HttpServer(
        "127.0.0.1", 0, render=_render, readiness=Readiness(), setting="S", pages={"/trades": endpoint.answer}
    )
    async with http, aiohttp.ClientSession(f"http://127.0.0.1:{http.port}") as session:
        answer = await session.get("/trades", params={"symbol": "A", "limit": "3"})
        frame = pd.read_csv(io.BytesIO(await answer.read()))
        assert frame["qty"].tolist() == [10.0, 11.0, 12.0]
        everything = pd.read_csv(io.BytesIO(await (await session.get("/trades?symbol=A")).read()))
        assert len(everything) == 8
        unknown = await session.get("/trades?symbol=B")
        assert (unknown.status, "known are A" in await unknown.text()) == (404, True)
        assert (await session.get("/trades?symbol=A&limit=x")).status == 400
