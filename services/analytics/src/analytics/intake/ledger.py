"""Counts of batches and trades by outcome. Outcomes are disjoint, and their sum is what was received."""

from bisect import bisect_left
from dataclasses import asdict, dataclass, field, fields
from typing import Final, Literal

from analytics.checkpoint.parts import State
from analytics.intake.streams import Admission, Place
from telemetry_schema.batch import BATCH_TRADES_BOUNDS

Outcome = Literal["accepted", "refused", "duplicate", "ignored"]

TRADES_AN_EVENT: Final = 64
"""To apply a message about an order takes about as long as to apply so many trades."""

REFUSED_BATCH: Final = "bad_batch"
"""The one reason for which analytics refuses: ingest has checked the trades, so only the frames can be wrong."""

_OUTCOMES: Final[dict[Place, Outcome]] = {
    Place.HEARTBEAT: "ignored",
    Place.OUT_OF_ORDER: "ignored",
    Place.NEXT: "accepted",
    Place.IMPOSSIBLE: "refused",
    Place.REPEATED: "duplicate",
}


@dataclass(slots=True)
class AnalyticsLedger:
    """Counts since the start, in batches and in trades."""

    batches: dict[Outcome, int] = field(
        default_factory=lambda: {"accepted": 0, "refused": 0, "duplicate": 0, "ignored": 0}
    )
    """Batches by outcome. Duplicate: all of its trades had been applied. Ignored: a heartbeat, or an
    out-of-order batch, which will be retransmitted."""
    applied: int = 0
    duplicate: int = 0
    lost: int = 0
    """Trades that the numbers of the streams say are missing."""
    late: int = 0
    """Applied trades that are in no window: older than an hour."""
    ahead: int = 0
    """Applied trades that are in no window: further in the future than can be."""
    oversized: int = 0
    """Applied trades that are left out of volume and notional: too large to be true."""
    symbol_overflow: int = 0
    """Applied trades that are counted under `other`, as there are too many symbols."""
    source_overflow: int = 0
    dropped: int = 0
    """Snapshots and confirmations that a UI's full queue did not take."""
    batch_trades: list[int] = field(default_factory=lambda: [0] * (len(BATCH_TRADES_BOUNDS) + 1))
    """Batches with trades by size, in the buckets of `BATCH_TRADES_BOUNDS` and one beyond."""
    batch_trades_sum: int = 0
    checkpoints: int = 0
    checkpoints_failed: int = 0
    """Checkpoints that the disk did not take."""
    rewound: int = 0
    """Applied trades that a power cut took from ingest's log: counted here, and unknown there."""
    applied_events: int = 0
    """Messages about orders; they are in no other count, but that of batches, lost and rewound."""
    duplicate_events: int = 0
    book_overflow: int = 0
    """Events of orders that are counted under `other`, as there are too many books."""

    def count(self, admission: Admission, trades: int) -> None:
        """Counts a batch."""
        self._count_batch(admission)
        if not (admission.is_applied and trades):
            return
        self.applied += trades - admission.repeated
        self.duplicate += admission.repeated
        self.batch_trades[bisect_left(BATCH_TRADES_BOUNDS, trades)] += 1
        self.batch_trades_sum += trades

    def count_events(self, admission: Admission, events: int) -> None:
        """Counts a batch of messages about orders."""
        self._count_batch(admission)
        if admission.is_applied:
            self.applied_events += events - admission.repeated
            self.duplicate_events += admission.repeated

    def _count_batch(self, admission: Admission) -> None:
        # By `is`, for the one that nearly all are: to look up a member of an enum calls back into Python.
        outcome = "accepted" if admission.place is Place.NEXT else _OUTCOMES[admission.place]
        self.batches[outcome] += 1
        self.lost += admission.lost
        self.rewound += admission.rewound

    @property
    def work(self) -> int:
        """What has been applied, in trades that would take as long."""
        return self.applied + TRADES_AN_EVENT * self.applied_events

    def state(self) -> State:
        """All counts."""
        return asdict(self)

    def restore(self, state: State) -> None:
        """Takes over all counts; those that an earlier version did not know begin at 0."""
        for name in (each.name for each in fields(self)):
            setattr(self, name, state.get(name, getattr(self, name)))

    def copy(self) -> "AnalyticsLedger":
        """The counts at this moment."""
        return AnalyticsLedger(
            dict(self.batches), self.applied, self.duplicate, self.lost, self.late, self.ahead, self.oversized,
            self.symbol_overflow, self.source_overflow, self.dropped, list(self.batch_trades), self.batch_trades_sum,
            self.checkpoints, self.checkpoints_failed, self.rewound, self.applied_events, self.duplicate_events,
            self.book_overflow,
        )  # fmt: skip
