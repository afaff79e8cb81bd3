"""The queue of a publisher in memory: libzmq's own, which a process takes with it when it dies."""

import os
import threading
import time
import weakref
from multiprocessing.util import Finalize
from typing import Final, Protocol

from telemetry_client.connection import FILLER, Connection, NotDone, Receipt
from telemetry_client.errors import ClosedError, ForkedError
from telemetry_client.heartbeat import Heartbeat
from telemetry_client.interrupted import OWN_CALL_S, is_interrupted
from telemetry_client.run_counts import TRADE, RunCounts
from telemetry_client.stats import Stats
from telemetry_schema import with_seq

_LOOK_EVERY_S: Final = 1.0
"""How often a connection is looked after, for a bot that is quiet."""


class Outbox(Protocol):
    """What numbers the messages of a run and gets them to ingest. From several threads, but not across a fork."""

    def put(self, frame: bytes, count: int, deadline_s: float | None, kind: str = TRADE) -> bool:
        """Numbers and keeps a message of `count` trades, or of another kind; False if there is no room in time.

        Raises:
            ClosedError, ForkedError: it is closed, or belongs to the parent process.
        """
        ...

    def flush(self, deadline_s: float) -> bool:
        """Waits at most until then; whether certainly all put so far is where it should be. Raises as `put`."""
        ...

    def close(self) -> bool:
        """Ends it; whether certainly all is where it should be. Does nothing the second time, or in a fork."""
        ...

    def stats(self) -> Stats:
        """All counts of one moment."""
        ...


class MemoryOutbox:
    """Drops what finds the queue full for `block_s`; it keeps its number, so that ingest sees the gap."""

    def __init__(
        self,
        connection: Connection,
        counts: RunCounts,
        *,
        max_queued_messages: int,
        block_s: float,
        linger_s: float,
        alive_every_s: float,
    ) -> None:
        self._connection, self._counts = connection, counts
        self._max_queued_messages, self._block_s = max_queued_messages, block_s
        self._pid = os.getpid()
        # Held for microseconds, never while waiting: it keeps numbers and messages in one order.
        self.lock = threading.Lock()
        # Held by the one thread that waits for room. While any waits, all queue up here instead of at the socket.
        self._turn = threading.Lock()
        self._waiting = 0
        self._closed = self._is_cut_short = False
        self._is_cut_off = False
        """Whether the close was over before all that was queued had gone out."""
        self._alive_every_s, self._alive_at_s = alive_every_s, 0.0
        self._heartbeat = Heartbeat(weakref.WeakMethod(self.report_alive), min(alive_every_s, _LOOK_EVERY_S))
        self._parts = self._heartbeat, self._connection, self._counts, linger_s
        # A bot that forgets to close still sends what is queued, when this object goes or the interpreter ends.
        self._at_end = weakref.finalize(self, _end, *self._parts)
        # The interpreter of a `multiprocessing` child does not end, it is cut off: only this is called before.
        self._at_child_end = Finalize(self, _end, self._parts, exitpriority=0)

    def stats(self) -> Stats:
        """All counts of one moment."""
        with self.lock:
            counts = self._counts
            return Stats(
                counts.sent_trades,
                counts.sent_messages,
                counts.dropped_trades,
                self._unflushed_messages(),
                counts.dropped_events,
            )

    def _unflushed_messages(self) -> int:
        lost = self._connection.lost_messages + (self._max_queued_messages if self._is_cut_off else 0)
        return min(self._counts.sent_messages, lost)

    def flush(self, deadline_s: float) -> bool:
        """Waits at most until then; whether all that was put so far certainly has gone out to a peer."""
        self.check_is_ours()
        if self._closed:
            raise ClosedError("this publisher is closed")
        if not self._counts.sent_messages:
            return True
        connection, lost = self._connection, self._connection.lost_messages
        while True:
            made = connection.times_made
            # A report is queued behind all else; a long one ends in a later buffer than what is before it, so that this
            # has left when it is done. With keys it is done when it is encrypted, and out of the way at the next one.
            if not (self._pass_through(deadline_s, FILLER) and self._pass_through(deadline_s)):
                return False
            with self.lock:
                has_gone_out = self._has_gone_out(made, lost)
            if has_gone_out is not None:
                return has_gone_out

    def _has_gone_out(self, made: int, lost: int) -> bool | None:
        """Whether what is before two reports that are written has gone out to a peer; the caller holds the lock.

        None where the reports may have been dropped with their connection, and what was before them is kept.
        """
        if self._closed:
            return False  # the close has the connection now, in its own thread
        connection = self._connection
        is_connected = connection.is_connected()
        if connection.times_made != made or connection.is_given_up:
            return None
        return is_connected and connection.lost_messages == lost

    def close(self) -> bool:
        """Sends what is still queued, for at most `linger_s`, then ends; whether certainly all went to an ingest."""
        if os.getpid() != self._pid:
            return False
        self._closed = True
        # The handler of a signal that waited for the call which it has interrupted would wait for ever.
        self._is_cut_short = is_interrupted(self, _CALLS)
        limit_s = OWN_CALL_S if self._is_cut_short else -1
        if not self.lock.acquire(timeout=limit_s):
            return False
        self.lock.release()
        if not self._turn.acquire(timeout=limit_s):
            return False
        try:
            self._at_child_end.cancel()
            if self._at_end.detach() is not None:
                self._is_cut_off = not _end(*self._parts)
        finally:
            self._turn.release()
        return not self._unflushed_messages()

    def check_is_ours(self) -> None:
        """Raises `ForkedError` in a child of the process that made it."""
        # Before the lock: a fork may have copied it while another thread held it.
        if os.getpid() != self._pid:
            raise ForkedError("this publisher belongs to the parent process: make a new one after the fork")

    def put(self, frame: bytes, count: int, deadline_s: float | None, kind: str = TRADE) -> bool:
        """Numbers and queues a message of `count` trades, or of another kind; drops it if there is no room in time."""
        self.check_is_ours()
        with self.lock:
            if self._closed:
                raise ClosedError("this publisher is closed")
            if not self._waiting:
                if self._offer(frame, count, kind):
                    return True
                if not self._block_s:
                    self._counts.drop(count, kind)
                    return False
            self._waiting += 1
        if deadline_s is None:
            deadline_s = time.monotonic() + self._block_s
        try:
            return self._put_when_room(frame, count, deadline_s, kind)
        finally:
            with self.lock:
                self._waiting -= 1

    def _put_when_room(self, frame: bytes, count: int, deadline_s: float, kind: str) -> bool:
        if self._turn.acquire(timeout=_time_left_s(deadline_s)):
            try:
                if not self._closed and self._wait_and_offer(frame, count, deadline_s, kind):
                    return True
            finally:
                self._turn.release()
        with self.lock:
            self._counts.drop(count, kind)
        return False

    def _wait_and_offer(self, frame: bytes, count: int, deadline_s: float, kind: str) -> bool:
        while True:
            left_s = _time_left_s(deadline_s)
            # The socket is ours while we wait without the lock: others see that somebody waits, and queue up.
            self._connection.wait_for_room(left_s)
            with self.lock:
                if self._offer(frame, count, kind):
                    return True
            if self._is_cut_short or not left_s:
                return False

    def _offer(self, frame: bytes, count: int, kind: str) -> bool:
        """Queues the message under the next number if there is room; the caller holds the lock."""
        counts = self._counts
        if not self._connection.offer(with_seq(frame, counts.take(count, kind))):
            counts.give_back(count, kind)
            return False
        if counts.sent_messages == 1:
            self._heartbeat.start()
        return True

    def report_alive(self) -> bool:
        """Reports to an ingest that is there that the run goes on, when it is due; whether one is there. Never waits.

        A connection that libzmq gave up is tried again, as nobody else does so for a bot that is quiet.
        """
        with self.lock:
            # Whoever waits for room has the socket, and ingest hears of us when there is some.
            if self._closed or self._waiting:
                return False
            self._connection.try_again()
            return self._connection.is_connected() and self._report_when_due(time.monotonic())

    def _report_when_due(self, now_s: float) -> bool:
        if now_s < self._alive_at_s:
            return True
        # Looks come a little late: half an interval early is nearer to the time than the next one.
        self._alive_at_s = now_s + self._alive_every_s - min(self._alive_every_s, _LOOK_EVERY_S) / 2
        return self._connection.offer(self._counts.alive())

    def _pass_through(self, deadline_s: float, filler: bytes = b"") -> bool:
        """Sends a report behind all that is queued; whether it was written in time."""
        tracker = self._queue_report(deadline_s, filler)
        if tracker is None:
            return False
        try:
            tracker.wait(_time_left_s(deadline_s))
        except NotDone:
            return False
        return True

    def _queue_report(self, deadline_s: float, filler: bytes) -> Receipt | None:
        """Queues a report as soon as there is room; None if there was none in time, or the publisher was closed."""
        with self.lock:
            if self._closed:
                return None
            if not self._waiting and (tracker := self._connection.offer_tracked(self._counts.alive() + filler)):
                return tracker
        return self._queue_report_when_room(deadline_s, filler)

    def _queue_report_when_room(self, deadline_s: float, filler: bytes) -> Receipt | None:
        if not self._turn.acquire(timeout=_time_left_s(deadline_s)):
            return None
        try:
            with self.lock:
                # From here on the socket is ours without the lock too: others see that somebody waits.
                self._waiting += 1
            while not self._closed and (left_s := _time_left_s(deadline_s)):
                self._connection.wait_for_room(left_s)
                with self.lock:
                    if tracker := self._connection.offer_tracked(self._counts.alive() + filler):
                        return tracker
            return None
        finally:
            with self.lock:
                self._waiting -= 1
            self._turn.release()


_CALLS: Final = frozenset(
    each.__code__ for each in (MemoryOutbox.put, MemoryOutbox.flush, MemoryOutbox.stats, MemoryOutbox.close)
)


def _end(heartbeat: Heartbeat, connection: Connection, counts: RunCounts, linger_s: float) -> bool:
    """Says where the run ended and sends what is queued, for at most so long; whether certainly all of it went out."""
    if not connection.is_ours:
        return False
    deadline_s = time.monotonic() + linger_s
    heartbeat.stop()
    if counts.next_seq or counts.sent_messages:
        connection.offer_within(counts.end(), linger_s)
    return connection.close(_time_left_s(deadline_s))


def _time_left_s(deadline_s: float) -> float:
    return max(0.0, deadline_s - time.monotonic())
