"""Whatever the order and however often events come, one history gives one result."""

import math
from random import Random
from typing import Any

import pytest

from analytics.orders.order import BotOrder
from analytics.orders.tracker import OrderTracker
from telemetry_schema import OrderEvent
from tests.analytics.orders.histories import Life, tracker

HISTORIES = 2_000
"""In each run of the tests; the long form of 20,000 is in `test_long.py`."""


def history(seed: int, orders: int = 3) -> tuple[list[OrderEvent], list[Life]]:
    random = Random(seed)  # noqa: S311 - no secret
    lives = [Life(random, f"o-{seed}-{number}") for number in range(orders)]
    events = [event for life in lives for event in life.tell()]
    return events, lives


def played(events: list[OrderEvent]) -> OrderTracker:
    made = tracker()
    for number, event in enumerate(events):
        made.apply(event, event.sent_ns + number)
    return made


def facts(order: BotOrder) -> dict[str, Any]:
    standing = order.executions.effective()
    return {
        "state": order.state,
        "qty": order.qty,
        "fills": dict(sorted((key, fill[:2]) for key, fill in standing.items())),
        "stamps": {key: dict(sorted(stamps.items())) for key, stamps in sorted(order.stamps.items())},
        "terms": (order.ordered_qty, order.ordered_price),
        "inferred": round(order.inferred.qty, 9),
        "doubt": order.in_doubt,
        "end": order.end,
    }


def result(made: OrderTracker, lives: list[Life]) -> list[dict[str, Any] | None]:
    orders = [made.registry.get("acct", life.order_id) for life in lives]
    return [facts(order) if order is not None else None for order in orders]


def money(made: OrderTracker) -> dict[Any, tuple[float, float, float]]:
    books = {key: made.books.get(key) for key in made.books}
    return {
        key: (round(book.holding.qty, 9), round(book.cash, 6), round(book.fees["USD"], 9))
        for key, book in books.items()
        if book is not None
    }


@pytest.mark.parametrize("part", range(4))
def test_shuffled_and_repeated_histories_give_one_result(part: int) -> None:
    for seed in range(part * HISTORIES // 4, (part + 1) * HISTORIES // 4):
        events, lives = history(seed)
        told = played(events)
        random = Random(seed + 1)  # noqa: S311 - no secret
        muddled = [*events, *random.choices(events, k=4)]
        random.shuffle(muddled)
        heard = played(muddled)
        assert result(heard, lives) == result(told, lives), seed
        assert money(heard) == money(told), seed


def test_the_state_is_what_the_venue_says() -> None:
    for seed in range(HISTORIES):
        events, lives = history(seed)
        made = played(events)
        for life in lives:
            order = made.registry.get("acct", life.order_id)
            assert order is not None
            standing = order.executions.effective()
            assert {key: fill[:2] for key, fill in standing.items()} == life.fills, seed


def test_a_lost_fill_is_recovered_where_a_later_message_has_the_cumulative_quantity() -> None:
    recovered = 0
    for seed in range(HISTORIES):
        events, lives = history(seed)
        if any(event.event in {"bust", "correct"} for event in events):
            continue
        fills = [event for event in events if event.event == "fill"]
        if not fills:
            continue
        lost = Random(seed).choice(fills)  # noqa: S311 - no secret
        later = [
            each for each in fills if each.order_id.startswith(lost.order_id[:8]) and each.event_ns > lost.event_ns
        ]
        life = next(life for life in lives if lost.order_id.startswith(life.order_id))
        later = [each for each in life.events if each.event_ns > lost.event_ns and each.cum_qty is not None]
        if not later:
            continue
        made = played([event for event in events if event is not lost])
        order = made.registry.get("acct", life.order_id)
        assert order is not None
        newest = max(each.cum_qty or 0.0 for each in later)
        assert order.filled_qty >= newest - 1e-9, seed
        assert not math.isnan(order.inferred.price)
        recovered += 1
    assert recovered > HISTORIES // 10
