"""What each bot and each venue did in the last minutes: events, orders, rejects, acknowledgements, the sender's clock.

    slots of 5 s   │…│ events │ orders │ rejects │ skew │    at most five minutes of them
    acks           the spans that were measured last, at most 200

Time is that of receipt. A bot is a source that sends for an account and a strategy. Where the clock is set back, what
was seen is moved back with it: nothing is silent or gone for that, and nothing stays recent for longer than it should.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Final, NamedTuple

from analytics.checkpoint.parts import State
from analytics.orders.books import OTHER
from analytics.orders.order import BotOrder
from analytics.orders.order_states import Outcome
from telemetry_schema import OrderEvent

RECENT_NS: Final = 300_000_000_000
RATE_NS: Final = 60_000_000_000
SLOT_NS: Final = 5_000_000_000
_SLOTS: Final = RECENT_NS // SLOT_NS

MAX_AHEAD_NS: Final = 60_000_000_000
"""What was received this far ahead of the clock shows that it was set back; less goes to the newest slot."""

MAX_ACKS: Final = 200
"""Acknowledgements kept of a bot or venue: enough for a p99."""

MAX_VENUES: Final = 100
"""Pairs of account and venue; those beyond share `other`."""

_ORDER_EVENTS: Final = frozenset({"submit", "deny", "reject"})
_NEW: Final = frozenset({Outcome.APPLIED, Outcome.LATE, Outcome.ORPHAN})


class BotKey(NamedTuple):
    """Who sends for whom; a bot without a strategy has an empty one."""

    source: str
    account: str
    strategy: str


OTHER_BOT: Final = BotKey(OTHER, OTHER, OTHER)


class VenueKey(NamedTuple):
    """Where an account's orders go; an unnamed venue is empty."""

    account: str
    venue: str


class AckSpans(NamedTuple):
    """Number and quantiles of recent spans, in nanoseconds."""

    number: int
    p50_ns: int | None
    p99_ns: int | None


class RecentAcks:
    """The last acknowledgements: when each was received, and its span."""

    def __init__(self, acks: Iterable[tuple[int, int]] = ()) -> None:
        self._acks: deque[tuple[int, int]] = deque(acks, maxlen=MAX_ACKS)

    def add(self, at_ns: int, span_ns: int) -> None:
        """Takes a span in."""
        self.tick(at_ns)  # behind it nobody would see those that are ahead
        self._acks.append((at_ns, span_ns))

    def spans(self, now_ns: int) -> AckSpans:
        """Those of the last five minutes."""
        spans = sorted(span_ns for at_ns, span_ns in self._acks if at_ns > now_ns - RECENT_NS)
        return AckSpans(len(spans), _quantile(spans, 0.5), _quantile(spans, 0.99))

    def tick(self, now_ns: int) -> None:
        """Moves the spans back with a clock that was set back."""
        ahead_ns = self._acks[-1][0] - now_ns if self._acks else 0
        if ahead_ns > MAX_AHEAD_NS:
            self._acks = deque(((at_ns - ahead_ns, span_ns) for at_ns, span_ns in self._acks), maxlen=MAX_ACKS)

    def saved(self) -> list[tuple[int, int]]:
        """All of them."""
        return list(self._acks)


@dataclass(slots=True)
class Slot:
    """What came in five seconds; `number` counts them since the epoch."""

    number: int
    events: int = 0
    orders: int = 0
    rejects: int = 0
    skew_ns: int | None = None


class Sums(NamedTuple):
    """The last five minutes; the rate is of the last one."""

    events_per_s: float
    orders: int
    rejects: int
    skew_ns: int | None


@dataclass(slots=True)
class BotActivity:
    """One bot's last minutes."""

    last_ns: int = 0
    slots: deque[Slot] = field(default_factory=lambda: deque(maxlen=_SLOTS))
    acks: RecentAcks = field(default_factory=RecentAcks)

    def slot(self, at_ns: int) -> Slot:
        """The slot of a moment; one before the newest slot goes to that."""
        number = at_ns // SLOT_NS
        if not self.slots or self.slots[-1].number < number:
            self.slots.append(Slot(number))
        return self.slots[-1]

    def tick(self, now_ns: int) -> None:
        """Moves what was seen back with a clock that was set back."""
        self.acks.tick(now_ns)
        ahead = self.slots[-1].number - now_ns // SLOT_NS if self.slots else 0
        if ahead * SLOT_NS > MAX_AHEAD_NS:
            for slot in self.slots:
                slot.number -= ahead
            self.last_ns = min(self.last_ns, now_ns)

    def sums(self, now_ns: int) -> Sums:
        """What the slots add up to."""
        newest = now_ns // SLOT_NS
        recent = [slot for slot in self.slots if slot.number > newest - _SLOTS]
        # The newest slot has just begun: a minute is the twelve before it, and it.
        minute = [slot for slot in recent if slot.number > newest - RATE_NS // SLOT_NS - 1]
        skews = [slot.skew_ns for slot in recent if slot.skew_ns is not None]
        return Sums(
            sum(slot.events for slot in minute) / ((RATE_NS + now_ns % SLOT_NS) / 1e9),
            sum(slot.orders for slot in recent),
            sum(slot.rejects for slot in recent),
            min(skews, default=None),
        )


class Activities:
    """The last minutes of all bots, at most `max_bots`, and of all venues.

    A bot that was silent for five minutes gives its place to a new one; those that find none share `other`.
    """

    def __init__(self, *, max_bots: int) -> None:
        self._max_bots = max_bots
        self._bots: dict[tuple[str, str, str], BotActivity] = {}
        """By the parts of a `BotKey`."""
        self._venues: dict[VenueKey, RecentAcks] = {}

    def see(self, order: BotOrder, event: OrderEvent, outcome: Outcome, now_ns: int) -> None:
        """Counts an event; `event` is in `order` already."""
        if not order.strategy and not order.submitted and event.event != "deny":
            return  # whose it is may still come: a bot that does not exist must not appear
        bot = self._bot((event.source, order.account, order.strategy), now_ns)
        bot.last_ns = now_ns
        slot = bot.slot(now_ns)
        slot.events += 1
        skew_ns = now_ns - event.sent_ns
        if (slot.skew_ns is None or skew_ns < slot.skew_ns) and not event.replayed:
            slot.skew_ns = skew_ns
        if event.event in _ORDER_EVENTS and outcome in _NEW:
            slot.orders += event.event != "reject"
            slot.rejects += event.event != "submit"

    def see_ack(self, order: BotOrder, source: str, span_ns: int) -> None:
        """Takes in the acknowledgement of an order that was just measured."""
        now_ns = order.touched_ns
        self._bot((source, order.account, order.strategy), now_ns).acks.add(now_ns, span_ns)
        venue = VenueKey(order.account, order.venue)
        if venue not in self._venues and len(self._venues) >= MAX_VENUES:
            venue = VenueKey(OTHER, OTHER)
        known = self._venues.get(venue)
        if known is None:
            known = self._venues[venue] = RecentAcks()
        known.add(now_ns, span_ns)

    def tick(self, now_ns: int) -> None:
        """Moves all back where the clock was set back."""
        for bot in self._bots.values():
            bot.tick(now_ns)
        for acks in self._venues.values():
            acks.tick(now_ns)

    def bots(self) -> list[tuple[BotKey, BotActivity]]:
        """All bots that are known, in the order of their names."""
        return sorted((BotKey(*key), bot) for key, bot in self._bots.items())

    def venues(self) -> list[tuple[VenueKey, RecentAcks]]:
        """All venues that have acknowledged something, in the order of their names."""
        return sorted(self._venues.items(), key=lambda item: item[0])

    def state(self) -> State:
        """All of it."""
        return {
            "bots": [
                (key, bot.last_ns, [_saved(slot) for slot in bot.slots], bot.acks.saved())
                for key, bot in self._bots.items()
            ],
            "venues": [(key, acks.saved()) for key, acks in self._venues.items()],
        }

    def restore(self, state: State) -> None:
        """Takes it over."""
        for key, last_ns, slots, acks in state["bots"]:
            kept = deque((Slot(*slot) for slot in slots), maxlen=_SLOTS)
            self._bots[BotKey(*key)] = BotActivity(last_ns, kept, RecentAcks(_pairs(acks)))
        for key, acks in state["venues"]:
            self._venues[VenueKey(*key)] = RecentAcks(_pairs(acks))

    def _bot(self, key: tuple[str, str, str], now_ns: int) -> BotActivity:
        bot = self._bots.get(key)
        if bot is None:
            if len(self._bots) >= self._max_bots and not self._make_room(now_ns):
                return self._bots.setdefault(OTHER_BOT, BotActivity())
            bot = self._bots[BotKey(*key)] = BotActivity()
        return bot

    def _make_room(self, now_ns: int) -> bool:
        silent = min(self._bots, key=lambda key: self._bots[key].last_ns)
        if now_ns - self._bots[silent].last_ns < RECENT_NS:
            return False
        del self._bots[silent]
        return True


def _saved(slot: Slot) -> tuple[int, int, int, int, int | None]:
    return slot.number, slot.events, slot.orders, slot.rejects, slot.skew_ns


def _pairs(acks: list[Any]) -> Iterator[tuple[int, int]]:
    return ((at_ns, span_ns) for at_ns, span_ns in acks)


def _quantile(ordered: Sequence[int], share: float) -> int | None:
    return ordered[ceil(share * len(ordered)) - 1] if ordered else None
