"""Latency of orders by stage, as histograms with exemplars.

| stage | from | to |
|---|---|---|
| tick | receipt of the market data it acted on | submit |
| decision | decision of the strategy | submit |
| ack | submit | acknowledgement |
| first_fill | submit | first fill |
| complete | submit | the fill that completes it |
| cancel | cancel request | cancel |
| replace | replace request | replace |

A stage is counted once an order (a replace once an alias), as soon as both ends are known. One that has an end and
never got a start is counted as `no_start` when the order is forgotten: until then the start may still come.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from msgspec import Struct, convert

from analytics.checkpoint.parts import State
from analytics.orders.books import OTHER
from analytics.orders.clocks import Latency, Stamp, Stamps, Unmeasured, measure, stamps_of
from analytics.orders.order import LAST_FILL, BotOrder, stamp_key
from analytics.orders.order_states import OrderState
from telemetry_schema import ClockName, OrderEvent

STAGES: Final = ("tick", "decision", "ack", "first_fill", "complete", "cancel", "replace")

BOUNDS_S: Final = (
    *(1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
_BOUNDS_NS: Final = tuple(round(bound * 1e9) for bound in BOUNDS_S)

MAX_PLACES: Final = 20
"""Pairs of account and venue with histograms of their own; those beyond share `other`."""


EXEMPLAR_MAX_AGE_NS: Final = 60_000_000_000
"""A slow order stands for its bucket for so long: then any newer one is of more use."""


class Exemplar(Struct, frozen=True, array_like=True, gc=False):
    """An order that stands for a bucket: its id, its latency, and when it was measured (UTC epoch nanoseconds)."""

    order_id: str
    span_ns: int
    at_ns: int


class LatencyLabels(NamedTuple):
    """Labels of one histogram."""

    account: str
    venue: str
    stage: str
    clock: str


@dataclass(slots=True)
class Histogram:
    """Counts by bucket (the last one is +Inf), the sum in nanoseconds, and the slowest recent order of each bucket."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    sum_ns: int = 0
    exemplars: dict[int, Exemplar] = field(default_factory=dict)

    def add(self, exemplar: Exemplar) -> None:
        """Counts one latency."""
        bucket = bisect_left(_BOUNDS_NS, exemplar.span_ns)
        self.counts[bucket] += 1
        self.sum_ns += exemplar.span_ns
        slowest = self.exemplars.get(bucket)
        if (
            slowest is None
            or exemplar.span_ns >= slowest.span_ns
            or exemplar.at_ns > slowest.at_ns + EXEMPLAR_MAX_AGE_NS
        ):
            self.exemplars[bucket] = exemplar


class OrderLatencies:
    """The histograms of all accounts and venues, and what could not be measured."""

    def __init__(self) -> None:
        self._places: set[tuple[str, str]] = set()
        self.histograms: dict[tuple[str, str, str, str], Histogram] = defaultdict(Histogram)
        """By the parts of `LatencyLabels`."""
        self.unmeasured: dict[tuple[str, str], int] = defaultdict(int)

    def see(self, order: BotOrder, event: OrderEvent, *, before: OrderState) -> int | None:
        """Counts the stages that an event completes; `event` is in `order` already.

        Returns:
            The span of the acknowledgement in nanoseconds, if it was measured now.
        """
        stages, ack_ns = _STAGES_OF.get(event.event), None
        if stages is None:
            return None
        for stage, start, end in stages(order, event, before):
            name = f"{stage} {event.alias}" if stage == "replace" and event.alias is not None else stage
            if end is None or name in order.measured:
                continue
            span_ns = self._measure(order, event, (stage, name), start, end)
            ack_ns = span_ns if stage == "ack" else ack_ns
        return ack_ns

    def _measure(
        self, order: BotOrder, event: OrderEvent, stage: tuple[str, str], start: Stamps | None, end: Stamps
    ) -> int | None:
        label, name = stage
        is_replayed = not end or (start is not None and not start)
        span = Unmeasured.REPLAYED if is_replayed else measure(start, end)
        if span is Unmeasured.NO_START:
            return None
        order.measured.add(name)
        if isinstance(span, Latency):
            histogram = self._histogram(order, label, span.clock)
            histogram.add(Exemplar(order.order_id, span.span_ns, event.sent_ns))
            return span.span_ns
        self.unmeasured[label, span] += 1
        return None

    def forget(self, order: BotOrder) -> None:
        """Counts the stages of an order that is forgotten whose start never came."""
        for stage, ends in (("ack", "ack"), ("first_fill", "fill"), ("cancel", "cancel")):
            if ends in order.stamps and stage not in order.measured:
                self.unmeasured[stage, Unmeasured.NO_START] += 1
        if order.state is OrderState.FILLED and "complete" not in order.measured:
            self.unmeasured["complete", Unmeasured.NO_START] += 1

    def state(self) -> State:
        """All histograms."""
        return {
            "places": list(self._places),
            "histograms": list(self.histograms.items()),
            "unmeasured": list(self.unmeasured.items()),
        }

    def restore(self, state: State) -> None:
        """Takes them over."""
        self._places = {(account, venue) for account, venue in state["places"]}
        for labels, histogram in state["histograms"]:
            self.histograms[LatencyLabels(*labels)] = convert(histogram, Histogram)
        self.unmeasured.update(((stage, reason), count) for (stage, reason), count in state["unmeasured"])

    def _histogram(self, order: BotOrder, stage: str, clock: ClockName) -> Histogram:
        known = self.histograms.get((order.account, order.venue, stage, clock))
        return self.histograms[self._labels(order, stage, clock)] if known is None else known

    def _labels(self, order: BotOrder, stage: str, clock: ClockName) -> LatencyLabels:
        place = (order.account, order.venue)
        if place not in self._places:
            if len(self._places) >= MAX_PLACES:
                place = (OTHER, OTHER)
            self._places.add(place)
        return LatencyLabels(*place, stage, clock)


_Stage: TypeAlias = tuple[str, Stamps | None, Stamps | None]
"""Name, stamps of the start, stamps of the end; empty where all are replayed, None where there are none."""


def _of_submit(order: BotOrder, event: OrderEvent, _before: OrderState) -> Iterable[_Stage]:
    submit = _stamps(order, "submit")
    inside = [] if event.replayed else _before_submit(event)
    completed = [("complete", submit, _last_fill(order))] if order.state is OrderState.FILLED else []
    return *inside, ("ack", submit, _stamps(order, "ack")), ("first_fill", submit, _stamps(order, "fill")), *completed


def _of_ack(order: BotOrder, _event: OrderEvent, _before: OrderState) -> Iterable[_Stage]:
    return (("ack", _stamps(order, "submit"), _stamps(order, "ack")),)


def _of_fill(order: BotOrder, _event: OrderEvent, before: OrderState) -> Iterable[_Stage]:
    submit = _stamps(order, "submit")
    first = ("first_fill", submit, _stamps(order, "fill"))
    if order.state is not OrderState.FILLED or before is OrderState.FILLED:
        return (first,)
    return first, ("complete", submit, _last_fill(order))


def _of_cancel(order: BotOrder, _event: OrderEvent, _before: OrderState) -> Iterable[_Stage]:
    return (("cancel", _stamps(order, "cancel_request"), _stamps(order, "cancel")),)


def _of_replace(order: BotOrder, event: OrderEvent, _before: OrderState) -> Iterable[_Stage]:
    request, done = (stamp_key(each, event.alias) for each in ("replace_request", "replace"))
    return (("replace", order.stamps.get(request), order.stamps.get(done)),)


_STAGES_OF: Final[dict[str, Callable[[BotOrder, OrderEvent, OrderState], Iterable[_Stage]]]] = {
    "submit": _of_submit,
    "ack": _of_ack,
    "fill": _of_fill,
    "cancel_request": _of_cancel,
    "cancel": _of_cancel,
    "replace_request": _of_replace,
    "replace": _of_replace,
}
"""By event the stages that it may complete."""


def _stamps(order: BotOrder, event: str) -> Stamps | None:
    stamps = order.stamps.get(event)
    return {} if stamps is None and event in order.replayed_events else stamps


def _last_fill(order: BotOrder) -> Stamps | None:
    """Of the fills that have come the latest on each clock, which need not be the one that came last."""
    return {} if "fill" in order.replayed_events else order.stamps.get(LAST_FILL)


def _before_submit(event: OrderEvent) -> list[_Stage]:
    """Stages inside the sender: its own clock stamped both ends."""
    if event.tick_ns is None and event.decision_ns is None:
        return []
    end = stamps_of(event)
    clock: ClockName = "adapter" if event.clock == "adapter" else "bot"
    begins = (("tick", event.tick_ns), ("decision", event.decision_ns))
    return [(stage, {clock: Stamp(at_ns, 1)}, end) for stage, at_ns in begins if at_ns is not None]
