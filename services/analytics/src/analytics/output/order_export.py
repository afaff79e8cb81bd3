"""Orders for a notebook: which are asked for, and rows in CSV, JSON lines or Arrow. Pure."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, get_args

import nanoarrow as na

from analytics.orders.order import BotOrder
from analytics.orders.registry import Key, KnownOrders
from analytics.output.export_formats import ExportError, Format, arrow_stream, check_names, row_limit, text_rows
from analytics.output.order_summary import order_summary
from telemetry_schema import OrderStateName, OrderSummary

_TEXTS: Final = ("account", "order_id", "source", "strategy", "venue", "symbol", "side", "order_type", "tif", "state")
_NUMBERS: Final = ("qty", "price", "filled_qty", "inferred_qty", "average_price")
_TIMES: Final = {"began": "began_ns", "touched": "touched_ns"}
COLUMNS: Final = (*_TIMES, *_TEXTS, "in_doubt", *_NUMBERS)

ORDERS_A_STEP: Final = 50
"""Orders looked at, and at most written, without a break: about a millisecond."""

_FILTERS: Final = ("account", "strategy", "symbol", "state")
_PARAMETERS: Final = (*_FILTERS, "limit")
_STATES: Final = get_args(OrderStateName)
_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """Which orders: those with all of these values, the `limit` newest of them."""

    wanted: Mapping[str, str]
    limit: int

    def may_have(self, key: Key) -> bool:
        """Whether an order of that key can be one; the order itself need not be read for that."""
        return self.wanted.get("account", key.account) == key.account

    def has(self, order: BotOrder) -> bool:
        """Whether it is one."""
        return all(str(getattr(order, name)) == value for name, value in self.wanted.items())


def parse_order_query(query: Mapping[str, str], *, max_rows: int) -> OrderQuery:
    """The query of a request. An empty value means orders that name none.

    Raises:
        ExportError: a parameter is unknown or wrong.
    """
    check_names(query, _PARAMETERS)
    if (state := query.get("state")) is not None and state not in _STATES:
        raise ExportError(f"state={state!r}: it is one of {', '.join(_STATES)}")
    wanted = {name: query[name] for name in _FILTERS if name in query}
    return OrderQuery(wanted, row_limit(query.get("limit"), max_rows))


def found_orders(orders: KnownOrders, query: OrderQuery) -> Iterator[list[OrderSummary]]:
    """The orders, the newest first, some at a time; what changes meanwhile is given as it is then."""
    left = query.limit
    keys = orders.newest_keys()
    for begin in range(0, len(keys), ORDERS_A_STEP):
        read = (orders.get(*key) for key in keys[begin : begin + ORDERS_A_STEP] if query.may_have(key))
        found = [order_summary(order) for order in read if order is not None and query.has(order)][:left]
        yield found
        left -= len(found)
        if left <= 0:
            return


def encode_orders(parts: Iterator[list[OrderSummary]], wanted: Format) -> Iterator[bytes]:
    """The rows as bytes, a chunk for each part; one without rows is empty."""
    if wanted == "arrow":
        return arrow_stream(_batch([]), (_batch(part) if part else None for part in parts))
    return text_rows(COLUMNS, (map(_row, part) for part in parts), wanted)


def _row(one: OrderSummary) -> list[Any]:
    times = [_time(getattr(one, field)) for field in _TIMES.values()]
    return [*times, *(getattr(one, name) for name in COLUMNS[len(times) :])]


def _time(ns: int) -> str:
    return f"{datetime.fromtimestamp(ns // _NS, UTC):%Y-%m-%dT%H:%M:%S}.{ns % _NS:09d}Z"


def _batch(part: Sequence[OrderSummary]) -> object:
    kinds: dict[str, Any] = dict.fromkeys(_TIMES, na.timestamp("ns", timezone="UTC"))
    kinds |= dict.fromkeys(_TEXTS, na.string()) | {"in_doubt": na.bool_()} | dict.fromkeys(_NUMBERS, na.float64())
    columns = {name: [getattr(one, _TIMES.get(name, name)) for one in part] for name in kinds}
    children = [_child(kinds[name], values, is_time=name in _TIMES) for name, values in columns.items()]
    return na.c_array_from_buffers(na.struct(kinds), len(part), [None], children=children)


def _child(kind: object, values: list[Any], *, is_time: bool) -> object:
    if is_time:
        return na.c_array_from_buffers(kind, len(values), [None, array("q", values)])
    return na.c_array(values, kind)
