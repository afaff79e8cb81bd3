"""Binance spot `trade` frames, raw or in a combined stream's envelope.

`m` says whether the buyer was the maker: true is a taker's sell. `t` is dense per symbol, so it is the sequence number.
Times are milliseconds, or microseconds where the connection asked for them. `aggTrade` frames repeat the same trades,
folded by taker order, and are ignored. Futures name the kind of a trade in `X`: all but MARKET is kept out of the flow.
Verified against 74,867 recorded frames of 2024 (15,863 trades); futures only against their documentation.
"""

from typing import Any, ClassVar, Final

from ingest.feeds.base import UNKNOWN_KIND, FeedTrade, ParsedFrame
from ingest.feeds.venues.frames import (
    Decoder,
    Frame,
    FrameError,
    Id,
    Number,
    Text,
    epoch_ns,
    positive,
    symbol,
    trade_price,
    whole,
)
from ingest.feeds.venues.parser import VenueParser

_MARKET: Final = "MARKET"
_KINDS: Final = frozenset({"ADL", "INSURANCE_FUND", "NA"})
"""Futures: auto-deleveraging, the insurance fund's trades, and numbers without a trade (price and quantity are 0)."""


class _BinanceTrade(Frame):
    e: Text
    E: Id
    s: Text
    t: Id
    p: Number
    q: Number
    T: Id
    m: bool
    X: Text | None = _MARKET


class _BinanceCombined(Frame):
    data: _BinanceTrade


class _BinanceKind(Frame):
    e: Any = None
    data: Any = None


class BinanceParser(VenueParser):
    """Spot frames to trades."""

    venue: ClassVar[str] = "binance"
    mark: ClassVar[bytes] = b'"trade"'
    familiar: ClassVar[tuple[bytes, ...]] = (b'"stream":', b'"e":"', b'"lastUpdateId":')
    kinds: ClassVar[tuple[tuple[bytes, str], ...]] = ((b'"aggTrade"', "aggregate"), (b'"forceOrder"', "liquidation"))

    _combined: ClassVar[Decoder[_BinanceCombined]] = Decoder(_BinanceCombined)
    _raw: ClassVar[Decoder[_BinanceTrade]] = Decoder(_BinanceTrade)
    _kind: ClassVar[Decoder[_BinanceKind]] = Decoder(_BinanceKind)

    def _read(self, frame: bytes, received_ns: int) -> ParsedFrame:
        trade = self._trade(frame)
        if trade.e != "trade":
            return self._ignored(frame)
        if trade.X not in {_MARKET, None}:
            return ParsedFrame((self._kept_out(trade, received_ns),))
        name, number = symbol(trade.s), whole(trade.t)
        found = FeedTrade(
            source=self._source,
            symbol=name,
            side="sell" if trade.m else "buy",
            qty=positive(trade.q, "quantity"),
            price=trade_price(trade.p),
            event_ns=epoch_ns(trade.T),
            sent_ns=epoch_ns(trade.E),
            received_ns=received_ns,
            run=name,
            seq=number,
            id=str(number),
        )
        return ParsedFrame((found,))

    def _trade(self, frame: bytes) -> _BinanceTrade:
        if b'"data"' not in frame:
            return self._raw.decode(frame)
        try:
            return self._combined.decode(frame).data
        except FrameError:
            # Not the envelope's, but a field of that name somewhere in a trade.
            if not isinstance(self._kind.decode(frame).e, str):
                raise
            return self._raw.decode(frame)

    def _kept_out(self, trade: _BinanceTrade, received_ns: int) -> FeedTrade:
        """A number that was used, but by no trade between takers and makers: nothing else of it is read."""
        name, number = symbol(trade.s), whole(trade.t)
        return FeedTrade(
            source=self._source,
            symbol=name,
            side="sell" if trade.m else "buy",
            qty=0.0,
            price=0.0,
            event_ns=epoch_ns(trade.T),
            sent_ns=epoch_ns(trade.E),
            received_ns=received_ns,
            run=name,
            seq=number,
            id=str(number),
            kind=trade.X if trade.X in _KINDS else UNKNOWN_KIND,
        )

    def _says_trade(self, frame: bytes) -> bool:
        kind = self._kind.decode(frame)
        inner = kind.data if isinstance(kind.data, dict) else {}
        return "trade" in (kind.e, inner.get("e"))
