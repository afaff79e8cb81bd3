"""Many single trades decoded together, as columns: a fraction of the time of one call a frame.

Like `decoder`, of which it is a part, this only ever says yes: a burst in which anything is not certainly a valid trade
is left to be decoded frame by frame.
"""

import re
from collections.abc import Callable, Sequence
from types import GenericAlias
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeAlias

import msgspec

from telemetry_schema.batch.structs import KnownNames, struct_of
from telemetry_schema.fields import MAX_FRAME_BYTES
from telemetry_schema.messages import Trade

Sender: TypeAlias = tuple[str, str | None]
"""Source and run of a trade."""


class TradeTable(NamedTuple):
    """Decoded single trades as columns of one length, in the order of the frames."""

    senders: Sequence[Sender]
    """Of each trade; or only one, if it is the same for all."""
    seq: list[int | None]
    symbol: list[str]
    side: list[Literal["buy", "sell"]]
    qty: list[float]
    price: list[float]
    event_ns: list[int]
    sent_ns: list[int]
    account: list[str | None] | None
    """None where no trade has one."""
    id: list[str | None] | None
    """None where no trade has one."""


class TradeNumbers(Protocol):
    """What differs from trade to trade of a sender: all of a decoded `Trade` but source and run."""

    seq: int | None
    symbol: str
    side: Literal["buy", "sell"]
    qty: float
    price: float
    event_ns: int
    sent_ns: int
    id: str | None
    account: str | None


_NONE: Final = {None}
_HEAD: Final = re.compile(rb'\{"type":"trade","source":"([^"\\]+)","run":"([^"\\]+)",')
"""How the frames of one sender begin, if it writes what is the same in all of them first, without blanks."""


class TableDecoder:
    """Decodes bursts of single trades; shares types and known names with the decoder of single frames."""

    def __init__(self, single: type[msgspec.Struct], columns: type[msgspec.Struct], names: KnownNames) -> None:
        # Of both types: of a single one, msgspec would take a missing tag for the right one.
        self._decode_any = _list_decoder(single | columns)
        self._singles_only = {single}
        self._decode_numbers = _list_decoder(struct_of(Trade, without=("type", "source", "run")))
        self._names = names

    def decode(self, frames: Sequence[bytes]) -> TradeTable | None:
        """All of the frames as one table, or None unless each certainly holds a valid single trade."""
        try:
            if b"[" in frames[0]:
                return None  # columns: it would take decoding all to find out below
            head = _HEAD.match(frames[0])
            table = self._of_one_sender(frames, head) if head else None
            return table or self._of_many_senders(frames)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def _of_one_sender(self, frames: Sequence[bytes], head: re.Match[bytes]) -> TradeTable | None:
        """If all frames begin with the same source and run, these are checked once and skipped in each frame."""
        source, run = head[1].decode(), head[2].decode()
        if not self._names.are_good((source, run)):
            return None
        trades = _objects(frames, head[0], self._decode_numbers)
        return self._table(trades, [(source, run)]) if trades else None

    def _of_many_senders(self, frames: Sequence[bytes]) -> TradeTable | None:
        trades = _objects(frames, b"{", self._decode_any)
        if not trades or set(map(type, trades)) != self._singles_only:
            return None
        sources, runs = [trade.source for trade in trades], [trade.run for trade in trades]
        distinct = {*sources}, {*runs}
        if not (self._names.are_good(distinct[0]) and self._names.are_good(distinct[1])):
            return None
        if None in distinct[1] and any(trade.run is None and trade.seq is not None for trade in trades):
            return None  # a number without a run
        is_one = len(distinct[0]) == len(distinct[1]) == 1
        return self._table(trades, [(sources[0], runs[0])] if is_one else list(zip(sources, runs, strict=True)))

    def _table(self, trades: Sequence[TradeNumbers], senders: Sequence[Sender]) -> TradeTable | None:
        symbol = [trade.symbol for trade in trades]
        ids, accounts = {trade.id for trade in trades}, {trade.account for trade in trades}
        if not (self._names.are_good(symbol) and self._names.are_good(ids) and self._names.are_good(accounts)):
            return None
        return TradeTable(
            senders=senders,
            seq=[trade.seq for trade in trades],
            symbol=symbol,
            side=[trade.side for trade in trades],
            qty=[trade.qty for trade in trades],
            price=[trade.price for trade in trades],
            event_ns=[trade.event_ns for trade in trades],
            sent_ns=[trade.sent_ns for trade in trades],
            account=None if accounts == _NONE else [trade.account for trade in trades],
            id=None if ids == _NONE else [trade.id for trade in trades],
        )


def _list_decoder(kind: Any) -> Callable[[bytes], list[Any]]:  # noqa: ANN401 - a type made at run time
    return msgspec.json.Decoder(GenericAlias(list, (kind,))).decode


def _objects(frames: Sequence[bytes], head: bytes, decode: Callable[[bytes], list[Any]]) -> list[Any]:
    """What each frame holds after its head; nothing unless each is one flat object that begins with the head.

    All are decoded in one call, as one JSON list: `[{rest, {rest, {rest]`. Malformed frames cannot pass as good ones:

    1. The text holds exactly as many `{` as there are frames, for that is counted: one before each frame, none within.
    2. A list of n objects needs n opening braces. The decoder found n objects, so every `{` opened one of them:
       none stands within a string or a nested object.
    3. So each object begins where a frame begins, and ends before the next one begins: it is that frame alone.

    Raises:
        msgspec.DecodeError: some frame is malformed.
    """
    skip = len(head)
    rests = [frame[skip:] for frame in frames if frame.startswith(head)]
    text = b",{".join(rests)
    if len(rests) != len(frames) or text.count(b"{") != len(frames) - 1:
        return []
    if len(text) + skip * len(frames) > MAX_FRAME_BYTES:
        return []
    objects = decode(b"[{%b]" % text)
    return objects if len(objects) == len(frames) else []
