"""Metrics of orders: names and labels are the contract of the dashboards."""

from prometheus_client.samples import Sample

from analytics.cooperative import CooperativeTask, run
from analytics.orders.registry import KnownOrders
from analytics.orders.tracker import OrderTracker
from analytics.output.exposition import openmetrics_text, text
from analytics.output.open_orders import ORDERS_A_STEP, open_totals
from analytics.output.order_metrics import OrderMetrics
from telemetry_schema import PositionReport, RateLimitReport
from tests.analytics.orders.histories import MS, SECOND, T0, event, tracker
from tests.analytics.orders.test_quality import quoted
from tests.helpers.openmetrics import families_of
from tests.helpers.services import Metrics

BOOK = {"account", "strategy", "symbol"}
CONTRACT = {
    "trading_order_events_total": BOOK | {"side", "event"},
    "trading_order_rejects_total": {"account", "strategy", "venue", "reason", "kind"},
    "trading_otr_messages_total": {"account", "symbol"},
    "trading_otr_volume_total": {"account", "symbol"},
    "trading_open_orders": BOOK | {"side"},
    "trading_open_orders_notional": BOOK | {"side", "currency"},
    "trading_oldest_open_order_timestamp_seconds": {"account", "symbol"},
    "trading_orders_in_doubt": {"account", "reason"},
    "trading_ordered_qty_total": BOOK | {"side"},
    "trading_filled_qty_total": BOOK | {"side"},
    "trading_orders_ended_total": BOOK | {"how"},
    "trading_own_fills_total": BOOK | {"side", "liquidity"},
    "trading_own_volume_total": BOOK | {"side", "liquidity"},
    "trading_own_notional_total": BOOK | {"side", "liquidity", "currency"},
    "trading_slippage_paid_total": BOOK | {"currency", "reference"},
    "trading_slippage_gained_total": BOOK | {"currency", "reference"},
    "trading_slippage_notional_total": BOOK | {"currency", "reference"},
    "trading_slippage_bps_bucket": {"account", "strategy", "le"},
    "trading_slippage_bps_count": {"account", "strategy"},
    "trading_markout_gained_total": BOOK | {"currency", "horizon", "liquidity"},
    "trading_markout_lost_total": BOOK | {"currency", "horizon", "liquidity"},
    "trading_markout_notional_total": BOOK | {"currency", "horizon", "liquidity"},
    "trading_markout_missed_total": {"horizon", "reason"},
    "trading_order_latency_seconds_bucket": {"account", "venue", "stage", "clock", "le"},
    "trading_order_latency_seconds_count": {"account", "venue", "stage", "clock"},
    "trading_order_latency_seconds_sum": {"account", "venue", "stage", "clock"},
    "trading_position": BOOK,
    "trading_position_average_price": BOOK,
    "trading_realised_profit": BOOK | {"currency"},
    "trading_unrealised_profit": BOOK | {"currency"},
    "trading_mark_age_seconds": BOOK,
    "trading_equity": {"account", "currency"},
    "trading_drawdown": {"account", "currency"},
    "trading_drawdown_max": {"account", "currency"},
    "trading_position_mismatch": {"account", "symbol"},
    "trading_fees_paid_total": {"account", "strategy", "currency"},
    "trading_rebates_total": {"account", "strategy", "currency"},
    "telemetry_unpriced_fees_total": {"currency"},
    "trading_rate_limit_used_ratio": {"account", "venue", "limit"},
    "telemetry_order_events_total": {"source", "outcome"},
    "telemetry_order_latency_unmeasured_total": {"stage", "reason"},
    "telemetry_order_inferred_fills_total": {"source"},
    "telemetry_order_overfills_total": {"source"},
    "telemetry_forgotten_open_orders_total": set(),
    "telemetry_order_fills_after_end_total": {"source"},
    "telemetry_order_inferred_qty": {"account", "symbol"},
    "telemetry_second_source_fills_total": {"source", "outcome"},
}


def lived() -> OrderTracker:
    made = tracker()
    quoted(made, 100.0, T0)
    made.apply(event("submit", arrival_price=100.0), T0)
    made.apply(event("ack", at_ns=T0 + MS), T0)
    made.apply(event("fill", at_ns=T0 + MS, exec_id="x", fee=1.0, fee_currency="EUR", cum_qty=2.0), T0)
    made.apply(event("fill", at_ns=T0 + MS, exec_id="x", source="copy", account="bot"), T0)
    made.apply(event("submit", "o-2", side="sell", price=110.0), T0)
    made.apply(event("unknown", "o-2", at_ns=T0 + MS), T0)
    made.apply(event("submit", "o-3"), T0)
    made.apply(event("reject", "o-3", reason="min_size"), T0)
    made.peers.position(PositionReport(source="bot", account="bot", symbol="BTC-USD", qty=2.0, event_ns=T0, sent_ns=T0))
    limit = RateLimitReport(
        source="b", account="bot", venue="v", limit="w", used=1.0, allowed=4.0, interval_s=60.0, event_ns=T0, sent_ns=T0
    )
    made.peers.rate_limit(limit, T0)
    quoted(made, 101.0, T0 + SECOND)
    quoted(made, 101.0, T0 + 2 * SECOND)
    run(made.tick(T0 + 2 * SECOND))
    return made


def told(made: OrderTracker) -> str:
    return "".join(map(text, OrderMetrics().families(made, T0 + 2 * SECOND, run(open_totals(made)))))


def test_names_and_labels_are_the_contract() -> None:
    metrics = Metrics(told(lived()))
    found = {name: set().union(*metrics.labels(name)) for name in CONTRACT}
    assert found == CONTRACT


def test_open_orders_that_were_given_up_are_told() -> None:
    made = tracker()
    made.registry = KnownOrders(max_orders=2)
    for number in range(5):
        made.apply(event("submit", f"o-{number}"), T0 + number)
    run(made.tick(T0 + SECOND))
    assert "telemetry_forgotten_open_orders_total 3.0" in told(made).splitlines()


def test_before_the_first_event_only_closed_lists_and_what_has_no_labels_are_there() -> None:
    lines = [line for line in told(tracker()).splitlines() if not line.startswith("#")]
    assert {line.partition("{")[0] for line in lines} == {
        "telemetry_forgotten_open_orders_total 0.0",
        "trading_markout_missed_total",
        "telemetry_order_latency_unmeasured_total",
    }


def test_both_halves_of_a_pair_and_all_outcomes_are_there_from_the_first_fill_on() -> None:
    metrics = Metrics(told(lived()))
    assert metrics.sum_of("trading_slippage_paid_total", reference="arrival") == 0
    assert metrics.labels("trading_slippage_paid_total") == metrics.labels("trading_slippage_gained_total")
    assert metrics.labels("trading_fees_paid_total") == metrics.labels("trading_rebates_total")
    assert {each["outcome"] for each in metrics.labels("telemetry_order_events_total")} == {
        "applied",
        "duplicate",
        "conflict",
        "late",
        "orphan",
        "second_source",
    }


def test_values_are_those_of_the_orders() -> None:
    metrics = Metrics(told(lived()))
    assert metrics.sum_of("trading_open_orders") == 2
    assert metrics.sum_of("trading_orders_in_doubt") == 1
    assert metrics.sum_of("trading_position") == 2
    assert metrics.sum_of("telemetry_order_inferred_qty") == 1
    assert metrics.sum_of("trading_position_mismatch") == 0
    assert metrics.sum_of("trading_order_latency_seconds_bucket", stage="ack", le="0.001") == 1
    assert metrics.sum_of("trading_rate_limit_used_ratio") == 0.25


def test_names_are_escaped() -> None:
    made = tracker()
    made.apply(event("submit", account='a"b\\c'), T0)
    assert Metrics(told(made)).sum_of("trading_open_orders", account='a"b\\c') == 1


def open_samples(made: OrderTracker) -> list[Sample]:
    families = OrderMetrics().families(made, T0 + 2 * SECOND, run(open_totals(made)))
    exposed = "".join(map(openmetrics_text, families)) + "# EOF\n"
    return [sample for metric in families_of(exposed) for sample in metric.samples]


def test_as_openmetrics_latencies_and_rejects_name_an_order() -> None:
    found = {
        (sample.name, sample.labels.get("le"), sample.labels.get("stage")): sample.exemplar
        for sample in open_samples(lived())
        if sample.exemplar is not None
    }
    ack = found["trading_order_latency_seconds_bucket", "0.001", "ack"]
    assert (ack.labels, ack.value, float(ack.timestamp or 0)) == ({"order_id": "o-1"}, 0.001, (T0 + MS) / 1e9)
    assert found["trading_order_rejects_total", None, None].labels == {"order_id": "o-3"}


def test_an_exemplar_is_in_its_own_bucket_of_several_histograms() -> None:
    made = tracker()
    for number, took_ms in enumerate([3, 4, 2, 70_000]):
        name = f"o-{number}"
        made.apply(event("submit", name, venue=f"v-{number}"), T0)
        made.apply(event("ack", name, T0 + took_ms * MS), T0)
    found = [(sample.labels, sample.exemplar) for sample in open_samples(made)]
    assert [(labels["venue"], labels["le"], each.value) for labels, each in found if each is not None] == [
        ("v-0", "0.005", 0.003),
        ("v-1", "0.005", 0.004),
        ("v-2", "0.0025", 0.002),
        ("v-3", "+Inf", 70.0),
    ]


def test_a_histogram_without_a_sum_has_no_count_as_openmetrics_wants_it() -> None:
    names = {sample.name for sample in open_samples(lived())}
    assert "trading_slippage_bps_bucket" in names
    assert "trading_slippage_bps_count" not in names


def test_open_orders_are_summed_in_steps_while_some_end_and_others_come() -> None:
    made = tracker()
    for number in range(3 * ORDERS_A_STEP):
        made.apply(event("submit", f"o-{number}", qty=1.0), T0 + number)
    task = CooperativeTask(open_totals(made))
    assert task.step()
    made.apply(event("cancel", f"o-{3 * ORDERS_A_STEP - 1}"), T0)
    made.apply(event("submit", "new", qty=1.0), T0)
    while task.step():
        pass
    assert sum(task.result.number.values()) == 3 * ORDERS_A_STEP - 1
