"""Rows `symbol,side,price,amount,timestamp` of a CSV file of trades.

The side is taken as recorded, and there is no id. Nor is there a time of receipt: the trade's own time stands for it,
so that the feed latency of such a replay is 0.
"""

import csv
from datetime import datetime
from typing import ClassVar, Final

from ingest.feeds.base import FeedTrade, ParsedFrame
from ingest.feeds.venues.frames import FrameError, positive, symbol, utc_ns

HEADER: Final = ("symbol", "side", "price", "amount", "timestamp")
_SIDES: Final = ("buy", "sell")


def split_row(line: bytes) -> list[str]:
    """The fields of one line; none if it is not a line of text."""
    try:
        return next(csv.reader([line.decode().strip()], strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        return []


class CsvParser:
    """Rows to trades."""

    venue: ClassVar[str] = "csv"

    def __init__(self, source: str | None = None) -> None:
        self._source = source or self.venue

    def parse(self, frame: bytes, received_ns: int) -> ParsedFrame:
        """The trade of one row, received at this time."""
        try:
            return ParsedFrame((self._trade(split_row(frame), received_ns),))
        except FrameError as error:
            return ParsedFrame(fault=str(error))

    @classmethod
    def knows(cls, frame: bytes) -> bool:
        """Whether the line has the columns of a row, and a side where it belongs."""
        row = split_row(frame)
        return len(row) == len(HEADER) and row[1] in _SIDES

    def _trade(self, row: list[str], received_ns: int) -> FeedTrade:
        if len(row) != len(HEADER):
            raise FrameError(f"{len(row)} columns, not {len(HEADER)}: {','.join(HEADER)}")
        name, side, price, amount, time = row
        if side not in _SIDES:
            raise FrameError(f"side {side[:64]!r} is neither buy nor sell")
        event_ns = row_time_ns(time)
        return FeedTrade(
            source=self._source,
            symbol=symbol(name),
            side="buy" if side == "buy" else "sell",
            qty=positive(amount, "amount"),
            price=positive(price, "price"),
            event_ns=event_ns,
            sent_ns=event_ns,
            received_ns=received_ns,
        )


def row_time_ns(text: str) -> int:
    """The time of a row, ISO 8601 with a zone; raises `FrameError`."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise FrameError(f"{text[:64]!r} is not a time") from error
    if time.tzinfo is None:
        raise FrameError(f"{text[:64]!r} has no time zone")
    return utc_ns(time)
