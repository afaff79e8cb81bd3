"""Scrapes analytics all the while and notes each counter that falls."""

import threading
import urllib.error
from collections import Counter
from contextlib import suppress

from tests.faults.load import SYMBOLS
from tests.helpers.services import Service


class CounterWatch:
    """A thread that scrapes; `fallen` is what should not be."""

    def __init__(self, analytics: Service) -> None:
        self.scrapes = 0
        self.fallen: list[str] = []
        self._analytics, self._seen = analytics, Counter[tuple[str, str]]()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            with suppress(urllib.error.URLError, ConnectionError, TimeoutError, OSError):
                self._note(trades_of(self._analytics))

    def _note(self, trades: Counter[tuple[str, str]]) -> None:
        self.scrapes += 1
        self.fallen += [
            f"{key}: {count} after {self._seen[key]}" for key, count in trades.items() if count < self._seen[key]
        ]
        self.fallen += [f"{key} is gone" for key in self._seen if key not in trades]
        self._seen = trades

    def stop(self) -> None:
        """Ends the thread."""
        self._stop.set()
        self._thread.join(30)


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


def window_of(analytics: Service) -> Counter[str]:
    """Trades of the last hour by symbol."""
    metrics = analytics.metrics()
    return Counter(
        {
            symbol: int(metrics.value("trading_window_trades", symbol=symbol, origin="market", window="1h"))
            for symbol in SYMBOLS
        }
    )
