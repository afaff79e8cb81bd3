"""How far one run has come, and what is said about it."""

import time
from dataclasses import dataclass
from typing import Any

from telemetry_schema import RunAlive, RunEnd, encode


@dataclass(slots=True)
class RunCounts:
    """What a publisher counts; apart from it, as its end is reported when it is gone."""

    source: str
    run: str
    sent_trades: int = 0
    sent_messages: int = 0
    """Messages of trades."""
    dropped_trades: int = 0

    @property
    def next_seq(self) -> int:
        """The number of the next trade."""
        return self.sent_trades + self.dropped_trades

    def alive(self) -> bytes:
        """The message that says how far it has come."""
        return encode(RunAlive.model_construct(**self._fields()))

    def end(self) -> bytes:
        """The message that says where it ended."""
        return encode(RunEnd.model_construct(**self._fields()))

    def _fields(self) -> dict[str, Any]:
        # Not validated: source and run were, and a clock that is wrong must not raise at the end of a bot.
        return {"source": self.source, "run": self.run, "next_seq": self.next_seq, "sent_ns": time.time_ns()}
