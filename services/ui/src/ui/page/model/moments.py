"""How long after its submit an event of an order was, by one clock. Pure.

As analytics measures: two stamps of one clock of `bot, adapter, venue`, and nothing where there are none.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from telemetry_schema import ClockName, OrderMoment

_CLOCKS: Final[tuple[ClockName, ...]] = ("bot", "adapter", "venue")
COARSE_NS: Final = 100_000_000
"""Two stamps whose resolutions add up to this much say nothing about a latency."""


class Since(NamedTuple):
    """A span by a clock; without one, why."""

    span_ns: int | None
    clock: str
    why: str = ""


def submit_of(moments: Sequence[OrderMoment]) -> OrderMoment | None:
    """The submit that counted."""
    found = (one for one in moments if one.event == "submit" and one.outcome != "duplicate")
    return next(found, None)


def since(start: OrderMoment | None, moment: OrderMoment) -> Since:
    """From the submit to an event."""
    if start is None:
        return Since(None, "", "no submit has come")
    if moment.replayed or start.replayed:
        return Since(None, "", "replayed: its stamps are of another time")
    first, second = _stamps(start), _stamps(moment)
    shared = [clock for clock in _CLOCKS if clock in first and clock in second]
    if not shared:
        return Since(None, "", "two clocks: their difference is not known")
    fine = [clock for clock in shared if first[clock][1] + second[clock][1] < COARSE_NS]
    if not fine:
        return Since(None, "", "the clock is too coarse")
    clock = fine[0]
    return Since(second[clock][0] - first[clock][0], clock)


def _stamps(moment: OrderMoment) -> dict[ClockName, tuple[int, int]]:
    """By clock: the stamp, and how coarse it is."""
    stamps: dict[ClockName, tuple[int, int]] = {moment.clock: (moment.event_ns, moment.resolution_ns)}
    if moment.seen_ns is not None and moment.seen_by is not None:
        stamps.setdefault(moment.seen_by, (moment.seen_ns, 1))
    return stamps
