"""How far one run has come, and what is said about it."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from telemetry_schema import RunAlive, RunEnd, encode

TRADE: Final = "trade"
"""The kind of messages of trades; the others are those of messages about orders."""


@dataclass(slots=True)
class RunCounts:
    """What a publisher counts; apart from it, as its end is reported when it is gone."""

    source: str
    run: str
    sent_trades: int = 0
    sent_messages: int = 0
    """Messages of trades, and about orders."""
    dropped_trades: int = 0
    next_seqs: Counter[str] = field(default_factory=Counter)
    """Of messages about orders, by kind: the number of the next one."""
    dropped_events: int = 0
    """Messages about orders that found the queue full."""

    @property
    def next_seq(self) -> int:
        """The number of the next trade."""
        return self.sent_trades + self.dropped_trades

    def take(self, trades: int, kind: str) -> int:
        """Counts a message as sent, before it is; its number.

        Before, as Ctrl+C may interrupt a bot at any line, and one that goes on must not use a number twice.
        """
        seq = self.next_seq if kind == TRADE else self.next_seqs[kind]
        self.sent_trades += trades
        self.next_seqs[kind] += kind != TRADE
        self.sent_messages += 1
        return seq

    def give_back(self, trades: int, kind: str) -> None:
        """Takes back `take`, as it was not sent."""
        self.sent_trades -= trades
        self.next_seqs[kind] -= kind != TRADE
        self.sent_messages -= 1

    def drop(self, trades: int, kind: str) -> None:
        """Counts a message that found the queue full; it keeps its number, so that ingest sees the gap."""
        self.dropped_trades += trades
        if kind != TRADE:
            self.next_seqs[kind] += 1
            self.dropped_events += 1

    def refuse(self, trades: int, kind: str) -> None:
        """Counts a message that was not taken, and has no number."""
        self.dropped_trades += trades
        self.dropped_events += kind != TRADE

    def alive(self, next_seq: int | None = None) -> bytes:
        """The message that says how far it has come: up to the number given, or the next one."""
        fields = self._fields()
        return encode(RunAlive.model_construct(**fields if next_seq is None else fields | {"next_seq": next_seq}))

    def end(self) -> bytes:
        """The message that says where it ended."""
        return encode(RunEnd.model_construct(**self._fields()))

    def _fields(self) -> dict[str, Any]:
        # Not validated: source and run were, and a clock that is wrong must not raise at the end of a bot.
        return {"source": self.source, "run": self.run, "next_seq": self.next_seq, "sent_ns": time.time_ns()}
