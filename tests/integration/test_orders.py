"""Orders through real processes: what a bot knows of itself is what the metrics say, also when analytics is killed."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from ingest.feeds.order_bot import SimulatedBot
from tests.helpers.services import Metrics, Pipeline, eventually

SECOND_NS = 1_000_000_000


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    with Pipeline(tmp_path, ANALYTICS_CHECKPOINT_INTERVAL_S="0.2") as pipeline:
        yield pipeline


class Bot:
    """A simulated bot that lives through seconds in no time and sends what it says."""

    def __init__(self, endpoint: str, *, seed: int) -> None:
        self.made = SimulatedBot(name="bot", run="r", seed=seed, rate=20.0, start_ns=0)
        self._endpoint, self._now_ns = endpoint, 0
        self._begun_ns = time.time_ns() - 120 * SECOND_NS

    def live(self, seconds: float, *, end: bool = False) -> None:
        self._now_ns += round(seconds * SECOND_NS)
        wall_ns = self._begun_ns + self._now_ns
        frames = self.made.due(self._now_ns, wall_ns)
        if end:
            frames += self.made.finish(wall_ns, self._now_ns)
        with zmq.Context() as context, context.socket(zmq.PUSH) as push:
            push.linger = 10_000
            push.connect(self._endpoint)
            for frame in frames:
                push.send(frame)


def _applied(pipeline: Pipeline) -> float:
    return pipeline.analytics.metrics().total("telemetry_applied_events_total")


def _accepted(pipeline: Pipeline) -> float:
    return pipeline.ingest.metrics().total("telemetry_source_events_total")


def _all_is_applied(pipeline: Pipeline, least: float) -> None:
    def counts() -> tuple[float, float]:
        return _accepted(pipeline), _applied(pipeline)

    try:
        eventually(lambda: counts()[0] > least and counts()[0] == counts()[1], what="all messages applied")
    except AssertionError as error:
        raise AssertionError(f"accepted, applied: {counts()}") from error


def _agrees(metrics: Metrics, bot: SimulatedBot) -> None:
    ledger, account = bot.ledger, {"account": "bot"}
    for (strategy, symbol), holding in ledger.holdings.items():
        book = {**account, "strategy": strategy, "symbol": symbol}
        key = (strategy, symbol)
        assert metrics.sum_of("trading_order_events_total", **book, event="submit") == ledger.orders[key]
        assert metrics.sum_of("trading_order_events_total", **book, event="reject") == ledger.rejects[key]
        assert metrics.sum_of("trading_own_fills_total", **book) == ledger.fills[key]
        assert metrics.sum_of("trading_position", **book) == pytest.approx(holding.qty, abs=1e-9)
        assert metrics.sum_of("trading_realised_profit", **book) == pytest.approx(holding.realised, rel=1e-6, abs=1e-3)
    for strategy in ("maker", "taker"):
        fees = {**account, "strategy": strategy, "currency": "USD"}
        assert metrics.sum_of("trading_fees_paid_total", **fees) == pytest.approx(ledger.fees[strategy], rel=1e-9)
        assert metrics.sum_of("trading_rebates_total", **fees) == pytest.approx(ledger.rebates[strategy], rel=1e-9)
    assert metrics.total("trading_position_mismatch") == pytest.approx(0.0, abs=1e-9)
    assert metrics.total("trading_open_orders") == 0


def test_a_bots_own_ledger_is_what_the_metrics_say_also_when_analytics_is_killed(pipeline: Pipeline) -> None:
    pipeline.start()
    bot = Bot(pipeline.endpoint, seed=7)
    bot.live(20)
    _all_is_applied(pipeline, 1_000)
    pipeline.analytics.kill()
    bot.live(20)
    pipeline.analytics.start().wait_ready()
    bot.live(20, end=True)
    _all_is_applied(pipeline, 3_000)
    _agrees(pipeline.analytics.metrics(), bot.made)
    ingest = pipeline.ingest.metrics()
    lost = ingest.value("telemetry_source_events_lost_total", source="bot", kind="order")
    assert lost == bot.made.ledger.lost > 0
    assert ingest.value("telemetry_source_events_duplicate_total", source="bot", kind="order") > 0
    assert _applied(pipeline) == _accepted(pipeline)
    assert ingest.total("telemetry_source_trades_total") == 0
