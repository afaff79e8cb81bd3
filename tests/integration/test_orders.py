"""Orders through real processes: what a bot knows of itself is what the metrics say, also when analytics is killed."""

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
import zmq

from ingest.feeds.order_bot import SimulatedBot
from telemetry_client import Publisher
from telemetry_client.order_messages import OrderDetails
from telemetry_schema import Trade, TradeCommand, encode
from tests.helpers.openmetrics import families_of
from tests.helpers.services import Metrics, Pipeline, eventually

SECOND_NS = 1_000_000_000
OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"


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
        """Lives on and sends what it says."""
        self.send(self.say(seconds, end=end))

    def say(self, seconds: float, *, end: bool = False) -> list[bytes]:
        """What it says in its next seconds, to be sent."""
        self._now_ns += round(seconds * SECOND_NS)
        wall_ns = self._begun_ns + self._now_ns
        frames = self.made.due(self._now_ns, wall_ns)
        if end:
            frames += self.made.finish(wall_ns, self._now_ns)
        return frames

    def send(self, frames: list[bytes]) -> None:
        """Sends messages, however often they were sent before."""
        with zmq.Context() as context, context.socket(zmq.PUSH) as push:
            push.linger = 10_000
            push.connect(self._endpoint)
            for frame in frames:
                push.send(frame)

    def send_slowly(self, frames: list[bytes], gone: Event) -> None:
        """Sends some at a time until the other end is gone; then what is under way is dropped."""
        with zmq.Context() as context, context.socket(zmq.PUSH) as push:
            push.linger = 0
            push.connect(self._endpoint)
            for number, frame in enumerate(frames):
                if gone.wait(0.0 if number % 50 else 0.02):
                    return
                push.send(frame)
            gone.wait(20)


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


def test_so_it_is_when_ingest_is_killed_while_events_flow_and_the_bot_sends_again(pipeline: Pipeline) -> None:
    pipeline.start()
    bot = Bot(pipeline.endpoint, seed=7)
    bot.live(20)
    _all_is_applied(pipeline, 1_000)
    before, frames, gone = _accepted(pipeline), bot.say(40), Event()
    sender = Thread(target=bot.send_slowly, args=[frames, gone])
    sender.start()
    eventually(lambda: _accepted(pipeline) > before + 100, what="events in flow")
    pipeline.ingest.kill()
    gone.set()
    sender.join(20)
    pipeline.ingest.start().wait_ready()
    # In the order in which it happened, as average cost depends on it. So over one connection: of two, what comes on
    # the second may be read before the rest of the first.
    bot.send(frames + bot.say(20, end=True))
    eventually(lambda: _is_like(pipeline.analytics.metrics(), bot.made), within_s=40, what="the bot's own ledger")
    assert pipeline.ingest.metrics().value("telemetry_source_events_duplicate_total", source="bot", kind="order") > 0


def _is_like(metrics: Metrics, bot: SimulatedBot) -> bool:
    try:
        _agrees(metrics, bot)
    except AssertionError:
        return False
    return True


def test_a_simulated_bot_ends_the_orders_that_a_killed_ingest_left_open(tmp_path: Path) -> None:
    def oldest_s(metrics: Metrics) -> float:
        """Since when an order is open, UTC epoch seconds; that of each symbol is one series."""
        found = metrics.labels("trading_oldest_open_order_timestamp_seconds")
        stamps = [metrics.sum_of("trading_oldest_open_order_timestamp_seconds", **labels) for labels in found]
        return min((stamp for stamp in stamps if stamp), default=time.time())

    with Pipeline(tmp_path, feeds="sim-orders://bot-1?rate=20&seed=7&lost=0") as pipeline:
        pipeline.start()
        eventually(lambda: pipeline.analytics.metrics().total("trading_open_orders") > 0, what="open orders")
        pipeline.ingest.kill()
        killed_s = time.time()
        eventually(lambda: oldest_s(pipeline.analytics.metrics()) < killed_s, what="orders that were left open")
        pipeline.ingest.start().wait_ready()
        eventually(lambda: oldest_s(pipeline.analytics.metrics()) > killed_s, what="only new orders open")


def test_a_simulated_bot_that_is_taken_out_of_the_feeds_leaves_no_open_order(tmp_path: Path) -> None:
    with Pipeline(tmp_path, feeds="sim-orders://bot-1?rate=20&seed=7&lost=0") as pipeline:
        pipeline.start()
        eventually(lambda: pipeline.analytics.metrics().total("trading_open_orders") > 0, what="open orders")
        pipeline.ingest.kill()
        pipeline.ingest.set(INGEST_FEEDS="")
        pipeline.ingest.start().wait_ready()
        eventually(lambda: pipeline.analytics.metrics().total("trading_open_orders") == 0, what="no open order")


def test_planted_latencies_slippage_and_markouts_come_back(pipeline: Pipeline) -> None:
    pipeline.start()
    begin_ns = time.time_ns() - 100 * SECOND_NS
    with Publisher(pipeline.endpoint, "planted", account="desk") as publisher:
        for number, ack_ms in enumerate((0.4, 3, 40, 700)):
            at_ns = begin_ns + number * SECOND_NS // 100
            order_id, ack_ns = f"o-{number}", at_ns + round(ack_ms * 1e6)
            details: OrderDetails = {"strategy": "s", "venue": "v", "arrival_price": 100.0, "event_ns": at_ns}
            publisher.order_submitted(order_id, "P-USD", "buy", 2.0, 102.0, **details)
            publisher.order_acked(order_id, event_ns=ack_ns, strategy="s", venue="v")
        fill: OrderDetails = {
            "strategy": "s",
            "venue": "v",
            "liquidity": "taker",
            "event_ns": begin_ns + 10 * SECOND_NS,
        }
        publisher.quote("P-USD", 100.9, 101.1, event_ns=begin_ns + 10 * SECOND_NS - 1)
        publisher.order_filled("o-0", "P-USD", "buy", 2.0, 101.0, exec_id="x", **fill)
        for half_second in range(1, 124):
            mid = 101.0 + half_second / 8
            at_ns = begin_ns + 10 * SECOND_NS + half_second * SECOND_NS // 2
            publisher.quote("P-USD", mid - 0.125, mid + 0.125, event_ns=at_ns)
    eventually(
        lambda: pipeline.analytics.metrics().total("trading_markout_notional_total") == 4 * 202.0, what="all markouts"
    )
    metrics = pipeline.analytics.metrics()
    bounds = {"0.00025": 0, "0.0005": 1, "0.0025": 1, "0.005": 2, "0.025": 2, "0.05": 3, "0.5": 3, "1.0": 4}
    for bound, count in bounds.items():
        assert metrics.sum_of("trading_order_latency_seconds_bucket", stage="ack", le=bound) == count
    assert metrics.sum_of("trading_slippage_paid_total", reference="arrival") == pytest.approx(2.0, abs=1e-6)
    assert metrics.sum_of("trading_slippage_gained_total", reference="arrival") == 0
    assert metrics.sum_of("trading_slippage_notional_total", reference="arrival") == pytest.approx(200.0, abs=1e-6)
    for horizon, seconds in (("1s", 1), ("5s", 5), ("30s", 30), ("1m", 60)):
        gained = metrics.sum_of("trading_markout_gained_total", horizon=horizon)
        assert gained == pytest.approx(2.0 * seconds / 4, abs=1e-6), horizon


def test_a_resting_order_outlives_a_killed_ingest_and_is_filled_once(pipeline: Pipeline) -> None:
    pipeline.start()
    order_id = uuid4()
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.linger = 10_000
        push.connect(pipeline.endpoint)
        push.send(_market_trade(100.0))
        eventually(lambda: pipeline.ingest.metrics().total("telemetry_source_trades_total") == 1, what="a price")
        resting = TradeCommand(
            command_id=order_id, source="page", symbol="R-USD", side="buy", qty=2.0, price=99.0, tif="gtc",
            sent_ns=time.time_ns(),
        )  # fmt: skip
        push.send(encode(resting))
        eventually(lambda: _open(pipeline) == 1, what="the order resting")
        pipeline.ingest.kill()
        pipeline.ingest.start().wait_ready()
        assert _open(pipeline) == 1
        push.send(_market_trade(98.0))
        eventually(lambda: pipeline.analytics.metrics().total("trading_position") == 2.0, what="its fill")
        push.send(_market_trade(97.0))
        eventually(lambda: pipeline.ingest.metrics().total("telemetry_source_trades_total") >= 2, what="another trade")
    metrics = pipeline.analytics.metrics()
    assert metrics.sum_of("trading_own_fills_total", account="paper", liquidity="maker") == 1
    assert metrics.sum_of("trading_own_notional_total", account="paper") == 198.0
    assert (_open(pipeline), metrics.total("trading_open_orders")) == (0, 0)


def _open(pipeline: Pipeline) -> float:
    return pipeline.ingest.metrics().sum_of("telemetry_desk_open_orders")


def _market_trade(price: float) -> bytes:
    now_ns = time.time_ns()
    return encode(
        Trade(source="venue", symbol="R-USD", side="buy", qty=1.0, price=price, event_ns=now_ns, sent_ns=now_ns)
    )


def test_all_services_answer_openmetrics_that_can_be_read(pipeline: Pipeline) -> None:
    pipeline.start()
    bot = Bot(pipeline.endpoint, seed=3)
    bot.live(10)
    _all_is_applied(pipeline, 500)
    for service, expected in ((pipeline.ingest, "telemetry_events"), (pipeline.analytics, "trading_order_events")):
        request = Request(f"http://127.0.0.1:{service.http_port}/metrics", headers={"Accept": OPENMETRICS})
        with urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
            assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
            families = families_of(answer.read().decode())
        assert expected in {family.name for family in families}
        exemplars = [sample.exemplar for family in families for sample in family.samples if sample.exemplar]
        assert bool(exemplars) == (service is pipeline.analytics)
