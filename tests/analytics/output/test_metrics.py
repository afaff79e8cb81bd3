"""The contract of the dashboards: names, labels, and numbers that add up."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.engine import Engine
from analytics.output.exposition import text
from analytics.output.metrics import Metrics
from ingest.delivery.batch_delivery import BatchDelivery
from ingest.reporting.metrics import batch_sizes
from ingest.storage.log.group_commit import GroupCommit
from ingest.storage.log.memory_log import MemoryLog
from telemetry_runtime.fakes import FakeClock, FakeSink
from tests.analytics.batches import NOW, SECOND, SETTLED, T, applied, batch, engine, results
from tests.analytics.output.test_exposition import samples

CONTRACT = {
    "trading_trades_total": {"symbol", "origin", "side"},
    "trading_volume_total": {"symbol", "origin", "side"},
    "trading_notional_total": {"symbol", "origin", "side"},
    "trading_last_price": {"symbol", "origin"},
    "trading_last_trade_timestamp_seconds": {"symbol", "origin"},
    "trading_window_trades": {"symbol", "origin", "window"},
    "trading_window_volume": {"symbol", "origin", "window", "side"},
    **{
        f"trading_window_{name}": {"symbol", "origin", "window"}
        for name in ("vwap", "qty_mean", "qty_std", "qty_max", "imbalance_ratio", "open", "high", "low", "close")
    },
    "trading_window_realised_volatility_ratio": {"symbol", "origin", "window"},
    "trading_window_covered_seconds": {"symbol", "origin", "window"},
    "trading_interarrival_seconds_mean": {"symbol", "origin"},
    "trading_burstiness_ratio": {"symbol", "origin"},
    "trading_qty_quantile": {"symbol", "origin", "quantile"},
    "telemetry_latency_seconds_bucket": {"stage", "le"},
    "telemetry_latency_seconds_count": {"stage"},
    "telemetry_latency_seconds_sum": {"stage"},
    "telemetry_latency_negative_total": {"stage"},
    "telemetry_latency_negative_seconds_total": {"stage"},
    "telemetry_clock_skew_seconds": {"source"},
    "telemetry_source_latency_trades_total": {"source"},
    "telemetry_source_latency_seconds_total": {"source"},
    "telemetry_messages_total": {"service", "outcome"},
    "telemetry_refused_total": {"reason"},
    "telemetry_batch_trades_bucket": {"service", "le"},
    "telemetry_batch_trades_count": {"service"},
    "telemetry_batch_trades_sum": {"service"},
    "telemetry_label_overflow_total": {"label"},
    "telemetry_unplaced_trades_total": {"reason"},
    "telemetry_applied_trades_total": set(),
    "telemetry_applied_events_total": set(),
    "telemetry_duplicate_events_total": set(),
    "telemetry_duplicate_trades_total": set(),
    "telemetry_stream_lost_trades_total": set(),
    "telemetry_stream_rewound_trades_total": set(),
    "telemetry_checkpoints_total": {"outcome"},
    "telemetry_dropped_messages_total": {"service"},
    "telemetry_event_clock_timestamp_seconds": set(),
}


def exported(made: Engine, now_ns: int = NOW) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return samples("".join(map(text, Metrics().families(results(made, now_ns)))))


def value(made: Engine, name: str, now_ns: int = NOW, **labels: str) -> float:
    if "symbol" in labels:
        labels = {"origin": "market", **labels}
    return exported(made, now_ns)[name, frozenset(labels.items())]


def test_names_and_labels_are_the_contract() -> None:
    found: dict[str, set[str]] = {}
    for name, labels in exported(applied([T()])):
        found.setdefault(name, set()).update(label for label, _ in labels)
    assert found == CONTRACT


def test_windows_sides_stages_and_outcomes_are_all_there_from_the_first_trade_on() -> None:
    labels = {label for _, series in exported(applied([T()])) for label in series}
    assert {("window", name) for name in ("10s", "1m", "5m", "1h")} < labels
    assert {("side", name) for name in ("buy", "sell")} < labels
    assert {("stage", name) for name in ("feed", "wire", "process", "end_to_end")} < labels
    assert {("outcome", name) for name in ("accepted", "refused", "duplicate", "ignored")} < labels


def test_before_the_first_trade_there_are_counters_and_no_symbols() -> None:
    found = exported(engine())
    assert found["telemetry_messages_total", frozenset({("service", "analytics"), ("outcome", "accepted")})] == 0
    assert not any(name.startswith("trading_") for name, _ in found)


def test_plain_numbers() -> None:
    made = applied([T(qty=2, price=10), T(qty=1, price=20, side="sell")])
    assert value(made, "trading_notional_total", symbol="A", side="buy") == 20
    assert value(made, "trading_last_price", symbol="A") == 20
    assert value(made, "trading_window_vwap", SETTLED, symbol="A", window="1h") == pytest.approx(40 / 3)
    assert value(made, "trading_window_volume", SETTLED, symbol="A", window="10s", side="sell") == 1
    assert value(made, "telemetry_batch_trades_bucket", service="analytics", le="2.0") == 1
    assert value(made, "telemetry_batch_trades_bucket", service="analytics", le="1.0") == 0
    assert value(made, "telemetry_event_clock_timestamp_seconds") == NOW / 1e9


def test_batch_sizes_have_the_same_buckets_in_both_services() -> None:
    clock = FakeClock()
    delivery = BatchDelivery(FakeSink(), GroupCommit(MemoryLog("s", max_bytes=1), clock=clock), clock=clock)
    of_ingest = {sample.labels["le"] for sample in batch_sizes(delivery).samples if "le" in sample.labels}
    of_analytics = {
        dict(labels)["le"] for name, labels in exported(engine()) if name == "telemetry_batch_trades_bucket"
    }
    assert of_ingest == of_analytics


def test_an_empty_window_counts_0_and_averages_nan() -> None:
    made, later = applied([T()]), NOW + 100 * SECOND
    assert value(made, "trading_window_trades", later, symbol="A", window="10s") == 0
    assert value(made, "trading_window_volume", later, symbol="A", window="10s", side="buy") == 0
    assert math.isnan(value(made, "trading_window_vwap", later, symbol="A", window="10s"))
    assert math.isnan(value(made, "trading_window_qty_max", later, symbol="A", window="10s"))


def test_a_window_says_how_much_of_it_there_is_data_for() -> None:
    made, later = applied([T()]), SETTLED + 29 * SECOND
    assert value(made, "trading_window_covered_seconds", symbol="A", window="10s") == 1
    assert value(made, "trading_window_covered_seconds", SETTLED, symbol="A", window="10s") == 1
    assert value(made, "trading_window_covered_seconds", SETTLED + SECOND, symbol="A", window="10s") == 2
    assert value(made, "trading_window_covered_seconds", later, symbol="A", window="10s") == 10
    assert value(made, "trading_window_covered_seconds", later, symbol="A", window="1h") == 30


def test_symbols_beyond_the_budget_are_counted_as_other() -> None:
    made = applied([T(symbol=f"S{i}") for i in range(7)], max_symbols=5)
    assert value(made, "trading_trades_total", symbol="other", side="buy") == 2
    assert value(made, "telemetry_label_overflow_total", label="symbol") == 2


def test_own_trades_have_series_of_their_own_and_leave_those_of_the_market_alone() -> None:
    market = applied([T(qty=2, price=10)])
    both = applied([T(qty=2, price=10)], [T(qty=5, price=99, account="paper"), T(symbol="B", account="paper")])
    found = exported(both)  # once: only the first reading has the statistics of recent trades
    own = {key: value for key, value in found.items() if ("origin", "own") in key[1]}
    of_market = {key: value for key, value in found.items() if ("origin", "market") in key[1]}
    expected = {key: value for key, value in exported(market).items() if ("origin", "market") in key[1]}
    assert of_market == pytest.approx(expected, nan_ok=True)
    assert value(both, "trading_volume_total", symbol="A", side="buy", origin="own") == 5
    assert value(both, "trading_last_price", symbol="A", origin="own") == 99
    assert value(both, "trading_window_vwap", SETTLED, symbol="A", window="10s", origin="own") == 99
    assert {dict(labels)["symbol"] for _, labels in own} == {"A", "B"}


def test_own_trades_beyond_the_limit_are_counted_under_other_of_their_origin() -> None:
    made = applied([T(symbol=f"S{i}", account="paper") for i in range(7)], [T()], max_symbols=5)
    assert value(made, "trading_trades_total", symbol="other", side="buy", origin="own") == 2
    assert value(made, "trading_trades_total", symbol="A", side="buy") == 1
    assert value(made, "telemetry_label_overflow_total", label="symbol") == 2


def test_new_symbols_get_series_though_labels_are_kept() -> None:
    made, metrics = applied([T()]), Metrics()
    list(metrics.families(results(made)))
    made.apply(batch([T(symbol="B", qty=4)], first_seq=1), now_ns=NOW, monotonic_ns=NOW)
    found = samples("".join(map(text, metrics.families(results(made)))))
    assert found["trading_volume_total", frozenset({("symbol", "B"), ("origin", "market"), ("side", "buy")})] == 4


@given(
    sent=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 6), st.booleans()), max_size=20), bad=st.integers(0, 3)
)
def test_outcomes_add_up_to_what_was_received_and_trades_are_applied_once(
    sent: list[tuple[int, int, bool]], bad: int
) -> None:
    made = engine()
    for first_seq, count, resume in sent:
        made.apply(batch([T()] * count, first_seq=first_seq, resume=resume), now_ns=NOW, monotonic_ns=NOW)
    for _ in range(bad):
        made.refuse()
    found = exported(made)
    messages = {dict(labels)["outcome"]: n for (name, labels), n in found.items() if name == "telemetry_messages_total"}
    assert sum(messages.values()) == len(sent) + bad
    assert messages["refused"] == bad
    traded = sum(n for (name, _), n in found.items() if name == "trading_trades_total")
    assert found["telemetry_applied_trades_total", frozenset()] == traded == made.ledger.applied
