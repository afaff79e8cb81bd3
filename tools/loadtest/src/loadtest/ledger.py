"""The ledger of a run: each trade that was sent, by its outcome. Pure.

The senders count what they handed to ZeroMQ; the services say, in their own metrics, what they did with it. The counts
are taken for the load test's own sources and symbols, so a market that runs beside it does not disturb. The exception
is what was refused: a refused message has no source, so all that was refused in that time is taken for ours.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass

from loadtest.frames import symbol_name
from loadtest.scrape import Scrapes


@dataclass(frozen=True, slots=True)
class LoadLedger:
    """All in trades. `lost` are gaps in the numbers, at ingest or behind it."""

    sent: int
    accepted: int
    applied: int
    refused: int
    duplicate: int
    lost: int

    @property
    def unexplained(self) -> int:
        """Sent, but in no account; below 0 where something was counted twice."""
        return self.sent - self.applied - self.refused - self.duplicate - self.lost

    @property
    def balances(self) -> bool:
        """Whether each trade is accounted for, exactly once."""
        return self.unexplained == 0

    @property
    def good(self) -> bool:
        """Whether it balances, and nothing was lost."""
        return self.balances and self.lost == 0

    def as_dict(self) -> dict[str, int | bool]:
        """For the JSON report."""
        return {**asdict(self), "unexplained": self.unexplained, "balances": self.balances}


def read(change: Scrapes, *, sent: int, sources: Collection[str], symbols: int) -> LoadLedger:
    """The ledger of a run, from what it changed in the services' metrics."""
    ingest, analytics = change.ingest, change.analytics

    def ours(labels: dict[str, str]) -> bool:
        return labels["source"] in sources

    names = {symbol_name(number) for number in range(symbols)}
    # Beyond its label budget analytics counts symbols together.
    if analytics.total("telemetry_label_overflow_total", label="symbol"):
        names.add("other")
    hop_lost = analytics.total("telemetry_stream_lost_trades_total")
    return LoadLedger(
        sent=sent,
        accepted=round(ingest.total("telemetry_source_trades_total", ours)),
        applied=round(analytics.total("trading_trades_total", lambda labels: labels["symbol"] in names)),
        refused=round(ingest.total("telemetry_refused_trades_total")),
        duplicate=round(ingest.total("telemetry_source_duplicate_total", ours)),
        lost=round(ingest.total("telemetry_source_lost_total", ours) + hop_lost),
    )
