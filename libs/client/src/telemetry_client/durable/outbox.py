"""`DurableOutbox`: what was put is in a file until ingest acknowledges it, over restarts of both.

    put() ──▶ FILE ──offer()──▶ IN FLIGHT ──Ack──▶ released
               ▲                   │
               └── a new connection, or Ack.resend: again from the first number that is not acknowledged

A session begins when both sockets are connected: ingest is asked, for each stream, which number comes next, and nothing
of a stream is sent before it has answered. So ingest sees each stream in order and without gaps, but for what it has
already. While all is sent, `put` hands the next message to the socket itself; else the thread does, from the file.
"""

import logging
import os
import sqlite3
import threading
import time
import weakref
from multiprocessing.util import Finalize
from typing import Final

from telemetry_client.durable.disk.queue_file import QueueFile
from telemetry_client.durable.disk.rows import ROW_BYTES, MessageRow
from telemetry_client.durable.link import Link
from telemetry_client.durable.streams import MAX_IN_FLIGHT, MAX_IN_FLIGHT_BYTES, QueueStream, QueueStreams
from telemetry_client.errors import ClosedError, ForkedError
from telemetry_client.heartbeat import Heartbeat
from telemetry_client.interrupted import OWN_CALL_S, is_interrupted
from telemetry_client.run_counts import TRADE, RunCounts
from telemetry_client.stats import Stats
from telemetry_schema import Ack, AckRequest, DecodeError, RunEnd, decode_ack, encode, with_seq

_FIRST_WAIT_S: Final = 0.05
_LONGEST_WAIT_S: Final = 1.0
"""Between tries to connect: doubled each time."""

_ASK_AGAIN_S: Final = 0.5
"""An ingest that has not said where to go on is asked again after this time."""

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

_PARKED_AFTER_S: Final = 5.0
"""A stream that ingest says nothing about, while it does about others, holds these up for so long."""

_PARKED_AFTER_STALLS: Final = 4
"""So does one whose first message is not acknowledged, however often all was sent again: 31 s."""

_SAID_AGAIN_AFTER_S: Final = 60.0
"""A disk that fails goes on failing: it is said once a minute."""

_REPORT_S: Final = 2.0
"""How often ingest hears what is held, and that the streams go on."""

_READ_MESSAGES: Final = 256
"""Read from the file, and sent, at once: about a millisecond, in which no other thread can put."""

_LAST_WORDS_S: Final = 0.2
"""How long the message that the run has ended may take."""


class DurableOutbox:
    """Keeps messages in a file; one that finds it full for `block_s` is dropped, counted, and takes no number.

    Args:
        file: what holds the messages; closed with the outbox.
        link: to ingest; closed too.
        counts: of this run; earlier runs that are in the file are sent first, under their own names.
        block_s: how long `put` waits for room.
        linger_s: how long `close` waits for acknowledgements.
        alive_every_s: between two reports that the run goes on.
    """

    def __init__(
        self,
        file: QueueFile,
        link: Link,
        counts: RunCounts,
        *,
        block_s: float,
        linger_s: float,
        alive_every_s: float,
    ) -> None:
        self._file, self._link = file, link
        self._pid = os.getpid()
        self._counts, self._block_s, self._linger_s = counts, block_s, linger_s
        found = self._file.found
        self._streams = QueueStreams.found(found.streams, found.messages)
        self._held_messages, self._held_trades = len(found.messages), sum(row.trades for row in found.messages)
        self._file.found = found._replace(messages=[])
        self._current: dict[str, QueueStream] = {}
        # Held for a millisecond at most but for a wait for room, which gives it up: file, streams and PUSH socket.
        self.lock = threading.Lock()
        self._changed = threading.Condition(self.lock)
        self._closed = self._is_ending = self._stopping = self._is_forgotten = False
        self._is_all_sent = not found.messages
        """Then `put` sends; else the thread does, and only the thread touches the PUSH socket."""
        self._is_blocked = False
        self._session = 0
        self._has_session = False
        self._sent_once_id = 0
        self._resent_trades = 0
        self._connect_at_s = self._go_back_at_s = self._report_at_s = 0.0
        self._wait_s = _FIRST_WAIT_S
        self._stall_s, self._stalls, self._progress_at_s = _FIRST_STALL_S, 0, 0.0
        self._missing: tuple[QueueStream, int] | None = None
        """What ingest has missed, though later numbers came: all is to be sent again."""
        self._most_in_flight = MAX_IN_FLIGHT
        self._given_up_messages = 0
        self._disk_said_at_s = -_SAID_AGAIN_AFTER_S
        self._is_silence_reported = False
        self._said: set[tuple[str, str, str]] = set()
        """What was said of a stream, and is said once."""
        self._log = logging.getLogger("telemetry_client")
        self._heartbeat = Heartbeat(weakref.WeakMethod(self.report_alive), alive_every_s)
        self._thread = threading.Thread(target=self._run, name="telemetry durable", daemon=True)
        self._thread.start()
        self._heartbeat.start()
        self._at_child_end = Finalize(self, DurableOutbox.close, (self,), exitpriority=0)

    # --- what the bot calls

    def put(self, frame: bytes, count: int, deadline_s: float | None, kind: str = TRADE) -> bool:
        """Numbers a message of `count` trades, or of another kind, and puts it into the file; False if that is full."""
        self._check_is_ours()
        with self.lock:
            while not self._closed:
                if self._put(frame, count, kind):
                    return True
                if deadline_s is None:
                    deadline_s = time.monotonic() + self._block_s
                if not self._changed.wait(max(0.0, deadline_s - time.monotonic())) and time.monotonic() >= deadline_s:
                    self._counts.refuse(count, kind)
                    return False
            raise ClosedError("this publisher is closed")

    def _put(self, frame: bytes, count: int, kind: str) -> bool:
        if not self._file.has_room(len(frame) + ROW_BYTES):
            return False
        try:
            stream = self._current.get(kind) or self._new_stream(kind)
            row = self._keep(stream, frame, count)
        except sqlite3.Error as error:
            self._report_disk(f"the durable queue takes nothing: {error}; messages are dropped")
            return False
        stream.messages += 1
        self._held_messages += 1
        self._held_trades += count
        self._counts.sent_trades += count
        self._counts.sent_messages += 1
        if self._is_all_sent and not stream.is_parked and not self._send(row):
            self._is_all_sent = False
            self._link.wake()
        return True

    def _keep(self, stream: QueueStream, frame: bytes, count: int) -> MessageRow:
        """Puts the next message of a stream into the file; raises `sqlite3.Error` if the disk does not take it."""
        seq = stream.next_seq
        # Before it is there: a bot that Ctrl+C interrupts just then, and that goes on, must not use the number twice.
        stream.next_seq = seq + max(count, 1)
        try:
            return self._file.put(stream.row.id, seq, count, with_seq(frame, seq))
        except sqlite3.Error:
            stream.next_seq = seq
            raise

    def _new_stream(self, kind: str) -> QueueStream:
        # That of trades first: reports that the run is alive name its numbers.
        if kind != TRADE and TRADE not in self._current:
            self._new_stream(TRADE)
        stream = self._streams.add(self._file.add_stream(self._counts.source, self._counts.run, kind))
        self._current[kind] = stream
        stream.close(time.monotonic())
        self._link.wake()
        return stream

    def _report_disk(self, text: str) -> None:
        now_s = time.monotonic()
        if now_s - self._disk_said_at_s >= _SAID_AGAIN_AFTER_S:
            self._disk_said_at_s = now_s
            self._log.error("%s", text)

    def _say_of(self, stream: QueueStream, text: str) -> None:
        """Says something of a stream, once."""
        _, _, run, kind = stream.row
        if (run, kind, text) not in self._said:
            self._said.add((run, kind, text))
            self._log.error("messages of kind %s of run %s: %s", kind, run, text)

    def flush(self, deadline_s: float) -> bool:
        """Waits at most until then; whether all that was put so far is acknowledged."""
        self._check_is_ours()
        with self.lock:
            if self._closed:
                raise ClosedError("this publisher is closed")
            last_id = self._file.last_id
            return self._wait_released(last_id, deadline_s)

    def _wait_released(self, last_id: int, deadline_s: float) -> bool:
        while self._held_messages and self._streams.released_id < last_id:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or not self._thread.is_alive():
                return False
            self._changed.wait(min(left_s, _LONGEST_WAIT_S))
        return not self._held_messages or not self._streams.is_any_held_back

    def close(self) -> bool:
        """Waits for acknowledgements for at most `linger_s`, then ends; whether nothing is held any more.

        What is held stays in the file, for the next publisher on it.
        """
        if os.getpid() != self._pid:
            return False
        self._closed = True
        # The handler of a signal that waited for the call which it has interrupted would wait for ever.
        if not self.lock.acquire(timeout=OWN_CALL_S if is_interrupted(self, _CALLS) else -1):
            return False
        try:
            is_first, self._is_ending = not self._is_ending, True
            self._changed.notify_all()
            if is_first and self._held_messages:
                self._wait_released(self._file.last_id, time.monotonic() + self._linger_s)
        finally:
            self.lock.release()
        if is_first:
            self._end()
        return not self._held_messages

    def forget(self) -> None:
        """Closes it, as the bot has forgotten its publisher; from whatever thread happens to find that out."""
        if self._heartbeat.is_here or threading.current_thread() is self._thread:
            # These may hold the lock just now: the thread closes when it is done with its step.
            self._is_forgotten = self._stopping = True
            self._link.wake()
        else:
            self.close()

    def _end(self) -> None:
        self._at_child_end.cancel()
        self._heartbeat.stop()
        self._stopping = True
        self._link.wake()
        if self._thread is not threading.current_thread():
            self._thread.join()
        with self.lock:
            has_said_so = not self._held_messages and self._say_end()
            self._link.close(_LAST_WORDS_S if has_said_so else 0.0)
            self._file.close()

    def _say_end(self) -> bool:
        """Says that the run has ended, unless it has never begun; whether that is on its way."""
        trades = self._current.get(TRADE)
        if trades is None:
            return False
        if not (trades.is_open and self._link.offer(_end_of(trades))):
            return False  # the next publisher on this file says so
        self._file.forget_streams([stream.row.id for stream in self._current.values()])
        return True

    def stats(self) -> Stats:
        """All counts of one moment."""
        with self.lock:
            counts = self._counts
            return Stats(
                counts.sent_trades,
                counts.sent_messages,
                counts.dropped_trades,
                self._held_messages if self._closed else 0,
                counts.dropped_events,
                self._held_trades,
                self._resent_trades,
                self._file.held_bytes,
                self._given_up_messages,
            )

    def report_alive(self) -> bool:
        """Reports that the run goes on, up to which number it was sent; whether it could."""
        with self.lock:
            trades = self._current.get(TRADE)
            if self._closed or trades is None or not trades.is_open or not self._is_all_sent:
                return False
            return self._link.offer(self._counts.alive(trades.sent_seq))

    def _check_is_ours(self) -> None:
        # Before the lock: a fork may have copied it while another thread held it. To ask for the process would cost
        # more than all else here where system calls are slow.
        if not self._file.is_ours:
            raise ForkedError("this publisher belongs to the parent process: make a new one after the fork")

    # --- the thread

    def _run(self) -> None:
        while not self._stopping:
            with self.lock:
                wait_s = self._advance(time.monotonic())
                for_room = self._is_blocked and not self._is_all_sent
            frames = self._link.wait(wait_s, for_room=for_room)
            if frames:
                with self.lock:
                    self._take(frames, time.monotonic())
        if self._is_forgotten:
            self.close()

    def _advance(self, now_s: float) -> float:
        """One step: connects, asks, sends; for how long nothing else is due."""
        if not self._keep_connected(now_s):
            return max(0.0, min(self._connect_at_s - now_s, _LONGEST_WAIT_S)) if not self._link.is_open else 0.1
        if not self._has_session:
            self._begin_session(now_s)
        self._ask_closed(now_s)
        self._look_for_missing(now_s)
        self._look_for_stall(now_s)
        self._report(now_s)
        has_more = not self._is_all_sent and self._send_on()
        self._finish_runs()
        return 0.0 if has_more else _FIRST_WAIT_S if self._is_waiting else _ASK_AGAIN_S

    @property
    def _is_waiting(self) -> bool:
        """For an answer, or until something is sent again."""
        streams = self._streams.by_id.values()
        return self._missing is not None or not all(stream.is_open or stream.is_parked for stream in streams)

    def _keep_connected(self, now_s: float) -> bool:
        """Connects where there is no connection; whether there is one."""
        if self._link.is_broken and self._link.is_open:
            self._link.disconnect()
            self._has_session, self._is_all_sent = False, False
            for stream in self._streams.by_id.values():
                stream.is_open = False
            self._connect_at_s = now_s + self._wait_s
            self._wait_s = min(2 * self._wait_s, _LONGEST_WAIT_S)
        if not self._link.is_open and now_s >= self._connect_at_s:
            self._link.connect()
            self._connect_at_s = now_s + self._wait_s
        return self._link.is_connected

    def _begin_session(self, now_s: float) -> None:
        self._session += 1
        self._has_session, self._is_all_sent, self._is_blocked = True, False, False
        self._streams.begin_session(now_s)
        self._missing, self._most_in_flight = None, MAX_IN_FLIGHT
        self._progress_at_s, self._stall_s, self._stalls = now_s, _FIRST_STALL_S, 0

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
            self._say_of(stream, "ingest does not acknowledge them, though it does others; these pass them")
            self._park(stream, now_s)
            return
        # Another program was at the address of acknowledgements, perhaps: libzmq tries such a one once.
        self._link.is_broken = True
        if not self._is_silence_reported:
            self._is_silence_reported = True
            self._log.warning("ingest does not acknowledge: check acks_endpoint, and INGEST_ACKS_ENDPOINT")

    def _park(self, stream: QueueStream, now_s: float) -> None:
        self._streams.park(stream, now_s)
        self._is_all_sent = False

    def _ask(self, stream: QueueStream) -> bool:
        _, source, run, kind = stream.row
        request = AckRequest.model_construct(
            source=source,
            run=run,
            kind=kind,  # type: ignore[arg-type]  # one of the kinds: it was made here
            session=self._session,
            first_seq=stream.first_seq,
            held_trades=self._held_trades,
            held_bytes=self._file.held_bytes,
            resent_trades=self._resent_trades,
        )
        return self._link.ask(encode(request))

    def _look_for_stall(self, now_s: float) -> None:
        if not self._streams.in_flight:
            self._progress_at_s = now_s
        elif now_s - self._progress_at_s > self._stall_s:
            self._progress_at_s, self._stalls = now_s, self._stalls + 1
            self._stall_s = min(2 * self._stall_s, _LONGEST_STALL_S)
            asked = [self._ask(stream) for stream in self._streams.by_id.values() if not stream.is_sent]
            if not all(asked):
                self._link.is_broken = True  # nobody is there who acknowledges
            if self._stalls > _PARKED_AFTER_STALLS and self._is_held_up_by_first():
                self._say_of(self._streams.in_flight[0][0], "ingest does not take the first; the others pass them")
                self._park(self._streams.in_flight[0][0], now_s)
            elif self._stalls > 1:
                self._go_back(now_s)

    def _is_held_up_by_first(self) -> bool:
        """Whether ingest has all of another stream that is in flight."""
        first = self._streams.in_flight[0][0]
        return any(stream is not first and stream.is_sent for stream, _, _ in self._streams.in_flight)

    def _look_for_missing(self, now_s: float) -> None:
        """Sends all again where ingest has missed a message; gives that up if it stays so."""
        if self._missing is None or now_s < self._go_back_at_s:
            return
        (stream, seq), self._missing = self._missing, None
        if stream.first_seq > seq:
            return  # it has come since
        misses = self._streams.note_missed(stream)
        if misses > _PROBED_AFTER + _PROBES:
            self._give_up(stream, now_s)
        self._most_in_flight = _PROBE_MESSAGES if misses > _PROBED_AFTER else MAX_IN_FLIGHT
        self._go_back(now_s, _MIN_GO_BACK_S * 2 ** max(0, misses - _PROBED_AFTER))

    def _give_up(self, stream: QueueStream, now_s: float) -> None:
        seq = self._streams.give_up(stream, now_s)
        if seq is not None:
            self._given_up_messages += 1
            text = "number %d of kind %s of run %s is given up: ingest takes what comes behind it, and never it"
            self._log.error(text, seq, stream.row.kind, stream.row.run)

    def _report(self, now_s: float) -> None:
        going_on = [stream for stream in self._current.values() if stream.is_open]
        if going_on and now_s >= self._report_at_s:
            self._report_at_s = now_s + _REPORT_S
            # Of every kind: ingest forgets runs that are quiet, and one that begins anew without it is not strict.
            for stream in going_on:
                self._ask(stream)

    def _go_back(self, now_s: float, wait_s: float = _MIN_GO_BACK_S) -> None:
        """Sends all again, not sooner than it was said to wait the last time; then for so long."""
        if now_s >= self._go_back_at_s:
            self._go_back_at_s = now_s + wait_s
            self._streams.go_back()
            self._is_all_sent = False

    def _send_on(self) -> bool:
        """Sends what follows in the file; whether there may be more at once."""
        try:
            rows = self._file.read(self._streams.sent_id, _READ_MESSAGES, self._streams.parked)
        except sqlite3.Error as error:
            self._report_disk(f"the durable queue cannot be read: {error}; what it holds is not sent")
            return False
        for row in rows:
            if not self._send(row):
                self._release()
                return False
        self._is_all_sent = not rows
        self._release()
        return bool(rows)

    def _send(self, row: MessageRow) -> bool:
        """Hands a message to the socket, unless ingest has it; False if it must wait."""
        streams = self._streams
        stream = streams.by_id[row.stream]
        self._is_blocked = False
        if not (self._has_session and stream.is_open and self._has_place):
            return False
        if row.seq > stream.sent_seq:
            self._pass_gap(row, stream)
            return False
        if row.seq + (row.trades or 1) > stream.first_seq:
            if not self._link.offer(row.frame):
                self._is_blocked = True
                return False
            if row.id > self._sent_once_id:
                self._sent_once_id = row.id
            else:
                self._resent_trades += row.trades
        streams.note_sent(row, stream)
        return True

    @property
    def _has_place(self) -> bool:
        """Whether one more may be in flight."""
        streams = self._streams
        return len(streams.in_flight) < self._most_in_flight and streams.in_flight_bytes < MAX_IN_FLIGHT_BYTES

    def _pass_gap(self, row: MessageRow, stream: QueueStream) -> None:
        """Numbers before the message were in rows that are damaged: ingest is told once what it has is acknowledged."""
        if stream.is_sent:
            stream.first_seq = row.seq
            stream.close(time.monotonic())

    def _take(self, frames: list[bytes], now_s: float) -> None:
        for frame in frames:
            try:
                ack = decode_ack(frame)
            except DecodeError as error:
                self._log.warning("an acknowledgement is not valid: %s", error)
            else:
                self._take_ack(ack, now_s)
        self._release()

    def _take_ack(self, ack: Ack, now_s: float) -> None:
        stream = self._streams.named(ack.source, ack.run, ack.kind)
        if stream is None or ack.session != self._session:
            return
        if ack.refused:
            self._say_of(stream, "ingest acknowledges none, as the run has begun without that; they stay in the file")
            if not stream.is_parked:
                self._park(stream, now_s)
            return
        next_seq = ack.next_seq
        # One of an earlier process of which nothing is held: only ingest knows how far it came.
        if next_seq > stream.next_seq and (stream.messages or stream is self._current.get(ack.kind)):
            if stream is self._current.get(ack.kind):
                self._say_of(stream, "ingest acknowledges what was never sent; that is not believed")
                return  # what is sent under these numbers would be lost
            self._say_of(stream, "ingest has more than the file, which is a copy, or has lost its end")
            next_seq = stream.next_seq
        if next_seq > stream.first_seq or not stream.is_open:
            self._progress_at_s, self._stall_s, self._stalls = now_s, _FIRST_STALL_S, 0
            self._wait_s = _FIRST_WAIT_S
        if next_seq > stream.missed_seq >= 0:
            stream.missed_seq, self._most_in_flight = -1, MAX_IN_FLIGHT
        if stream.is_parked:
            self._streams.unpark(stream)
            self._is_all_sent = False
        self._streams.open(stream, next_seq)
        if ack.resend:
            self._missing = stream, next_seq

    def _release(self) -> None:
        """Drops what is acknowledged from the file."""
        released = self._streams.release()
        if released is not None:
            self._file.drop_through(released.last_id, released.size_bytes, self._streams.parked)
            self._held_messages -= released.messages
            self._held_trades -= released.trades
            self._changed.notify_all()

    def _finish_runs(self) -> None:
        """Says of earlier runs that they have ended, once all of them is acknowledged."""
        for trades, ids in list(self._streams.finished_runs(self._counts.run)):
            if self._link.offer(_end_of(trades)):
                self._file.forget_streams(ids)
                self._streams.forget(ids)


_CALLS: Final = frozenset(
    each.__code__ for each in (DurableOutbox.put, DurableOutbox.flush, DurableOutbox.stats, DurableOutbox.close)
)


def _end_of(trades: QueueStream) -> bytes:
    _, source, run, _ = trades.row
    end = RunEnd.model_construct(source=source, run=run, next_seq=trades.first_seq, sent_ns=time.time_ns())
    return encode(end)
