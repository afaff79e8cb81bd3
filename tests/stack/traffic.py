"""What is planted: a time in which nothing is wrong, then one in which much is. What came of it is an `Outcome`."""

import json
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

from telemetry_client import Publisher
from tests.helpers.compose import ROOT, eventually
from tests.helpers.expressions import Expression, expressions, filled
from tests.helpers.prometheus import Line
from tests.helpers.services import Metrics
from tests.stack.desk_orders import ACCOUNT, DeskOrders
from tests.stack.planted import SCRAPED_S, SECOND_NS, Planted, Sold

RANGE_S: Final = 900
BURST_TRADES: Final = 800
NEW_SYMBOLS: Final = 17
LOAD_TRADES: Final = 6_000
MARKET_SYMBOL: Final = "MKT-USD"
MARKET_TRADES: Final = 60
WAVES: Final = 2
FILLS_A_WAVE: Final = 24
HELD: Final = 26.0
"""What a wave of orders leaves of ORD-USD: 20 of the maker, 10 − 4 of the taker."""

DASHBOARDS: Final = ("trading", "microstructure", "orders", "profit", "pipeline", "load-test")
EXPRESSIONS: Final = [
    each
    for name in DASHBOARDS
    for each in expressions(json.loads((ROOT / "grafana" / "dashboards" / f"{name}.json").read_text(encoding="utf-8")))
    if each.panel_id
]
CHOSEN: Final = {
    "source": ".*",
    "symbol": MARKET_SYMBOL,
    "symbols": ".*",
    "candle": "10s",
    "stage": "process",
    "account": ".*",
    "strategy": ".*",
    "__range": f"{RANGE_S}s",
    "__rate_interval": "4s",
    "__rate_interval_ms": "4000",
    "__interval": "1s",
}
UNNAMED: Final = {"__name__", "instance", "origin"}
"""Labels that name no series for a reader; a service does where nothing else does."""


@dataclass
class Outcome:
    """What was planted, and when each part of it began and ended, in epoch seconds."""

    planted: Planted
    times_s: dict[str, float] = field(default_factory=dict)
    market: list[Sold] = field(default_factory=list)
    served: dict[str, Metrics] = field(default_factory=dict)
    """What a service showed at the moment `market`."""
    orders: list[DeskOrders] = field(default_factory=list)
    accepted_before: int = 0
    """Trades that had been accepted before anything was wrong."""
    analytics_was_away_s: float = 0.0
    faults: dict[str, set[str]] = field(default_factory=dict)
    """The alerts that fired elsewhere, and whom they were about."""

    def note(self, moment: str) -> None:
        """Gives this moment a name."""
        self.times_s[moment] = time.time()

    def find(self, dashboard: str, panel: str, ref: str) -> Expression:
        """A query of a panel."""
        (each,) = [e for e in EXPRESSIONS if (e.dashboard, e.panel, e.ref) == (dashboard, panel, ref)]
        return each

    def last(self, each: Expression, moment: str, chosen: Mapping[str, str]) -> dict[str, float]:
        """What a query shows at a moment, by the labels of its lines: as Grafana fills it, at the end of its range."""
        lines = self.planted.prometheus.at(filled(each.expr, {**CHOSEN, **chosen}), self.times_s[moment])
        return {name_of(line): line.last for line in lines}

    def total(self, each: Expression, begin: str, moment: str, chosen: Mapping[str, str]) -> dict[str, float]:
        """The area under each line of a chart: what a rate comes to over the time between two moments."""
        begin_s, end_s = round(self.times_s[begin]) - 1, round(self.times_s[moment])
        lines = self.planted.prometheus.over(filled(each.expr, {**CHOSEN, **chosen}), begin_s, end_s, 1)
        return {name_of(line): sum(value for value in line.values if value == value) for line in lines}  # noqa: PLR0124


def name_of(line: Line) -> str:
    """The labels of a line as its reader sees them."""
    names = {name: text for name, text in sorted(line.labels.items()) if name not in UNNAMED}
    job = names.pop("job", "")
    return " ".join(names.values()) or job


def nothing_is_wrong(planted: Planted, outcome: Outcome) -> None:
    """Start, steady flow, a missed scrape, restarts, a deploy, a load test, a client's replay, orders, a market."""
    steady, load, replay = planted.sender("steady"), planted.sender("loadtest-0"), planted.sender("replayer")
    steady.flow(6)
    planted.pipeline.ingest.signal(signal.SIGSTOP)
    time.sleep(3.2)
    planted.pipeline.ingest.signal(signal.SIGCONT)
    steady.flow(3)
    analytics, ingest = planted.pipeline.analytics, planted.pipeline.ingest
    for services in ((analytics,), (ingest,), (ingest, analytics)):
        planted.settle()
        assert [service.stop() for service in services] == [0] * len(services)
        for service in reversed(services):
            service.start()
        for service in services:
            service.wait_ready()
        steady.flow(3)
    outcome.note("orders")
    with Publisher(planted.pipeline.endpoint, ACCOUNT, account=ACCOUNT) as publisher:
        send_orders(planted, outcome, publisher)
    for number in range(LOAD_TRADES):
        load.trade(f"LOAD-{number % 2}")
    planted.scraped()
    outcome.note("load")
    for number in range(60):
        replay.trade("OLD-USD", age_ns=(1_800 - 10 * number) * SECOND_NS)
        time.sleep(0.02)
    planted.page.use()
    steady.flow(1)
    outcome.market = list(market(planted))
    steady.marked = steady.sent["accepted"]
    planted.settle()
    outcome.served = {
        "analytics": planted.pipeline.analytics.metrics(),
        "ingest": planted.pipeline.ingest.metrics(),
    }
    outcome.accepted_before = planted.truth("accepted")
    outcome.note("market")


def send_orders(planted: Planted, outcome: Outcome, publisher: Publisher) -> None:
    """Waves that Prometheus sees one after the other, so that their rates are not those of new series alone."""
    for number in range(1, WAVES + 1):
        wave = DeskOrders(publisher, f"w{number}")
        wave.run()
        outcome.orders.append(wave)
        seen = f"sum(trading_own_fills_total) == {FILLS_A_WAVE * number}"
        eventually(lambda seen=seen: planted.prometheus.at(seen) or None, "the wave of orders", 30)  # type: ignore[misc]
        time.sleep(SCRAPED_S)
    outcome.orders[-1].limits(WAVES * HELD)


def market(planted: Planted) -> Iterator[Sold]:
    """Trades of one symbol within two seconds, of many prices and sizes; sums of them are exact."""
    chance, sender = Random(5), planted.sender("maker")  # noqa: S311 - prices, no secrets
    for number in range(MARKET_TRADES):
        qty, price = chance.randint(1, 16) / 4, 100 + chance.randint(-8, 8) / 4
        yield sender.trade(MARKET_SYMBOL, "sell" if number % 3 == 2 else "buy", qty=qty, price=price)
        time.sleep(0.03)


def much_is_wrong(planted: Planted, outcome: Outcome) -> None:
    """Gaps, repeats, refusals, a wrong clock, more symbols than labels, deaths in full flow."""
    gaps, newgap, ahead = planted.sender("gaps"), planted.sender("newgap"), planted.sender("ahead", 2 * SECOND_NS)
    steady = planted.sender("steady")
    planted.sender("quiet").flow(2)
    gaps.flow(0.2)
    gaps.lose(7)
    gaps.flow(0.2)
    newgap.trade()
    newgap.lose(5)
    newgap.trade()
    ahead.flow(1)
    gaps.repeat(15)
    planted.refuse(b"no json", b"no json", b"{}", b'{"type": "unknown"}')
    burst = planted.sender("burst")
    for _ in range(BURST_TRADES):
        burst.trade("CCC-USD", qty=1.0, price=2.0)
    for number in range(NEW_SYMBOLS):
        burst.trade(f"NEW-{number}", qty=1.0, price=10.0)
    planted.settle()
    outcome.note("burst")
    die_in_full_flow(planted, outcome)
    planted.settle()
    # What is between client and ingest at that moment dies with it, so ingest dies in a quiet one; numbers that are
    # used meanwhile and never go out are lost: by its log it knows what it had accepted.
    planted.pipeline.ingest.kill()
    steady.lose(9)
    planted.pipeline.ingest.start().wait_ready()
    steady.flow(3)
    planted.settle()


def die_in_full_flow(planted: Planted, outcome: Outcome) -> None:
    """Analytics dies while trades flow, of which the last are in no checkpoint."""
    analytics, steady = planted.pipeline.analytics, planted.sender("steady")
    steady.flow(2)
    began_s = time.monotonic()
    analytics.kill()
    steady.flow(22)
    analytics.start().wait_ready()
    outcome.analytics_was_away_s = time.monotonic() - began_s
