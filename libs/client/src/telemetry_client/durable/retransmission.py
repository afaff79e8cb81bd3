"""Sends again what ingest has not acknowledged: because it misses a number, or because it says nothing.

ingest misses a number   all again, at once    ─ 3 times ─▶  that one with few behind it, ever later
─ 5 times ─▶  it is given up
no acknowledgement       ingest is asked, 1 s  ─▶  all again after 2, 4, 8, … 30 s
─ 4 times ─▶  the stream in front is parked, if ingest
takes all of another one
"""

import time
from collections.abc import Callable
from typing import Final

from telemetry_client.durable.held_queue import HeldQueue
from telemetry_client.durable.link import Link
from telemetry_client.durable.notices import LOG, Notices
from telemetry_client.durable.sender import QueueSender
from telemetry_client.durable.streams import MAX_IN_FLIGHT, QueueStream
from telemetry_client.run_counts import TRADE
from telemetry_schema import RunAlive, encode

_FIRST_STALL_S: Final = 1.0
_LONGEST_STALL_S: Final = 30.0
"""Without an acknowledgement for so long ingest is asked, and from the second time on all is sent again: doubled."""

_MIN_GO_BACK_S: Final = 0.2
"""Between two times that all is sent again: what is on its way must arrive first."""

_PROBED_AFTER: Final = 3
_PROBES: Final = 5
"""A message that ingest misses so often, each time with all sent again, is sent with only a few behind it, each time
twice as long after the last, so that a rate limit lets it through. After so many of these, 13 s, ingest cannot read it:
it is given up."""

_PROBE_MESSAGES: Final = 16

_PARKED_AFTER_STALLS: Final = 4
"""A stream whose first message is not acknowledged, however often all was sent again, holds others up: 31 s."""


class Retransmission:
    """Decides when all is sent again, what is given up, and which stream is parked. All of it under the queue's lock.

    Args:
        queue: what is held.
        sender: sends it.
        link: is broken where nobody takes a request.
        notices: where it is said what is not sent.
        ask: asks ingest which number of a stream comes next; whether anybody took the request.
    """

    def __init__(
        self,
        queue: HeldQueue,
        sender: QueueSender,
        link: Link,
        notices: Notices,
        ask: Callable[[QueueStream], bool],
    ) -> None:
        self._streams, self._sender, self._link, self._notices, self._ask = queue.streams, sender, link, notices, ask
        self.missing: tuple[QueueStream, int] | None = None
        """What ingest has missed, though later numbers came: all is to be sent again."""
        self.given_up_messages = 0
        self._go_back_at_s = 0.0
        self._is_word_due = False
        """Ingest is to hear how far the streams go that it does not acknowledge."""
        self._stall_s, self._stalls, self._progress_at_s = _FIRST_STALL_S, 0, 0.0

    def begin(self, now_s: float) -> None:
        """A new session: nothing is missing yet."""
        self.missing = None
        self.note_progress(now_s)

    def note_progress(self, now_s: float) -> None:
        """Ingest goes on."""
        self._progress_at_s, self._stall_s, self._stalls = now_s, _FIRST_STALL_S, 0

    def look_for_missing(self, now_s: float) -> None:
        """Sends all again where ingest has missed a message; gives that up if it stays so."""
        if self.missing is None or now_s < self._go_back_at_s:
            return
        (stream, seq), self.missing = self.missing, None
        if stream.first_seq > seq:
            return  # it has come since
        misses = self._streams.note_missed(stream)
        if misses > _PROBED_AFTER + _PROBES:
            self._give_up(stream, now_s)
        self._sender.most_in_flight = _PROBE_MESSAGES if misses > _PROBED_AFTER else MAX_IN_FLIGHT
        self._go_back(now_s, _MIN_GO_BACK_S * 2 ** max(0, misses - _PROBED_AFTER))

    def _give_up(self, stream: QueueStream, now_s: float) -> None:
        seq = self._streams.give_up(stream, now_s)
        if seq is not None:
            self.given_up_messages += 1
            text = "number %d of kind %s of run %s is given up: ingest takes what comes behind it, and never it"
            LOG.error(text, seq, stream.row.kind, stream.row.run)

    def look_for_stall(self, now_s: float) -> None:
        """Asks, and sends all again, where ingest acknowledges nothing for long."""
        if not self._streams.in_flight:
            self._progress_at_s = now_s
        elif now_s - self._progress_at_s > self._stall_s:
            self._progress_at_s, self._stalls = now_s, self._stalls + 1
            self._stall_s = min(2 * self._stall_s, _LONGEST_STALL_S)
            asked = [self._ask(stream) for stream in self._streams.by_id.values() if not stream.is_sent]
            if not all(asked):
                self._link.is_broken = True  # nobody is there who acknowledges
            if self._stalls > _PARKED_AFTER_STALLS and self._is_held_up_by_first():
                first = self._streams.in_flight[0][0]
                self._notices.say_of(first, "ingest does not take the first; the others pass them")
                self._sender.park(first, now_s)
            elif self._stalls > 1:
                self._go_back(now_s)

    def _is_held_up_by_first(self) -> bool:
        """Whether ingest has all of another stream that is in flight."""
        first = self._streams.in_flight[0][0]
        return any(stream is not first and stream.is_sent for stream, _, _ in self._streams.in_flight)

    def _go_back(self, now_s: float, wait_s: float = _MIN_GO_BACK_S) -> None:
        """Sends all again, not sooner than it was said to wait the last time; then for so long."""
        if now_s >= self._go_back_at_s:
            self._go_back_at_s = now_s + wait_s
            self._sender.go_back()
            self._is_word_due = True

    def say_how_far(self) -> None:
        """Once all is sent again: else ingest would not know that it misses the last message of a stream."""
        if not (self._is_word_due and self._sender.is_all_sent):
            return
        self._is_word_due = False
        for stream in self._streams.by_id.values():
            if stream.is_open and not stream.is_sent:
                self._link.offer(_word_of(stream))


def _word_of(stream: QueueStream) -> bytes:
    """Comes behind the messages of the stream, on the same way: what ingest does not have by then it cannot read."""
    _, source, run, kind = stream.row
    word = RunAlive.model_construct(
        source=source,
        run=run,
        next_seq=stream.sent_seq,
        sent_ns=time.time_ns(),
        kind=None if kind == TRADE else kind,  # type: ignore[arg-type]  # one of the kinds: it was made here
    )
    return encode(word)
