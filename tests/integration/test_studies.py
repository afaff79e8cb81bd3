"""Studies on real processes: a file becomes metrics, own trades stay apart, hostile ones cost no trade."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import bench
from telemetry_client import Publisher
from tests.helpers.market import QTY, publish
from tests.helpers.services import Pipeline, Service, eventually

pytestmark = pytest.mark.timeout(240)

HOSTILE = Path(bench.__file__).with_name("hostile_studies.py")
ODD = ('a "quoted" {name}="x"', "币安/BTC+USDT", "back\\slash", "BTC-USD+ETH-USD", "../../etc", "%s %d")

MINE = """
from telemetry_studies import gauge, study

@study(window="5m", every="100ms", origin=["market", "own"], gauges=[gauge("mine_rows", "Large trades.")])
def mine(trades, *, least=0.0):
    return {"mine_rows": (trades["qty"] >= least).sum()}

@study(window="5m", every="100ms", gauges=[gauge("calls", "Calls so far.")])
def calls(trades, state=None):
    return {"calls": (state or 0) + 1}, (state or 0) + 1

@study(window="5m", every="100ms", together=["A", "B"], gauges=[gauge("both_rows", "Trades of both.")])
def both(frames):
    return {"both_rows": sum(map(len, frames.values()))}
"""


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    (tmp_path / "mine.py").write_text(MINE)
    with Pipeline(tmp_path, ANALYTICS_STUDIES=str(tmp_path / "mine.py"), ANALYTICS_STUDIES_BUILTIN="false") as pipeline:
        yield pipeline


def value(service: Service, gauge: str, symbol: str, origin: str = "market") -> float:
    return service.metrics().value(f"trading_study_{gauge}", symbol=symbol, origin=origin)


def is_to_be(service: Service, gauge: str, symbol: str, expected: float, origin: str = "market") -> None:
    what = f"{gauge} of {symbol} being {expected}"
    eventually(lambda: value(service, gauge, symbol, origin) == expected, within_s=90, what=what)


def workers(pipeline: Pipeline) -> list[psutil.Process]:
    """The fork server, and the worker that is its child."""
    return psutil.Process(pipeline.analytics.process.pid).children(recursive=True)


def test_own_trades_several_symbols_parameters_and_state(pipeline: Pipeline) -> None:
    pipeline.set(ANALYTICS_STUDY_PARAMETERS=json.dumps({"mine": {"least": QTY}}))
    pipeline.start()
    with Publisher(pipeline.endpoint, "m") as market, Publisher(pipeline.endpoint, "o", account="desk") as own:
        publish(market, "A", buys=3, sells=4)
        market.trade("A", "buy", QTY / 2, 1.0)  # below the parameter
        publish(market, "B", buys=1, sells=1)
        publish(own, "A", buys=2, sells=0)
        is_to_be(pipeline.analytics, "mine_rows", "A", 7)
        is_to_be(pipeline.analytics, "mine_rows", "B", 2)
        is_to_be(pipeline.analytics, "mine_rows", "A", 2, origin="own")
        is_to_be(pipeline.analytics, "both_rows", "A+B", 10)
        before = value(pipeline.analytics, "calls", "A")
        publish(market, "A", buys=1, sells=0)
        eventually(lambda: value(pipeline.analytics, "calls", "A") > before, what="one call more")


def test_symbols_with_odd_names_have_values_and_trades(pipeline: Pipeline) -> None:
    pipeline.start()
    with Publisher(pipeline.endpoint, "odd") as publisher:
        for number, symbol in enumerate(ODD):
            publish(publisher, symbol, buys=number + 1, sells=0)
        for number, symbol in enumerate(ODD):
            is_to_be(pipeline.analytics, "mine_rows", symbol, number + 1)
    assert pipeline.analytics.metrics().total("telemetry_study_failures_total") == 0


def test_after_a_restart_studies_go_on_with_what_comes_then(pipeline: Pipeline) -> None:
    pipeline.start()
    with Publisher(pipeline.endpoint, "again") as publisher:
        publish(publisher, "A", buys=5, sells=0)
        is_to_be(pipeline.analytics, "mine_rows", "A", 5)
        pipeline.analytics.kill()
        pipeline.analytics.start().wait_ready()
        publish(publisher, "A", buys=2, sells=0)
        # Those before the kill come again as far as no checkpoint had them.
        eventually(lambda: value(pipeline.analytics, "mine_rows", "A") >= 2, within_s=90, what="new values")


def test_a_study_is_switched_off_by_name(pipeline: Pipeline) -> None:
    pipeline.set(ANALYTICS_STUDIES_OFF="both calls")
    pipeline.start()
    (line,) = eventually(lambda: pipeline.analytics.events("studies_loaded"), within_s=90)
    assert line["studies"] == ["mine"]


def test_with_all_studies_off_there_is_no_worker_and_no_pandas(pipeline: Pipeline) -> None:
    pipeline.set(ANALYTICS_STUDIES="")
    pipeline.start()
    with Publisher(pipeline.endpoint, "plain") as publisher:
        publish(publisher, "A", buys=5, sells=5)
    pipeline.wait_applied(10)
    assert workers(pipeline) == []
    for service in (pipeline.analytics, pipeline.ingest):
        assert "pandas" not in Path(f"/proc/{service.process.pid}/maps").read_text()


def test_with_studies_only_the_worker_has_pandas_and_it_runs_on_idle_cores(pipeline: Pipeline) -> None:
    pipeline.start()
    eventually(lambda: pipeline.analytics.events("studies_loaded"), within_s=90)
    server, worker = workers(pipeline)
    assert worker.ppid() == server.pid
    for process in (server, worker):
        assert "pandas" in Path(f"/proc/{process.pid}/maps").read_text()
        assert os.sched_getscheduler(process.pid) == os.SCHED_IDLE
    assert "pandas" not in Path(f"/proc/{pipeline.analytics.process.pid}/maps").read_text()


def test_hostile_studies_cost_no_trade_and_end_with_the_service(pipeline: Pipeline) -> None:
    pipeline.set(ANALYTICS_STUDIES=f"{HOSTILE} nothing_that_exists {pipeline.data_dir / 'mine.py'}")
    pipeline.start()
    sent = 0

    def failed() -> set[str]:
        nonlocal sent
        publish(publisher, "A", buys=10, sells=10)
        sent += 20
        found = pipeline.analytics.metrics().labels("telemetry_study_failures_total")
        metrics = pipeline.analytics.metrics()
        return {labels["study"] for labels in found if metrics.value("telemetry_study_failures_total", **labels) > 0}

    hostile = {"raises", "sleeps", "allocates", "exits", "labels", "imports", "values", "nothing_that_exists"}
    with Publisher(pipeline.endpoint, "flow") as publisher:
        eventually(lambda: hostile <= failed(), within_s=150, what="every hostile study failing")
    pipeline.wait_applied(sent)
    ingest = pipeline.ingest.metrics()
    assert ingest.total("telemetry_source_lost_total") == ingest.total("telemetry_source_duplicate_total") == 0
    assert pipeline.analytics.metrics().value("trading_study_mine_rows", symbol="A", origin="market") > 0
    left = workers(pipeline)
    assert pipeline.analytics.stop() == 0
    assert not any(each.is_running() for each in left)
