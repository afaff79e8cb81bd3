"""What a publisher tells of orders: valid, numbered apart from trades, and what the documentation shows runs."""

import re
from pathlib import Path
from typing import Any

import pytest

from telemetry_client import InvalidOrderError, Publisher
from telemetry_schema import BotMessage, OrderEvent, PositionReport, Quote, RateLimitReport, Trade, decode_edge
from tests.client.conftest import Receiver

GUIDE = Path(__file__).parents[2] / "docs" / "orders.md"


def received(ingest: Receiver) -> BotMessage:
    message = decode_edge(ingest.receive())
    assert isinstance(message, OrderEvent | Quote | PositionReport | RateLimitReport)
    return message


def test_an_event_arrives_with_its_values(ingest: Receiver) -> None:
    with Publisher(ingest.endpoint, "bot", account="desk-1") as publisher:
        assert publisher.order_filled(
            "o-1", "BTC-USD", "sell", 0.5, 61_000.0, exec_id="x", fee=-1.0, fee_currency="USD"
        )
        event = received(ingest)
    assert isinstance(event, OrderEvent)
    assert event == OrderEvent(
        source="bot",
        run=publisher.run,
        seq=0,
        event="fill",
        order_id="o-1",
        event_ns=event.event_ns,
        sent_ns=event.event_ns,
        clock="bot",
        symbol="BTC-USD",
        side="sell",
        account="desk-1",
        exec_id="x",
        last_qty=0.5,
        last_price=61_000.0,
        fee=-1.0,
        fee_currency="USD",
    )


def test_trades_and_each_kind_are_numbered_apart(ingest: Receiver, publisher: Publisher) -> None:
    publisher.trade("BTC-USD", "buy", 1, 2)
    publisher.order_acked("o-1")
    publisher.quote("BTC-USD", 1.0, 2.0)
    publisher.order_cancelled("o-1")
    publisher.trade("BTC-USD", "buy", 1, 2)
    messages: list[Any] = [decode_edge(ingest.receive()) for _ in range(5)]
    assert [(message.type, message.seq) for message in messages] == [
        ("trade", 0),
        ("order", 0),
        ("quote", 0),
        ("order", 1),
        ("trade", 1),
    ]
    assert isinstance(messages[0], Trade)
    assert publisher.sent_trades == 2


def test_an_invalid_event_uses_no_number(ingest: Receiver, publisher: Publisher) -> None:
    with pytest.raises(InvalidOrderError, match="qty"):
        publisher.order_submitted("o-1", "BTC-USD", "buy", -1.0)
    with pytest.raises(InvalidOrderError, match="needs"):
        publisher.order("fill", "o-1")
    publisher.order_acked("o-1")
    assert received(ingest).seq == 0


def test_a_dropped_event_is_counted_and_keeps_its_number() -> None:
    with Publisher("tcp://127.0.0.1:1", "bot", max_queued_messages=1, linger_s=0.0) as publisher:
        while publisher.order_acked("o-1"):
            pass
        assert not publisher.quote("BTC-USD", 1.0, 2.0)
        stats = publisher.stats()
    assert stats.dropped_events == 2
    assert stats.dropped_trades == 0


def test_the_example_of_the_documentation_runs(ingest: Receiver) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    exec(example.replace("tcp://127.0.0.1:5555", ingest.endpoint), {})  # noqa: S102 - our own documentation
    kinds = [received(ingest).type for _ in range(10)]
    assert kinds == ["quote", *["order"] * 7, "position", "rate_limit"]
