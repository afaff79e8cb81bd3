"""Kraken websocket v1 `trade` frames: `[channel, [[price, volume, seconds, side, type, misc], …], "trade", pair]`.

The side is the taker's. Trades have neither id nor number: a gap cannot be seen. Verified against the 8 trade
frames of a quiet recording of 2021.
"""

from typing import Any, ClassVar, Literal, TypeAlias

from ingest.feeds.base import FeedTrade, ParsedFrame
from ingest.feeds.venues.frames import Decoder, Text, bounded_ns, positive, seconds_ns, symbol, trade_price
from ingest.feeds.venues.parser import VenueParser

_KrakenRow: TypeAlias = tuple[Text, Text, Text, Literal["b", "s"], Text, Text]
_KrakenTrades: TypeAlias = tuple[int, list[_KrakenRow], Literal["trade"], Text]


class KrakenV1Parser(VenueParser):
    """Version 1 frames to trades."""

    venue: ClassVar[str] = "kraken_v1"
    mark: ClassVar[bytes] = b'"trade"'
    familiar: ClassVar[tuple[bytes, ...]] = (b'"connectionID":', b'"channelID":', b'"event":"heartbeat"', b'"trade","')

    _trades: ClassVar[Decoder[_KrakenTrades]] = Decoder(_KrakenTrades)
    _any: ClassVar[Decoder[Any]] = Decoder(Any)

    def _read(self, frame: bytes, received_ns: int) -> ParsedFrame:
        _, rows, _, pair = self._trades.decode(frame)
        name = symbol(pair)
        return ParsedFrame(tuple(self._trade(row, name, received_ns) for row in rows))

    def _trade(self, row: _KrakenRow, name: str, received_ns: int) -> FeedTrade:
        price, volume, seconds, side, _, _ = row
        event_ns = bounded_ns(seconds_ns(seconds))
        return FeedTrade(
            source=self._source,
            symbol=name,
            side="buy" if side == "b" else "sell",
            qty=positive(volume, "volume"),
            price=trade_price(price),
            event_ns=event_ns,
            sent_ns=event_ns,
            received_ns=received_ns,
        )

    def _says_trade(self, frame: bytes) -> bool:
        value = self._any.decode(frame)
        return isinstance(value, list) and "trade" in value
