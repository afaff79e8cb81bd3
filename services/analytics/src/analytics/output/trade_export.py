"""Recent trades of one symbol for a notebook: what is asked for, and the rows in CSV, JSON lines or Arrow. Pure."""

import calendar
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import nanoarrow as na
import numpy as np

from analytics.arrays import Bools, Floats, Ints
from analytics.intake.labels import ORIGINS
from analytics.output.export_formats import (
    ExportError,
    Format,
    arrow_stream,
    check_names,
    row_limit,
    text_rows,
    whole_number,
)
from telemetry_schema import FIRST_NS, Origin
from telemetry_studies import StudyError, span_ns

_FRACTION: Final = re.compile(r"[.,](\d+)")

COLUMNS: Final = ("time", "price", "qty", "notional", "side", "source", "account", "replayed")
CHUNK_ROWS: Final = 512
"""Rows written without a break: about 1 ms."""

_PARAMETERS: Final = ("symbol", "origin", "since", "until", "limit")
_LAST_NS: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ExportQuery:
    """Which trades: those with `since_ns <= event_ns < until_ns`, the last `limit` of them."""

    symbol: str
    origin: Origin
    since_ns: int
    until_ns: int
    limit: int


@dataclass(frozen=True, slots=True)
class TradeRows:
    """Trades ascending by event time, columns of shape (n,)."""

    event_ns: Ints
    price: Floats
    qty: Floats
    is_buy: Bools
    source: list[str]
    account: list[str]
    replayed: Bools

    def __len__(self) -> int:
        return len(self.event_ns)


def parse_query(query: Mapping[str, str], *, now_ns: int, max_rows: int) -> ExportQuery:
    """The query of a request.

    `since` and `until` are a span before now ("5m"), a time ("2026-01-31T12:00:00Z") or UTC epoch nanoseconds.

    Raises:
        ExportError: a parameter is missing, unknown or wrong.
    """
    check_names(query, _PARAMETERS)
    symbol = query.get("symbol", "")
    if not symbol:
        raise ExportError("symbol is missing, as in /trades?symbol=BTC-USD&since=5m")
    origin = query.get("origin", "market")
    found: Origin | None = next((each for each in ORIGINS if each == origin), None)
    if found is None:
        raise ExportError(f"origin={origin!r}: it is {' or '.join(ORIGINS)}")
    return ExportQuery(
        symbol=symbol,
        origin=found,
        since_ns=_moment("since", query.get("since"), now_ns, 0),
        until_ns=_moment("until", query.get("until"), now_ns, _LAST_NS),
        limit=row_limit(query.get("limit"), max_rows),
    )


def _moment(name: str, text: str | None, now_ns: int, default: int) -> int:
    """UTC epoch nanoseconds, within what 64 bits hold."""
    if text is None:
        return default
    if (number := whole_number(text)) is not None:
        if 0 < number < FIRST_NS:
            raise ExportError(f"{name}={text}: as a number it is nanoseconds since 1970, of 18 or 19 digits")
        return min(number, _LAST_NS)
    try:
        return min(max(now_ns - span_ns(text), 0), _LAST_NS)
    except StudyError:
        pass
    try:
        # A plus sign in an address means a blank.
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        whole_s = calendar.timegm(moment.utctimetuple())
    except (ValueError, OverflowError):
        raise ExportError(f"{name}={text!r}: use a span (5m), a time (2026-01-31T12:00:00Z) or nanoseconds") from None
    return min(max(whole_s * 1_000_000_000 + _fraction_ns(text, moment), 0), _LAST_NS)


def _fraction_ns(text: str, moment: datetime) -> int:
    """Of the second, with the digits that a datetime drops: times go in as they came out."""
    digits = _FRACTION.search(text)
    return moment.microsecond * 1_000 if digits is None else int(digits[1][:9].ljust(9, "0"))


def encode_rows(rows: TradeRows, wanted: Format) -> Iterator[bytes]:
    """The rows as bytes, a chunk of `CHUNK_ROWS` at a time; without rows the head alone."""
    if wanted == "arrow":
        return arrow_stream(_batch(rows, slice(0, 0)), (_batch(rows, part) for part in _parts(rows)))
    return text_rows(COLUMNS, (_tuples(rows, part) for part in _parts(rows)), wanted)


def _parts(rows: TradeRows) -> Iterator[slice]:
    for begin in range(0, len(rows), CHUNK_ROWS):
        yield slice(begin, begin + CHUNK_ROWS)


def _tuples(rows: TradeRows, part: slice) -> Iterator[tuple[object, ...]]:
    price, qty = rows.price[part], rows.qty[part]
    times = np.datetime_as_string(rows.event_ns[part].view("datetime64[ns]")).tolist()
    return zip(
        (f"{time}Z" for time in times),
        price.tolist(),
        qty.tolist(),
        (price * qty).tolist(),
        np.where(rows.is_buy[part], "buy", "sell").tolist(),
        rows.source[part],
        rows.account[part],
        rows.replayed[part].tolist(),
        strict=True,
    )


def _batch(rows: TradeRows, part: slice) -> object:
    price, qty = rows.price[part], rows.qty[part]
    columns = {
        "time": (na.timestamp("ns", timezone="UTC"), rows.event_ns[part]),
        "price": (na.float64(), price),
        "qty": (na.float64(), qty),
        "notional": (na.float64(), price * qty),
        "side": (na.string(), np.where(rows.is_buy[part], "buy", "sell").tolist()),
        "source": (na.string(), rows.source[part]),
        "account": (na.string(), rows.account[part]),
        "replayed": (na.bool_(), rows.replayed[part].tolist()),
    }
    schema = na.struct({name: kind for name, (kind, _) in columns.items()})
    children = [_child(kind, values) for kind, values in columns.values()]
    return na.c_array_from_buffers(schema, len(price), [None], children=children)


def _child(kind: object, values: object) -> object:
    if isinstance(values, np.ndarray):
        return na.c_array_from_buffers(kind, len(values), [None, np.ascontiguousarray(values)])
    return na.c_array(values, kind)
