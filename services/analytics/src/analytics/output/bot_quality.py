"""How well bots' orders are executed, for the UI: slippage, markouts, how they ended; and what accounts use and lose.

The counters rise since the start. Slippage and markouts are 10⁴ × (one side − the other) ÷ notional, over all symbols
of a bot in one currency.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Final, NamedTuple, TypeAlias

from analytics.cooperative import Steps
from analytics.orders.quality import HORIZONS_S, Counts, Quality, counts
from analytics.orders.tracker import OrderTracker
from analytics.output.numbers import to_json_number
from telemetry_schema import AccountEquity, EndedOrders, LimitUse, MarkoutBps, OrderToTrade

MAX_ACCOUNTS: Final = 256
MAX_PAIRS: Final = 256
"""Pairs of account and symbol, those of the most messages for an execution first."""
MAX_LIMITS: Final = 100
"""The ones that are used most."""

_SERIES_A_STEP: Final = 500
"""Series of a counter that are added up without a break: about half a millisecond."""

Owner: TypeAlias = tuple[str, str]
"""Account and strategy."""
OwnMoney: TypeAlias = tuple[str, str, str]
"""Account, strategy and currency."""


class BotQuality(NamedTuple):
    """Of each bot, as far as it has any."""

    arrival_bps: Mapping[OwnMoney, float]
    decision_bps: Mapping[OwnMoney, float]
    markouts: Mapping[OwnMoney, list[MarkoutBps]]
    ended: Mapping[Owner, EndedOrders]


def of_bots(quality: Quality) -> Steps[BotQuality]:
    """What the counters say of each bot."""
    slippage = yield from _bps(quality.slippage_paid, quality.slippage_gained, quality.slippage_notional)
    markouts = yield from _bps(quality.markout_gained, quality.markout_lost, quality.markout_notional)
    by_horizon: dict[OwnMoney, list[MarkoutBps]] = {}
    for horizon in HORIZONS_S:
        for (*owner, currency, which), bps in markouts.items():
            if which == horizon:
                key = (owner[0], owner[1], currency)
                by_horizon.setdefault(key, []).append(MarkoutBps.model_validate({"horizon": horizon, "bps": bps}))
    ended = yield from _ended(quality)
    return BotQuality(_against("arrival", slippage), _against("decision", slippage), by_horizon, ended)


def _against(reference: str, slippage: Mapping[tuple[str, ...], float]) -> dict[OwnMoney, float]:
    return {(key[0], key[1], key[2]): bps for key, bps in slippage.items() if key[3] == reference}


def _bps(more: Counts, less: Counts, notional: Counts) -> Steps[dict[tuple[str, ...], float]]:
    """By account, strategy, currency and reference or horizon, which are the labels without the symbol."""
    gained, worth = counts(), counts()
    for number, (labels, value) in enumerate(list(notional.items()), 1):
        key = (labels[0], labels[1], labels[3], labels[4])
        gained[key] += more.get(labels, 0.0) - less.get(labels, 0.0)
        worth[key] += value
        if number % _SERIES_A_STEP == 0:
            yield
    found = {key: 1e4 * value / worth[key] for key, value in gained.items() if worth[key]}
    return {key: bps for key, bps in found.items() if isfinite(bps)}


def _ended(quality: Quality) -> Steps[dict[Owner, EndedOrders]]:
    by_owner: dict[Owner, Counter[str]] = {}
    for number, (labels, value) in enumerate(list(quality.ended.items()), 1):
        by_owner.setdefault((labels[0], labels[1]), Counter())[labels[-1]] += int(value)
        if number % _SERIES_A_STEP == 0:
            yield
    return {owner: EndedOrders(**how) for owner, how in by_owner.items()}


def accounts(orders: OrderTracker) -> list[AccountEquity]:
    """The equity of each account, by name."""
    found = [
        AccountEquity(
            account=account,
            currency=currency,
            equity=to_json_number(equity.value),
            drawdown=max(0.0, to_json_number(equity.drawdown)),
            deepest=max(0.0, to_json_number(equity.deepest)),
        )
        for account, currency, equity in orders.books.equity()
    ]
    return sorted(found, key=lambda one: (one.account, one.currency))[:MAX_ACCOUNTS]


def order_to_trade(quality: Quality) -> Steps[list[OrderToTrade]]:
    """Messages and executions of each account and symbol, by name."""
    executions: Counter[tuple[str, str]] = Counter()
    for number, ((account, _, symbol, *_), value) in enumerate(list(quality.own_fills.items()), 1):
        executions[account, symbol] += int(value)
        if number % _SERIES_A_STEP == 0:
            yield
    most = sorted(_pairs(quality.otr_messages), key=lambda pair: -pair[1] / max(1, executions[pair[0]]))[:MAX_PAIRS]
    return [
        OrderToTrade(account=account, symbol=symbol, messages=messages, executions=executions[account, symbol])
        for (account, symbol), messages in sorted(most)
    ]


def _pairs(messages: Counts) -> Iterable[tuple[tuple[str, str], float]]:
    return (((labels[0], labels[1]), to_json_number(value)) for labels, value in messages.items())


def limits(orders: OrderTracker) -> list[LimitUse]:
    """The limits that are used most, by name."""
    most = sorted(orders.peers.rate_limits.items(), key=lambda item: -item[1])[:MAX_LIMITS]
    return [
        LimitUse(account=account, venue=venue, limit=limit, used_ratio=to_json_number(used))
        for (account, venue, limit), used in sorted(most)
    ]
