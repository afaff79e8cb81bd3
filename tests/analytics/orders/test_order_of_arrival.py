"""What is counted of an order does not depend on which of its events comes first."""

from itertools import permutations
from typing import Any

import pytest

from analytics.cooperative import run
from analytics.orders.latency import LatencyLabels
from analytics.orders.marks import Marks
from analytics.orders.tracker import OrderTracker
from telemetry_schema import OrderEvent, RateLimitReport
from tests.analytics.orders.histories import MS, SECOND, T0, event, tracker

FILLED = [
    event("submit", at_ns=T0, qty=2.0, arrival_price=100.0),
    event("ack", at_ns=T0 + 5 * MS),
    event("fill", at_ns=T0 + 10 * MS, exec_id="a", last_price=101.0),
    event("fill", at_ns=T0 + 20 * MS, exec_id="b", last_price=102.0),
]
CANCELLED = [
    *FILLED[:3],
    event("cancel_request", at_ns=T0 + 15 * MS),
    event("cancel", at_ns=T0 + 22 * MS),
]
BOOK = ("bot", "", "BTC-USD")


def played(events: tuple[OrderEvent, ...] | list[OrderEvent]) -> OrderTracker:
    made = tracker()
    for each in events:
        made.apply(each, T0)
    return made


def spans_ms(made: OrderTracker) -> dict[str, float]:
    return {labels[2]: histogram.sum_ns / MS for labels, histogram in made.latencies.histograms.items()}


@pytest.mark.parametrize("events", list(permutations(FILLED)))
def test_slippage_and_quantities_are_those_of_the_order_whatever_comes_first(events: tuple[OrderEvent, ...]) -> None:
    # (101 - 100) x 1 + (102 - 100) x 1 paid, of 2 x 100.
    quality = played(events).quality
    assert quality.slippage_paid == {(*BOOK, "USD", "arrival"): 3.0}
    assert quality.slippage_notional == {(*BOOK, "USD", "arrival"): 200.0}
    assert sum(quality.slippage_bps["bot", ""]) == 2
    assert (quality.ordered_qty, quality.filled_qty) == ({(*BOOK, "buy"): 2.0}, {(*BOOK, "buy"): 2.0})
    assert quality.ended == {(*BOOK, "filled"): 1.0}


@pytest.mark.parametrize("events", list(permutations(FILLED)))
def test_an_order_is_complete_at_its_last_fill_whatever_comes_first(events: tuple[OrderEvent, ...]) -> None:
    spans = spans_ms(played(events))
    assert (spans["ack"], spans["complete"]) == (5.0, 20.0)
    assert spans["first_fill"] <= spans["complete"]


@pytest.mark.parametrize("events", list(permutations(CANCELLED)))
def test_a_fill_and_a_submit_after_the_end_are_in_its_quantities(events: tuple[OrderEvent, ...]) -> None:
    quality = played(events).quality
    assert (quality.ordered_qty, quality.filled_qty) == ({(*BOOK, "buy"): 2.0}, {(*BOOK, "buy"): 1.0})
    assert sum(quality.ended.values()) == 1.0
    assert quality.slippage_paid == {(*BOOK, "USD", "arrival"): 1.0}


def test_an_order_that_is_replaced_after_it_was_filled_is_counted_with_all_of_it_when_it_ends_again() -> None:
    made = played([*FILLED, event("replace", at_ns=T0 + 30 * MS, qty=5.0)])
    made.apply(event("fill", at_ns=T0 + 40 * MS, exec_id="c", last_qty=3.0), T0)
    assert (made.quality.ordered_qty[*BOOK, "buy"], made.quality.filled_qty[*BOOK, "buy"]) == (5.0, 5.0)


def test_an_end_that_an_earlier_version_counted_is_not_counted_again() -> None:
    made = played(CANCELLED)
    order = made.registry.get("bot", "o-1")
    assert order is not None
    order.booking.ended_qty = order.booking.ended_filled_qty = float("inf")  # as its checkpoint is read
    made.apply(event("fill", at_ns=T0 + 40 * MS, exec_id="c"), T0)
    assert made.quality.filled_qty[*BOOK, "buy"] == 1.0


def test_fills_before_the_submit_are_compared_with_our_own_mid_of_when_it_was_sent() -> None:
    made = tracker()
    made.marks.quote("BTC-USD", 99.5, 100.5, T0 - MS, T0)
    made.marks.quote("BTC-USD", 109.5, 110.5, T0 + 15 * MS, T0)
    for each in (FILLED[2], event("submit", at_ns=T0, qty=2.0)):
        made.apply(each, T0)
    assert made.quality.slippage_paid == {(*BOOK, "USD", "arrival"): 1.0}


@pytest.mark.parametrize(("start", "end"), [(True, False), (False, True), (True, True)])
def test_a_latency_with_a_replayed_end_is_replayed_not_without_a_start(*, start: bool, end: bool) -> None:
    made = played([event("submit", replayed=start), event("ack", at_ns=T0 + MS, replayed=end)])
    assert dict(made.latencies.unmeasured) == {("ack", "replayed"): 1}
    assert not made.latencies.histograms


@pytest.mark.parametrize(
    ("fields", "messages"),
    [
        ({"tif": "ioc"}, 2.0),
        ({"tif": "fok"}, 2.0),
        ({"tif": "day"}, 1.0),
        ({}, 1.0),
    ],
)
def test_an_immediate_order_that_is_not_executed_counts_twice_and_a_days_expiry_does_not(
    fields: dict[str, Any], messages: float
) -> None:
    made = played([event("submit", order_type="limit", **fields), event("expire", at_ns=T0 + MS)])
    assert made.quality.otr_messages["bot", "BTC-USD"] == messages


@pytest.mark.parametrize(("reason", "messages"), [("disconnected", 1.0), ("kill_switch", 1.0), ("user", 2.0)])
def test_a_cancel_for_a_lost_connection_or_by_a_kill_switch_is_no_message(reason: str, messages: float) -> None:
    made = played([event("submit"), event("cancel", at_ns=T0 + MS, reason=reason)])
    assert made.quality.otr_messages["bot", "BTC-USD"] == messages


def test_the_last_trade_is_worth_more_than_a_mid_that_nobody_renews() -> None:
    last = (200.0, T0 + 5 * SECOND)
    marks = Marks(lambda _symbol: last)
    marks.quote("BTC-USD", 99.0, 101.0, T0, T0)
    assert marks.newest("BTC-USD") == (100.0, T0, "mid")
    last = (200.0, T0 + 6 * SECOND)
    assert marks.newest("BTC-USD") == (200.0, T0 + 6 * SECOND, "last")


def limit(used: float, at_ns: int, interval_s: float = 1.0) -> RateLimitReport:
    names = {"source": "b", "account": "a", "venue": "v", "limit": "l"}
    times = {"interval_s": interval_s, "event_ns": at_ns, "sent_ns": at_ns}
    return RateLimitReport.model_validate({"type": "rate_limit", **names, "used": used, "allowed": 10.0, **times})


def test_the_use_of_a_limit_is_gone_when_its_interval_is_long_over() -> None:
    made = tracker()
    made.peers.rate_limit(limit(9.0, T0), T0)
    run(made.tick(T0 + 59 * SECOND))
    assert made.peers.rate_limits == {("a", "v", "l"): 0.9}
    run(made.tick(T0 + 60 * SECOND))
    assert made.peers.rate_limits == {}
    made.peers.rate_limit(limit(9.0, T0, interval_s=3_600.0), T0)
    run(made.tick(T0 + 7_199 * SECOND))
    assert made.peers.rate_limits


def test_an_older_report_of_a_limit_does_not_replace_a_newer_one() -> None:
    made = tracker()
    made.peers.rate_limit(limit(5.0, T0 + MS), T0)
    made.peers.rate_limit(limit(9.0, T0), T0)
    assert made.peers.rate_limits == {("a", "v", "l"): 0.5}


def test_a_fill_that_comes_late_is_complete_by_the_bots_clock_alone() -> None:
    made = played([FILLED[3], FILLED[0], FILLED[2]])
    assert made.latencies.histograms[LatencyLabels("bot", "", "complete", "bot")].sum_ns == 20 * MS
