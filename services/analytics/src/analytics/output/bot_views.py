"""What the UI is shown of bots, books and orders: bounded, and built in steps.

| list | at most |
|---|---|
| bots, books | 256 each |
| open orders | 250 of the oldest and 250 of the newest |
| ended orders | 100 that changed last |
| lives | 40 that changed, and 40 more in turn; 48 events each |
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from analytics.cooperative import Steps
from analytics.orders.activity import OTHER_BOT, AckSpans, BotActivity, BotKey
from analytics.orders.books import OTHER, Valued
from analytics.orders.order import BotOrder
from analytics.orders.registry import Key
from analytics.orders.tracker import OrderTracker
from analytics.output import bot_quality
from analytics.output.bot_quality import BotQuality, Owner, OwnMoney
from analytics.output.numbers import finite_or_none, to_json_number
from analytics.output.order_summary import order_summary
from telemetry_schema import (
    AckLatency,
    BookState,
    BotMoney,
    BotsState,
    BotState,
    EndedOrders,
    OrderLife,
    OrderMoment,
    OrderSummary,
    PositionMismatch,
    RejectCount,
    VenueAcks,
)

MAX_BOTS: Final = 256
MAX_BOOKS: Final = 256
MAX_OPEN: Final = 500
MAX_ENDED: Final = 100
MAX_LIVES: Final = 40
MAX_REJECTS: Final = 100
MAX_MISMATCHES: Final = 100

_ORDERS_A_STEP: Final = 50
"""Orders looked at without a break: about half a millisecond."""
_LIVES_A_STEP: Final = 8
_BOTS_A_STEP: Final = 16
_DUST_QTY: Final = 1e-9
"""A difference of positions below this is rounding."""


@dataclass(slots=True)
class OpenCounts:
    """The open orders of one account and strategy, counted."""

    orders: int = 0
    in_doubt: int = 0
    oldest_ns: int | None = None

    def add(self, order: BotOrder) -> None:
        """Counts one."""
        self.orders += 1
        self.in_doubt += order.in_doubt
        begun_ns = order.begun_ns
        self.oldest_ns = begun_ns if self.oldest_ns is None else min(self.oldest_ns, begun_ns)


class BotViews:
    """Builds `BotsState` messages; remembers whose turn it is."""

    def __init__(self, orders: OrderTracker, *, run: str) -> None:
        self._orders, self._run = orders, run
        self._turn = 0

    def steps(self, now_ns: int) -> Steps[BotsState]:
        """The state at this moment, UTC epoch nanoseconds."""
        orders = self._orders
        keys = orders.registry.open_keys()
        opened = yield from self._count(keys)
        valued = orders.books.value(orders.marks, now_ns)
        yield
        activities = dict(orders.activities.bots())
        quality = yield from bot_quality.of_bots(orders.quality)
        order_to_trade = yield from bot_quality.order_to_trade(orders.quality)
        bots = yield from self._bots(activities, valued, opened, quality, now_ns)
        open_orders = yield from self._summaries(_listed(keys))
        ended_orders = yield from self._summaries(orders.registry.newest_ended_keys(MAX_ENDED))
        lives = yield from self._lives([*open_orders, *ended_orders])
        mismatches = self._mismatches()
        yield
        books = [_book(each) for each in sorted(valued, key=lambda each: each.key)[:MAX_BOOKS]]
        yield
        venues = yield from self._venues(now_ns)
        return BotsState(
            run=self._run,
            at_ns=now_ns,
            bots=bots[:MAX_BOTS],
            bots_in_all=len(bots),
            books=books,
            books_in_all=len(valued),
            accounts=bot_quality.accounts(orders),
            order_to_trade=order_to_trade,
            limits=bot_quality.limits(orders),
            mismatches=mismatches,
            venues=venues,
            rejects=self._rejects(),
            open_orders=open_orders,
            open_in_all=len(keys),
            ended_orders=ended_orders,
            ended_in_all=orders.registry.ended,
            lives=lives,
        )

    def _count(self, keys: Sequence[Key]) -> Steps[dict[tuple[str, str], OpenCounts]]:
        """All open orders by account and strategy."""
        counted: dict[tuple[str, str], OpenCounts] = defaultdict(OpenCounts)
        for number, key in enumerate(keys, 1):
            order = self._orders.registry.get(*key)
            if order is not None:
                counted[order.account, order.strategy].add(order)
            if number % _ORDERS_A_STEP == 0:
                yield
        return counted

    # Bots

    def _bots(
        self,
        activities: dict[BotKey, BotActivity],
        valued: Sequence[Valued],
        opened: dict[tuple[str, str], OpenCounts],
        quality: BotQuality,
        now_ns: int,
    ) -> Steps[list[BotState]]:
        """All bots that have sent something lately, have a book or an open order."""
        owners = {(each.key.account, each.key.strategy) for each in valued} | opened.keys()
        keys = activities.keys() | {self._owner(account, strategy) for account, strategy in owners}
        money = _money(valued, quality)
        bots = []
        for number, key in enumerate(sorted(keys), 1):
            found = opened.get((key.account, key.strategy), OpenCounts())
            state = self._bot(key, activities.get(key, BotActivity()), found, now_ns)
            bots.append(_with_quality(state, money, quality) if state.is_authority else state)
            if number % _BOTS_A_STEP == 0:
                yield
        return bots

    def _owner(self, account: str, strategy: str) -> BotKey:
        if account == OTHER:
            return OTHER_BOT
        return BotKey(self._orders.authorities.of(account), account, strategy)

    def _bot(
        self,
        key: BotKey,
        activity: BotActivity,
        opened: OpenCounts,
        now_ns: int,
    ) -> BotState:
        sums = activity.sums(now_ns)
        return BotState(
            source=key.source,
            account=key.account,
            strategy=key.strategy,
            is_authority=key == self._owner(key.account, key.strategy),
            last_ns=activity.last_ns or None,
            events_per_s=sums.events_per_s,
            recent_orders=sums.orders,
            recent_rejects=sums.rejects,
            open_orders=opened.orders,
            in_doubt=opened.in_doubt,
            oldest_open_ns=opened.oldest_ns,
            ack=_acks(activity.acks.spans(now_ns)),
            skew_ns=sums.skew_ns,
        )

    def _venues(self, now_ns: int) -> Steps[list[VenueAcks]]:
        """The venues that acknowledged something lately, in the order of their names."""
        venues = []
        for number, (key, acks) in enumerate(self._orders.activities.venues(), 1):
            spans = acks.spans(now_ns)
            if spans.number:
                venues.append(VenueAcks(account=key.account, venue=key.venue, ack=_acks(spans)))
            if number % _BOTS_A_STEP == 0:
                yield
        return venues

    def _rejects(self) -> list[RejectCount]:
        found = sorted(self._orders.quality.rejects.items(), key=lambda item: (-item[1], item[0]))
        return [
            RejectCount.model_validate(
                {**dict(zip(("account", "strategy", "venue", "reason", "kind"), labels, strict=True)), "count": int(n)}
            )
            for labels, n in found[:MAX_REJECTS]
        ]

    def _mismatches(self) -> list[PositionMismatch]:
        found = sorted(self._orders.peers.mismatches().items())
        wrong = (
            PositionMismatch(account=account, symbol=symbol, qty=to_json_number(qty))
            for (account, symbol), qty in found
            if abs(qty) > _DUST_QTY
        )
        return list(islice(wrong, MAX_MISMATCHES))

    # Orders

    def _summaries(self, keys: Sequence[Key]) -> Steps[list[OrderSummary]]:
        found = []
        for number, key in enumerate(keys, 1):
            order = self._orders.registry.get(*key)
            if order is not None:
                found.append(order_summary(order))
            if number % _ORDERS_A_STEP == 0:
                yield
        return found

    def _lives(self, listed: Sequence[OrderSummary]) -> Steps[list[OrderLife]]:
        """The events of listed orders: of those that changed, and of the next ones in turn."""
        keys = [Key(one.account, one.order_id) for one in listed]
        known = set(keys)
        wanted = dict.fromkeys(islice((key for key in self._orders.trails.take_changed() if key in known), MAX_LIVES))
        start = self._turn % len(keys) if keys else 0
        wanted |= dict.fromkeys([*keys[start:], *keys[:start]][:MAX_LIVES])
        self._turn = start + MAX_LIVES
        lives = []
        for number, key in enumerate(wanted, 1):
            trail = self._orders.trails.get(key)
            if trail is not None:
                moments = [OrderMoment.model_validate(fields) for fields in trail.moments()]
                lives.append(OrderLife(**key._asdict(), moments=moments, left_out=trail.left_out))
            if number % _LIVES_A_STEP == 0:
                yield
        return lives


def _with_quality(state: BotState, money: dict[Owner, list[BotMoney]], quality: BotQuality) -> BotState:
    # Of two sources of one account both would show the same money, and a reader would add it up: the authority has it.
    owner = (state.account, state.strategy)
    ended = quality.ended.get(owner, EndedOrders())
    return state.model_copy(update={"money": money.get(owner, []), "ended": ended})


def _money(valued: Sequence[Valued], quality: BotQuality) -> dict[Owner, list[BotMoney]]:
    by_currency: dict[OwnMoney, list[Valued]] = defaultdict(list)
    for each in valued:
        by_currency[each.key.account, each.key.strategy, each.book.currency].append(each)
    money: dict[Owner, list[BotMoney]] = defaultdict(list)
    for key, books in sorted(by_currency.items()):
        unrealised = [each.unrealised for each in books]
        known = [value for value in unrealised if value is not None]
        account, strategy, currency = key
        money[account, strategy].append(
            BotMoney(
                currency=currency,
                realised=to_json_number(sum(each.book.holding.realised for each in books)),
                unrealised=finite_or_none(sum(known)) if len(known) == len(unrealised) else None,
                fees=to_json_number(sum(each.book.net_fees for each in books)),
                slippage_bps=quality.arrival_bps.get(key),
                decision_slippage_bps=quality.decision_bps.get(key),
                markouts=quality.markouts.get(key, []),
            )
        )
    return money


def _listed(keys: Sequence[Key]) -> list[Key]:
    """Newest first; of too many the oldest and the newest."""
    half = MAX_OPEN // 2
    return [*reversed(keys)] if len(keys) <= MAX_OPEN else [*reversed(keys[-half:]), *reversed(keys[:half])]


def _book(each: Valued) -> BookState:
    holding, key = each.book.holding, each.key
    return BookState(
        account=key.account,
        strategy=key.strategy,
        symbol=key.symbol,
        currency=each.book.currency,
        qty=to_json_number(holding.qty),
        average_price=finite_or_none(holding.average_price) if holding.qty else None,
        mark=finite_or_none(each.mark),
        mark_age_ns=each.mark_age_ns,
        realised=to_json_number(holding.realised),
        unrealised=finite_or_none(each.unrealised),
        fees=to_json_number(each.book.net_fees),
    )


def _acks(spans: AckSpans) -> AckLatency:
    return AckLatency(count=spans.number, p50_ns=spans.p50_ns, p99_ns=spans.p99_ns)
