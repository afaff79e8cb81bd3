"""How well bots' orders are executed, and what their accounts are worth and use. Pure."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from telemetry_schema import AccountEquity, BotMoney, BotsState, BotState, LimitUse, OrderToTrade
from ui.page.model import bots as model
from ui.page.model import formats
from ui.page.model.bots import Trouble
from ui.page.model.parts import Part
from ui.page.model.selection import Selection
from ui.page.model.view import PageView
from ui.page.widgets.bots import short_name, state_cell
from ui.page.widgets.tables import SEPARATOR, Cell, Row, name, number, sentence, sort_rows, table, text
from ui.wire import BotLimits

_HORIZONS: Final = {"1s": "1 s", "5s": "5 s", "30s": "30 s", "1m": "1 min"}
_QUALITY: Final = (
    name("Bot", "bot"),
    number("Orders ended", "ended"),
    number("Filled", "filled"),
    number("Partly", "partly"),
    number("Unfilled", "unfilled"),
    number("Rejected", "rejected"),
    number("To arrival", "arrival"),
    number("To decision", "decision"),
    *(number(f"After {words}", horizon) for horizon, words in _HORIZONS.items()),
    text("In"),
)
_ACCOUNTS: Final = (
    name("Account", "account"),
    text("In"),
    sentence("State", "state"),
    number("Equity", "equity"),
    number("Drawdown", "drawdown"),
    number("Deepest", "deepest"),
    number("Orders to trades", "otr"),
    number("Limit used", "limit"),
)


class _Executed(NamedTuple):
    """A bot's executions in one currency."""

    bot: BotState
    money: BotMoney

    @property
    def key(self) -> tuple[str, ...]:
        return (*model.name_of(self.bot), self.money.currency)

    def share(self, how: str) -> float | None:
        """Of the orders that have ended; None without any."""
        ended = self.ended
        return getattr(self.bot.ended, how) / ended if ended else None

    @property
    def ended(self) -> int:
        found = self.bot.ended
        return found.filled + found.partly + found.unfilled + found.rejected

    def markout(self, horizon: str) -> float | None:
        return next((one.bps for one in self.money.markouts if one.horizon == horizon), None)


def executions(view: PageView, selection: Selection) -> Part:
    """How the orders of each bot ended, and what their fills cost and brought; by name."""
    bots = view.bots.bots if view.bots else []
    found = [_Executed(bot, money) for bot in bots if _is_chosen(bot, selection) for money in _moneys(bot)]
    keys: dict[str, Callable[[_Executed], float | None]] = {
        "ended": lambda one: one.ended,
        "filled": lambda one: one.share("filled"),
        "partly": lambda one: one.share("partly"),
        "unfilled": lambda one: one.share("unfilled"),
        "rejected": lambda one: one.share("rejected"),
        "arrival": lambda one: one.money.slippage_bps,
        "decision": lambda one: one.money.decision_slippage_bps,
        "1s": lambda one: one.markout("1s"),
        "5s": lambda one: one.markout("5s"),
        "30s": lambda one: one.markout("30s"),
        "1m": lambda one: one.markout("1m"),
    }
    rows = [_execution(one, selection) for one in sort_rows(found, selection.bots_quality, lambda one: one.key, keys)]
    sub = "since the start; slippage paid and markouts gained, bps"
    empty = "No order has ended yet."
    return table("Execution", _QUALITY, rows, empty=empty, sub=sub, sort=selection.bots_quality) | {
        "name": "bots_quality"
    }


def _is_chosen(bot: BotState, selection: Selection) -> bool:
    return not selection.bot or selection.bot == SEPARATOR.join(model.name_of(bot))


def _moneys(bot: BotState) -> Sequence[BotMoney]:
    """Of a bot that has ended orders and no fill one without currency; none of an account's second source."""
    if not bot.is_authority:
        return ()
    return bot.money or (
        [BotMoney(currency="", realised=0.0, fees=0.0)] if bot.ended.model_dump(exclude_defaults=True) else ()
    )


def _execution(one: _Executed, selection: Selection) -> Row:
    bot = model.name_of(one.bot)
    cells: tuple[Cell | str, ...] = (
        Cell(short_name(bot), "strong", title=" / ".join(part for part in bot if part)),
        formats.count(one.ended),
        *(_share(one, how) for how in ("filled", "partly", "unfilled", "rejected")),
        formats.bps(one.money.slippage_bps),
        formats.bps(one.money.decision_slippage_bps),
        *(formats.bps(one.markout(horizon)) for horizon in _HORIZONS),
        Cell(one.money.currency or formats.NONE, "muted"),
    )
    return Row(SEPARATOR.join(one.key), cells, is_marked=bool(selection.bot))


def _share(one: _Executed, how: str) -> Cell:
    share, orders = one.share(how), getattr(one.bot.ended, how)
    return Cell(formats.NONE if share is None else f"{share * 100:.1f} %", title=f"{orders:,} of {one.ended:,} orders")


class _Account(NamedTuple):
    """An account in one currency, with what it uses of the venues."""

    account: str
    currency: str
    equity: AccountEquity | None
    pairs: list[OrderToTrade]
    limits: list[LimitUse]
    allowed: BotLimits

    @property
    def worst_pair(self) -> OrderToTrade | None:
        """The symbol with the most messages for an execution."""
        return max((one for one in self.pairs if one.executions), key=order_to_trade_ratio, default=None)

    @property
    def otr(self) -> float | None:
        return None if self.worst_pair is None else order_to_trade_ratio(self.worst_pair)

    @property
    def nearest_limit(self) -> LimitUse | None:
        return max(self.limits, key=lambda one: one.used_ratio, default=None)

    @property
    def troubles(self) -> list[Trouble]:
        """What the alerts say too."""
        found = []
        if self.equity and self.equity.drawdown > self.allowed.drawdown_quote:
            found.append(Trouble("bad", "deep below its highest"))
        if self.nearest_limit and self.nearest_limit.used_ratio > self.allowed.rate_limit_used_ratio:
            found.append(Trouble("warn", f"near the limit {self.nearest_limit.limit} of {self.nearest_limit.venue}"))
        return found


def order_to_trade_ratio(one: OrderToTrade) -> float:
    """Messages by executions, less one (RTS 9); there must be executions."""
    return one.messages / one.executions - 1


def accounts(view: PageView, selection: Selection) -> Part:
    """What each account is worth, and how far it uses what venues allow; those in trouble first."""
    found = _accounts(view.bots, selection, view.bot_limits) if view.bots else []
    keys: dict[str, Callable[[_Account], float | None]] = {
        "state": lambda one: model.rank(one.troubles),
        "equity": lambda one: one.equity.equity if one.equity else None,
        "drawdown": lambda one: one.equity.drawdown if one.equity else None,
        "deepest": lambda one: one.equity.deepest if one.equity else None,
        "otr": lambda one: one.otr,
        "limit": lambda one: one.nearest_limit.used_ratio if one.nearest_limit else None,
    }
    in_order = sort_rows(found, selection.bot_accounts, lambda one: (one.account, one.currency), keys)
    sub = "realised + unrealised − fees, messages to the venue by RTS 9, since the start"
    found_part = table(
        "Accounts", _ACCOUNTS, map(_account, in_order), empty="No fill yet.", sub=sub, sort=selection.bot_accounts
    )
    return found_part | {"name": "bot_accounts"}


def _accounts(state: BotsState, selection: Selection, allowed: BotLimits) -> list[_Account]:
    equities: dict[str, list[AccountEquity | None]] = {}
    for equity in state.accounts:
        equities.setdefault(equity.account, []).append(equity)
    names = equities.keys() | {one.account for one in state.order_to_trade} | {one.account for one in state.limits}
    chosen = selection.bot.split(SEPARATOR)[1:2] if selection.bot else list(names)
    return [
        _Account(
            account,
            equity_.currency if equity_ else "",
            equity_,
            [one for one in state.order_to_trade if one.account == account],
            [one for one in state.limits if one.account == account],
            allowed,
        )
        for account in names & set(chosen)
        for equity_ in equities.get(account, [None])
    ]


def _account(one: _Account) -> Row:
    worth = one.equity
    size = max(abs(worth.equity), worth.deepest) if worth else 0.0
    cells = (
        Cell(one.account, "strong", title=one.account),
        Cell(one.currency or formats.NONE, "muted"),
        state_cell(one.troubles),
        formats.money(worth.equity if worth else None, size),
        formats.NONE if worth is None else formats.unsigned_money(worth.drawdown, size),
        formats.NONE if worth is None else formats.unsigned_money(worth.deepest, size),
        _order_to_trade(one),
        _limit(one.nearest_limit),
    )
    return Row(SEPARATOR.join((one.account, one.currency)), cells)


def _order_to_trade(one: _Account) -> Cell:
    pair = one.worst_pair
    if pair is None or one.otr is None:
        messages = sum(each.messages for each in one.pairs)
        return Cell(formats.NONE, "muted", title=f"{messages:,.0f} messages and no execution")
    title = f"{pair.symbol}: {pair.messages:,.0f} messages by weight, {pair.executions:,.0f} executions"
    return Cell(f"{formats.decimal(one.otr, 1)} {pair.symbol}", title=title)


def _limit(one: LimitUse | None) -> Cell:
    if one is None:
        return Cell(formats.NONE, "muted", title="The peer reports none.")
    return Cell(f"{one.used_ratio * 100:,.0f} %", title=f"{one.limit} of {one.venue}")
