"""What a publisher tells of orders: valid, numbered apart from trades, and what the documentation shows runs."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
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


def test_the_examples_of_the_documentation_run(ingest: Receiver) -> None:
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    example, timed = [block for block in blocks if "telemetry_client" in block]
    exec(example.replace("tcp://127.0.0.1:5555", ingest.endpoint), {})  # noqa: S102 - our own documentation
    kinds = [received(ingest).type for _ in range(10)]
    assert kinds == ["quote", *["order"] * 7, "position", "rate_limit"]
    exec(timed.replace("tcp://127.0.0.1:5555", ingest.endpoint), {})  # noqa: S102 - as above
    told = [told_by(ingest) for _ in range(4)]
    assert [(event.order_id, event.event, event.reason) for event in told] == [
        ("o-1", "submit", None),
        ("o-1", "ack", None),
        ("o-2", "submit", None),
        ("o-2", "reject", "limit_exceeded"),
    ]
    assert (told[1].venue_order_id, told[1].venue, told[3].text) == ("venue-7", "sim", "ValueError: too large")


def told_by(ingest: Receiver) -> OrderEvent:
    """The next event of an order; reports of the run come in between."""
    while not isinstance(message := decode_edge(ingest.receive()), OrderEvent):
        pass
    return message


class OfAnExchangeError(Exception):
    """What a library raises; its subclasses say why."""


class RateLimitExceeded(OfAnExchangeError):  # noqa: N818 - named as libraries of venues do
    """It was asked too often."""


class ThrottledError(RateLimitExceeded):
    """A subclass that nobody has heard of."""


class SilentError(Exception):
    """One that cannot even be written."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("error", "event", "reason"),
    [
        (ThrottledError("slow down"), "reject", "rate_limit"),
        (OfAnExchangeError("who knows"), "reject", "other"),
        (TimeoutError(), "unknown", "timeout"),
        (ConnectionResetError("gone"), "unknown", "disconnected"),
        (asyncio.CancelledError(), "unknown", "disconnected"),
        (KeyboardInterrupt(), "unknown", "disconnected"),
        (ValueError("x" * 1_000), "reject", "other"),
        (ValueError("two\nlines \x00"), "reject", "other"),
        (ValueError("half of a pair: \ud800"), "reject", "other"),
        (SilentError(), "reject", "other"),
    ],
)
def test_an_exception_is_told_as_what_it_says_of_the_order_and_goes_on_its_way(
    ingest: Receiver, publisher: Publisher, error: BaseException, event: str, reason: str
) -> None:
    with pytest.raises(type(error)), publisher.placing("o-1", "BTC-USD", "buy", 1.0):
        raise error
    assert told_by(ingest).event == "submit"
    answer = told_by(ingest)
    assert (answer.event, answer.reason) == (event, reason)
    assert (answer.text or "").startswith(type(error).__name__)


def test_who_names_the_reason_and_fails_hides_neither_the_exception_nor_the_answer(
    ingest: Receiver, publisher: Publisher
) -> None:
    def fails(_error: BaseException) -> str:
        raise LookupError

    def says_no_code(_error: BaseException) -> str:
        return "no code, but a sentence"

    for reason_of in (fails, says_no_code):
        with pytest.raises(TimeoutError), publisher.placing("o-1", "A", "buy", 1.0, reason_of=reason_of):
            raise TimeoutError
        assert told_by(ingest).event == "submit"
        assert told_by(ingest).event == "unknown"


def test_a_placing_that_is_used_again_is_answered_again(ingest: Receiver, publisher: Publisher) -> None:
    placing = publisher.placing("o-1", "A", "buy", 1.0)
    with placing:
        placing.reject("rate_limit")
    with placing:
        placing.venue_order_id = "v-1"
    with pytest.raises(ValueError, match="no"), placing:
        raise ValueError("no")
    told = [told_by(ingest) for _ in range(6)]
    assert [event.event for event in told] == ["submit", "reject", "submit", "ack", "submit", "reject"]
    assert [event.venue_order_id for event in told] == [None, None, None, "v-1", None, None]


def test_a_refusal_that_is_told_to_a_closed_publisher_fails_no_call(ingest: Receiver) -> None:
    publisher = Publisher(ingest.endpoint, "bot")
    with publisher.placing("o-1", "A", "buy", 1.0) as placing:
        publisher.close()
        placing.reject("price_band")


async def test_a_task_that_is_cancelled_while_it_places_is_in_doubt(ingest: Receiver, publisher: Publisher) -> None:
    async def place() -> None:
        async with publisher.placing("o-1", "A", "buy", 1.0):
            await asyncio.Event().wait()

    task = asyncio.ensure_future(place())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert [told_by(ingest).event for _ in range(2)] == ["submit", "unknown"]


def test_orders_that_are_placed_from_many_threads_are_all_answered(ingest: Receiver, publisher: Publisher) -> None:
    def place(number: int) -> None:
        for each in range(20):
            with publisher.placing(f"{number}-{each}", "A", "buy", 1.0):
                pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(place, range(8)))
    told = [told_by(ingest) for _ in range(8 * 20 * 2)]
    assert sorted(event.seq for event in told if event.seq is not None) == list(range(320))
    acked = {event.order_id for event in told if event.event == "ack"}
    assert acked == {f"{number}-{each}" for number in range(8) for each in range(20)}


async def test_an_await_is_timed_by_two_stamps_of_the_bot(ingest: Receiver, publisher: Publisher) -> None:
    async with publisher.placing("o-1", "BTC-USD", "buy", 1.0, 99.0, account="a", strategy="s", venue="v"):
        await asyncio.sleep(0.01)
    submit, ack = told_by(ingest), told_by(ingest)
    assert ack.event_ns - submit.event_ns >= 9_000_000
    assert (submit.clock, ack.clock, submit.price, ack.price) == ("bot", "bot", 99.0, None)
    assert (ack.account, ack.strategy, ack.venue) == ("a", "s", "v")


def test_an_answer_that_says_no_without_raising_is_a_rejection_and_the_only_answer(
    ingest: Receiver, publisher: Publisher
) -> None:
    with publisher.placing("o-1", "BTC-USD", "buy", 1.0) as placing:
        placing.reject("price_band", "too far")
    publisher.order_acked("o-2")
    told = [told_by(ingest) for _ in range(3)]
    assert [(event.event, event.order_id) for event in told] == [("submit", "o-1"), ("reject", "o-1"), ("ack", "o-2")]


def test_a_wrong_order_is_refused_before_it_is_placed_and_a_closed_publisher_fails_no_call(ingest: Receiver) -> None:
    publisher = Publisher(ingest.endpoint, "bot")
    with pytest.raises(InvalidOrderError), publisher.placing("o-1", "BTC-USD", "buy", -1.0):
        pytest.fail("it was placed")
    with publisher.placing("o-1", "BTC-USD", "buy", 1.0):
        publisher.close()
