"""Recorded Binance frames through both processes: the metrics are right to the digit."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.recordings import recording
from tests.helpers.services import Metrics, Pipeline, eventually

SYMBOL = "BTCUSDT"


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    path = recording("binance_spot_btcusdt_20240808.gz")
    directory = tmp_path_factory.mktemp("replay")
    with Pipeline(directory, feeds=f"replay://{path}?venue=binance&speed=max") as pipeline:
        pipeline.start()
        pipeline.wait_applied(9757, within_s=60)
        yield pipeline


@pytest.fixture(scope="module")
def analytics(pipeline: Pipeline) -> Metrics:
    return pipeline.analytics.metrics()


@pytest.fixture(scope="module")
def ingest(pipeline: Pipeline) -> Metrics:
    eventually(
        lambda: pipeline.ingest.metrics().value("telemetry_feed_state", feed=_feed(pipeline), state="finished"),
        what="the end of the replay",
    )
    return pipeline.ingest.metrics()


def _feed(pipeline: Pipeline) -> str:
    return pipeline.ingest.metrics().labels("telemetry_feed_state")[0]["feed"]


def test_counts_and_volumes_by_side_are_those_of_the_reference(analytics: Metrics) -> None:
    assert analytics.value("trading_trades_total", symbol=SYMBOL, side="buy") == 4103
    assert analytics.value("trading_trades_total", symbol=SYMBOL, side="sell") == 5654
    assert math.isclose(analytics.value("trading_volume_total", symbol=SYMBOL, side="buy"), 96.65118, rel_tol=1e-9)
    assert math.isclose(analytics.value("trading_volume_total", symbol=SYMBOL, side="sell"), 115.38197, rel_tol=1e-9)


@pytest.mark.parametrize(
    ("metric", "reference"),
    [
        ("trading_window_vwap", 61707.6816167123),
        ("trading_window_qty_mean", 0.021731387722),
        ("trading_window_qty_std", 0.065334670184),
        ("trading_window_qty_max", 0.98261),
        ("trading_window_open", 61837.63),
        ("trading_window_high", 61860.80),
        ("trading_window_low", 61583.22),
        ("trading_window_close", 61685.99),
    ],
)
def test_the_hour_holds_the_whole_file(analytics: Metrics, metric: str, reference: float) -> None:
    # The references have 12 decimals; the two small ones are given to about 1e-11 relative.
    assert math.isclose(analytics.value(metric, symbol=SYMBOL, window="1h"), reference, rel_tol=1e-9)


def test_a_clock_that_runs_behind_the_venues_shows_as_negative_skew(analytics: Metrics) -> None:
    assert -1.29 < analytics.value("telemetry_clock_skew_seconds", source="binance") < -1.25
    assert analytics.value("telemetry_latency_seconds_count", stage="feed") == 9757
    # All of them are negative: they are summed apart, as a sum must not fall.
    assert analytics.value("telemetry_latency_seconds_sum", stage="feed") == 0
    assert 9757 * 1.2 < analytics.value("telemetry_latency_negative_seconds_total", stage="feed") < 9757 * 1.4


def test_every_frame_of_the_recording_is_accounted_for(ingest: Metrics) -> None:
    outcomes = {
        outcome: ingest.value("telemetry_messages_total", service="ingest", outcome=outcome)
        for outcome in ("accepted", "refused", "duplicate", "ignored")
    }
    assert outcomes == {"accepted": 9757, "refused": 0, "duplicate": 0, "ignored": 31_492}
    assert sum(outcomes.values()) == 41_249
    assert ingest.value("telemetry_source_lost_total", source="binance") == 0


def test_the_service_does_not_stop_when_the_recording_ends(pipeline: Pipeline, ingest: Metrics) -> None:
    assert ingest.total("telemetry_messages_total") == 41_249
    assert pipeline.ingest.process.poll() is None
    assert Path(pipeline.ingest._log).exists()
