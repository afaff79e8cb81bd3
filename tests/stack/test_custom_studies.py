"""A study that a user puts into ./studies is a metric in Prometheus, computed by a process of its own.

Before the tests that bring more symbols than there are labels, as new symbols have none of their own afterwards.
"""

import pytest

from telemetry_client import Publisher
from tests.helpers.compose import Stack
from tests.helpers.market import PRICE, QTY, publish

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]

PROCESSES = """
import os
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/cmdline") as line:
            print(pid, "pandas" in maps.read(), repr(line.read()))
    except OSError:
        pass
"""
"""Of each process: its number, whether it has loaded pandas, its command line."""


def test_a_study_of_the_user_becomes_a_metric(stack: Stack) -> None:
    with Publisher(stack.trades_endpoint, "studied") as publisher:
        publish(publisher, "STUDY-A", buys=30, sells=10)
    labels = 'symbol="STUDY-A",origin="market"'
    stack.wait_until(f"trading_study_users_trades{{{labels}}}", 40)
    assert stack.value(f"trading_study_users_bought_ratio{{{labels}}}") == 30 / 40
    assert stack.value('telemetry_study_healthy{study="users"}') == 1
    assert stack.value("telemetry_study_unusable_files") == 0


def test_the_studies_of_the_repository_and_the_microstructure_set_run_beside_it(stack: Stack) -> None:
    with Publisher(stack.trades_endpoint, "studied") as publisher:
        publish(publisher, "STUDY-B", buys=20, sells=0)
    labels = 'symbol="STUDY-B",origin="market"'
    stack.wait_until(f"trading_study_session_high{{{labels}}}", PRICE)
    stack.wait_until(f"trading_study_cvd{{{labels}}}", 20 * QTY)


def test_only_the_worker_and_the_fork_server_that_made_it_have_pandas(stack: Stack) -> None:
    answer = stack.compose("exec", "-T", "analytics", "/opt/venv/bin/python", "-c", PROCESSES)
    processes = [line.split(maxsplit=2) for line in answer.splitlines()]
    with_pandas = [command for _, has, command in processes if has == "True"]
    assert len(with_pandas) == 2
    assert all("analytics.studies.runner.fork_server" in command for command in with_pandas)
    assert {has for pid, has, _ in processes if pid == "1"} == {"False"}
