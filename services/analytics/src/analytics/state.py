"""Everything that analytics knows at one moment."""

from dataclasses import dataclass

from analytics.aggregates.latency import SourceLatency, StageView
from analytics.aggregates.recent import RecentView
from analytics.aggregates.rows import Rows
from analytics.aggregates.totals import TotalsView
from analytics.arrays import Ints
from analytics.intake.labels import SymbolKey
from analytics.intake.ledger import AnalyticsLedger
from telemetry_schema import Stage, WindowName


@dataclass(frozen=True, slots=True)
class State:
    """Everything at one moment. Columns are of shape (symbols,), in the order of `symbols`; the first is `other`.

    A symbol is here once for each origin that has traded it.
    """

    at_ns: int
    clock_ns: int
    clocks_ns: Ints
    """Each symbol's event clock: wall time, or the newest trade of its recording."""
    window_ends_s: Ints
    """The first second that is not in each symbol's windows."""
    symbols: tuple[SymbolKey, ...]
    totals: TotalsView
    windows: dict[WindowName, Rows]
    latencies: dict[Stage, StageView]
    skews_ns: dict[str, int]
    source_latencies: dict[str, SourceLatency]
    ledger: AnalyticsLedger
    changed: RecentView
    """The recent trades of the symbols that have traded since the last state."""
