"""What a study returned, checked against what it declared."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, SupportsFloat, cast

from telemetry_studies.errors import StudyError
from telemetry_studies.gauges import Gauge

_MAX_LABEL_CHARS = 64


class Value(NamedTuple):
    """One value of a gauge; `label` is the value of its own label, empty where it has none."""

    gauge: str
    label: str
    value: float


def checked_values(gauges: Sequence[Gauge], returned: object) -> list[Value]:
    """The values that a study returned; those that are NaN are left out.

    Raises:
        StudyError: it is no dict of numbers by the names of the gauges. Its reason is `not_a_dict`, `unknown_gauge`,
            `not_a_number`, `infinite` or `too_many_labels`.
    """
    if not isinstance(returned, Mapping):
        raise StudyError(f"it returned {type(returned).__name__}, not a dict of values", reason="not_a_dict")
    known = {each.name: each for each in gauges}
    # A million names are as wrong as one: only the first is looked at.
    unknown = next((name for name in returned if name not in known), None)
    if unknown is not None:
        text = f"{str(unknown)[:_MAX_LABEL_CHARS]!r} is none of its gauges ({', '.join(known)})"
        raise StudyError(text, reason="unknown_gauge")
    return [value for name, given in returned.items() for value in _values(known[name], given)]


def _values(gauge: Gauge, given: object) -> Iterator[Value]:
    if gauge.label is None:
        yield from _value(gauge.name, "", given)
        return
    values = _by_label(given)
    if values is None:
        text = f"{gauge.name} has the label {gauge.label!r}: return a dict by its values"
        raise StudyError(text, reason="not_a_dict")
    if len(values) > gauge.max_values:
        text = f"{gauge.name} has {len(values)} values of {gauge.label!r}, at most {gauge.max_values}"
        raise StudyError(text, reason="too_many_labels")
    for label, value in values.items():
        yield from _value(gauge.name, str(label)[:_MAX_LABEL_CHARS], value)


def _by_label(given: object) -> Mapping[Any, object] | None:
    """The values by label, of a dict or of a pandas Series."""
    if not isinstance(given, Mapping) and hasattr(given, "to_dict"):
        given = given.to_dict()
    return given if isinstance(given, Mapping) else None


def _value(name: str, label: str, given: object) -> Iterator[Value]:
    if given is None or type(given).__name__ == "NAType":  # pandas' own None; it is not imported here
        return
    number = _number(name, given)
    if math.isinf(number):
        raise StudyError(f"{name} is infinite", reason="infinite")
    if not math.isnan(number):
        yield Value(name, label, number)


def _number(name: str, given: object) -> float:
    if not isinstance(given, str | bytes | bytearray):  # `float` would read them
        with suppress(TypeError, ValueError, OverflowError):
            return float(cast("SupportsFloat", given))
    raise StudyError(f"{name} is {type(given).__name__}, not a number", reason="not_a_number")
