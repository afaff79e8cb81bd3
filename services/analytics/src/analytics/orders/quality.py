"""Quality of execution, as counters that only rise: slippage, markouts, fill ratios, order-to-trade messages, rejects.

    slippage  s × (fill price − reference) × quantity       positive is paid, negative is gained
    markout   s × (mid at t + h − fill price) × quantity    positive is gained, negative is lost
    s         +1 for a buy, −1 for a sell

Money with a sign cannot be a counter, so both signs have one, and so has the notional that they are weighted by. Basis
points are 10⁴ × (paid − gained) ÷ notional; the notional of slippage is at the reference price, that of markouts at the
fill's (Perold 1988 for slippage against the decision; the arrival price is the mid when the order reaches the market).
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from typing import Any, Final, NamedTuple, TypeAlias

from msgspec import Struct, convert

from analytics.checkpoint.parts import State
from analytics.cooperative import Steps
from analytics.orders.books import OTHER, BookKey
from analytics.orders.executions import Execution
from analytics.orders.marks import Marks
from analytics.orders.order import BotOrder
from analytics.orders.order_states import OrderState
from telemetry_schema import REJECT_REASONS, OrderEvent

Counts: TypeAlias = defaultdict[tuple[str, ...], float]
"""A counter's values by label values."""

SLIPPAGE_BOUNDS_BPS: Final = (
    -100.0,
    -50.0,
    -20.0,
    -10.0,
    -5.0,
    -2.0,
    -1.0,
    0.0,
    1.0,
    2.0,
    5.0,
    10.0,
    20.0,
    50.0,
    100.0,
)

HORIZONS_S: Final = {"1s": 1, "5s": 5, "30s": 30, "1m": 60}
_HORIZONS_NS: Final = tuple((name, horizon_s * 1_000_000_000) for name, horizon_s in HORIZONS_S.items())

MAX_VENUES: Final = 100
"""Venues by which rejections are counted; those beyond share `other`."""

MAX_PENDING_MARKOUTS: Final = 100_000
"""Markouts that wait for their moment; what comes beyond is counted as missed."""

GRACE_NS: Final = 2_000_000_000
"""How long to wait for quotes to reach a markout's moment; a symbol that is not quoted any more has no mid then."""

MARKOUTS_A_STEP: Final = 200
"""Markouts counted without a break: about a millisecond."""

RTS9_WEIGHTS: Final = {"submit": 1, "replace": 2, "cancel": 1, "expire": 1}
"""Messages by Regulation (EU) 2017/566: an order counts 1, its deletion 1, a modification 2. An expiry is the venue's
own, but for an order that is immediate or cancelled: that counts 2 if it is not executed."""

_IMMEDIATE: Final = frozenset({"ioc", "fok"})

REJECT_KINDS: Final = {"reject": "order", "deny": "local", "cancel_reject": "cancel", "replace_reject": "replace"}
"""By event what was rejected."""

NO_MESSAGE_REASONS: Final = frozenset({"kill_switch", "disconnected"})
"""Reasons of a cancel that RTS 9 does not count: a kill function, and a lost connection to the venue."""


def counts() -> Counts:
    """An empty counter."""
    return defaultdict(float)


def refill(counter: Counts, values: list[Any]) -> None:
    """Takes over a counter's values, each with its labels."""
    counter.update((tuple(labels), value) for labels, value in values)


class Markout(Struct, frozen=True, order=True, array_like=True, gc=False):
    """A fill that waits for the mid at its horizon. Ordered by the moment, UTC epoch nanoseconds."""

    due_ns: int
    number: int
    symbol: str
    labels: tuple[str, ...]
    horizon: str
    sign: int
    price: float
    qty: float
    received_ns: int


class Rejected(NamedTuple):
    """The last order that was rejected for a reason, and when (UTC epoch nanoseconds)."""

    order_id: str
    at_ns: int


class Quality:
    """All counters of the quality of execution. Label values are in the order of the metric's labels."""

    def __init__(self) -> None:
        self.slippage_paid, self.slippage_gained, self.slippage_notional = counts(), counts(), counts()
        self.slippage_bps: dict[tuple[str, str], list[int]] = {}
        self.markout_gained, self.markout_lost, self.markout_notional = counts(), counts(), counts()
        self.markout_missed = counts()
        self.own_fills, self.own_volume, self.own_notional = counts(), counts(), counts()
        self.ordered_qty, self.filled_qty, self.ended = counts(), counts(), counts()
        self.otr_messages, self.otr_volume = counts(), counts()
        self.rejects = counts()
        self.last_rejects: dict[tuple[str, ...], Rejected] = {}
        """By the labels of `rejects`; not kept over a restart."""
        self._pending: list[Markout] = []
        self._waiting: list[Markout] = []
        """Due, but their symbol's quotes have not come so far; only while `settle_markouts` is under way."""
        self._number = 0
        self._venues: set[str] = set()
        """Venues of `rejects`."""

    def fill(self, order: BotOrder, fill: Execution, book: BookKey, currency: str, now_ns: int) -> None:
        """Counts an execution that is new."""
        side, liquidity = order.side or "", fill.liquidity or ""
        labels = (*book, side, liquidity)
        self.own_fills[labels] += 1
        self.own_volume[labels] += fill.qty
        self.own_notional[*labels, currency] += abs(fill.qty * fill.price)
        sign = 1 if side == "buy" else -1
        for horizon, horizon_ns in _HORIZONS_NS:
            if len(self._pending) >= MAX_PENDING_MARKOUTS:
                self.markout_missed[horizon, "gap"] += 1
                continue
            self._number += 1
            due_ns, labelled = fill.at_ns + horizon_ns, (*book, currency, horizon, liquidity)
            waiting = due_ns, self._number, order.symbol, labelled, horizon, sign, fill.price, fill.qty, now_ns
            heappush(self._pending, Markout(*waiting))

    def slip(self, order: BotOrder, fill: Execution, book: BookKey, currency: str, marks: Marks) -> None:
        """Counts how far an execution is from the prices that were there before it."""
        sign = 1 if order.side == "buy" else -1
        for reference, price in _references(order, marks):
            if price == 0:
                continue
            labels = (*book, currency, reference)
            cost = sign * (fill.price - price) * fill.qty
            # Both halves exist from the first fill on: PromQL drops a difference of which one side is missing.
            self.slippage_paid[labels] += max(cost, 0.0)
            self.slippage_gained[labels] += max(-cost, 0.0)
            self.slippage_notional[labels] += abs(price) * fill.qty
            if reference != "decision":
                bps = sign * (fill.price - price) / abs(price) * 1e4
                counted = self.slippage_bps.setdefault(book[:2], [0] * (len(SLIPPAGE_BOUNDS_BPS) + 1))
                counted[bisect_left(SLIPPAGE_BOUNDS_BPS, bps)] += 1

    def settle_markouts(self, marks: Marks, now_ns: int) -> Steps[None]:
        """Counts markouts whose moment has come, by the symbol's quotes or by `now_ns` where these stand still."""
        done = 0
        try:
            while self._pending and self._pending[0].due_ns <= now_ns:
                markout = heappop(self._pending)
                newest_ns = marks.newest_mid_ns(markout.symbol)
                if newest_ns is not None and newest_ns < markout.due_ns and now_ns - markout.due_ns < GRACE_NS:
                    self._waiting.append(markout)  # a quote of that moment may still be on its way
                else:
                    self._mark_out(markout, marks, has_quotes=newest_ns is not None)
                done += 1
                if done % MARKOUTS_A_STEP == 0:
                    yield
        finally:
            for markout in self._waiting:
                heappush(self._pending, markout)
            self._waiting.clear()

    def _mark_out(self, markout: Markout, marks: Marks, *, has_quotes: bool) -> None:
        mid = marks.mid_at(markout.symbol, markout.due_ns)
        if mid is None:
            self.markout_missed[markout.horizon, "gap" if has_quotes else "no_mid"] += 1
            return
        gain = markout.sign * (mid.price - markout.price) * markout.qty
        self.markout_gained[markout.labels] += max(gain, 0.0)
        self.markout_lost[markout.labels] += max(-gain, 0.0)
        self.markout_notional[markout.labels] += abs(markout.price) * markout.qty

    def end(self, order: BotOrder, book: BookKey) -> None:
        """Counts an order that has ended, or what has come of it since that was counted: a late fill, its submit."""
        qty, filled, booking = order.qty or 0.0, order.filled_qty, order.booking
        if not booking.ended:
            booking.ended, booking.ended_qty, booking.ended_filled_qty = True, 0.0, 0.0
            self.ended[*book, _how(order.state, filled)] += 1
        elif qty <= booking.ended_qty and filled <= booking.ended_filled_qty:
            return
        labels = (*book, order.side or "")
        self.ordered_qty[labels] += max(qty - booking.ended_qty, 0.0)
        self.filled_qty[labels] += max(filled - booking.ended_filled_qty, 0.0)
        booking.ended_qty, booking.ended_filled_qty = max(qty, booking.ended_qty), max(filled, booking.ended_filled_qty)

    def message(self, order: BotOrder, event: OrderEvent, book: BookKey, *, leaves_before: float) -> None:
        """Counts a message of the bot by its weight of RTS 9; `leaves_before` is what could be filled before it."""
        name = event.event
        if event.reason in NO_MESSAGE_REASONS or (name == "expire" and order.tif not in _IMMEDIATE):
            return
        labels = (book.account, book.symbol)
        self.otr_messages[labels] += RTS9_WEIGHTS[name]
        # A modification is a deletion of the rest and a new insertion.
        volume = (event.qty or 0.0) if name == "submit" else leaves_before
        self.otr_volume[labels] += volume + order.leaves_qty if name == "replace" else volume

    def reject(self, order: BotOrder, event: OrderEvent, book: BookKey) -> None:
        """Counts an event of `REJECT_KINDS` by its reason; one that is not in the list is `other`."""
        reason = event.reason if event.reason in REJECT_REASONS else "other"
        labels = (book.account, book.strategy, self._venue(order.venue), reason, REJECT_KINDS[event.event])
        self.rejects[labels] += 1
        self.last_rejects[labels] = Rejected(order.order_id, event.sent_ns)

    def _venue(self, venue: str) -> str:
        """The label of a venue: its name, while there is room for it."""
        if venue not in self._venues:
            if len(self._venues) >= MAX_VENUES:
                return OTHER
            self._venues.add(venue)
        return venue

    def _counters(self) -> dict[str, Counts]:
        return {name: value for name, value in vars(self).items() if isinstance(value, defaultdict)}

    def state(self) -> State:
        """All but the tables."""
        return {"bps": list(self.slippage_bps.items()), "number": self._number}

    def tables(self) -> dict[str, list[Any]]:
        """All counters, and the markouts that wait, by name; rows are tuples."""
        counters = {name: list(counter.items()) for name, counter in self._counters().items()}
        return counters | {"markouts": [*self._pending, *self._waiting]}

    def restore(self, state: State, tables: Mapping[str, list[Any]]) -> None:
        """Takes them over."""
        for name, counter in self._counters().items():
            refill(counter, tables.get(name, []))
        self.slippage_bps = {(account, strategy): list(values) for (account, strategy), values in state["bps"]}
        self._pending = convert(tables["markouts"], list[Markout])
        heapify(self._pending)
        self._number = state["number"]
        self._venues = {venue for _, _, venue, *_ in self.rejects}


def _references(order: BotOrder, marks: Marks) -> list[tuple[str, float]]:
    """The prices that a fill of the order is compared with: arrival (or the last trade then), decision."""
    references = []
    submit = order.stamps.get("submit")
    if order.arrival_price is not None:
        references.append(("arrival", order.arrival_price))
    elif submit:
        mark = marks.at(order.symbol, min(stamp.at_ns for stamp in submit.values()))
        if mark is not None:
            references.append(("arrival" if mark.reference == "mid" else "last", mark.price))
    decision = order.decision_price
    if decision is None and order.decision_ns is not None:
        mid = marks.mid_at(order.symbol, order.decision_ns)
        decision = mid.price if mid else None
    if decision is not None:
        references.append(("decision", decision))
    return references


def _how(state: OrderState, filled: float) -> str:
    if state is OrderState.FILLED:
        return "filled"
    if filled > 0:
        return "partly"
    return "rejected" if state in {OrderState.REJECTED, OrderState.DENIED} else "unfilled"
