"""The last market price of each symbol that was accepted. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from ingest.checking.chunks import Chunk

MAX_SYMBOLS: Final = 10_000
"""Symbols whose last price is kept; far more than a desk trades, and a bound for a flood of names."""

_MAX_NEW_CHUNKS: Final = 256
_MAX_NEW_TRADES: Final = 8_192
"""Chunks that wait to be read, and trades in them: reading many costs little more than reading a few."""


class LastPrices:
    """Collects accepted chunks and reads them when a price is needed."""

    def __init__(self) -> None:
        self._prices: dict[str, float] = {}
        self._new: list[Chunk] = []
        self._new_trades = 0

    def note(self, chunks: Sequence[Chunk]) -> None:
        """Takes accepted trades, in the order they came."""
        self._new += chunks
        self._new_trades += sum(chunk.trades for chunk in chunks)
        if self._new_trades >= _MAX_NEW_TRADES or len(self._new) >= _MAX_NEW_CHUNKS:
            self.read()

    def read(self) -> Mapping[str, float]:
        """The prices now; valid until the next `note`."""
        for chunk in self._new:
            records = chunk.records
            if chunk.accounts:
                records = records[records["account"] == 0]  # our own trades are no market prices
            last = np.full(len(chunk.symbols), np.nan)
            last[records["symbol"]] = records["price"]  # of several to one place the last one stays
            traded = np.flatnonzero(~np.isnan(last)).tolist()
            self._prices.update((chunk.symbols[index], float(last[index])) for index in traded)
        self._new, self._new_trades = [], 0
        while len(self._prices) > MAX_SYMBOLS:
            del self._prices[next(iter(self._prices))]
        return self._prices
