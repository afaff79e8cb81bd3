"""The session with ingest: connects, asks where each stream goes on, sends, and takes what is acknowledged.

    no sockets ──connect──▶ connecting ──both handshakes──▶ asked, for each stream ──Ack──▶ open: it is sent
         ▲                                                                                    │
         └──────────────── the connection breaks: both sockets are closed ◀────────────────────┘

Nothing of a stream is sent before ingest has said in this session which number it takes next.
"""

import time
from typing import Final

from telemetry_client.durable.acknowledgements import Acknowledgements
from telemetry_client.durable.held_queue import HeldQueue
from telemetry_client.durable.link import Link
from telemetry_client.durable.notices import Notices
from telemetry_client.durable.retransmission import Retransmission
from telemetry_client.durable.sender import QueueSender
from telemetry_client.durable.streams import QueueStream
from telemetry_schema import AckRequest, RunEnd, encode

_FIRST_WAIT_S: Final = 0.05
_LONGEST_WAIT_S: Final = 1.0
"""Between tries to connect: doubled each time."""

_ASK_AGAIN_S: Final = 0.5
"""An ingest that has not said where to go on is asked again after this time."""

_PARKED_AFTER_S: Final = 5.0
"""A stream that ingest says nothing about, while it does about others, holds these up for so long."""

_REPORT_S: Final = 2.0
"""How often ingest hears what is held, and that the streams go on."""


class IngestSession:
    """What the thread does, step by step. All of it under the queue's lock, but for the wait between two steps."""

    def __init__(self, queue: HeldQueue, sender: QueueSender, link: Link, notices: Notices) -> None:
        self._queue, self._streams, self._sender = queue, queue.streams, sender
        self._link, self._notices = link, notices
        self._number = 0
        """Of the session: acknowledgements of an earlier one are not for this one."""
        self._connect_at_s = self._report_at_s = 0.0
        self._wait_s = _FIRST_WAIT_S
        self._retransmission = Retransmission(queue, sender, link, notices, self._ask)
        self._acknowledgements = Acknowledgements(queue, sender, self._retransmission, notices)

    @property
    def given_up_messages(self) -> int:
        """Messages that ingest could not read."""
        return self._retransmission.given_up_messages

    def advance(self, now_s: float) -> float:
        """One step: connects, asks, sends; for how long nothing else is due."""
        if not self._keep_connected(now_s):
            return max(0.0, min(self._connect_at_s - now_s, _LONGEST_WAIT_S)) if not self._link.is_open else 0.1
        if not self._sender.has_session:
            self._begin(now_s)
        self._ask_closed(now_s)
        self._retransmission.look_for_missing(now_s)
        self._retransmission.look_for_stall(now_s)
        self._report(now_s)
        has_more = not self._sender.is_all_sent and self._sender.send_on()
        self._retransmission.say_how_far()
        self._finish_runs()
        return 0.0 if has_more else _FIRST_WAIT_S if self._is_waiting else _ASK_AGAIN_S

    @property
    def _is_waiting(self) -> bool:
        """For an answer, or until something is sent again."""
        streams = self._streams.by_id.values()
        is_missing = self._retransmission.missing is not None
        return is_missing or not all(stream.is_open or stream.is_parked for stream in streams)

    def take(self, frames: list[bytes], now_s: float) -> None:
        """Takes in acknowledgements."""
        if self._acknowledgements.take(frames, self._number, now_s):
            self._wait_s = _FIRST_WAIT_S

    def _keep_connected(self, now_s: float) -> bool:
        """Connects where there is no connection; whether there is one."""
        if self._link.is_broken and self._link.is_open:
            self._link.disconnect()
            self._sender.stop()
            self._connect_at_s = now_s + self._wait_s
            self._wait_s = min(2 * self._wait_s, _LONGEST_WAIT_S)
        if not self._link.is_open and now_s >= self._connect_at_s:
            self._link.connect()
            self._connect_at_s = now_s + self._wait_s
        return self._link.is_connected

    def _begin(self, now_s: float) -> None:
        self._number += 1
        self._sender.begin(now_s)
        self._retransmission.begin(now_s)

    def _ask_closed(self, now_s: float) -> None:
        """Asks where streams go on that are not open; the others do not wait long for one that gets no answer."""
        for stream in [each for each in self._streams.by_id.values() if not each.is_open]:
            if now_s >= stream.ask_at_s:
                wait_s = stream.park_s if stream.is_parked else _ASK_AGAIN_S
                stream.ask_at_s = now_s + (wait_s if self._ask(stream) else _FIRST_WAIT_S)
            if not stream.is_parked and now_s - stream.closed_since_s > _PARKED_AFTER_S:
                self._note_silence(stream, now_s)

    def _note_silence(self, stream: QueueStream, now_s: float) -> None:
        if any(each.is_open for each in self._streams.by_id.values()):
            text = "ingest does not acknowledge them, though it does others; these pass them"
            self._notices.say_of(stream, text)
            self._sender.park(stream, now_s)
            return
        # Another program was at the address of acknowledgements, perhaps: libzmq tries such a one once.
        self._link.is_broken = True
        self._notices.report_silence()

    def _ask(self, stream: QueueStream) -> bool:
        """Asks which number of a stream comes next; whether anybody took the request."""
        _, source, run, kind = stream.row
        request = AckRequest.model_construct(
            source=source,
            run=run,
            kind=kind,  # type: ignore[arg-type]  # one of the kinds: it was made here
            session=self._number,
            first_seq=stream.first_seq,
            held_trades=self._queue.trades,
            held_bytes=self._queue.file.held_bytes,
            resent_trades=self._sender.resent_trades,
        )
        return self._link.ask(encode(request))

    def _report(self, now_s: float) -> None:
        going_on = [stream for stream in self._queue.current.values() if stream.is_open]
        if going_on and now_s >= self._report_at_s:
            self._report_at_s = now_s + _REPORT_S
            # Of every kind: ingest forgets runs that are quiet, and one that begins anew without it is not strict.
            for stream in going_on:
                self._ask(stream)

    def _finish_runs(self) -> None:
        """Says of earlier runs that they have ended, once all of them is acknowledged."""
        for trades, ids in list(self._streams.finished_runs(self._queue.counts.run)):
            if self._link.offer(end_of(trades)):
                self._queue.file.forget_streams(ids)
                self._streams.forget(ids)


def end_of(trades: QueueStream) -> bytes:
    """The message that a run has ended, with the number after its last trade."""
    _, source, run, _ = trades.row
    end = RunEnd.model_construct(source=source, run=run, next_seq=trades.first_seq, sent_ns=time.time_ns())
    return encode(end)
