"""Latency and quality of execution on planted values."""

from typing import Any

import pytest

from analytics.cooperative import run
from analytics.orders.latency import BOUNDS_S, Exemplar, Histogram, LatencyLabels
from analytics.orders.tracker import OrderTracker
from telemetry_schema import Quote
from tests.analytics.orders.histories import MS, SECOND, T0, event, tracker

LABELS = ("bot", "", "BTC-USD", "USD")


def quoted(made: OrderTracker, mid: float, at_ns: int) -> None:
    made.quote(
        Quote(type="quote", source="f", symbol="BTC-USD", bid=mid - 0.5, ask=mid + 0.5, event_ns=at_ns, sent_ns=at_ns),
        at_ns,
    )


def latency(made: OrderTracker, stage: str, clock: str = "bot") -> int:
    return made.latencies.histograms[LatencyLabels("bot", "", stage, clock)].sum_ns


def test_each_stage_is_measured_between_two_stamps_of_one_clock() -> None:
    made = tracker()
    told = [
        event("submit", at_ns=T0, tick_ns=T0 - 3 * MS, decision_ns=T0 - 1 * MS, qty=2.0),
        event("ack", at_ns=T0 + 777, clock="venue", seen_ns=T0 + 5 * MS, seen_by="bot"),
        event("fill", at_ns=T0 + 9 * MS, exec_id="x-1"),
        event("replace_request", at_ns=T0 + 10 * MS, alias="r-1"),
        event("replace", at_ns=T0 + 14 * MS, alias="r-1", qty=3.0),
        event("replace_request", at_ns=T0 + 20 * MS, alias="r-2"),
        event("replace", at_ns=T0 + 26 * MS, alias="r-2", qty=2.0),
        event("fill", at_ns=T0 + 30 * MS, exec_id="x-2"),
    ]
    for each in told:
        made.apply(each, T0)
    assert {stage: latency(made, stage) / MS for stage in ("tick", "decision", "ack", "first_fill", "complete")} == {
        "tick": 3,
        "decision": 1,
        "ack": 5,
        "first_fill": 9,
        "complete": 30,
    }
    replaces = made.latencies.histograms[LatencyLabels("bot", "", "replace", "bot")]
    assert (sum(replaces.counts), replaces.sum_ns) == (2, 10 * MS)


def test_a_cancel_is_measured_from_the_request_that_succeeded() -> None:
    made = tracker()
    for name, at_ms in (
        ("submit", 0),
        ("cancel_request", 10),
        ("cancel_reject", 15),
        ("cancel_request", 100),
        ("cancel", 104),
    ):
        made.apply(event(name, at_ns=T0 + at_ms * MS), T0)
    assert latency(made, "cancel") == 4 * MS


def test_a_late_submit_fills_the_latency_in() -> None:
    made = tracker()
    made.apply(event("ack", at_ns=T0 + 4 * MS), T0)
    made.apply(event("submit", at_ns=T0), T0)
    assert latency(made, "ack") == 4 * MS


@pytest.mark.parametrize(
    ("ack", "reason"),
    [
        ({"clock": "venue"}, "two_clocks"),
        ({"resolution_ns": SECOND}, "coarse_clock"),
        ({"replayed": True}, "replayed"),
        ({"event_ns": T0 - 1, "sent_ns": T0}, "negative"),
    ],
)
def test_what_cannot_be_measured_is_counted_by_its_reason(ack: dict[str, Any], reason: str) -> None:
    made = tracker()
    made.apply(event("submit"), T0)
    made.apply(event("ack", **{"event_ns": T0 + MS, **ack}), T0)
    assert dict(made.latencies.unmeasured) == {("ack", reason): 1}
    assert not made.latencies.histograms


def test_an_end_whose_start_never_came_is_counted_when_the_order_is_forgotten() -> None:
    made = tracker()
    made.apply(event("ack"), T0)
    made.apply(event("cancel", at_ns=T0 + 1), T0)
    run(made.tick(T0 + 600 * SECOND))
    assert made.latencies.unmeasured["ack", "no_start"] == 1
    assert len(made.registry) == 0


def test_the_exemplar_of_a_bucket_is_its_slowest_order() -> None:
    made = tracker()
    for number, took_ms in enumerate([3, 4, 2]):
        made.apply(event("submit", f"o-{number}"), T0)
        made.apply(event("ack", f"o-{number}", T0 + took_ms * MS), T0)
    histogram = made.latencies.histograms[LatencyLabels("bot", "", "ack", "bot")]
    assert {exemplar.order_id for exemplar in histogram.exemplars.values()} == {"o-1", "o-2"}
    assert sum(histogram.counts) == 3
    assert list(BOUNDS_S) == sorted(BOUNDS_S)


def test_a_slow_order_of_long_ago_gives_its_place_to_a_newer_one() -> None:
    histogram = Histogram()
    histogram.add(Exemplar("slow", 4 * MS, T0))
    histogram.add(Exemplar("soon", 3 * MS, T0 + 60 * SECOND))
    assert [each.order_id for each in histogram.exemplars.values()] == ["slow"]
    histogram.add(Exemplar("later", 3 * MS, T0 + 60 * SECOND + 1))
    assert [each.order_id for each in histogram.exemplars.values()] == ["later"]


def test_slippage_against_arrival_of_the_documented_case() -> None:
    made = tracker()
    made.apply(event("submit", qty=1000.0, arrival_price=40.04, decision_price=40.0), T0)
    made.apply(event("fill", at_ns=T0 + 1, exec_id="x-1", last_qty=700.0, last_price=40.05), T0)
    quality = made.quality

    def bps(reference: str) -> float:
        labels = (*LABELS, reference)
        return (
            1e4 * (quality.slippage_paid[labels] - quality.slippage_gained[labels]) / quality.slippage_notional[labels]
        )

    assert bps("arrival") == pytest.approx(2.4975, abs=1e-4)
    assert bps("decision") == pytest.approx(12.5, abs=1e-9)


def test_slippage_without_an_arrival_price_is_against_our_own_mid_when_it_was_sent() -> None:
    made = tracker()
    quoted(made, 100.0, T0 - SECOND)
    quoted(made, 101.0, T0 + SECOND)
    made.apply(event("submit", side="sell"), T0)
    made.apply(event("fill", at_ns=T0 + 2 * SECOND, side="sell", exec_id="x-1", last_price=99.0), T0)
    assert made.quality.slippage_paid[*LABELS, "arrival"] == pytest.approx(1.0)
    assert made.quality.slippage_gained[*LABELS, "arrival"] == 0.0


@pytest.mark.parametrize(("side", "gained", "lost"), [("buy", 3.0, 0.0), ("sell", 0.0, 3.0)])
def test_a_markout_is_the_mid_at_its_horizon(side: str, gained: float, lost: float) -> None:
    made = tracker()
    made.apply(event("fill", side=side, exec_id="x-1"), T0)
    for second, mid in ((0.5, 101.0), (1.0, 103.0), (1.5, 99.0)):
        quoted(made, mid, T0 + round(second * SECOND))
        run(made.tick(T0 + round(second * SECOND)))
    labels = (*LABELS, "1s", "")
    assert made.quality.markout_gained[labels] == pytest.approx(gained)
    assert made.quality.markout_lost[labels] == pytest.approx(lost)
    assert made.quality.markout_notional[labels] == 100.0


def test_a_markout_without_quotes_is_missed_with_its_reason() -> None:
    made = tracker()
    made.apply(event("fill", exec_id="x-1"), T0)
    run(made.tick(T0 + 70 * SECOND))
    assert dict(made.quality.markout_missed) == {(each, "no_mid"): 1 for each in ("1s", "5s", "30s", "1m")}


def test_a_markout_across_a_gap_in_the_quotes_is_missed() -> None:
    made = tracker()
    quoted(made, 100.0, T0 - SECOND)
    made.apply(event("fill", exec_id="x-1"), T0)
    quoted(made, 100.0, T0 + 29 * SECOND)
    run(made.tick(T0 + 40 * SECOND))
    assert made.quality.markout_missed == {("5s", "gap"): 1}


def test_messages_are_counted_by_the_weights_of_rts_9() -> None:
    made = tracker()
    told = [
        event("submit", qty=10.0),
        event("replace", at_ns=T0 + 1, alias="r", qty=8.0),
        event("fill", at_ns=T0 + 2, exec_id="x-1", last_qty=2.0),
        event("fill", at_ns=T0 + 3, exec_id="x-2", last_qty=3.0),
        event("cancel", at_ns=T0 + 4),
    ]
    for each in told:
        made.apply(each, T0)
        made.apply(each, T0)
    assert made.quality.otr_messages["bot", "BTC-USD"] == 4
    assert made.quality.otr_messages["bot", "BTC-USD"] / sum(made.quality.own_fills.values()) - 1 == 1
    assert made.quality.otr_volume["bot", "BTC-USD"] == 10 + (10 + 8) + 3


def test_a_cancel_by_the_kill_switch_is_no_message_of_the_bot() -> None:
    made = tracker()
    made.apply(event("submit", qty=10.0), T0)
    made.apply(event("cancel", at_ns=T0 + 1, reason="kill_switch"), T0)
    assert dict(made.quality.otr_messages) == {("bot", "BTC-USD"): 1}


def test_an_order_that_ends_is_counted_once_with_how_it_ended() -> None:
    made = tracker()
    for number, end in enumerate(["cancel", "reject", "expire"]):
        made.apply(event("submit", f"o-{number}", qty=4.0), T0)
        if end == "expire":
            made.apply(event("fill", f"o-{number}", exec_id=f"x-{number}"), T0)
        made.apply(event(end, f"o-{number}", reason="risk"), T0)
        made.apply(event(end, f"o-{number}", reason="risk"), T0)
    book = ("bot", "", "BTC-USD")
    assert made.quality.ended == {(*book, "unfilled"): 1, (*book, "rejected"): 1, (*book, "partly"): 1}
    assert made.quality.ordered_qty[*book, "buy"] == 12.0
    assert made.quality.filled_qty[*book, "buy"] == 1.0
    assert made.quality.rejects == {("bot", "", "", "risk", "order"): 1}


def test_an_unknown_reason_is_counted_as_other() -> None:
    made = tracker()
    made.apply(event("submit"), T0)
    made.apply(event("reject", at_ns=T0 + 1, reason="moon_phase"), T0)
    assert made.quality.rejects == {("bot", "", "", "other", "order"): 1}
