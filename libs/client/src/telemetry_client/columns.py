"""Columns of any kind as lists of plain Python values."""

from collections.abc import Iterable
from typing import Any, TypeAlias

from telemetry_client.checks import short
from telemetry_client.errors import InvalidTradeError

Texts: TypeAlias = str | Iterable[str]
"""A column of text, or one text that holds for all trades."""


def as_columns(
    symbol: Texts, side: Texts, qty: Iterable[float], price: Iterable[float], event_ns: Iterable[int] | int
) -> dict[str, list[Any]]:
    """The columns as lists of one length, by the names they have in `TradeColumns`; a single value is repeated.

    Raises:
        InvalidTradeError: one is no column, or they differ in length.
    """
    qtys = _list(qty, "qty")
    columns = {
        "symbol": [symbol] * len(qtys) if isinstance(symbol, str) else _list(symbol, "symbol"),
        "side": [side] * len(qtys) if isinstance(side, str) else _list(side, "side"),
        "qty": qtys,
        "price": _list(price, "price"),
        "event_ns": [event_ns] * len(qtys) if _is_whole(event_ns) else _list(event_ns, "event_ns"),
    }
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) != 1:
        raise InvalidTradeError(f"columns differ in length: {lengths}")
    return columns


def _is_whole(value: object) -> bool:
    """Whether it is one whole number; an array of one is a column."""
    return isinstance(value, int) or (hasattr(value, "__index__") and not hasattr(value, "__len__"))


def _list(column: Any, name: str) -> list[Any]:  # noqa: ANN401 - arrays of libraries that are not imported here
    """A column as a list; an array is asked for plain Python values, as its own scalars are none."""
    try:
        values = column.tolist() if hasattr(column, "tolist") else list(column)
    except (TypeError, ValueError) as error:
        raise InvalidTradeError(f"{name}: not a column: {error}") from error
    if not isinstance(values, list):
        raise InvalidTradeError(f"{name}: not a column: {short(column)}")
    return values
