"""What peers report beside events: their positions, which are compared with ours, and the use of a venue's limits."""

from collections import defaultdict
from typing import Any, Final, NamedTuple

from analytics.checkpoint.parts import State
from analytics.orders.books import BookKey, Books
from analytics.orders.executions import ROUNDING, Execution
from telemetry_schema import PositionReport, RateLimitReport

MAX_RATE_LIMITS: Final = 1_000
LEAST_KEPT_NS: Final = 60_000_000_000
"""How long the use of a limit is shown at least; beyond it, for twice the limit's interval."""
_MAX_INTERVAL_S: Final = 7 * 86_400.0


class LimitReport(NamedTuple):
    """How much of a limit was used, of 1; when the peer said so; when that says nothing any more."""

    used_ratio: float
    event_ns: int
    until_ns: int


class PeerReports:
    """Differences of positions at the last report of each, and how far limits are used.

    Args:
        books: our positions; the first report of a book that is empty opens it.
    """

    def __init__(self, books: Books) -> None:
        self._books = books
        self._limits: dict[tuple[str, str, str], LimitReport] = {}
        """By account, venue and limit."""
        self._differences: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
        """By account and symbol, then by strategy: what the peer reported less what we held then."""

    def position(self, report: PositionReport) -> None:
        """Takes in what the peer says it holds; the first report of a book that is empty opens it."""
        key = self._books.label(BookKey(report.account, report.strategy or "", report.symbol))
        book = self._books.open(key)
        differences = self._differences[key.account, key.symbol]
        if not differences and not book.holding.qty and report.qty and report.avg_price is not None:
            sign = 1 if report.qty > 0 else -1
            book.fill(sign, Execution(abs(report.qty), report.avg_price))
        # Against what we hold now: the next fill changes ours at once, and the peer's with its next report.
        ours = self._ours(key, names_all=bool(differences.keys() - {key.strategy}))
        difference = report.qty - ours
        is_rounding = abs(difference) <= ROUNDING * max(abs(ours), abs(report.qty))
        differences[key.strategy] = 0.0 if is_rounding else difference

    def mismatches(self) -> dict[tuple[str, str], float]:
        """By account and symbol: the peer's position less ours at its last report, in units of base."""
        return {place: sum(found.values()) for place, found in self._differences.items()}

    def _ours(self, key: BookKey, *, names_all: bool) -> float:
        """Our position of a strategy; where the peer names none at all, of all strategies."""
        if key.strategy or names_all:
            return self._books.open(key).holding.qty
        return sum(
            self._books.open(each).holding.qty
            for each in self._books
            if (each.account, each.symbol) == (key.account, key.symbol)
        )

    def rate_limit(self, report: RateLimitReport, now_ns: int) -> None:
        """Takes in the use of a limit; `now_ns` is when it was received."""
        key = (report.account, report.venue, report.limit)
        known = self._limits.get(key)
        if known is None and len(self._limits) >= MAX_RATE_LIMITS:
            return
        if known is None or report.event_ns >= known.event_ns:
            kept_ns = max(LEAST_KEPT_NS, round(2e9 * min(report.interval_s, _MAX_INTERVAL_S)))
            self._limits[key] = LimitReport(report.used / report.allowed, report.event_ns, now_ns + kept_ns)

    @property
    def rate_limits(self) -> dict[tuple[str, str, str], float]:
        """By account, venue and limit: used of 1."""
        return {key: limit.used_ratio for key, limit in self._limits.items()}

    def tick(self, now_ns: int) -> None:
        """Forgets the use of limits whose interval is long over: who reported it is gone."""
        for key in [key for key, limit in self._limits.items() if limit.until_ns <= now_ns]:
            del self._limits[key]

    def state(self) -> State:
        """All of it."""
        return {
            "limits": list(self._limits.items()),
            "differences": [(key, dict(values)) for key, values in self._differences.items()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Takes it over."""
        # An earlier version kept no times with them; the next reports are soon here.
        self._limits = {tuple(key): LimitReport(*limit) for key, limit in state.get("limits", [])}
        # An earlier version kept what was reported; the next report makes up for what is not here.
        for (account, symbol), values in state.get("differences", []):
            self._differences[account, symbol] = values
