"""What is refused, comes twice or never comes is counted and shown. Runs late: completeness is below 100 % after it."""

import json
import time
from collections.abc import Iterator

import pytest
import zmq

from tests.helpers.compose import Stack, eventually
from tests.helpers.market import PRICE, QTY

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]


@pytest.fixture
def push(stack: Stack) -> Iterator[zmq.Socket[bytes]]:
    """A client in any language: a bare socket."""
    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.connect(stack.trades_endpoint)
        socket.linger = 5000
        yield socket


def frame(source: str, seq: int, **changes: object) -> bytes:
    now_ns = time.time_ns()
    trade = {"type": "trade", "source": source, "run": "1", "seq": seq, "symbol": "RAW-USD", "side": "buy"}
    return json.dumps(trade | {"qty": QTY, "price": PRICE, "event_ns": now_ns, "sent_ns": now_ns} | changes).encode()


def test_each_is_counted_as_what_it_is_and_the_ledger_adds_up(stack: Stack, push: zmq.Socket[bytes]) -> None:
    outcomes = 'telemetry_messages_total{service="ingest"}'
    began_s = time.time()
    # What other tests have sent must be in Prometheus before what is counted here begins.
    eventually(lambda: (stack.value(f"min(timestamp({outcomes}))") or 0.0) > began_s or None, "a scrape of ingest", 20)
    before = {line.labels["outcome"]: line.last for line in stack.prometheus.at(outcomes)}
    # A refused trade has used its number too.
    frames = [frame("raw", seq) for seq in (0, 1, 2, 1, 7)] + [b"{", frame("raw", 8, side="long"), frame("raw", 9)]
    for each in frames:
        push.send(each)
    stack.wait_until('telemetry_source_trades_total{source="raw"}', 5)
    after = {line.labels["outcome"]: line.last for line in stack.prometheus.at(outcomes)}
    grown = {outcome: after[outcome] - before[outcome] for outcome in after}
    assert grown == {"accepted": 5, "refused": 2, "duplicate": 1, "ignored": 0}
    assert sum(grown.values()) == len(frames)
    assert stack.value('telemetry_source_lost_total{source="raw"}') == 4
    assert stack.value('telemetry_source_duplicate_total{source="raw"}') == 1
    stack.wait_until('trading_trades_total{symbol="RAW-USD",side="buy"}', 5)


def test_the_alerts_fire_and_completeness_is_below_100_percent(stack: Stack) -> None:
    firing = 'count(ALERTS{alertname="%s",alertstate="firing"})'
    for alert, times in (("TradesLost", 1), ("MessagesRefused", 2), ("CompletenessBelow100", 1)):
        stack.wait_until(firing % alert, times)
    completeness = stack.value("telemetry:completeness:ratio5m")
    assert completeness is not None
    assert completeness < 1
