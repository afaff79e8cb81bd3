"""`DurableOutbox`: what was put is in a file until ingest acknowledges it, over restarts of both.

    put() ──▶ FILE ──offer()──▶ IN FLIGHT ──Ack──▶ released
               ▲                   │
               └── a new connection, or Ack.resend: again from the first number that is not acknowledged

A session begins when both sockets are connected: ingest is asked, for each stream, which number comes next, and nothing
of a stream is sent before it has answered. So ingest sees each stream in order and without gaps, but for what it has
already. While all is sent, `put` hands the next message to the socket itself; else the thread does, from the file.

Who may do what: any thread of the bot calls `put`, `flush` and `stats`. The heartbeat's thread calls `report_alive`.
This object's own thread runs the session. The handler of a signal, the end of the interpreter and the garbage collector
may come in the middle of any of these, also while it has the lock: they may call `close` or `forget`, and nothing else.
"""

import os
import threading
import time
import weakref
from multiprocessing.util import Finalize
from typing import Final

from telemetry_client.durable.disk.queue_file import QueueFile
from telemetry_client.durable.held_queue import HeldQueue
from telemetry_client.durable.link import Link
from telemetry_client.durable.notices import Notices
from telemetry_client.durable.sender import QueueSender
from telemetry_client.durable.session import IngestSession, end_of
from telemetry_client.errors import ClosedError, ForkedError
from telemetry_client.heartbeat import Heartbeat
from telemetry_client.interrupted import OWN_CALL_S, is_interrupted
from telemetry_client.run_counts import TRADE, RunCounts
from telemetry_client.stats import Stats

_LOOK_AGAIN_S: Final = 1.0
"""How often a flush looks whether the thread is there at all."""

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
        notices = Notices()
        self._queue = HeldQueue(file, counts, notices, link.wake)
        self._sender = QueueSender(self._queue, link, notices)
        self._session = IngestSession(self._queue, self._sender, link, notices)
        self.lock = self._queue.lock
        self._closed = self._is_ending = self._stopping = self._is_forgotten = False
        self._heartbeat = Heartbeat(weakref.WeakMethod(self.report_alive), alive_every_s)
        self._thread = threading.Thread(target=self._run, name="telemetry durable", daemon=True)
        self._thread.start()
        self._heartbeat.start()
        self._at_child_end = Finalize(self, DurableOutbox.close, (self,), exitpriority=0)

    def put(self, frame: bytes, count: int, deadline_s: float | None, kind: str = TRADE) -> bool:
        """Numbers a message of `count` trades, or of another kind, and puts it into the file; False if that is full."""
        self._check_is_ours()
        queue, sender = self._queue, self._sender
        with self.lock:
            while not self._closed:
                row = queue.put(frame, count, kind)
                if row is not None:
                    if sender.is_all_sent and not queue.streams.by_id[row.stream].is_parked and not sender.send(row):
                        sender.is_all_sent = False
                        self._link.wake()
                    return True
                if deadline_s is None:
                    deadline_s = time.monotonic() + self._block_s
                wait_s = max(0.0, deadline_s - time.monotonic())
                if not queue.changed.wait(wait_s) and time.monotonic() >= deadline_s:
                    self._counts.refuse(count, kind)
                    return False
            raise ClosedError("this publisher is closed")

    def flush(self, deadline_s: float) -> bool:
        """Waits at most until then; whether all that was put so far is acknowledged."""
        self._check_is_ours()
        with self.lock:
            if self._closed:
                raise ClosedError("this publisher is closed")
            last_id = self._file.last_id
            return self._wait_released(last_id, deadline_s)

    def _wait_released(self, last_id: int, deadline_s: float) -> bool:
        while self._queue.messages and self._queue.streams.released_id < last_id:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or not self._thread.is_alive():
                return False
            self._queue.changed.wait(min(left_s, _LOOK_AGAIN_S))
        return not self._queue.messages or not self._queue.streams.is_any_held_back

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
            self._queue.changed.notify_all()
            if is_first and self._queue.messages:
                self._wait_released(self._file.last_id, time.monotonic() + self._linger_s)
        finally:
            self.lock.release()
        if is_first:
            self._end()
        return not self._queue.messages

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
            has_said_so = not self._queue.messages and self._say_end()
            self._link.close(_LAST_WORDS_S if has_said_so else 0.0)
            self._file.close()

    def _say_end(self) -> bool:
        """Says that the run has ended, unless it has never begun; whether that is on its way."""
        trades = self._queue.current.get(TRADE)
        if trades is None:
            return False
        if not (trades.is_open and self._link.offer(end_of(trades))):
            return False  # the next publisher on this file says so
        self._file.forget_streams([stream.row.id for stream in self._queue.current.values()])
        return True

    def stats(self) -> Stats:
        """All counts of one moment."""
        with self.lock:
            counts = self._counts
            return Stats(
                counts.sent_trades,
                counts.sent_messages,
                counts.dropped_trades,
                self._queue.messages if self._closed else 0,
                counts.dropped_events,
                self._queue.trades,
                self._sender.resent_trades,
                self._file.held_bytes,
                self._session.given_up_messages,
            )

    def report_alive(self) -> bool:
        """Reports that the run goes on, up to which number it was sent; whether it could."""
        with self.lock:
            trades = self._queue.current.get(TRADE)
            if self._closed or trades is None or not trades.is_open or not self._sender.is_all_sent:
                return False
            return self._link.offer(self._counts.alive(trades.sent_seq))

    def _check_is_ours(self) -> None:
        # Before the lock: a fork may have copied it while another thread held it. To ask for the process would cost
        # more than all else here where system calls are slow.
        if not self._file.is_ours:
            raise ForkedError("this publisher belongs to the parent process: make a new one after the fork")

    def _run(self) -> None:
        """The thread: advances the session, and waits without the lock for what is next."""
        while not self._stopping:
            with self.lock:
                wait_s = self._session.advance(time.monotonic())
                for_room = self._sender.is_blocked and not self._sender.is_all_sent
            frames = self._link.wait(wait_s, for_room=for_room)
            if frames:
                with self.lock:
                    self._session.take(frames, time.monotonic())
        if self._is_forgotten:
            self.close()


_CALLS: Final = frozenset(
    each.__code__ for each in (DurableOutbox.put, DurableOutbox.flush, DurableOutbox.stats, DurableOutbox.close)
)
