"""The last live market price of each symbol, and how old it is. Pure.

Trades of a recording, and our own, are no prices to trade at. Of several trades the one that happened last counts, by
its own time, not the one that came last.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from ingest.checking.chunks import Chunk
from telemetry_schema.batch import FEW_TRADES, RECORD, Records

MAX_SYMBOLS: Final = 10_000
"""Symbols whose last price is kept, those that traded last: a bound for a flood of names."""

_MAX_NEW_CHUNKS: Final = 256
_MAX_NEW_TRADES: Final = 8_192
"""Chunks that wait to be read, and trades in them: reading many costs little more than reading a few."""


class LastPrice(NamedTuple):
    """A price in quote per base, and when its trade happened, in monotonic nanoseconds of ingest.

    That is when it was received, minus how old it was then. So no clock that is set later, here or there, makes a price
    young again or lets it stand; and a sender whose clock is ahead only seems to send at once.
    """

    price: float
    at_ns: int


class LastPrices:
    """Collects accepted chunks and reads them when a price is needed."""

    def __init__(self) -> None:
        self._prices: dict[str, LastPrice] = {}
        self._new: list[tuple[Chunk, int]] = []
        self._new_trades = 0

    def note(self, chunks: Sequence[Chunk], monotonic_ns: int) -> None:
        """Takes accepted trades that were received at `monotonic_ns`, in the order they came."""
        for chunk in chunks:
            if len(chunk.replayed) < len(chunk.sources):
                self._new.append((chunk, monotonic_ns))
                self._new_trades += chunk.trades
        if self._new_trades >= _MAX_NEW_TRADES or len(self._new) >= _MAX_NEW_CHUNKS:
            self.read()

    def read(self) -> Mapping[str, LastPrice]:
        """The prices now, those that traded last at the end; valid until the next `note`."""
        for chunk, monotonic_ns in self._new:
            self._read(chunk, monotonic_ns)
        self._new, self._new_trades = [], 0
        while len(self._prices) > MAX_SYMBOLS:
            del self._prices[next(iter(self._prices))]
        return self._prices

    def _read(self, chunk: Chunk, monotonic_ns: int) -> None:
        (self._read_few if chunk.trades <= FEW_TRADES else self._read_many)(chunk, monotonic_ns)

    def _read_few(self, chunk: Chunk, monotonic_ns: int) -> None:
        for event_ns, _, received_ns, price, _, symbol, source, _, account in RECORD.iter_unpack(chunk.frame):
            if not account and source not in chunk.replayed:
                self._note(chunk.symbols[symbol], LastPrice(price, monotonic_ns - max(received_ns - event_ns, 0)))

    def _read_many(self, chunk: Chunk, monotonic_ns: int) -> None:
        records = live_market(chunk)
        age_ns = np.maximum(records["received_ns"] - records["event_ns"], 0)
        order = np.argsort(-age_ns, kind="stable")  # of several of one age the last one that came is the last one
        last = np.full(len(chunk.symbols), -1)
        last[records["symbol"][order]] = order
        for index in np.flatnonzero(last >= 0).tolist():
            row = last[index]
            price = float(records["price"][row])
            self._note(chunk.symbols[index], LastPrice(price, monotonic_ns - int(age_ns[row])))

    def _note(self, symbol: str, found: LastPrice) -> None:
        known = self._prices.pop(symbol, None)
        self._prices[symbol] = found if known is None or found.at_ns >= known.at_ns else known


def live_market(chunk: Chunk) -> Records:
    """The live trades of the market among those of a chunk, shape (n,)."""
    records = chunk.records
    if chunk.accounts:
        records = records[records["account"] == 0]
    if chunk.replayed:
        records = records[~np.isin(records["source"], chunk.replayed)]
    return records
