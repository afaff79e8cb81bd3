"""Recent trades of one symbol for a notebook: what is asked for, and the rows in CSV, JSON lines or Arrow. Pure."""

import calendar
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import Final, Literal, TypeAlias

import msgspec
import nanoarrow as na
import numpy as np
from nanoarrow.ipc import StreamWriter

from analytics.arrays import Bools, Floats, Ints
from analytics.intake.labels import ORIGINS
from telemetry_schema import FIRST_NS, Origin
from telemetry_studies import StudyError, span_ns

Format: TypeAlias = Literal["csv", "jsonl", "arrow"]

TYPES: Final[dict[Format, str]] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "arrow": "application/vnd.apache.arrow.stream",
}
_FORMATS: Final[dict[str, Format]] = {
    "application/vnd.apache.arrow.stream": "arrow",
    "application/arrow": "arrow",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "application/json": "jsonl",
    "text/csv": "csv",
    "text/*": "csv",
    "*/*": "csv",
}
"""By media range, as a client may name it."""

_FRACTION: Final = re.compile(r"[.,](\d+)")

_QUALITY: Final = re.compile(r"q\s*=\s*(0(?:\.\d*)?|1(?:\.0*)?)", re.IGNORECASE)

COLUMNS: Final = ("time", "price", "qty", "notional", "side", "source", "account", "replayed")
CHUNK_ROWS: Final = 512
"""Rows written without a break: about 1 ms."""

_PARAMETERS: Final = ("symbol", "origin", "since", "until", "limit")
_LAST_NS: Final = 2**63 - 1
_MOST_DIGITS: Final = 40


class ExportError(ValueError):
    """The query is wrong; the text says what and how."""


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


def refuse_repeated(query: Mapping[str, str]) -> None:
    """Raises `ExportError` where a parameter is there twice: which of them counts nobody can know."""
    twice = [name for name, times in Counter(name for name, _ in query.items()).items() if times > 1]
    if twice:
        raise ExportError(f"{twice[0]!r} is there twice")


def parse_query(query: Mapping[str, str], *, now_ns: int, max_rows: int) -> ExportQuery:
    """The query of a request.

    `since` and `until` are a span before now ("5m"), a time ("2026-01-31T12:00:00Z") or UTC epoch nanoseconds.

    Raises:
        ExportError: a parameter is missing, unknown or wrong.
    """
    unknown = [name for name in query if name not in _PARAMETERS]
    if unknown:
        raise ExportError(f"{unknown[0]!r} is not known; known are {', '.join(_PARAMETERS)}")
    refuse_repeated(query)
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
        limit=_limit(query.get("limit"), max_rows),
    )


def _moment(name: str, text: str | None, now_ns: int, default: int) -> int:
    """UTC epoch nanoseconds, within what 64 bits hold."""
    if text is None:
        return default
    if (number := _number(text)) is not None:
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


def _limit(text: str | None, max_rows: int) -> int:
    if text is None:
        return max_rows
    number = _number(text)
    if not number:
        raise ExportError(f"limit={text!r}: it is a number of rows, at least 1")
    return min(number, max_rows)


def _number(text: str) -> int | None:
    """A whole number in plain digits; one that is longer than any that counts here is as good as the largest."""
    if not (text.isascii() and text.isdigit()):
        return None
    return int(text) if len(text) <= _MOST_DIGITS else _LAST_NS


def chosen_format(accept: str) -> Format:
    """The format that a client asks for by its header Accept; CSV where it leaves the choice to us.

    Of several it is the one with the highest quality (`;q=0.5`), and of equal ones the first.
    """
    wanted = [(_quality(words), _FORMATS[name]) for name, words in _ranges(accept) if name in _FORMATS]
    best, found = max(wanted, key=itemgetter(0), default=(0.0, "csv"))
    return found if best > 0 else "csv"


def _ranges(accept: str) -> Iterator[tuple[str, list[str]]]:
    for each in accept.split(","):
        name, *words = each.split(";")
        yield name.strip().lower(), words


def _quality(words: list[str]) -> float:
    """From 0 to 1; what is no such number counts as 1, as if it were not there."""
    found = next((match for word in words if (match := _QUALITY.fullmatch(word.strip()))), None)
    return 1.0 if found is None else float(found[1])


def encode_rows(rows: TradeRows, wanted: Format) -> Iterator[bytes]:
    """The rows as bytes, a chunk of `CHUNK_ROWS` at a time; without rows the head alone."""
    if wanted == "arrow":
        yield from _arrow(rows)
        return
    if wanted == "csv":
        yield (",".join(COLUMNS) + "\n").encode()
    encode = _csv if wanted == "csv" else _jsonl
    for part in _parts(rows):
        yield encode(rows, part)


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


def _csv(rows: TradeRows, part: slice) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(_tuples(rows, part))
    return text.getvalue().encode()


def _jsonl(rows: TradeRows, part: slice) -> bytes:
    lines = [dict(zip(COLUMNS, values, strict=True)) for values in _tuples(rows, part)]
    return msgspec.json.Encoder().encode_lines(lines)


def _arrow(rows: TradeRows) -> Iterator[bytes]:
    """An Arrow IPC stream: the schema with no rows, and a record batch for each chunk."""
    out = io.BytesIO()
    with StreamWriter.from_writable(out) as writer:
        for part in (slice(0, 0), *_parts(rows)):
            writer.write_stream(na.c_array_stream(_batch(rows, part)))
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


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
