"""Rows of CSV files of trades, whatever the file's layout.

The side is taken as recorded. Where there is no time of receipt the trade's own time stands for it, so that the feed
latency of such a replay is 0. Rows are not numbered: dumps leave numbers out.
"""

import csv
import re
from datetime import datetime
from typing import ClassVar, Final

from ingest.feeds.base import UNKNOWN_KIND, FeedTrade, ParsedFrame
from ingest.feeds.venues.csv_layout import CsvLayout, layout_of
from ingest.feeds.venues.frames import FrameError, Side, bounded_ns, positive, symbol, trade_price, utc_ns

_SIDES: Final[dict[str, Side]] = {
    **dict.fromkeys(("buy", "b", "bid", "buyer"), "buy"),
    **dict.fromkeys(("sell", "s", "ask", "a", "seller"), "sell"),
}
"""How files write the taker's side; `bid` and `ask` name the side of the book that the taker's order would stand on."""
_MAKERS: Final[dict[str, Side]] = {"true": "sell", "1": "sell", "false": "buy", "0": "buy"}
"""Whether the buyer was the maker, and the taker's side."""
_NO_TRADE: Final = "NA"
"""Kind of a row whose price and quantity are 0: Binance's futures use a number so."""

_DEFAULT_LAYOUT: Final = layout_of(b"symbol,side,price,amount,timestamp")

_is_epoch = re.compile(r"([0-9]{1,19})(?:\.([0-9]{1,9})[0-9]*)?", re.ASCII).fullmatch
_is_time = re.compile(
    r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:[.,](\d{1,9})\d*)? ?(Z|UTC|[+-]\d\d:?\d\d)?", re.ASCII | re.IGNORECASE
).fullmatch

_EPOCH_UNITS: Final = ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3))
"""Below each count, the nanoseconds of its unit: as seconds 10**11 is the year 5138, as milliseconds 1973, and so on.
From the last one on a count is in nanoseconds."""


class CsvParser:
    """Rows to trades; `name` is the symbol where there is no such column."""

    venue: ClassVar[str] = "csv"

    def __init__(self, source: str | None = None, layout: CsvLayout = _DEFAULT_LAYOUT, name: str | None = None) -> None:
        self._source, self._layout, self._name = source or self.venue, layout, name

    def parse(self, frame: bytes, received_ns: int) -> ParsedFrame:
        """The trade of one row, received at this time."""
        try:
            return self._parsed(self._split(frame), received_ns)
        except FrameError as error:
            return ParsedFrame(fault=str(error))

    def read(self, line: bytes) -> tuple[int, ParsedFrame]:
        """The time of receipt of a row (0 if it has none), and its trade."""
        layout = self._layout
        try:
            row = self._split(line)
            received_ns = row_time_ns(row[layout.time if layout.received is None else layout.received])
            return received_ns, self._parsed(row, received_ns)
        except FrameError as error:
            return 0, ParsedFrame(fault=str(error))

    @classmethod
    def knows(cls, frame: bytes) -> bool:
        """Whether a file that begins so is known, or the line is a row of the usual layout."""
        try:
            layout_of(frame)
        except FrameError:
            return bool(cls().parse(frame, 1).trades)
        return True

    def _split(self, line: bytes) -> list[str]:
        row = split_row(line, self._layout.delimiter)
        if not row:
            raise FrameError("not a line of UTF-8 text")
        if len(row) != self._layout.columns:
            raise FrameError(f"{len(row)} columns, not {self._layout.columns} as in the first row")
        return row

    def _parsed(self, row: list[str], received_ns: int) -> ParsedFrame:
        layout = self._layout
        price, qty = self._number(row[layout.price]), self._number(row[layout.qty])
        if _is_zero(price) and _is_zero(qty):
            return ParsedFrame(kind=_NO_TRADE)
        side = self._side(row)
        if side is None:
            return ParsedFrame(kind=UNKNOWN_KIND)
        event_ns = row_time_ns(row[layout.time])
        trade = FeedTrade(
            source=self._source,
            symbol=symbol(row[layout.symbol] if layout.symbol is not None else self._name or ""),
            side=side,
            qty=positive(qty, "quantity"),
            price=trade_price(price),
            event_ns=event_ns,
            sent_ns=event_ns,
            received_ns=received_ns,
            id=(row[layout.id][:64] or None) if layout.id is not None else None,
        )
        return ParsedFrame((trade,))

    def _number(self, text: str) -> str:
        """A number as it is written with a decimal point; spreadsheets that separate by `;` write a comma."""
        return text.replace(",", ".") if self._layout.delimiter == ";" else text

    def _side(self, row: list[str]) -> Side | None:
        """The taker's side; None where the file says that it is not known."""
        layout = self._layout
        column, sides = (layout.side, _SIDES) if layout.side is not None else (layout.maker, _MAKERS)
        text = row[column].lower() if column is not None else ""
        if text in sides:
            return sides[text]
        if text == "unknown":
            return None
        raise FrameError(f"side {text[:64]!r} is none of {', '.join(sides)}")


def split_row(line: bytes, delimiter: str = ",") -> list[str]:
    """The fields of one line, without blanks around them; none if it is not a line of text."""
    try:
        text = line.decode().strip("\r\n ")
        # A row without quotes, as nearly all are, is split in a third of the time.
        row = next(csv.reader([text], delimiter=delimiter, strict=True), []) if '"' in text else text.split(delimiter)
    except (UnicodeDecodeError, csv.Error):
        return []
    return [field.strip() for field in row]


def row_time_ns(text: str) -> int:
    """The time of a row: ISO 8601 with a zone, or an epoch count in s, ms, µs or ns; raises `FrameError`."""
    epoch = _is_epoch(text)
    if epoch:
        count = int(epoch[1])
        unit_ns = next((unit_ns for below, unit_ns in _EPOCH_UNITS if count < below), 1)
        return bounded_ns(count * unit_ns + int((epoch[2] or "").ljust(9, "0")) * unit_ns // 1_000_000_000)
    parts = _is_time(text)
    if parts is None:
        raise FrameError(f"{text[:64]!r} is not a time")
    if parts[3] is None:
        raise FrameError(f"{text[:64]!r} has no time zone")
    zone = "+00:00" if parts[3].upper() in {"Z", "UTC"} else parts[3]
    try:
        return bounded_ns(utc_ns(datetime.fromisoformat(parts[1] + zone)) + int((parts[2] or "").ljust(9, "0")))
    except ValueError as error:
        raise FrameError(f"{text[:64]!r} is not a time") from error


def _is_zero(text: str) -> bool:
    return not text.strip("0.") and "0" in text
