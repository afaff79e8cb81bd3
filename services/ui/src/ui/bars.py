"""The history behind the charts: bars of one second, put together from what the snapshots bring. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from telemetry_schema import Bars

MAX_SYMBOLS = 512
"""Symbols whose bars are kept: twice as many as a snapshot has. With fewer than those, each snapshot would push out the
history of some symbols with the newest seconds of others."""

MAX_BARS = 200_000
"""Bars of all symbols together, some 60 MB: with many symbols each keeps less."""

SET_BACK_S = 10
"""The newest bars of a symbol are so much earlier only where the clock that dates them was set back, or was wrong."""


class Bar(NamedTuple):
    """One second: prices in quote per base, volumes in base."""

    second: int
    open: float
    high: float
    low: float
    close: float
    buy_volume: float
    sell_volume: float


@dataclass(frozen=True, slots=True)
class _Series:
    bars: dict[int, Bar]
    newest: int


class BarHistory:
    """The last `keep_s` seconds of each symbol. A bar that comes again replaces the earlier one: seconds still grow."""

    def __init__(self, keep_s: int) -> None:
        self._keep_s = keep_s
        self._series: dict[str, _Series] = {}

    def follow(self, recent: Iterable[Bars]) -> None:
        """Takes over the newest bars that there are: earlier ones that are later by far were dated by a wrong clock."""
        for each in recent:
            if each.second:
                self._forget_after(each.symbol, max(each.second))
                self._merge(each)

    def _forget_after(self, symbol: str, newest: int) -> None:
        series = self._series.get(symbol)
        if series is not None and newest < series.newest - SET_BACK_S:
            bars = {second: bar for second, bar in series.bars.items() if second <= newest}
            self._series[symbol] = _Series(bars, newest)

    def merge(self, columns: Iterable[Bars]) -> None:
        """Takes over bars, in any order."""
        for each in columns:
            if each.second:
                self._merge(each)

    def _merge(self, columns: Bars) -> None:
        before = self._series.get(columns.symbol, _Series({}, 0))
        rows = zip(
            columns.second,
            columns.open,
            columns.high,
            columns.low,
            columns.close,
            columns.buy_volume,
            columns.sell_volume,
            strict=True,
        )
        newest = max(before.newest, *columns.second)
        bars = before.bars | {row[0]: Bar(*row) for row in rows}
        if newest != before.newest or len(bars) > len(before.bars):
            oldest = newest - min(self._keep_s, MAX_BARS // max(1, len(self._series)))
            bars = {second: bar for second, bar in bars.items() if second > oldest}
        # Replaced, never changed nor missing for a moment: the page's sessions read it while its link writes.
        self._series[columns.symbol] = _Series(bars, newest)
        while len(self._series) > MAX_SYMBOLS:
            # The longest idle one goes. The first one would come back with its next bar, and push out the next.
            del self._series[min(self._series, key=lambda symbol: self._series[symbol].newest)]

    def last(self, symbol: str, seconds: int) -> list[Bar]:
        """The bars of the `seconds` up to the newest one, oldest first; seconds without a trade are missing."""
        series = self._series.get(symbol)
        if series is None:
            return []
        oldest = series.newest - seconds
        return sorted(bar for second, bar in series.bars.items() if second > oldest)

    def columns(self, symbol: str) -> Bars:
        """All of a symbol in columns."""
        rows = self.last(symbol, self._keep_s)
        second, opens, highs, lows, closes, buys, sells = (
            (list(column) for column in zip(*rows, strict=True)) if rows else ([] for _ in Bar._fields)
        )
        return Bars(
            symbol=symbol,
            second=second,
            open=opens,
            high=highs,
            low=lows,
            close=closes,
            buy_volume=buys,
            sell_volume=sells,
        )

    @property
    def symbols(self) -> list[str]:
        """The symbols that have bars."""
        return list(self._series)
