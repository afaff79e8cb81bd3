"""What a run has found."""

from dataclasses import asdict, dataclass

from hdrh.histogram import HdrHistogram

from loadtest.latency import Percentiles
from loadtest.ledger import LoadLedger
from loadtest.options import Load
from loadtest.sender import Second
from loadtest.usage import Usage

END_TO_END = "end_to_end"

CLIENT = "client"

STAGES = {
    CLIENT: "due → sent, at the senders",
    "wire": "due → received by ingest",
    "process": "received → applied by analytics",
    END_TO_END: "due → applied by analytics",
}
"""Stages and what they span. The services measure from `sent_ns`, which the load test sets to the due time."""


LATE_SHARE = 0.5
"""The sender was late itself when this share of p99 passed before the trades left it."""

LATE_MS = 1.0
"""Below this half of p99 nobody was late."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The state about once a second, `at_s` seconds after the start; p50 and p99 of what was applied since the last."""

    at_s: float
    applied_trades: int
    p50_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class Result:
    """One run. `span_s` is from the first due time to the last send, `drain_s` from there until all was settled."""

    load: Load
    span_s: float
    drain_s: float
    sender_cpu_s: float
    messages: int
    ledger: LoadLedger
    stages: dict[str, HdrHistogram]
    usage: list[Usage]
    sent_seconds: list[Second]
    moments: list[Moment]
    interrupted: bool

    @property
    def sent_rate(self) -> float:
        """Trades a second that were handed to ZeroMQ."""
        return self.ledger.sent / self.span_s if self.span_s else 0.0

    @property
    def applied_rate(self) -> float:
        """Trades a second from the first due time until the last one was seen applied."""
        return self.ledger.applied / (self.span_s + self.drain_s) if self.span_s else 0.0

    @property
    def p99_ms(self) -> float | None:
        """The 99th percentile from due to applied."""
        found = Percentiles.of(self.stages[END_TO_END])
        return None if found is None else found.p99_ms

    @property
    def sender_was_late(self) -> bool:
        """Whether the time until sending makes up most of p99: then the figures are the sender's, not the stack's."""
        sent = Percentiles.of(self.stages[CLIENT])
        return sent is not None and self.p99_ms is not None and sent.p99_ms >= LATE_SHARE * self.p99_ms > LATE_MS

    @property
    def foreign_trades(self) -> int:
        """Trades of others that were applied meanwhile: the services' latencies are of these too."""
        found = Percentiles.of(self.stages[END_TO_END])
        return 0 if found is None else max(0, found.count - self.ledger.applied)

    def as_dict(self) -> dict[str, object]:
        """For the JSON report."""
        stages = {name: Percentiles.of(histogram) for name, histogram in self.stages.items()}
        load = asdict(self.load)
        return {
            "load": {**load, "pattern": None if self.load.pattern is None else self.load.pattern.name},
            "sent_rate": self.sent_rate,
            "applied_rate": self.applied_rate,
            "span_s": self.span_s,
            "drain_s": self.drain_s,
            "messages": self.messages,
            "sender_cpu_us_per_message": 1e6 * self.sender_cpu_s / self.messages if self.messages else None,
            "ledger": self.ledger.as_dict(),
            "latency": {name: found.as_dict() if found else None for name, found in stages.items()},
            "usage": [asdict(usage) for usage in self.usage],
            "sent_seconds": [asdict(second) for second in self.sent_seconds],
            "moments": [asdict(moment) for moment in self.moments],
            "sender_was_late": self.sender_was_late,
            "foreign_trades": self.foreign_trades,
            "interrupted": self.interrupted,
        }
