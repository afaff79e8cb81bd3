"""`/trades`: what may be asked for, and the same rows in each format."""

import io
import json

import aiohttp
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from analytics.engine import Engine
from analytics.output.trade_export import ExportError, TradeRows, chosen_format, encode_rows, parse_query
from analytics.output.trades_endpoint import TradesEndpoint
from analytics.studies.runner.studies import EngineTrades
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
    ],
)
def test_a_wrong_query_says_what_is_wrong(query: dict[str, str], text: str) -> None:
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
    ],
)
def test_the_format_is_the_first_that_is_known(accept: str, wanted: str) -> None:
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


async def _render(_text_format: TextFormat) -> bytes:
    return b""


async def test_it_is_served_and_read_by_pandas() -> None:
    engine = Engine(max_symbols=4, max_sources=4, recent_trades=4, frame_rows=8)
    engine.apply(batch([T(qty=number + 1, at_ns=number) for number in range(12)]), now_ns=NOW, monotonic_ns=0)
    assert engine.ring is not None
    endpoint = TradesEndpoint(EngineTrades(engine, engine.ring), FakeClock(NOW))
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
