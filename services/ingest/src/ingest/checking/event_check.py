"""The check of messages about bots' own orders: times, sizes, and numbers that are apart from those of trades. Pure.

Each kind (`order`, `quote`, `position`, `rate_limit`) of a source has its own numbers. They are followed as if each
kind were a source, under a name that joins both.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from ingest.checking.burst_check import ahead_text
from ingest.checking.outcomes import Checked, Refusal
from ingest.checking.sequences import RunKey, SequenceTracker
from ingest.checking.size_limits import SizeLimits
from ingest.checking.source_counts import OTHER
from telemetry_schema import (
    BotMessage,
    DecodeError,
    OrderEvent,
    PositionReport,
    Quote,
    RateLimitReport,
    Reason,
    RunAlive,
)
from telemetry_schema.batch import EventDecoder, SequencePosition, kind_of

_JOINT: Final = "\x1f"
"""No name holds a control character."""


def joint_name(kind: str, source: str) -> str:
    """What a kind of messages of a source is called in the sequences."""
    return f"{kind}{_JOINT}{source}"


def kind_and_source(name: str) -> tuple[str, str]:
    """What a name in the sequences stands for; those that have no label of their own are `other`."""
    kind, _, source = name.partition(_JOINT)
    return (kind, source) if source else (OTHER, OTHER)


class EventCheck:
    """Checks messages about orders.

    Args:
        sequences: their numbers.
        sizes: how large a quantity or price may be.
        max_ahead_ns: how far a time may be ahead of our clock.
        max_age_ns: how long ago a message may have been sent.
    """

    def __init__(self, sequences: SequenceTracker, sizes: SizeLimits, *, max_ahead_ns: int, max_age_ns: int) -> None:
        self._sequences, self._sizes = sequences, sizes
        self._max_ahead_ns, self._max_age_ns = max_ahead_ns, max_age_ns
        self._decoder = EventDecoder()

    def take(self, frame: bytes, checked: Checked, now_ns: int) -> bool:
        """Gives a frame its outcome if it certainly holds a message about orders; whether it does."""
        message = self._decoder.decode(frame)
        if message is None:
            return False
        self._check(message, kind_of(message), frame, checked, now_ns)
        return True

    def check(self, message: BotMessage, frame: bytes, checked: Checked, now_ns: int) -> None:
        """Gives a message its outcome in `checked`."""
        self._check(message, message.type, frame, checked, now_ns)

    def _check(self, message: BotMessage, kind: str, frame: bytes, checked: Checked, now_ns: int) -> None:
        name = joint_name(kind, message.source)
        fault = self._fault(message, kind, now_ns)
        if message.seq is not None and not self._is_new(message, name, message.seq, is_wrong=fault is not None):
            self._count_not_new(checked, kind, (name, message.run), message.seq)
        elif fault is not None:
            reason, detail = fault
            _refuse(checked, kind, Refusal(reason, detail, frame, 0, message.source))
        else:
            checked.tally.accepted += 1
            checked.event_tallies[kind].accepted += 1
            checked.events.append(frame)
            self._sequences.accept(name, 1, now_ns, numbered=message.seq is not None)

    def refuse(
        self,
        error: DecodeError,
        frame: bytes,
        checked: Checked,
        *,
        kind: str,
        position: SequencePosition | None,
        source: str | None,
    ) -> None:
        """Refuses what is not valid; its number, where it can be read, is not counted as lost as well."""
        if position is not None:
            self._sequences.mark(joint_name(kind, position.source), position.run, position.seq, 1)
        _refuse(checked, kind, Refusal(error.reason, error.detail, frame, 0, source))

    def reach(self, kind: str, report: RunAlive) -> None:
        """Takes a durable sender's word how far the numbers of a kind go; that of any other says nothing here."""
        name = joint_name(kind, report.source)
        if self._sequences.strict((name, report.run)) is not None:
            self._sequences.reach(name, report.run, report.next_seq, report.sent_ns, is_end=False)

    def count_unsequenced(self, message: BotMessage, now_ns: int) -> None:
        """Counts a message that was made here, by the desk."""
        self._sequences.accept(joint_name(message.type, message.source), 1, now_ns, numbered=False)

    def tick(self, now_ns: int, monotonic_ns: int) -> None:
        """Moves the time by which runs and sources are silent."""
        self._sequences.tick(now_ns, monotonic_ns)

    def _is_new(self, message: BotMessage, name: str, seq: int, *, is_wrong: bool) -> bool:
        if is_wrong:
            # Its times may be what is wrong, so they must not decide what is newer.
            return bool(self._sequences.mark(name, message.run, seq, 1).new)
        stamps = (message.event_ns, message.event_ns, message.sent_ns)
        return bool(self._sequences.observe(name, message.run, seq, 1, stamps).new)

    def _count_not_new(self, checked: Checked, kind: str, key: RunKey, seq: int) -> None:
        if self._sequences.is_ahead(key, seq):
            checked.out_of_order_messages += 1
            checked.tally.refused += 1
            checked.event_tallies[kind].refused += 1
        else:
            checked.tally.duplicate += 1
            checked.event_tallies[kind].duplicate += 1

    def _fault(self, message: BotMessage, kind: str, now_ns: int) -> tuple[Reason, str] | None:
        newest_ns = max(message.event_ns, message.sent_ns)
        if newest_ns > now_ns + self._max_ahead_ns:
            return Reason.FUTURE_TIME, ahead_text(newest_ns, now_ns)
        is_held_back = self._sequences.strict((joint_name(kind, message.source), message.run)) is not None
        if message.sent_ns < now_ns - self._max_age_ns and not is_held_back:
            age_h = (now_ns - message.sent_ns) / 3.6e12
            return Reason.PAST_TIME, f"sent {age_h:,.1f} h ago; check the sender's clock and that times are in ns"
        for price, qty in _SIZES[kind](message):
            if (price or qty) and (too_large := self._sizes.fault(price or 0.0, abs(qty or 0.0))):
                return Reason.OUT_OF_RANGE, too_large
        return None


def _refuse(checked: Checked, kind: str, refusal: Refusal) -> None:
    checked.refusals.append(refusal)
    checked.tally.refused += 1
    checked.event_tallies[kind].refused += 1


_Sizes: TypeAlias = tuple[tuple[float | None, float | None], ...]
"""Prices and quantities that belong together; money is checked like a quantity at a price of 1."""


def _of_order(message: OrderEvent) -> _Sizes:
    return (
        (message.price, message.qty),
        (message.last_price, message.last_qty),
        (message.avg_price, message.cum_qty),
        (1.0, message.fee),
        (message.stop_price, None),
        (message.decision_price, None),
        (message.arrival_price, None),
    )


def _of_quote(message: Quote) -> _Sizes:
    return (message.bid, None), (message.ask, None)


def _of_position(message: PositionReport) -> _Sizes:
    return (message.avg_price, message.qty), (1.0, message.realised), (1.0, message.unrealised)


def _of_rate_limit(message: RateLimitReport) -> _Sizes:
    return (1.0, message.used), (1.0, message.allowed)


_SIZES: Final[dict[str, Callable[[Any], _Sizes]]] = {
    "order": _of_order,
    "quote": _of_quote,
    "position": _of_position,
    "rate_limit": _of_rate_limit,
}
