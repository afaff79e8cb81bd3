"""Hyperliquid `trades` frames.

The side is the taker's: B buys, A sells. `tid` is no sequence number: a gap cannot be seen. The first frame of each
coin after subscribing repeats its last trades (up to 49 s old in the recording): history. After a reconnect, those of
them that came before are recognised by time and `tid` and counted once; the others were missed, and count. Frames do
not say which trades are liquidations. Verified against 55 recorded frames of 2025.
"""

from typing import Any, ClassVar, Final, Literal, TypeVar

from ingest.feeds.base import IGNORED, REPEATED_KIND, FeedTrade, ParsedFrame
from ingest.feeds.venues.frames import (
    Decoder,
    Frame,
    Id,
    Number,
    Raw,
    Text,
    epoch_ns,
    positive,
    symbol,
    trade_price,
    whole,
)
from ingest.feeds.venues.parser import VenueParser

_MAX_COINS: Final = 1024
"""Coins that have had their history. The venue has a few hundred; garbage must not grow this without end."""
_MAX_RECENT: Final = 128
"""Trades of a coin that are recognised when they are repeated: history has some 30."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class _HyperliquidEnvelope(Frame):
    channel: Text
    data: Raw


class _HyperliquidRow(Frame):
    coin: Text
    side: Literal["A", "B"]
    px: Number
    sz: Number
    time: Id
    tid: Id


class _HyperliquidKind(Frame):
    channel: Any = None


class HyperliquidParser(VenueParser):
    """Frames to trades, over all connections; remembers the last trades of each coin."""

    venue: ClassVar[str] = "hyperliquid"
    mark: ClassVar[bytes] = b'"trades"'
    familiar: ClassVar[tuple[bytes, ...]] = (b'"coin":"', b'"subscriptionResponse"')

    _envelope: ClassVar[Decoder[_HyperliquidEnvelope]] = Decoder(_HyperliquidEnvelope)
    _rows: ClassVar[Decoder[list[_HyperliquidRow]]] = Decoder(list[_HyperliquidRow])
    _kind: ClassVar[Decoder[_HyperliquidKind]] = Decoder(_HyperliquidKind)

    def __init__(self, source: str | None = None) -> None:
        super().__init__(source)
        self._recent: dict[str, dict[tuple[int, str | None], None]] = {}
        # The inner dictionaries are used as sets that know their order.

    def _read(self, frame: bytes, received_ns: int) -> ParsedFrame:
        envelope = self._envelope.decode(frame)
        if envelope.channel != "trades":
            return IGNORED
        trades = tuple(self._trade(row, received_ns) for row in self._rows.decode(envelope.data))
        # A frame is about one coin.
        history = bool(trades) and trades[0].symbol not in self._recent
        return ParsedFrame(tuple(map(self._unless_repeated, trades)), history=history)

    def _unless_repeated(self, trade: FeedTrade) -> FeedTrade:
        """The trade, kept out of the flow if the venue repeats it."""
        recent = self._recent.get(trade.symbol)
        if recent is None:
            _make_room(self._recent, _MAX_COINS)
            recent = self._recent[trade.symbol] = {}
        key = (trade.event_ns, trade.id)
        if key in recent:
            return trade._replace(kind=REPEATED_KIND)
        _make_room(recent, _MAX_RECENT)
        recent[key] = None
        return trade

    def _trade(self, row: _HyperliquidRow, received_ns: int) -> FeedTrade:
        event_ns = epoch_ns(row.time)
        return FeedTrade(
            source=self._source,
            symbol=symbol(row.coin),
            side="buy" if row.side == "B" else "sell",
            qty=positive(row.sz, "size"),
            price=trade_price(row.px),
            event_ns=event_ns,
            sent_ns=event_ns,
            received_ns=received_ns,
            id=str(whole(row.tid)),
        )

    def _says_trade(self, frame: bytes) -> bool:
        return bool(self._kind.decode(frame).channel == "trades")


def _make_room(values: dict[_Key, _Value], limit: int) -> None:
    """Removes the oldest entry of a full dictionary."""
    if len(values) >= limit:
        del values[next(iter(values))]
