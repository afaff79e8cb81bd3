"""Numbers as people type them. Pure; the same rules as assets/numbers.js, both held to tests/ticket/numbers.json."""

import re
from decimal import Decimal
from typing import Final, Literal

Why = Literal["empty", "exponent", "thousands", "ambiguous", "not_a_number", "too_long", "zero"]

_NUMBER: Final = re.compile(r"([0-9]*)(?:([.,])([0-9]+))?", re.ASCII)
_EXPONENT: Final = re.compile(r"[+-]?[0-9.,]+e[+-]?[0-9]+", re.ASCII | re.IGNORECASE)
_THOUSANDS: Final = re.compile(r"[0-9][0-9.,'’\s_]*[0-9]")
_AMBIGUOUS_WHOLE: Final = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)
_MAX_CHARS: Final = 40
_THOUSAND_DIGITS: Final = 3


class UnreadableNumberError(ValueError):
    """A text that is no number above 0, or could be read in two ways."""

    def __init__(self, typed: str, why: Why) -> None:
        super().__init__(f"“{typed}” cannot be sent as a number ({why.replace('_', ' ')})")
        self.typed, self.why = typed, why


def read_number(typed: str) -> float:
    """A number above 0, with a point or a comma before its decimals.

    Raises:
        UnreadableNumberError: it is none.
    """
    trimmed = typed.strip()
    if not trimmed:
        raise UnreadableNumberError(typed, "empty")
    if len(trimmed) > _MAX_CHARS:
        raise UnreadableNumberError(typed, "too_long")
    found = _NUMBER.fullmatch(trimmed)
    if found is None:
        raise UnreadableNumberError(typed, _why_not(trimmed))
    whole, mark, fraction = found[1], found[2], found[3] or ""
    if mark == "," and len(fraction) == _THOUSAND_DIGITS and _AMBIGUOUS_WHOLE.fullmatch(whole):
        raise UnreadableNumberError(typed, "ambiguous")
    return _exactly(typed, Decimal(f"{whole or '0'}.{fraction or '0'}"))


def _exactly(typed: str, wanted: Decimal) -> float:
    value = float(wanted)
    if not value:
        raise UnreadableNumberError(typed, "zero")
    if Decimal(repr(value)) != wanted:
        # More digits than a float holds: what is typed would not be what is sent.
        raise UnreadableNumberError(typed, "too_long")
    return value


def _why_not(text: str) -> Why:
    if _EXPONENT.fullmatch(text):
        return "exponent"
    return "thousands" if _THOUSANDS.fullmatch(text) else "not_a_number"
