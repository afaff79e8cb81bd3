"""Five million trades in a row, each accounted for, and the memory they leave behind."""

from dataclasses import dataclass

from bench.figures import TargetCheck, at_most
from bench.macro import Report
from bench.peers import Order, bare
from bench.pipeline import pipeline
from loadtest.ledger import LoadLedger, read
from loadtest.scrape import scrape_both

TRADES = 5_000_000
_PART_TRADES = 500_000
_SYMBOLS = 200
MAX_MB = 150.0


@dataclass(frozen=True, slots=True)
class Endured:
    """The ledger in trades, the rate over all, and memory in megabytes by service."""

    ledger: LoadLedger
    trades_per_s: float
    rss_mb: dict[str, float]

    def as_dict(self) -> dict[str, object]:
        """For the JSON file."""
        return {"ledger": self.ledger.as_dict(), "trades_per_s": self.trades_per_s, "rss_mb": self.rss_mb}


def measure(*, report: Report) -> Endured:
    """The ledger and the memory of both services, one JSON trade a message, 200 symbols, flat out."""
    with bare() as limit, pipeline() as tested:
        target = tested.stack.target
        before = scrape_both(target.ingest_url, target.analytics_url)
        seconds = 0.0
        for part in range(TRADES // _PART_TRADES):
            order = Order(tested.endpoint, "single", _PART_TRADES, _SYMBOLS, f"endurance-{part}")
            seconds += tested.seconds(limit.pusher, order)
            memory = ", ".join(f"{service} {rss / 1e6:.0f} MB" for service, rss in tested.rss_bytes().items())
            report(f"{(part + 1) * _PART_TRADES:,} trades, {memory}")
        change = scrape_both(target.ingest_url, target.analytics_url).since(before)
        ledger = read(change, sent=TRADES, sources={"bench"}, symbols=_SYMBOLS)
        return Endured(ledger, TRADES / seconds, {name: rss / 1e6 for name, rss in tested.rss_bytes().items()})


def targets(found: Endured) -> list[TargetCheck]:
    """Nothing lost, nothing counted twice, and small."""
    ledger = found.ledger
    wrong = abs(ledger.unexplained) + ledger.lost + ledger.duplicate + ledger.refused
    return [
        at_most(f"trades of {TRADES:,} not applied exactly once", wrong, 0, "{:,.0f}"),
        *(
            at_most(f"memory of {service} after them, {_SYMBOLS} symbols, MB", mb, MAX_MB, "{:.0f}")
            for service, mb in found.rss_mb.items()
        ),
    ]
