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
"""In each run of the tests, seeds 0 to 1,999; `make test-long` takes 20,000 others."""

FIRST_LONG_SEED = 20_261_126


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
        "fills": dict(sorted((key, (fill.qty, fill.price)) for key, fill in standing.items())),
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


def check_one_result(seed: int) -> None:
    """Shuffled, and with four events repeated, a history gives what it gives in its own order."""
    events, lives = history(seed)
    told = played(events)
    random = Random(seed + 1)  # noqa: S311 - no secret
    muddled = [*events, *random.choices(events, k=4)]
    random.shuffle(muddled)
    heard = played(muddled)
    assert result(heard, lives) == result(told, lives), seed
    assert money(heard) == money(told), seed


def check_a_lost_fill(seed: int) -> bool:
    """One fill is lost: recovered, where a later message of its order has the cumulative quantity; whether one has."""
    events, lives = history(seed)
    fills = [event for event in events if event.event == "fill"]
    if not fills or any(event.event in {"bust", "correct"} for event in events):
        return False
    lost = Random(seed).choice(fills)  # noqa: S311 - no secret
    life = next(life for life in lives if any(each is lost for each in life.events))
    later = [each.cum_qty for each in life.events if each.event_ns > lost.event_ns and each.cum_qty is not None]
    if not later:
        return False
    order = played([event for event in events if event is not lost]).registry.get("acct", life.order_id)
    assert order is not None
    assert order.filled_qty >= max(later) - 1e-9, seed
    assert not math.isnan(order.inferred.price), seed
    return True


@pytest.mark.parametrize("part", range(4))
def test_shuffled_and_repeated_histories_give_one_result(part: int) -> None:
    for seed in range(part * HISTORIES // 4, (part + 1) * HISTORIES // 4):
        check_one_result(seed)


def test_the_state_is_what_the_venue_says() -> None:
    for seed in range(HISTORIES):
        events, lives = history(seed)
        made = played(events)
        for life in lives:
            order = made.registry.get("acct", life.order_id)
            assert order is not None
            standing = order.executions.effective()
            assert {key: (fill.qty, fill.price) for key, fill in standing.items()} == life.fills, seed


def test_a_lost_fill_is_recovered_where_a_later_message_has_the_cumulative_quantity() -> None:
    assert sum(check_a_lost_fill(seed) for seed in range(HISTORIES)) > HISTORIES // 10


def test_the_histories_have_all_that_is_asked_of_them() -> None:
    events = [event for seed in range(HISTORIES // 10) for event in history(seed)[0]]
    assert {event.event for event in events} >= {"replace", "bust", "correct", "cancel", "expire", "reject", "deny"}
    assert {event.clock for event in events} == {"bot", "adapter", "venue"}
    aliases = {event.alias for event in events if event.alias is not None}
    chained = {event.alias for event in events if event.event == "replace" and event.order_id in aliases}
    assert len(chained) > HISTORIES // 200  # a replace under the name that another replace gave


@pytest.mark.long
@pytest.mark.parametrize("part", range(20))
def test_twenty_thousand_histories_give_one_result(part: int) -> None:
    for seed in range(FIRST_LONG_SEED + part * 1_000, FIRST_LONG_SEED + (part + 1) * 1_000):
        check_one_result(seed)


@pytest.mark.long
def test_of_twenty_thousand_histories_each_lost_fill_is_recovered() -> None:
    assert sum(check_a_lost_fill(FIRST_LONG_SEED + number) for number in range(20_000)) > 2_000
