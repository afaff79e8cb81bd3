"""Memory over minutes at a steady rate: small and flat."""

from dataclasses import asdict, dataclass

from bench.figures import TargetCheck, at_most
from bench.macro import Report
from bench.pipeline import pipeline
from loadtest.options import Load
from loadtest.run import one_run

RATE = 50_000.0
SYMBOLS = 200
MINUTES, QUICK_MINUTES = 10, 3
MAX_MB = 150.0
MAX_GROWTH_RATIO = 0.02


@dataclass(frozen=True, slots=True)
class Soak:
    """Resident memory by service after each minute, in megabytes, and trades that were not applied exactly once."""

    rss_mb: dict[str, list[float]]
    wrong_trades: int

    def as_dict(self) -> dict[str, object]:
        """For the JSON file."""
        return asdict(self)

    def growth_ratio(self, service: str) -> float:
        """From the end of the first minute, when every symbol has been seen, to the end of the last."""
        first, last = self.rss_mb[service][0], self.rss_mb[service][-1]
        return (last - first) / first


def measure(minutes: int, *, report: Report) -> Soak:
    """One JSON trade a message, 50,000 a second, 200 symbols, minute by minute through the same pipeline."""
    load = Load(rate=RATE, duration_s=60.0, symbols=SYMBOLS)
    rss_mb: dict[str, list[float]] = {"ingest": [], "analytics": []}
    wrong = 0
    with pipeline() as tested:
        for minute in range(minutes):
            ledger = one_run(tested.stack, load, lambda _sent, _at_s: None).ledger
            wrong += abs(ledger.unexplained) + ledger.lost + ledger.duplicate + ledger.refused
            for service, rss in tested.rss_bytes().items():
                rss_mb[service].append(rss / 1e6)
            shown = ", ".join(f"{service} {each[-1]:.1f} MB" for service, each in rss_mb.items())
            report(f"minute {minute + 1}: {ledger.sent:,} trades, {wrong} wrong, {shown}")
    return Soak(rss_mb, wrong)


def targets(found: Soak) -> list[TargetCheck]:
    """Small, flat, and nothing lost."""
    minutes = len(found.rss_mb["ingest"])
    sized = [
        at_most(f"memory of {name} at {RATE:,.0f} trades/s, MB", max(mb), MAX_MB, "{:.0f}")
        for name, mb in found.rss_mb.items()
    ]
    most = 100 * MAX_GROWTH_RATIO
    flat = [
        at_most(f"growth of {name} over {minutes} minutes, %", 100 * found.growth_ratio(name), most, "{:.1f}")
        for name in found.rss_mb
    ]
    return [*sized, *flat, at_most("trades of it not applied exactly once", found.wrong_trades, 0, "{:,.0f}")]
