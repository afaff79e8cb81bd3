"""Hyperliquid `trades` frames.

The side is the taker's: B buys, A sells. `tid` is no sequence number: a gap cannot be seen. The first frame of each
coin after subscribing repeats its last trades (up to 49 s old in the recording): history. Verified against 55 recorded
frames of 2025.
"""

from typing import Any, ClassVar, Literal

from ingest.feeds.base import FeedTrade
from ingest.feeds.venues.frames import Decoder, Frame, Id, Raw, Text, epoch_ns, positive, symbol
from ingest.feeds.venues.parser import IGNORED, ParsedFrame, VenueParser

_MAX_COINS = 4096
"""Coins whose initial history frame is remembered as skipped. The venue has a few hundred; garbage must not grow this
without end."""


class _HyperliquidEnvelope(Frame):
    channel: Text
    data: Raw


class _HyperliquidRow(Frame):
    coin: Text
    side: Literal["A", "B"]
    px: Text
    sz: Text
    time: Id
    tid: Id


class _HyperliquidKind(Frame):
    channel: Any = None


class HyperliquidParser(VenueParser):
    """Frames of one connection to trades; remembers which coins have had their first frame."""

    venue: ClassVar[str] = "hyperliquid"
    mark: ClassVar[bytes] = b'"trades"'
    familiar: ClassVar[tuple[bytes, ...]] = (b'"coin":"', b'"subscriptionResponse"')

    _envelope: ClassVar[Decoder[_HyperliquidEnvelope]] = Decoder(_HyperliquidEnvelope)
    _rows: ClassVar[Decoder[list[_HyperliquidRow]]] = Decoder(list[_HyperliquidRow])
    _kind: ClassVar[Decoder[_HyperliquidKind]] = Decoder(_HyperliquidKind)

    def __init__(self, source: str | None = None) -> None:
        super().__init__(source)
        self._seen: set[str] = set()

    def _read(self, frame: bytes, received_ns: int) -> ParsedFrame:
        envelope = self._envelope.decode(frame)
        if envelope.channel != "trades":
            return IGNORED
        trades = tuple(self._trade(row, received_ns) for row in self._rows.decode(envelope.data))
        return ParsedFrame(trades, history=self._is_first(trades))

    def _is_first(self, trades: tuple[FeedTrade, ...]) -> bool:
        """Whether these are the first trades of their coin; a frame is about one coin."""
        if not trades or trades[0].symbol in self._seen or len(self._seen) >= _MAX_COINS:
            return False
        self._seen.add(trades[0].symbol)
        return True

    def _trade(self, row: _HyperliquidRow, received_ns: int) -> FeedTrade:
        event_ns = epoch_ns(row.time)
        return FeedTrade(
            source=self._source,
            symbol=symbol(row.coin),
            side="buy" if row.side == "B" else "sell",
            qty=positive(row.sz, "size"),
            price=positive(row.px, "price"),
            event_ns=event_ns,
            sent_ns=event_ns,
            received_ns=received_ns,
            id=str(row.tid),
        )

    def _says_trade(self, frame: bytes) -> bool:
        return bool(self._kind.decode(frame).channel == "trades")
