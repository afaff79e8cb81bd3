"""Each container's process is killed in turn: it comes back, and nothing that was accepted is lost."""

import os
import signal
import time

import pytest

from telemetry_client import Publisher
from tests.helpers.compose import Stack, eventually
from tests.helpers.market import publish
from tests.stack.test_dashboards import OF_PANELS, asked_text

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]

TRADES = 400


def kill(stack: Stack, service: str) -> None:
    """Kills the process; `docker kill` would keep the engine from starting it again."""
    os.kill(stack.inspect(service)["State"]["Pid"], signal.SIGKILL)


def wait_until_back(stack: Stack, service: str, restarts: int) -> None:
    def back() -> bool | None:
        seen = stack.inspect(service)
        healthy = seen["State"].get("Health", {}).get("Status") == "healthy"
        return True if seen["RestartCount"] > restarts and healthy else None

    eventually(back, f"{service} healthy again", 120)


def kill_and_wait(stack: Stack, service: str) -> None:
    restarts: int = stack.inspect(service)["RestartCount"]
    kill(stack, service)
    wait_until_back(stack, service, restarts)


def test_a_killed_analytics_loses_no_trade_that_ingest_accepted(stack: Stack) -> None:
    counter = 'sum(trading_trades_total{symbol="KILL-A"})'
    resets = "sum(resets(telemetry_applied_trades_total[1h])) or vector(0)"
    resets_before = stack.value(resets)
    assert resets_before is not None
    with Publisher(stack.trades_endpoint, "kill-analytics") as publisher:
        publish(publisher, "KILL-A", buys=TRADES, sells=0)
        stack.wait_until(counter, TRADES)
        stack.wait_until_applied()
        restarts = stack.inspect("analytics")["RestartCount"]
        kill(stack, "analytics")
        # Ingest accepts these while nobody takes them.
        publish(publisher, "KILL-A", buys=TRADES, sells=TRADES)
        accepted = 'telemetry_source_trades_total{source="kill-analytics"}'
        stack.wait_until(accepted, 3 * TRADES)
        wait_until_back(stack, "analytics", restarts)
    stack.wait_until_applied()
    # It takes up its checkpoint and gets from ingest what came after: its counters go on. A scrape between the two may
    # see a counter that stands a little behind, which is one reset for Prometheus.
    stack.wait_until(counter, 3 * TRADES)
    assert (stack.value(resets) or 0) - resets_before in {0, 1}
    assert stack.value("sum(telemetry_stream_lost_trades_total)") == 0
    assert stack.inspect("ingest")["RestartCount"] == 0
    stack.wait_until("telemetry:completeness:ratio5m", 1)


def test_a_killed_ingest_takes_the_same_client_up_where_it_was(stack: Stack) -> None:
    counter = 'sum(trading_trades_total{symbol="KILL-I"})'
    with Publisher(stack.trades_endpoint, "kill-ingest", linger_s=30) as publisher:
        publish(publisher, "KILL-I", buys=TRADES, sells=0)
        stack.wait_until(counter, TRADES)
        stack.wait_until_applied()
        # What is between client and ingest at that moment dies with it, so it is a quiet one.
        kill_and_wait(stack, "ingest")
        publish(publisher, "KILL-I", buys=0, sells=TRADES)
    # Analytics was not killed: its counters go on where they were.
    stack.wait_until(counter, 2 * TRADES)
    stack.wait_until('telemetry_source_trades_total{source="kill-ingest"}', TRADES)
    assert stack.value('sum(resets(trading_trades_total{symbol="KILL-I"}[5m]))') == 0
    assert stack.value('sum(telemetry_source_lost_total{source="kill-ingest"})') == 0
    assert stack.value("sum(telemetry_stream_lost_trades_total)") == 0


def test_a_killed_prometheus_knows_again_what_it_knew(stack: Stack) -> None:
    counter = 'sum(max_over_time(trading_trades_total{symbol="KILL-I"}[10m]))'
    known = stack.value(counter)
    assert known == 2 * TRADES
    kill_and_wait(stack, "prometheus")
    stack.wait_until(counter, known)
    stack.wait_until("min(up)", 1)


def test_every_other_service_comes_back_too_and_trades_go_on_without_it(stack: Stack) -> None:
    others = sorted(set(stack.services) - {"analytics", "ingest", "prometheus"})
    for count, service in enumerate(others, start=1):
        restarts = stack.inspect(service)["RestartCount"]
        kill(stack, service)
        with Publisher(stack.trades_endpoint, "kill-others") as publisher:
            publish(publisher, "KILL-O", buys=TRADES, sells=0)
        stack.wait_until('sum(trading_trades_total{symbol="KILL-O"})', count * TRADES)
        wait_until_back(stack, service, restarts)
    stack.wait_until("min(up)", 1)


def test_no_query_of_a_dashboard_broke_over_all_these_kills(stack: Stack) -> None:
    end_s = time.time()
    for each in OF_PANELS:
        # It raises where Prometheus cannot answer, such as a series that is there twice for a while.
        stack.prometheus.over(asked_text(each), end_s - 600, end_s, 5)
