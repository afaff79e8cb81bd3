"""Watching the services during a run, and settling the accounts after it."""

import time

from loadtest.latency import LatencyCounts, Percentiles
from loadtest.ledger import LoadLedger, read
from loadtest.options import Load
from loadtest.result import END_TO_END, Moment, Result
from loadtest.scrape import Scrapes, scrape_both
from loadtest.sender import Sent
from loadtest.stack import Stack
from loadtest.usage import UsageLog, meter_of

SETTLE_S = 30.0
"""How long the services may take, after the last send, until the ledger balances."""

_SETTLE_LOOK_S = 0.05

LATENCY = "telemetry_latency_seconds"


class Watch:
    """Looks at the services, about once a second."""

    def __init__(self, stack: Stack) -> None:
        self._target = stack.target
        self._meter = meter_of(stack)
        self.moments: list[Moment] = []
        self.before = self.last = self.scrape_both()
        self.log = UsageLog(self._meter.read(self.last), time.monotonic())

    def scrape_both(self) -> Scrapes:
        """The services now."""
        return scrape_both(self._target.ingest_url, self._target.analytics_url)

    def take(self, at_s: float) -> None:
        """Takes note of the moment."""
        now = self.scrape_both()
        change = now.since(self.last).analytics
        found = Percentiles.of(change.histogram(LATENCY, stage=END_TO_END))
        applied = round(change.total("trading_trades_total"))
        self.moments.append(Moment(at_s, applied, found.p50_ms if found else None, found.p99_ms if found else None))
        self.log.add(self._meter.read(now), time.monotonic())
        self.last = now


def settle(watch: Watch, load: Load, sent: list[Sent], *, interrupted: bool) -> Result:
    """Asks the services until the ledger balances or the time is over."""
    began_ns, ended_ns = min(each.began_ns for each in sent), max(each.ended_ns for each in sent)
    trades = sum(each.trades for each in sent)
    change, ledger = _settled(watch, load, trades, {each.source for each in sent})
    drained_ns = time.time_ns()
    lateness = LatencyCounts()
    for each in sent:
        lateness.merge(each.lateness)
    stages = {stage: change.analytics.histogram(LATENCY, stage=stage) for stage in ("wire", "process", END_TO_END)}
    return Result(
        load=load,
        span_s=(ended_ns - began_ns) / 1e9,
        drain_s=(drained_ns - ended_ns) / 1e9,
        sender_cpu_s=sum(each.cpu_s for each in sent),
        messages=sum(each.messages for each in sent),
        ledger=ledger,
        stages={"client": lateness.histogram(), **stages},
        usage=watch.log.usage(),
        sent_seconds=[second for each in sent for second in each.seconds],
        moments=watch.moments,
        interrupted=interrupted,
    )


def _settled(watch: Watch, load: Load, trades: int, sources: set[str]) -> tuple[Scrapes, LoadLedger]:
    end_s = time.monotonic() + SETTLE_S
    while True:
        change = watch.scrape_both().since(watch.before)
        ledger = read(change, sent=trades, sources=sources, symbols=load.symbols)
        if ledger.balances or time.monotonic() > end_s:
            return change, ledger
        time.sleep(_SETTLE_LOOK_S)
