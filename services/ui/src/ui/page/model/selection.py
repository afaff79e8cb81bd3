"""What a person looks at: symbol, window, order of rows, filters. One value, written in the page's address. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final, Literal, get_args

from telemetry_schema import WindowName

Zone = Literal["utc", "local"]
Show = Literal["all", "trades", "refused", "open"]
"""Which orders the blotter shows; `open` ones have no final answer."""

ShowOrders = Literal["all", "open", "ended", "doubt"]
"""Which orders of bots are shown."""
ShowBots = Literal["all", "trouble"]

MAX_PINS: Final = 50
MAX_PAGE: Final = 10_000
MAX_TEXT: Final = 128
MAX_KEY: Final = 3 * MAX_TEXT + 2
"""Of a bot: source, account and strategy with a tab between them."""
WINDOWS: Final[tuple[WindowName, ...]] = get_args(WindowName)


@dataclass(frozen=True, slots=True)
class Selection:
    """One person's choices. `sort` is a column's name, with a minus for descending."""

    symbol: str | None = None
    window: WindowName = "1m"
    sort: str = "symbol"
    find: str = ""
    pins: tuple[str, ...] = ()
    zone: Zone = "utc"
    orders: Show = "all"
    order_find: str = ""
    order_page: int = 0
    sources: str = "source"
    bots: str = "state"
    bots_show: ShowBots = "all"
    bots_find: str = ""
    bots_quality: str = "bot"
    bot_accounts: str = "state"
    bot: str = ""
    bot_order: str = ""
    bot_orders: ShowOrders = "all"
    bot_orders_find: str = ""
    bot_orders_page: int = 0

    @classmethod
    def from_query(cls, query: Mapping[str, Sequence[str]]) -> "Selection":
        """The choices in an address; what cannot be read is as if it were not there."""
        last = {name: values[-1] for name, values in query.items() if values and values[-1]}
        one = {name: value[:MAX_TEXT] for name, value in last.items()}
        return cls(
            symbol=one.get("symbol"),
            window=next((name for name in WINDOWS if name == one.get("window")), "1m"),
            sort=one.get("sort", "symbol"),
            find=one.get("find", ""),
            pins=tuple(dict.fromkeys(name[:MAX_TEXT] for name in query.get("pin", ()) if name))[:MAX_PINS],
            zone="local" if one.get("zone") == "local" else "utc",
            orders=_show(one.get("orders", "")),
            order_find=one.get("order_find", ""),
            order_page=_page(one.get("order_page", "")),
            sources=one.get("sources", "source"),
            bots=one.get("bots", "state"),
            bots_show="trouble" if one.get("bots_show") == "trouble" else "all",
            bots_find=one.get("bots_find", ""),
            bots_quality=one.get("bots_quality", "bot"),
            bot_accounts=one.get("bot_accounts", "state"),
            bot=last.get("bot", "")[:MAX_KEY],
            bot_order=last.get("bot_order", "")[:MAX_KEY],
            bot_orders=_show_orders(one.get("bot_orders", "")),
            bot_orders_find=one.get("bot_orders_find", ""),
            bot_orders_page=_page(one.get("bot_orders_page", "")),
        )

    def query(self) -> dict[str, str | list[str]]:
        """The address's part after the question mark; what is as at the start is left out."""
        start = Selection()
        found: dict[str, str | list[str]] = {}
        for name in (each.name for each in fields(self) if each.name != "pins"):
            if (value := getattr(self, name)) != getattr(start, name):
                found[name] = str(value)
        return found | ({"pin": list(self.pins)} if self.pins else {})

    def after(self, kind: str, value: object) -> "Selection":
        """The choices after a click on a board; what it cannot be about changes nothing."""
        match kind, value:
            case "pick", str(symbol):
                return replace(self, symbol=symbol)
            case "pin", str(symbol):
                return replace(self, pins=_toggled(self.pins, symbol))
            case "zone", str(zone):
                return replace(self, zone="local" if zone == "local" else "utc")
            case _, [str(table), str(text)]:
                return self._in_table(f"{kind} {table}", text[: MAX_KEY if kind == "choose" else MAX_TEXT])
        return self

    def _in_table(self, act: str, text: str) -> "Selection":
        page = _page(text)
        changes: dict[str, Selection] = {
            "sort symbols": replace(self, sort=_turned(self.sort, text)),
            "sort sources": replace(self, sources=_turned(self.sources, text)),
            "find symbols": replace(self, find=text),
            "find blotter": replace(self, order_find=text, order_page=0),
            "show blotter": replace(self, orders=_show(text), order_page=0),
            "page blotter": replace(self, order_page=page),
            "sort bots": replace(self, bots=_turned(self.bots, text)),
            "sort bots_quality": replace(self, bots_quality=_turned(self.bots_quality, text)),
            "sort bot_accounts": replace(self, bot_accounts=_turned(self.bot_accounts, text)),
            "find bots": replace(self, bots_find=text),
            "show bots": replace(self, bots_show="trouble" if text == "trouble" else "all"),
            "choose bots": replace(self, bot="" if text == self.bot else text, bot_orders_page=0),
            "find bot_orders": replace(self, bot_orders_find=text, bot_orders_page=0),
            "show bot_orders": replace(self, bot_orders=_show_orders(text), bot_orders_page=0),
            "page bot_orders": replace(self, bot_orders_page=page),
            "choose bot_orders": replace(self, bot_order="" if text == self.bot_order else text),
        }
        return changes.get(act, self)


def _show(text: str) -> Show:
    return next((name for name in get_args(Show) if name == text), "all")


def _show_orders(text: str) -> ShowOrders:
    return next((name for name in get_args(ShowOrders) if name == text), "all")


def _page(text: str) -> int:
    return min(int(text), MAX_PAGE) if text.isascii() and text.isdigit() else 0


def _toggled(pins: tuple[str, ...], symbol: str) -> tuple[str, ...]:
    return tuple(one for one in pins if one != symbol) if symbol in pins else (*pins, symbol)[-MAX_PINS:]


def _turned(sort: str, column: str) -> str:
    """A column that is sorted by is turned round; another one begins with its smallest."""
    return f"-{column}" if sort == column else column
