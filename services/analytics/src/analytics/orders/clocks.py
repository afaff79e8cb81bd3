"""Latency between two events of an order: only ever from two stamps of one clock.

A bot's stamp and a venue's differ by the skew of two clocks, which is often larger than what is measured. So each event
keeps one stamp for each clock that saw it, and a stage is measured on the first clock of `bot, adapter, venue` that
stamped both ends. What cannot be measured is counted by reason and never estimated.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from msgspec import Struct

from telemetry_schema import ClockName, OrderEvent

CLOCKS: Final[tuple[ClockName, ...]] = ("bot", "adapter", "venue")

COARSE_NS: Final = 100_000_000
"""Two stamps whose resolutions add up to this much say nothing about a latency."""


class Stamp(Struct, frozen=True, order=True, array_like=True, gc=False):
    """A moment on one clock, UTC epoch nanoseconds, and how coarse it is."""

    at_ns: int
    resolution_ns: int


Stamps: TypeAlias = dict[ClockName, Stamp]


class Unmeasured(StrEnum):
    """Why a latency is not known."""

    NO_START = "no_start"
    TWO_CLOCKS = "two_clocks"
    COARSE_CLOCK = "coarse_clock"
    REPLAYED = "replayed"
    NEGATIVE = "negative"


class Latency(NamedTuple):
    """A measured span, in nanoseconds, and the clock that stamped both ends."""

    span_ns: int
    clock: ClockName


def stamps_of(event: OrderEvent) -> Stamps:
    """The stamps of an event, one for each clock that saw it."""
    stamps: Stamps = {event.clock: Stamp(event.event_ns, event.resolution_ns)}
    if event.seen_ns is not None and event.seen_by is not None and event.seen_by not in stamps:
        stamps[event.seen_by] = Stamp(event.seen_ns, 1)
    return stamps


def earliest(one: Stamps, other: Stamps) -> Stamps:
    """On each clock the earlier of two stamps."""
    return _picked(min, one, other)


def latest(one: Stamps, other: Stamps) -> Stamps:
    """On each clock the later of two stamps."""
    return _picked(max, one, other)


def _picked(pick: Callable[[Iterable[Stamp]], Stamp], one: Stamps, other: Stamps) -> Stamps:
    if not one:
        return other
    if len(one) == 1 and one.keys() == other.keys():
        # Mostly one clock stamps all that happens to an order.
        (clock,) = one
        return one if pick((one[clock], other[clock])) is one[clock] else other
    return {
        clock: pick(stamp for stamp in (one.get(clock), other.get(clock)) if stamp is not None)
        for clock in CLOCKS
        if clock in one or clock in other
    }


def measure(start: Stamps | None, end: Stamps) -> Latency | Unmeasured:
    """The latency from `start` to `end`, or why there is none."""
    if not start:
        return Unmeasured.NO_START
    why = Unmeasured.TWO_CLOCKS
    for clock in CLOCKS:
        begin, finish = start.get(clock), end.get(clock)
        if begin is None or finish is None:
            continue
        if begin.resolution_ns + finish.resolution_ns < COARSE_NS:
            span_ns = finish.at_ns - begin.at_ns
            return Latency(span_ns, clock) if span_ns >= 0 else Unmeasured.NEGATIVE
        why = Unmeasured.COARSE_CLOCK
    return why
