"""Where a CSV file of trades has what: by its header, in any order and letter case, or as a known dump without one.

| known | columns |
|---|---|
| any with a header | price, quantity, time and side (or `is_buyer_maker`) under their usual names; symbol, id |
| Tardis | `exchange,symbol,timestamp,local_timestamp,id,side,price,amount` |
| Binance's public dumps | `trades` and `aggTrades`, spot and futures, with and without header |
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ingest.feeds.venues.frames import FrameError

_NAMES: Final = {
    "symbol": ("symbol", "instrument", "instrument_name", "pair", "market", "product_id", "instid", "ticker"),
    "side": ("side", "taker_side", "aggressor_side", "direction"),
    "maker": ("is_buyer_maker", "isbuyermaker", "buyer_maker", "was_the_buyer_the_maker"),
    "price": ("price", "px"),
    # Binance's coin-margined dumps have contracts in `qty`.
    "qty": ("base_qty", "amount", "qty", "quantity", "size", "volume", "sz"),
    "time": (
        "timestamp",
        "time",
        "event_time",
        "trade_time",
        "transact_time",
        "created_time",
        "ts_event",
        "datetime",
        "date",
        "ts",
    ),
    "received": ("local_timestamp", "received", "received_at", "receipt_timestamp", "ts_recv"),
    "id": ("id", "trade_id", "tradeid", "agg_trade_id", "trdmatchid", "tid"),
}
"""The names of each column that is used, in lower case with `_` for blanks; the first one that is there is taken."""

_DUMPS: Final = {
    "id,price,qty,quote_qty,time,is_buyer_maker": "nnnnnb",
    "id,price,qty,quote_qty,time,is_buyer_maker,is_best_match": "nnnnnbb",
    "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker": "nnnnnnb",
    "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker,is_best_match": "nnnnnnbb",
}
"""Binance's dumps, which often have no header, by the shape of a row: n a number, b true or false."""

_DELIMITERS: Final = ",;\t|"
_MAX_SHOWN_CHARS: Final = 200
_is_number = re.compile(r"-?[0-9]{1,40}(\.[0-9]{0,40})?(e[+-]?[0-9]{1,3})?", re.ASCII).fullmatch

KNOWN: Final = (
    "symbol,side,price,amount,timestamp in any order and letter case; Tardis; "
    "Binance's public dumps of trades and aggTrades"
)
"""For a person whose file is none of these."""


@dataclass(frozen=True, slots=True)
class CsvLayout:
    """The index of each column that is used; None where there is no such column."""

    delimiter: str
    columns: int
    price: int
    qty: int
    time: int
    side: int | None = None
    maker: int | None = None
    """Whether the buyer was the maker: a taker's sell."""
    symbol: int | None = None
    received: int | None = None
    id: int | None = None
    has_header: bool = True


def is_remark(line: bytes) -> bool:
    """Whether a line before the header is none of the table: blank, a comment, or a spreadsheet's `sep=;`."""
    text = line.strip(b'" \t\r\n').lower()
    return not text or text.startswith((b"#", b"sep="))


def layout_of(line: bytes) -> CsvLayout:
    """The layout of the file that begins with this line.

    Raises:
        FrameError: it is not known; says which header was found and which are known.
    """
    text = line.decode(errors="replace").strip()
    delimiter = max(_DELIMITERS, key=text.count)
    fields = text.split(delimiter)
    names = [_name(field) for field in fields]
    shape = "".join(map(_shape, fields))
    header = next((header for header, known in _DUMPS.items() if known == shape), None)
    if header:
        return _layout(header.split(","), delimiter, has_header=False)
    try:
        return _layout(names, delimiter, has_header=True)
    except FrameError as error:
        raise FrameError(f"{error} in its header {text[:_MAX_SHOWN_CHARS]!r}; known are: {KNOWN}") from error


def _layout(names: Sequence[str], delimiter: str, *, has_header: bool) -> CsvLayout:
    found = {
        column: next((names.index(name) for name in usual if name in names), None) for column, usual in _NAMES.items()
    }
    price, qty, time = found["price"], found["qty"], found["time"]
    sided = found["side"] is not None or found["maker"] is not None
    if price is None or qty is None or time is None or not sided:
        missing = [column for column in ("price", "qty", "time") if found[column] is None]
        raise FrameError(f"no column for {', '.join([*missing, *([] if sided else ['side'])])}")
    return CsvLayout(
        delimiter,
        len(names),
        price=price,
        qty=qty,
        time=time,
        side=found["side"],
        maker=found["maker"] if found["side"] is None else None,
        symbol=found["symbol"],
        received=found["received"],
        id=found["id"],
        has_header=has_header,
    )


def _name(field: str) -> str:
    return field.strip().strip("\"'").strip().lower().replace(" ", "_").replace("-", "_")


def _shape(field: str) -> str:
    text = field.strip().strip("\"'").lower()
    if text in {"true", "false"}:
        return "b"
    return "n" if _is_number(text) else "?"
