"""What a person looks at: symbol, window, order of rows, filters. One value, written in the page's address. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from telemetry_schema import WindowName

Zone = Literal["utc", "local"]
Show = Literal["all", "trades", "refused", "open"]
"""Which orders the blotter shows; `open` ones have no final answer."""

MAX_PINS: Final = 50
MAX_TEXT: Final = 128
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

    @classmethod
    def from_query(cls, query: Mapping[str, Sequence[str]]) -> "Selection":
        """The choices in an address; what cannot be read is as if it were not there."""
        one = {name: values[-1][:MAX_TEXT] for name, values in query.items() if values and values[-1]}
        page = one.get("order_page", "0")
        return cls(
            symbol=one.get("symbol"),
            window=next((name for name in WINDOWS if name == one.get("window")), "1m"),
            sort=one.get("sort", "symbol"),
            find=one.get("find", ""),
            pins=tuple(dict.fromkeys(name[:MAX_TEXT] for name in query.get("pin", ()) if name))[:MAX_PINS],
            zone="local" if one.get("zone") == "local" else "utc",
            orders=_show(one.get("orders", "")),
            order_find=one.get("order_find", ""),
            order_page=min(int(page), 10_000) if page.isascii() and page.isdigit() else 0,
            sources=one.get("sources", "source"),
        )

    def query(self) -> dict[str, str | list[str]]:
        """The address's part after the question mark; what is as at the start is left out."""
        start = Selection()
        found: dict[str, str | list[str]] = {}
        for name in ("symbol", "window", "sort", "find", "zone", "orders", "order_find", "order_page", "sources"):
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
                return self._in_table(f"{kind} {table}", text[:MAX_TEXT])
        return self

    def _in_table(self, act: str, text: str) -> "Selection":
        page = int(text) if text.isascii() and text.isdigit() else 0
        changes: dict[str, Selection] = {
            "sort symbols": replace(self, sort=_turned(self.sort, text)),
            "sort sources": replace(self, sources=_turned(self.sources, text)),
            "find symbols": replace(self, find=text),
            "find blotter": replace(self, order_find=text, order_page=0),
            "show blotter": replace(self, orders=_show(text), order_page=0),
            "page blotter": replace(self, order_page=page),
        }
        return changes.get(act, self)


def _show(text: str) -> Show:
    return next((name for name in get_args(Show) if name == text), "all")


def _toggled(pins: tuple[str, ...], symbol: str) -> tuple[str, ...]:
    return tuple(one for one in pins if one != symbol) if symbol in pins else (*pins, symbol)[-MAX_PINS:]


def _turned(sort: str, column: str) -> str:
    """A column that is sorted by is turned round; another one begins with its smallest."""
    return f"-{column}" if sort == column else column
