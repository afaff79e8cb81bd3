"""What a symbol is worth: the mid of the newest quote, else the last live market trade; and the mid at a past moment.

The last trade is worth more than a mid that was not renewed for some seconds before it.

A replayed or own trade never makes a mark. No mark, no value: a position without one is not valued at its entry price.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Final, Literal, NamedTuple

from analytics.checkpoint.parts import State

KEEP_NS: Final = 90_000_000_000
"""How far back a mid may be asked for: the longest markout is 60 s, and events come late."""

MAX_MIDS: Final = 2_000
"""Mids kept of one symbol: 90 s of one in 50 ms."""

SAVED_MIDS: Final = 50
"""Mids of a symbol in a checkpoint: those of the last 5 s, in which a markout may still be waiting for its moment."""

MAX_SYMBOLS: Final = 10_000

MAX_MID_AGE_NS: Final = 5_000_000_000
"""A mid that was not renewed for this long says nothing about the moment that is asked for."""


class Mark(NamedTuple):
    """A price and where it is from; `at_ns` is its event time."""

    price: float
    at_ns: int
    reference: Literal["mid", "last"]


class BidAsk(NamedTuple):
    """A best bid and ask; `at_ns` is its event time, or when it was received if its clock is ahead of that."""

    bid: float
    ask: float
    at_ns: int


class Mids:
    """The mids of one symbol by event time, at most `MAX_MIDS` and `KEEP_NS`."""

    def __init__(self) -> None:
        self._at_ns: deque[int] = deque(maxlen=MAX_MIDS)
        self._mids: deque[float] = deque(maxlen=MAX_MIDS)

    def add(self, mid: float, at_ns: int) -> None:
        """Takes a mid; one that is older than the newest is put in its place."""
        if self._at_ns and at_ns < self._at_ns[-1]:
            self._insert(mid, at_ns)
            return
        self._at_ns.append(at_ns)
        self._mids.append(mid)
        while self._at_ns[0] < at_ns - KEEP_NS:
            self._at_ns.popleft()
            self._mids.popleft()

    def _insert(self, mid: float, at_ns: int) -> None:
        place = bisect_right(self._at_ns, at_ns)
        if len(self._at_ns) == MAX_MIDS:
            if not place:
                return
            self._at_ns.popleft()
            self._mids.popleft()
            place -= 1
        self._at_ns.insert(place, at_ns)
        self._mids.insert(place, mid)

    def tail(self, most: int) -> list[tuple[int, float]]:
        """Time and mid of the newest, at most so many."""
        first = max(len(self._at_ns) - most, 0)
        return list(zip(islice(self._at_ns, first, None), islice(self._mids, first, None), strict=True))

    @property
    def newest_ns(self) -> int | None:
        """Event time of the newest mid."""
        return self._at_ns[-1] if self._at_ns else None

    def newest(self) -> Mark | None:
        """The newest mid."""
        return Mark(self._mids[-1], self._at_ns[-1], "mid") if self._at_ns else None

    def at(self, when_ns: int) -> Mark | None:
        """The mid that was valid at `when_ns`, if it was renewed not too long before."""
        place = bisect_right(self._at_ns, when_ns)
        if not place:
            return None
        at_ns = self._at_ns[place - 1]
        if when_ns - at_ns > MAX_MID_AGE_NS:
            return None
        return Mark(next(islice(self._mids, place - 1, None)), at_ns, "mid")


class Marks:
    """The marks of all symbols.

    Args:
        last_trade: last live market trade of a symbol, price and event time, or None.
    """

    def __init__(self, last_trade: Callable[[str], tuple[float, int] | None]) -> None:
        self._last_trade = last_trade
        self._mids: dict[str, Mids] = {}
        # Not in a checkpoint: after a restart the next quote is there at once, or the last one is old.
        self._quotes: dict[str, BidAsk] = {}

    def quote(self, symbol: str, bid: float, ask: float, at_ns: int, received_ns: int) -> None:
        """Takes a quote."""
        mids = self._mids.pop(symbol, None) or Mids()
        self._mids[symbol] = mids  # put back last: the first is the one that has been quiet for longest
        mids.add((bid + ask) / 2, at_ns)
        self._note(symbol, BidAsk(bid, ask, min(at_ns, received_ns)))
        if len(self._mids) > MAX_SYMBOLS:
            gone = next(iter(self._mids))
            del self._mids[gone]
            self._quotes.pop(gone, None)

    def _note(self, symbol: str, quote: BidAsk) -> None:
        known = self._quotes.get(symbol)
        if known is None or quote.at_ns >= known.at_ns:
            self._quotes[symbol] = quote

    def bid_ask(self, symbol: str) -> BidAsk | None:
        """The newest quote of a symbol, however old."""
        return self._quotes.get(symbol)

    def newest(self, symbol: str) -> Mark | None:
        """The mark now: the mid; the last trade where there is none, or where none has come for a while before it."""
        mids = self._mids.get(symbol)
        mid, last = mids.newest() if mids else None, self._last(symbol)
        if mid is None or last is None:
            return mid or last
        # Who quoted may be gone for good, and the market goes on.
        return last if last.at_ns - mid.at_ns > MAX_MID_AGE_NS else mid

    def newest_mid_ns(self, symbol: str) -> int | None:
        """Event time of the newest mid of a symbol."""
        mids = self._mids.get(symbol)
        return mids.newest_ns if mids else None

    def mid_at(self, symbol: str, when_ns: int) -> Mark | None:
        """The mid at a past moment, by event time."""
        mids = self._mids.get(symbol)
        return mids.at(when_ns) if mids else None

    def at(self, symbol: str, when_ns: int) -> Mark | None:
        """The mid at a past moment, else the last trade if it is not much older or newer than that."""
        mark = self.mid_at(symbol, when_ns)
        if mark is not None:
            return mark
        last = self._last(symbol)
        return last if last is not None and abs(last.at_ns - when_ns) <= MAX_MID_AGE_NS else None

    def state(self) -> State:
        """The newest mids of each symbol, the one that has been quiet for longest first."""
        return {"mids": [(symbol, mids.tail(SAVED_MIDS)) for symbol, mids in self._mids.items()]}

    def restore(self, state: State) -> None:
        """Takes them over."""
        for symbol, tail in state["mids"]:
            mids = self._mids[symbol] = Mids()
            for at_ns, mid in tail:
                mids.add(mid, at_ns)

    def _last(self, symbol: str) -> Mark | None:
        last = self._last_trade(symbol)
        return Mark(last[0], last[1], "last") if last is not None else None
