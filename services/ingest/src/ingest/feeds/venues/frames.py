"""How venues' JSON frames become values: the only place of the feeds that decodes JSON.

A venue's file declares the shape of its frames with `Frame` and the types here, and reads them with `Decoder`. Numbers
come as strings and stay exact until they become a float once; times become integers without passing through a float.
What a venue writes as a string today it may write as a number tomorrow, and the other way round: both are read.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import isfinite
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

import msgspec
from msgspec import Raw as Raw  # noqa: PLC0414 - for the venues, which do not import msgspec

from telemetry_schema import FIRST_NS, LAST_NS, MAX_NAME_BYTES, is_name

T = TypeVar("T")
Side = Literal["buy", "sell"]

Text = Annotated[str, msgspec.Meta(max_length=MAX_NAME_BYTES)]
"""A name or a number written as a string; no venue's is longer."""
Id = Annotated[int, msgspec.Meta(ge=0, le=LAST_NS)] | Text
"""A trade id that fits a sequence number, or an epoch count; for `whole`."""
Number = Text | int | float
"""A price or a quantity; for `positive` and `trade_price`."""
Utc = Annotated[datetime, msgspec.Meta(tz=True)]
"""RFC 3339 with a zone, to the microsecond."""

_MICROSECONDS_FROM: Final = 100_000_000_000_000
"""An epoch count from here on is in microseconds: as milliseconds it is the year 5138, as microseconds 1973."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

_is_decimal = re.compile(r"[0-9]{1,40}(\.[0-9]{0,40})?([eE][+-]?[0-9]{1,3})?", re.ASCII).fullmatch
_is_seconds = re.compile(r"([0-9]{1,10})(?:\.([0-9]{1,9}))?", re.ASCII).fullmatch


class FrameError(ValueError):
    """A frame is not as the venue documents it."""


class Frame(msgspec.Struct, gc=False):
    """Base of the shapes of venues' frames; fields that are not declared are skipped, not checked."""


class Decoder(Generic[T]):
    """Reads frames of one shape."""

    def __init__(self, shape: type[T] | Any) -> None:  # noqa: ANN401 - annotated types and unions are no `type[T]`
        self._decode = msgspec.json.Decoder(shape).decode

    def decode(self, frame: bytes | Raw) -> T:
        """The frame's values.

        Raises:
            FrameError: it is not JSON, or not of this shape.
        """
        try:
            values: T = self._decode(frame)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise FrameError(str(error)[:200]) from error
        return values


def positive(number: str | float, what: str) -> float:
    """A decimal above 0; NaN, infinities, signs, blanks and underscores, which `float` would read, are refused."""
    if not isinstance(number, str) or _is_decimal(number):
        value = float(number)
        if 0.0 < value < float("inf"):
            return value
    raise FrameError(f"{what} {number!r} is not a decimal above 0")


def trade_price(number: str | float) -> float:
    """A finite decimal of any sign: spreads, and oil in April 2020, trade at 0 and below."""
    if not isinstance(number, str) or _is_decimal(number.removeprefix("-")):
        value = float(number)
        if isfinite(value):
            return value
    raise FrameError(f"price {number!r} is not a decimal")


def whole(number: int | str) -> int:
    """A whole number that fits a sequence number."""
    if isinstance(number, int):
        return number
    if number.isascii() and number.isdigit() and len(number) < len(str(LAST_NS)):
        return int(number)
    raise FrameError(f"{number!r} is not a whole number")


def taker_side(text: str) -> Side:
    """`buy` or `sell`, in any letter case."""
    lower = text.lower()
    if lower == "buy":
        return "buy"
    if lower == "sell":
        return "sell"
    raise FrameError(f"side {text!r} is neither buy nor sell")


@lru_cache(maxsize=8192)
def symbol(text: str) -> str:
    """A symbol that can be a label."""
    if is_name(text):
        return text
    raise FrameError(f"{text!r} is not a symbol")


def epoch_ns(number: int | str) -> int:
    """Epoch milliseconds or microseconds, distinguished by their magnitude, to nanoseconds."""
    count = whole(number)
    return bounded_ns(count * (1_000_000 if count < _MICROSECONDS_FROM else 1_000))


def utc_ns(time: datetime) -> int:
    """An aware datetime to epoch nanoseconds."""
    return bounded_ns((time - _EPOCH) // _MICROSECOND * 1_000)


def seconds_ns(text: str) -> int:
    """Epoch seconds with up to 9 decimals to nanoseconds, exactly."""
    parts = _is_seconds(text)
    if parts is None:
        raise FrameError(f"{text!r} is not a time in seconds")
    return bounded_ns(int(parts[1]) * 1_000_000_000 + int((parts[2] or "").ljust(9, "0")))


def bounded_ns(time_ns: int) -> int:
    """The time, if it is one that the schema accepts."""
    if FIRST_NS <= time_ns <= LAST_NS:
        return time_ns
    raise FrameError(f"{time_ns} ns is not a time between 1973 and 2262")
