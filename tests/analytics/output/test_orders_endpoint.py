"""`/orders`: the orders that are asked for, the same in each format, and nobody waits for whoever reads them."""

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pandas as pd
import pyarrow as pa
import pytest
from multidict import MultiDict

from analytics.orders.registry import Key
from analytics.orders.tracker import OrderTracker
from analytics.output.export_formats import ExportError, Format
from analytics.output.order_export import (
    COLUMNS,
    ORDERS_A_STEP,
    OrderQuery,
    encode_orders,
    found_orders,
    parse_order_query,
)
from analytics.output.orders_endpoint import OrdersEndpoint
from analytics.output.streamed_answers import MAX_ANSWERS
from telemetry_runtime import AsyncTaskManager
from telemetry_runtime.http import HttpServer, Readiness, TextFormat
from tests.analytics.orders.histories import SECOND, T0, event, tracker

ODD = 'a "name", with commas & 币安'


def lived() -> OrderTracker:
    """An open order, a filled one of another account, and one that was rejected."""
    made = tracker()
    made.apply(event("submit", "o-1", account="main", strategy="s", price=1e-9, qty=1e9), T0)
    made.apply(event("submit", "o-2", account=ODD, strategy="s", symbol="ETH-USD", side="sell"), T0)
    made.apply(
        event("fill", "o-2", account=ODD, last_qty=10.0, last_price=101.5, exec_id="x", side="sell"), T0 + SECOND
    )
    made.apply(event("submit", "o-3", account="main"), T0)
    made.apply(event("reject", "o-3", account="main", reason="min_size"), T0)
    return made


def asked(made: OrderTracker, **query: str) -> list[str]:
    """The ids that a query finds."""
    parts = found_orders(made.registry, parse_order_query(query, max_rows=1_000))
    return [one.order_id for part in parts for one in part]


def encoded(made: OrderTracker, wanted: Format) -> bytes:
    return b"".join(encode_orders(found_orders(made.registry, OrderQuery({}, 1_000_000)), wanted))


def frame_of(arrow: bytes) -> pd.DataFrame:
    """Read by another implementation than the one that wrote it."""
    with pa.ipc.open_stream(arrow) as reader:
        frame: pd.DataFrame = reader.read_pandas()
    return frame


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({}, ["o-3", "o-2", "o-1"]),
        ({"account": "main"}, ["o-3", "o-1"]),
        ({"account": ODD}, ["o-2"]),
        ({"account": "mai"}, []),
        ({"strategy": "s"}, ["o-2", "o-1"]),
        ({"strategy": ""}, ["o-3"]),
        ({"symbol": "ETH-USD"}, ["o-2"]),
        ({"state": "rejected"}, ["o-3"]),
        ({"state": "filled", "account": "main"}, []),
        ({"limit": "1"}, ["o-3"]),
        ({"limit": "9" * 400}, ["o-3", "o-2", "o-1"]),
        ({"strategy": "s", "limit": "1"}, ["o-2"]),
    ],
)
def test_orders_are_found_by_what_they_have_the_newest_first(query: dict[str, str], ids: list[str]) -> None:
    assert asked(lived(), **query) == ids


def test_orders_that_are_packed_are_found_and_those_that_are_forgotten_are_not() -> None:
    made = lived()
    assert made.registry.cool(T0 + 100 * SECOND)
    assert asked(made) == ["o-3", "o-2", "o-1"]
    made.registry.expire(T0 + 700 * SECOND)
    assert asked(made) == ["o-1"]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"acount": "a"}, "'acount' is not known; known are account, strategy, symbol, state, limit"),
        ({"state": "done"}, "it is one of unknown, pending, open"),
        ({"limit": "0"}, "at least 1"),
        ({"limit": "-1"}, "at least 1"),
        ({"limit": "²"}, "at least 1"),
        ({"limit": ""}, "at least 1"),
        (MultiDict([("state", "open"), ("state", "filled")]), "'state' is there twice"),
    ],
)
def test_a_wrong_query_says_what_is_wrong(query: Mapping[str, str], text: str) -> None:
    with pytest.raises(ExportError, match=text):
        parse_order_query(query, max_rows=10)


def test_all_formats_hold_the_same_orders() -> None:
    lines = [json.loads(line) for line in encoded(lived(), "jsonl").splitlines()]
    assert [tuple(line) for line in lines] == [COLUMNS] * 3
    by_id = {line["order_id"]: line for line in lines}
    assert by_id["o-1"]["price"] == 1e-9
    assert by_id["o-1"]["began"] == "2023-11-14T22:13:20.000000000Z"
    assert (by_id["o-2"]["account"], by_id["o-2"]["side"], by_id["o-2"]["average_price"]) == (ODD, "sell", 101.5)
    csv = pd.read_csv(io.BytesIO(encoded(lived(), "csv")), keep_default_na=False).to_dict("records")
    assert [{name: str(value) for name, value in row.items()} for row in csv] == [
        {name: "" if value is None else str(value) for name, value in line.items()} for line in lines
    ]
    arrow = frame_of(encoded(lived(), "arrow"))
    assert list(arrow.columns) == list(COLUMNS)
    assert arrow["touched"].astype("int64").tolist() == [T0, T0 + SECOND, T0]
    assert arrow["average_price"].isna().tolist() == [True, False, True]
    plain = arrow.drop(columns=["began", "touched"]).astype(object).where(lambda frame: frame.notna(), None)
    assert plain.to_dict("records") == [
        {name: value for name, value in line.items() if name not in {"began", "touched"}} for line in lines
    ]


def test_without_orders_there_is_a_head() -> None:
    assert encoded(tracker(), "csv").decode().strip() == ",".join(COLUMNS)
    assert encoded(tracker(), "jsonl") == b""
    assert list(frame_of(encoded(tracker(), "arrow")).columns) == list(COLUMNS)


def many(orders: int) -> OrderTracker:
    made = tracker()
    for number in range(orders):
        made.apply(event("submit", f"o-{number}"), T0)
    return made


def test_an_order_that_goes_while_others_are_told_is_left_out() -> None:
    made = many(3 * ORDERS_A_STEP)
    parts = found_orders(made.registry, OrderQuery({}, 1_000))
    first = next(parts)
    for number in range(20):
        made.apply(event("cancel", f"o-{number}"), T0)
    made.registry.expire(T0 + 700 * SECOND)
    assert len(first) + sum(map(len, parts)) == 3 * ORDERS_A_STEP - 20
    assert made.registry.newest_keys()[-1] == Key("bot", "o-20")


def test_many_orders_of_another_account_are_passed_over_in_steps() -> None:
    parts = found_orders(many(3 * ORDERS_A_STEP).registry, OrderQuery({"account": "none"}, 1_000))
    assert list(parts) == [[], [], []]


async def _render(_text_format: TextFormat) -> bytes:
    return b""


@asynccontextmanager
async def serving(made: OrderTracker, **options: float) -> AsyncIterator[tuple[aiohttp.ClientSession, OrdersEndpoint]]:
    endpoint = OrdersEndpoint(made.registry, **options)
    http = HttpServer(
        "127.0.0.1", 0, render=_render, readiness=Readiness(), setting="S", pages={"/orders": endpoint.answer}
    )
    async with http, aiohttp.ClientSession(f"http://127.0.0.1:{http.port}") as session:
        yield session, endpoint


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "text/csv"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.stream"),
    ],
)
async def test_they_are_served_in_the_format_that_is_asked_for(accept: str, kind: str) -> None:
    async with serving(lived()) as (session, endpoint):
        async with session.get("/orders", headers={"Accept": accept}, params={"account": ODD}) as answer:
            assert answer.headers["Content-Type"].partition(";")[0] == kind
            assert b"o-2" in await answer.read()
        async with session.get("/orders?state=x") as refused:
            assert refused.status == 400
        assert endpoint.answers.under_way == 0


async def test_the_example_of_the_documentation_reads_the_filled_orders_of_an_account() -> None:
    made = lived()
    made.apply(event("submit", "o-4", account="main", strategy="s"), T0)
    made.apply(event("fill", "o-4", account="main", last_qty=10.0, last_price=99.5, exec_id="y"), T0)
    text = (Path(__file__).parents[3] / "docs" / "orders.md").read_text()
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "/orders?" in block]
    async with serving(made) as (session, _):
        found: dict[str, Any] = {}
        served = code.replace("http://127.0.0.1:8001", str(session._base_url).rstrip("/"))
        await asyncio.to_thread(exec, served, found)
    assert found["orders"][["order_id", "average_price"]].to_numpy().tolist() == [["o-4", 99.5]]
    assert str(found["orders"]["began"].dtype) == "datetime64[ns, UTC]"


async def test_a_search_that_finds_nothing_in_many_orders_leaves_the_loop_free() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with serving(many(2_000)) as (session, _):
        async with AsyncTaskManager() as tasks:
            tasks.start("count", count())
            async with session.get("/orders?symbol=none") as answer:
                await answer.read()
        assert turns > 2_000 // ORDERS_A_STEP


async def test_more_readers_than_are_served_at_once_are_told_to_wait() -> None:
    async with serving(lived()) as (session, endpoint):
        endpoint.answers.under_way = MAX_ANSWERS
        async with session.get("/orders") as refused:
            assert refused.status == 503
        endpoint.answers.under_way = 0
        async with session.get("/orders") as served:
            assert served.status == 200


def test_the_query_of_a_bot_reads_no_order_of_another() -> None:
    query: Any = parse_order_query({"account": "main"}, max_rows=10)
    assert [key.order_id for key in lived().registry.newest_keys() if query.may_have(key)] == ["o-3", "o-1"]
