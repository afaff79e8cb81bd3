"""Kraken websocket v1 `trade` frames: `[channel, [[price, volume, seconds, side, type, misc], …], "trade", pair]`.

The side is the taker's. Trades have neither id nor number: a gap cannot be seen. Verified against the 8 trade
frames of a quiet recording of 2021.
"""

from typing import Any, ClassVar, Literal

from ingest.feeds.base import FeedTrade, ParsedFrame
from ingest.feeds.venues.frames import Decoder, Frame, Number, Text, positive, seconds_ns, symbol, trade_price
from ingest.feeds.venues.parser import VenueParser


class _KrakenRow(Frame, array_like=True):
    """One trade; elements behind these are skipped."""

    price: Number
    volume: Number
    seconds: Number
    side: Literal["b", "s"]


class _KrakenTrades(Frame, array_like=True):
    """The trades of one pair; elements behind these are skipped."""

    number: Number
    rows: list[_KrakenRow]
    channel: Literal["trade"]
    pair: Text


class KrakenV1Parser(VenueParser):
    """Version 1 frames to trades."""

    venue: ClassVar[str] = "kraken_v1"
    mark: ClassVar[bytes] = b'"trade"'
    familiar: ClassVar[tuple[bytes, ...]] = (b'"connectionID":', b'"channelID":', b'"event":"heartbeat"', b'"trade","')

    _trades: ClassVar[Decoder[_KrakenTrades]] = Decoder(_KrakenTrades)
    _any: ClassVar[Decoder[Any]] = Decoder(Any)

    def _read(self, frame: bytes, received_ns: int) -> ParsedFrame:
        trades = self._trades.decode(frame)
        name = symbol(trades.pair)
        return ParsedFrame(tuple(self._trade(row, name, received_ns) for row in trades.rows))

    def _trade(self, row: _KrakenRow, name: str, received_ns: int) -> FeedTrade:
        event_ns = seconds_ns(str(row.seconds))
        return FeedTrade(
            source=self._source,
            symbol=name,
            side="buy" if row.side == "b" else "sell",
            qty=positive(row.volume, "volume"),
            price=trade_price(row.price),
            event_ns=event_ns,
            sent_ns=event_ns,
            received_ns=received_ns,
        )

    def _says_trade(self, frame: bytes) -> bool:
        value = self._any.decode(frame)
        return isinstance(value, list) and "trade" in value
