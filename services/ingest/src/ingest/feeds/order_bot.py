"""A simulated bot: orders with partial fills, rejects, cancels, lost and repeated messages, quotes, position reports.

It keeps a ledger of its own, by which the metrics of its orders can be checked. Deterministic for a seed and the times
it is asked at. What is lost are fills that a later one of their order makes up for, by its cumulative quantity.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from ingest.feeds.bot_orders import SimulatedOrder, SimulatedOrders
from telemetry_schema import BOT_MESSAGES, Holding, Side, encode

STRATEGIES: Final = ("maker", "taker")
SYMBOLS: Final = {"BTC-USD": 60_000.0, "ETH-USD": 3_000.0}
"""With the mid that each begins at."""

QUOTE_NS: Final = 250_000_000
REPORT_NS: Final = 10_000_000_000
_MS: Final = 1_000_000
FIRST_ORDER_NS: Final = 50 * _MS
"""From a bot's begin to its first order."""
ENDED_AFTER_NS: Final = 20 * _MS
"""From a bot's begin to the cancels of what the bot before it left open."""
_FEE_RATIO: Final = {"maker": -0.0001, "taker": 0.0005}
_LIQUIDITY: Final[dict[str, Literal["maker", "taker"]]] = {"maker": "maker", "taker": "taker"}
_REASONS: Final = ("insufficient_funds", "rate_limit", "price_band", "post_only", "min_size")

LOT_QTY: Final = 0.1
"""Units of base; an order is of one to twenty lots."""

LOST_RATIO: Final = 0.05
REJECTED_RATIO: Final = 0.06
_REPEATED, _RESENT = 0.03, 0.03
"""How often a message comes twice: under one number; under two numbers."""
_MOST_COPIES: Final = 2

Fate: TypeAlias = Literal["sent", "lost", "repeated", "resent"]
BookName: TypeAlias = tuple[str, str]
"""Strategy and symbol."""


@dataclass(slots=True)
class BotLedger:
    """What the bot knows of itself, by strategy and symbol; of fills and fees only what was not lost on its way."""

    orders: Counter[BookName] = field(default_factory=Counter)
    rejects: Counter[BookName] = field(default_factory=Counter)
    fills: Counter[BookName] = field(default_factory=Counter)
    fees: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Paid, by strategy."""
    rebates: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    holdings: defaultdict[BookName, Holding] = field(default_factory=lambda: defaultdict(Holding))
    lost: int = 0
    """Messages that were numbered and not sent."""


class _Planned(NamedTuple):
    """A message that is due at a time; `number` keeps those of one moment in order."""

    at_ns: int
    number: int
    kind: str
    fields: dict[str, Any]
    fate: Fate = "sent"


class _Fill(NamedTuple):
    qty: float
    price: float
    lost: bool


class SimulatedBot:
    """The messages of a bot as they become due, in the time of whoever asks.

    Args:
        name: its source, and its account.
        run: of its numbers.
        seed: of its decisions.
        rate: orders a second, in the mean.
        start_ns: when it begins.
        differ_qty: what its peer's position reports are off by, units of base.
        lost_ratio: how many of the fills before an order's last one are lost.
        rejected_ratio: how many orders are rejected.
        symbols: what it trades, with the mid that each begins at.
        lot_qty: units of base in a lot; an order is of one to twenty.
        has_reports: whether its peer reports positions.
        orders: what its venue has open; the orders of the bot before it are cancelled.
    """

    def __init__(  # noqa: PLR0913 - what can be set, by name only
        self,
        *,
        name: str,
        run: str,
        seed: int,
        rate: float,
        start_ns: int,
        differ_qty: float = 0.0,
        lost_ratio: float = LOST_RATIO,
        rejected_ratio: float = REJECTED_RATIO,
        symbols: Mapping[str, float] = SYMBOLS,
        lot_qty: float = LOT_QTY,
        has_reports: bool = True,
        orders: SimulatedOrders | None = None,
    ) -> None:
        self._name, self._run, self._rate, self._differ_qty = name, run, rate, differ_qty
        self._random = Random(seed)  # noqa: S311 - a simulation
        self._lost_ratio, self._rejected_ratio = lost_ratio, rejected_ratio
        self._has_reports = has_reports
        self._mids = dict(symbols)
        self._lots_a_unit = 1 / lot_qty  # to divide by: 3 / 10 is 0.3, and 3 * 0.1 is not
        self._planned: list[_Planned] = []
        self._seq: Counter[str] = Counter()
        self._orders = self._plans = 0
        self._order_ns, self._quote_ns, self._report_ns = start_ns + FIRST_ORDER_NS, start_ns, start_ns
        self._lost: dict[str, tuple[float, float]] = {}
        """Quantity and cost of the lost fills of an order."""
        self.ledger = BotLedger()
        self.open_orders = SimulatedOrders() if orders is None else orders
        """What its venue has open by the messages so far."""
        for order in self.open_orders.all():
            self._end(order, start_ns)

    @property
    def next_ns(self) -> int:
        """When there is something to do next."""
        return min(self._own_ns, self._planned[0].at_ns) if self._planned else self._own_ns

    @property
    def _own_ns(self) -> int:
        return min(self._order_ns, self._quote_ns, self._report_ns)

    def due(self, now_ns: int, wall_ns: int, *, most: int | None = None) -> list[bytes]:
        """The messages that were due until `now_ns`, which is `wall_ns` in wall time; at most so many at a time."""
        frames: list[bytes] = []
        while self.next_ns <= now_ns:
            while self._planned and self._planned[0].at_ns <= min(now_ns, self._own_ns):
                if most is not None and len(frames) > most - _MOST_COPIES:
                    return frames
                frames += self._frames(heappop(self._planned), wall_ns - now_ns)
            if self._own_ns <= now_ns:
                self._plan(self._own_ns)
        return frames

    def finish(self, wall_ns: int, now_ns: int) -> list[bytes]:
        """All that is still to come of the orders under way, and a last report."""
        frames: list[bytes] = []
        while self._planned:
            frames += self._frames(heappop(self._planned)._replace(at_ns=now_ns), wall_ns - now_ns)
        self._report(now_ns)
        while self._planned:
            frames += self._frames(heappop(self._planned), wall_ns - now_ns)
        return frames

    def _plan(self, now_ns: int) -> None:
        if self._quote_ns <= now_ns:
            self._quote(now_ns)
        if self._report_ns <= now_ns:
            self._report(now_ns)
        if self._order_ns <= now_ns:
            self._order_ns += round(self._random.expovariate(self._rate) * 1e9) + 1
            self._order(now_ns)

    def _add(self, at_ns: int, kind: str, fate: Fate = "sent", /, **fields: Any) -> None:  # noqa: ANN401 - of any type
        self._plans += 1
        heappush(self._planned, _Planned(at_ns, self._plans, kind, fields, fate))

    def _quote(self, now_ns: int) -> None:
        self._quote_ns += QUOTE_NS
        for symbol in self._mids:
            mid = self._mids[symbol] = round(self._mids[symbol] * (1 + self._random.gauss(0, 0.0002)), 2)
            self._add(now_ns, "quote", symbol=symbol, bid=mid - 0.5, ask=mid + 0.5)

    def _report(self, now_ns: int) -> None:
        self._report_ns += REPORT_NS
        if not self._has_reports:
            return
        for strategy in STRATEGIES:
            for symbol in self._mids:
                held = self.ledger.holdings[strategy, symbol]
                report = {"account": self._name, "strategy": strategy, "symbol": symbol, "currency": "USD"}
                self._add(now_ns, "position", **report, qty=held.qty + self._differ_qty)

    def _order(self, now_ns: int) -> None:
        random = self._random
        strategy, symbol = random.choice(STRATEGIES), random.choice(list(self._mids))
        side: Side = random.choice(("buy", "sell"))
        self._orders += 1
        mid, lots = self._mids[symbol], random.randint(1, 20)
        shared = {
            "order_id": f"{self._run}-{self._orders}",
            "account": self._name,
            "strategy": strategy,
            "venue": "sim",
            "symbol": symbol,
            "side": side,
        }
        terms = {
            "qty": lots / self._lots_a_unit,
            "price": mid,
            "order_type": "limit",
            "tif": "ioc" if strategy == "taker" else "gtc",
        }
        self._event(now_ns, "submit", **shared, **terms, ages=(2 * _MS, 3 * _MS), decision_price=mid, arrival_price=mid)
        self.ledger.orders[strategy, symbol] += 1
        at_ns = now_ns + round(random.lognormvariate(0, 0.5) * 8 * _MS)
        if random.random() < self._rejected_ratio:
            self.ledger.rejects[strategy, symbol] += 1
            self._event(at_ns, "reject", **shared, reason=random.choice(_REASONS))
            return
        self._event(at_ns, "ack", **shared)
        self._fills(at_ns, shared, (strategy, symbol), lots)

    def _end(self, order: SimulatedOrder, now_ns: int) -> None:
        """Asks the venue for an order of the bot before it, and cancels that."""
        shared = order.model_dump(exclude={"qty", "cum_qty"})
        self._event(now_ns, "status", "sent", **shared, cum_qty=order.cum_qty, replayed=True)
        self._event(now_ns + ENDED_AFTER_NS // 2, "cancel_request", "sent", **shared)
        self._event(now_ns + ENDED_AFTER_NS, "cancel", "sent", **shared, cum_qty=order.cum_qty)

    def _fills(self, at_ns: int, shared: dict[str, Any], book: BookName, lots: int) -> None:
        """Fills in parts; of some orders the rest is cancelled."""
        random, unit = self._random, self._lots_a_unit
        cum_lots, cost, part = 0, 0.0, 0
        stop = lots if random.random() < 0.7 else random.randrange(lots)  # noqa: PLR2004 - most are filled
        while cum_lots < stop:
            lot = random.randint(1, stop - cum_lots)
            cum_lots, part = cum_lots + lot, part + 1
            at_ns += random.randrange(5, 300) * _MS
            price = round(self._mids[book[1]] + random.gauss(0, 2), 2)
            cost += lot / unit * price
            is_lost = cum_lots < stop and random.random() < self._lost_ratio
            cumulative = {"cum_qty": cum_lots / unit, "avg_price": cost / (cum_lots / unit)}
            self._fill(at_ns, {**shared, **cumulative}, book, part, _Fill(lot / unit, price, is_lost))
        if cum_lots < lots:
            self._event(at_ns + 50 * _MS, "cancel_request", **shared)
            self._event(at_ns + 60 * _MS, "cancel", **shared)

    def _fill(self, at_ns: int, shared: dict[str, Any], book: BookName, part: int, fill: _Fill) -> None:
        fee = fill.qty * fill.price * _FEE_RATIO[book[0]]
        execution = {"exec_id": f"{shared['order_id']}-{part}", "last_qty": fill.qty, "last_price": fill.price}
        terms = {"fee": fee, "fee_currency": "USD", "liquidity": _LIQUIDITY[book[0]]}
        self._event(at_ns, "fill", "lost" if fill.lost else None, **shared, **execution, **terms)

    def _event(self, at_ns: int, event: str, fate: Fate | None = None, /, **fields: Any) -> None:  # noqa: ANN401 - as above
        if fate is None:
            chance = self._random.random()
            fate = "repeated" if chance < _REPEATED else "resent" if chance < _REPEATED + _RESENT else "sent"
        self._add(at_ns, "order", fate, event=event, clock="bot", **fields)

    def _frames(self, planned: _Planned, offset_ns: int) -> Iterator[bytes]:
        fields, event_ns = dict(planned.fields), planned.at_ns + offset_ns
        if (ages := fields.pop("ages", None)) is not None:
            fields |= {"decision_ns": event_ns - ages[0], "tick_ns": event_ns - ages[1]}
        if fields.get("event") == "fill":
            self._settle(fields, is_lost=planned.fate == "lost")
        if planned.kind == "order":
            self.open_orders.note(fields)
        frame = self._frame(planned.kind, fields, event_ns)
        if planned.fate == "lost":
            self.ledger.lost += 1
            return
        yield frame
        if planned.fate == "repeated":
            yield frame
        elif planned.fate == "resent":
            yield self._frame(planned.kind, fields, event_ns)

    def _frame(self, kind: str, fields: dict[str, Any], event_ns: int) -> bytes:
        seq = self._seq[kind]
        self._seq[kind] += 1
        head = {"type": kind, "source": self._name, "run": self._run, "seq": seq}
        return encode(BOT_MESSAGES[kind].model_validate({**head, **fields, "event_ns": event_ns, "sent_ns": event_ns}))

    def _settle(self, fields: dict[str, Any], *, is_lost: bool) -> None:
        book, sign = (fields["strategy"], fields["symbol"]), 1 if fields["side"] == "buy" else -1
        qty, price, order_id = fields["last_qty"], fields["last_price"], fields["order_id"]
        if is_lost:
            lost_qty, lost_cost = self._lost.get(order_id, (0.0, 0.0))
            self._lost[order_id] = lost_qty + qty, lost_cost + qty * price
            return
        self.ledger.holdings[book].fill(sign * qty, price)
        if order_id in self._lost:
            # What is lost is known by the next cumulative quantity only: average cost depends on the order of fills.
            lost_qty, lost_cost = self._lost.pop(order_id)
            self.ledger.holdings[book].fill(sign * lost_qty, lost_cost / lost_qty)
        self.ledger.fills[book] += 1
        money = self.ledger.fees if fields["fee"] > 0 else self.ledger.rebates
        money[book[0]] += abs(fields["fee"])
