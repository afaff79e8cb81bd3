"""What the page keeps of bots over time, and what is wrong with each. Pure.

Analytics reports what is now; the course of the profit, what was lost or refused lately, and the events of orders that
have left the list are kept here, bounded, since this page looks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Final, Literal, NamedTuple

from telemetry_schema import BotsState, BotState, IngestStatus, OrderLife, OrderSummary
from ui.wire import BotLimits

EVERY_S: Final = 5
POINTS: Final = 61
"""Of a course: five minutes."""

MAX_ORDERS: Final = 1_000
"""Orders with their events: more than are listed, so that one that is looked at does not vanish when others end."""

_NS: Final = 1_000_000_000
SKEW_NS: Final = 2_000_000_000
"""A clock that is further off is wrong, not slow."""
SILENT_NS: Final = 60_000_000_000
"""A bot with open orders that says nothing for so long may be gone."""
REJECT_BAD: Final = 0.2
REJECT_LEAST_ORDERS: Final = 20
"""Rejected of the orders of an account in five minutes, and of how many at least: below that a reject is chance. The
alert OrderRejectsHigh needs as many; beyond its limit it is a trouble."""

Severity = Literal["bad", "warn", ""]
_RANKS: Final[dict[Severity, int]] = {"bad": 0, "warn": 1, "": 2}


class BotName(NamedTuple):
    """Who sends for whom."""

    source: str
    account: str
    strategy: str


class OrderName(NamedTuple):
    """Which order."""

    account: str
    order_id: str


class Faults(NamedTuple):
    """Messages of a source that did not count, at one second."""

    second: int
    lost: int
    refused: int


class Trouble(NamedTuple):
    """One thing that is wrong, in words."""

    severity: Severity
    text: str


def name_of(bot: BotState) -> BotName:
    """The bot's name."""
    return BotName(bot.source, bot.account, bot.strategy)


def order_name(order: OrderSummary | OrderLife) -> OrderName:
    """The order's name."""
    return OrderName(order.account, order.order_id)


class RecentOrders(NamedTuple):
    """Orders and rejects of an account in five minutes, of all its bots."""

    orders: int = 0
    rejects: int = 0

    @property
    def ratio(self) -> float:
        """Rejected of the orders; 0 where they are too few to say."""
        return self.rejects / self.orders if self.orders >= REJECT_LEAST_ORDERS else 0.0


class Seen(NamedTuple):
    """What a bot is judged by besides itself."""

    state: BotsState
    history: "BotHistory"
    limits: BotLimits


class KnownOrder(NamedTuple):
    """An order and its events, as far as they have come."""

    summary: OrderSummary
    life: OrderLife | None


@dataclass(frozen=True, slots=True)
class BotHistory:
    """The last minutes of bots and sources, and the orders that were listed last."""

    profits: Mapping[BotName, tuple[tuple[int, float], ...]] = field(default_factory=dict)
    """Second and realised + unrealised − fees, of the first currency."""
    faults: Mapping[str, tuple[Faults, ...]] = field(default_factory=dict)
    orders: Mapping[OrderName, KnownOrder] = field(default_factory=dict)
    """The one that changed longest ago first."""
    stream: str = ""

    def after_bots(self, state: BotsState) -> "BotHistory":
        """With what analytics reports."""
        second = state.at_ns // _NS
        profits = {name_of(bot): self._course(bot, second) for bot in state.bots}
        return replace(self, profits=profits, orders=self._orders(state))

    def after_status(self, status: IngestStatus) -> "BotHistory":
        """With what ingest reports; its counts begin again with a new run of it."""
        second = status.at_ns // _NS
        known = self.faults if status.stream == self.stream else {}
        refused = {one.source: sum(one.reasons.values()) for one in status.refusals}
        lost = {one.source: one.lost for one in status.bots}
        faults = {
            source: _added(known.get(source, ()), Faults(second, lost.get(source, 0), refused.get(source, 0)))
            for source in lost.keys() | refused.keys()
        }
        return replace(self, faults=faults, stream=status.stream)

    def recent_faults(self, source: str) -> Faults:
        """What was lost and refused in the last five minutes, as far as this page has looked."""
        points = self.faults.get(source, ())
        if not points:
            return Faults(0, 0, 0)
        first, last = points[0], points[-1]
        return Faults(last.second, max(0, last.lost - first.lost), max(0, last.refused - first.refused))

    def _course(self, bot: BotState, second: int) -> tuple[tuple[int, float], ...]:
        points = self.profits.get(name_of(bot), ())
        worth = profit(bot)
        if worth is None or (points and 0 <= second - points[-1][0] < EVERY_S):
            return points
        # A clock that was set back begins anew: the curve has one direction.
        kept = points if not points or second > points[-1][0] else ()
        return (*kept[-POINTS + 1 :], (second, worth))

    def _orders(self, state: BotsState) -> Mapping[OrderName, KnownOrder]:
        orders = dict(self.orders)
        lives = {order_name(life): life for life in state.lives}
        for summary in (*reversed(state.ended_orders), *reversed(state.open_orders)):
            name = order_name(summary)
            before = orders.pop(name, None)
            life = lives.get(name) or (before.life if before else None)
            orders[name] = KnownOrder(summary, life)
        for name in list(orders)[:-MAX_ORDERS]:
            del orders[name]
        return orders


def _added(points: tuple[Faults, ...], now: Faults) -> tuple[Faults, ...]:
    """The newest point is renewed until the next is due, so that what was just lost shows at once."""
    if points and now.second < points[-1].second:
        return (now,)
    if len(points) > 1 and now.second - points[-2].second < EVERY_S:
        return (*points[:-1], now)
    return (*points[-POINTS + 1 :], now)


def profit(bot: BotState) -> float | None:
    """Realised + unrealised − fees in the bot's first currency; None without a mark or a book."""
    if not bot.money or bot.money[0].unrealised is None:
        return None
    worth = bot.money[0].realised + bot.money[0].unrealised - bot.money[0].fees
    return worth if isfinite(worth) else None


def reject_ratio(bot: BotState) -> float | None:
    """Rejected of the recent orders; None without any."""
    if not bot.recent_orders:
        return 1.0 if bot.recent_rejects else None
    return min(1.0, bot.recent_rejects / bot.recent_orders)


def account_orders(state: BotsState) -> dict[str, RecentOrders]:
    """The recent orders of each account."""
    found: dict[str, RecentOrders] = {}
    for bot in state.bots:
        orders, rejects = found.get(bot.account, RecentOrders())
        found[bot.account] = RecentOrders(orders + bot.recent_orders, rejects + bot.recent_rejects)
    return found


def troubles(bot: BotState, seen: Seen, silent_ns: int | None, account: RecentOrders) -> list[Trouble]:
    """What is wrong with a bot, the worst first."""
    found = [
        *_message_troubles(bot, seen.history, silent_ns),
        *_order_troubles(bot, account, seen.limits),
        *_money_troubles(bot, seen.state),
    ]
    return sorted(found, key=lambda one: _RANKS[one.severity])


def severity(found: Sequence[Trouble]) -> Severity:
    """The worst of them."""
    return found[0].severity if found else ""


def rank(found: Sequence[Trouble]) -> int:
    """For a table: red first."""
    return _RANKS[severity(found)]


def _message_troubles(bot: BotState, history: BotHistory, silent_ns: int | None) -> Iterator[Trouble]:
    faults = history.recent_faults(bot.source)
    if faults.lost:
        yield Trouble("bad", f"{faults.lost:,} messages lost in 5 min")
    if faults.refused:
        yield Trouble("bad", f"{faults.refused:,} messages refused in 5 min")
    if bot.skew_ns is not None and abs(bot.skew_ns) > SKEW_NS:
        yield Trouble("bad", f"its clock is {abs(bot.skew_ns) / 1e9:,.1f} s {'ahead' if bot.skew_ns < 0 else 'behind'}")
    if silent_ns is not None and silent_ns > SILENT_NS and bot.open_orders:
        yield Trouble("warn", f"silent with {bot.open_orders:,} open orders")
    if not bot.is_authority:
        yield Trouble("", "second source of its account: its fills are compared, not counted")


def _order_troubles(bot: BotState, account: RecentOrders, limits: BotLimits) -> Iterator[Trouble]:
    if bot.in_doubt:
        yield Trouble("bad", f"{bot.in_doubt:,} orders in doubt")
    ratio = reject_ratio(bot) or 0.0
    # As the alert: by account. Of its bots those are meant that are rejected more often than the limit says.
    if min(account.ratio, ratio) > limits.order_rejects_ratio:
        worst: Severity = "bad" if ratio > REJECT_BAD else "warn"
        yield Trouble(worst, f"{bot.recent_rejects:,} of {bot.recent_orders:,} orders rejected in 5 min")


def _money_troubles(bot: BotState, state: BotsState) -> Iterator[Trouble]:
    if not bot.is_authority:
        return
    for one in state.mismatches:
        if one.account == bot.account and _holds(bot, state, one.symbol):
            yield Trouble("bad", f"the peer holds {one.qty:+,.6g} {one.symbol} beside our count")
    if any(money.unrealised is None for money in bot.money):
        yield Trouble("warn", "a position has no price")


def _holds(bot: BotState, state: BotsState, symbol: str) -> bool:
    """Whether a bot has a book of a symbol: a mismatch is of an account, which may have several bots."""
    wanted = (bot.account, bot.strategy, symbol)
    return any((book.account, book.strategy, book.symbol) == wanted for book in state.books)
