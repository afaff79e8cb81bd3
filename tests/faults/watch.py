"""Scrapes analytics all the while and notes each counter that falls."""

import threading
import urllib.error
from collections import Counter
from contextlib import suppress
from typing import Final

from tests.faults.load import SYMBOLS
from tests.helpers.services import SampleKey, Service, eventually


class CounterWatch:
    """A thread that scrapes; `fallen` is what should not be: a counter that is lower than before, or gone."""

    def __init__(self, analytics: Service) -> None:
        self.scrapes = 0
        self.fallen: list[str] = []
        self._analytics, self._seen = analytics, dict[SampleKey, float]()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            with suppress(urllib.error.URLError, ConnectionError, TimeoutError, OSError):
                self._note(self._analytics.metrics().counters())

    def _note(self, counters: dict[SampleKey, float]) -> None:
        self.scrapes += 1
        kept = {key: value for key, value in counters.items() if key[0].startswith(_KEPT)}
        self.fallen += [
            f"{name} {dict(labels)}: {kept.get((name, labels))} after {before}"
            for (name, labels), before in self._seen.items()
            if kept.get((name, labels), -1.0) < before
        ]
        self._seen = kept

    def stop(self) -> None:
        """Ends the thread."""
        self._stop.set()
        self._thread.join(30)


_KEPT: Final = ("trading_", "telemetry_applied_")
"""Begin the names of counters that go on in the next process. Others count what one process did, such as what it was
sent again."""


def trades_of(analytics: Service) -> Counter[tuple[str, str]]:
    """Applied trades by symbol and side."""
    metrics = analytics.metrics()
    found = Counter[tuple[str, str]]()
    for symbol in SYMBOLS:
        for side in ("buy", "sell"):
            value = metrics.value("trading_trades_total", symbol=symbol, side=side, origin="market")
            if value:
                found[symbol, side] = int(value)
    return found


Sums = Counter[tuple[str, str, str]]
"""By what (trades, volume, notional), symbol and side."""

WHATS: Final = ("trades", "volume", "notional")


def sums_of(analytics: Service) -> Sums:
    """What is applied; quantities and prices of these tests are whole numbers."""
    metrics = analytics.metrics()
    return Sums(
        {
            (what, symbol, side): int(value)
            for what in WHATS
            for symbol in SYMBOLS
            for side in ("buy", "sell")
            if (value := metrics.value(f"trading_{what}_total", symbol=symbol, side=side))
        }
    )


def trades_in(sums: Sums) -> int:
    """How many trades that is."""
    return sum(count for (what, _, _), count in sums.items() if what == "trades")


def wait_for_windows(analytics: Service, applied: Sums) -> None:
    """Returns when the windows of an hour are those of all that is applied.

    A window ends with the last whole second: the last trades enter it when theirs has ended.
    """
    expected = {symbol: _window(applied, symbol) for symbol in SYMBOLS}
    eventually(lambda: windows_of(analytics) == expected, within_s=10, what=f"windows of {expected}")


def _window(applied: Sums, symbol: str) -> list[float]:
    trades, volume, notional = (applied[what, symbol, "buy"] + applied[what, symbol, "sell"] for what in WHATS)
    sides = [applied["volume", symbol, side] for side in ("buy", "sell")]
    means = [round(notional / volume, 6), round(volume / trades, 6)] if trades else [0.0, 0.0]
    return [trades, *sides, *means]


def windows_of(analytics: Service) -> dict[str, list[float]]:
    """By symbol the window of an hour: trades, bought, sold, average price, mean quantity."""
    metrics = analytics.metrics()
    return {
        symbol: [
            metrics.value("trading_window_trades", symbol=symbol, window="1h"),
            metrics.value("trading_window_volume", symbol=symbol, window="1h", side="buy"),
            metrics.value("trading_window_volume", symbol=symbol, window="1h", side="sell"),
            round(metrics.value("trading_window_vwap", symbol=symbol, window="1h"), 6),
            round(metrics.value("trading_window_qty_mean", symbol=symbol, window="1h"), 6),
        ]
        for symbol in SYMBOLS
    }
