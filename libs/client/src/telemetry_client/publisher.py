"""`Publisher`: checks, numbers and sends the trades of one bot."""

import os
import secrets
import threading
import time
import weakref
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from multiprocessing.util import Finalize
from types import TracebackType
from typing import Any, Final, Literal, Self

from pydantic import ValidationError

from telemetry_client.checks import (
    checked_interval,
    checked_queue_length,
    checked_run,
    checked_wait,
    describe,
    trade_encoder,
)
from telemetry_client.columns import Texts, as_columns
from telemetry_client.connection import Connection, CurveKeys, NotDone, Receipt
from telemetry_client.errors import ClosedError, ForkedError, InvalidTradeError
from telemetry_client.heartbeat import Heartbeat
from telemetry_client.order_messages import OrderMessages
from telemetry_client.run_counts import TRADE, RunCounts
from telemetry_client.stats import Stats
from telemetry_schema import TradeColumns, encode, with_seq

MAX_MESSAGE_TRADES: Final = 1024
"""The most trades that `trades` puts into one message: at most 120 kB, far below what ingest accepts, so that a full
queue of them still fits into memory; sending them in larger pieces would hardly be faster."""


class Publisher(OrderMessages):
    """Sends a bot's trades to ingest. Connects by itself, whichever of both starts first.

    Times are UTC epoch nanoseconds, sides the taker's, prices in quote currency per unit of base, quantities in units
    of base. Trades are numbered from 0 in each `run`; one that finds the queue full for `block_s` is dropped, counted,
    and keeps its number, so that ingest sees the gap. May be used from several threads, but not across a fork.

    What it tells of orders is in `OrderMessages`: each kind of message has its own numbers.

    From the first message on a thread reports every `alive_every_s` that the run goes on, and the close that it ended:
    a run that goes silent in between is shown as unfinished.

    Raises:
        InvalidSettingError: no publisher can be made of these arguments.
    """

    def __init__(  # noqa: PLR0913 - what can be set, all but two by name only
        self,
        endpoint: str = "tcp://127.0.0.1:5555",
        source: str = "my-bot",
        *,
        account: str | None = None,
        run: str | None = None,
        max_queued_messages: int = 10_000,
        block_s: float = 0.0,
        linger_s: float = 1.0,
        alive_every_s: float = 10.0,
        curve: CurveKeys | None = None,
    ) -> None:
        self._head = {"source": source, "run": _new_run(checked_run(run))}
        self._account = {} if account is None else {"account": account}
        self._encode = trade_encoder(self._head | self._account).encode
        self._block_s = checked_wait(block_s, "block_s")
        self._linger_s = checked_wait(linger_s, "linger_s")
        alive_every_s = checked_interval(alive_every_s, "alive_every_s")
        self._max_queued_messages = checked_queue_length(max_queued_messages)
        self._connection = Connection(endpoint, max_queued_messages=max_queued_messages, curve=curve)
        self._pid = os.getpid()
        # Held for microseconds, never while waiting: it keeps numbers and messages in one order.
        self._lock = threading.Lock()
        # Held by the one thread that waits for room. While any waits, all queue up here instead of at the socket.
        self._turn = threading.Lock()
        self._waiting = 0
        self._closed = False
        self._counts = RunCounts(self._head["source"], self._head["run"])
        self._unflushed_messages = 0
        self._heartbeat = Heartbeat(weakref.WeakMethod(self._report_alive), alive_every_s)
        self._parts = self._heartbeat, self._connection, self._counts, self._linger_s
        # A bot that forgets to close still sends what is queued, when this object goes or the interpreter ends.
        self._at_end = weakref.finalize(self, _end, *self._parts)
        # The interpreter of a `multiprocessing` child does not end, it is cut off: only this is called before.
        self._at_child_end = Finalize(self, _end, self._parts, exitpriority=0)

    @property
    def run(self) -> str:
        """The name of this run, new for each publisher: what was given or the time, and a random part."""
        return self._head["run"]

    @property
    def sent_trades(self) -> int:
        """Trades that were queued to be sent."""
        return self._counts.sent_trades

    @property
    def dropped_trades(self) -> int:
        """Trades that found the queue full; ingest sees each as a gap in the numbers."""
        return self._counts.dropped_trades

    def stats(self) -> Stats:
        """All counts of one moment."""
        with self._lock:
            counts = self._counts
            return Stats(
                counts.sent_trades,
                counts.sent_messages,
                counts.dropped_trades,
                self._unflushed_messages,
                counts.dropped_events,
            )

    def trade(
        self,
        symbol: str,
        side: Literal["buy", "sell"],
        qty: float,
        price: float,
        *,
        event_ns: int | None = None,
        id: str | None = None,  # noqa: A002 - the field is called so on the wire
    ) -> bool:
        """Sends one trade: True if it was queued, False if it was dropped. Without `event_ns` it happened now.

        Raises:
            InvalidTradeError: a value is missing, of the wrong type or out of range.
            ClosedError, ForkedError: the publisher is closed, or belongs to the parent process.
        """
        now_ns = time.time_ns()
        if event_ns is None:
            event_ns = now_ns
        fields = {"symbol": symbol, "side": side, "qty": qty, "price": price, "event_ns": event_ns, "sent_ns": now_ns}
        if id is not None:
            fields["id"] = id
        try:
            frame = self._encode(fields)
        except ValidationError as error:
            raise InvalidTradeError(describe(error)) from error
        return self._put(frame, 1, None)

    def trades(
        self,
        *,
        symbol: Texts,
        side: Texts,
        qty: Iterable[float],
        price: Iterable[float],
        event_ns: Iterable[int] | None = None,
    ) -> bool:
        """Sends many trades, given as columns of one length: True if all were queued, False if any was dropped.

        A column is a list, any other iterable, or an array that knows `tolist` (NumPy, pandas). One symbol or side may
        stand for all, and without `event_ns` they happened now. They travel in as many messages as needed; `block_s`
        is for all together. Not one is sent if one is invalid. Raises as `trade` does.
        """
        deadline_s = time.monotonic() + self._block_s
        now_ns = time.time_ns()
        columns = as_columns(symbol, side, qty, price, now_ns if event_ns is None else event_ns)
        # Two lists: none is sent before all are checked, and one that is dropped does not hold up the next.
        frames = list(self._columnar_frames(columns, now_ns))
        queued = [self._put(frame, count, deadline_s) for frame, count in frames]
        return all(queued)

    def flush(self, timeout_s: float = 1.0) -> bool:
        """Waits, for at most so long, until all that was handed over so far has gone out; whether it certainly has.

        Out is: written to the connection to a peer that has completed ZeroMQ's handshake. What was on its way when a
        connection broke may still be lost. True at once if no trade was queued; trades that were dropped do not count.
        Other threads may go on meanwhile.

        Raises:
            InvalidSettingError: the time is no number of seconds from 0 to an hour.
            ClosedError, ForkedError: the publisher is closed, or belongs to the parent process.
        """
        deadline_s = time.monotonic() + checked_wait(timeout_s, "timeout_s")
        self._check_is_ours()
        if self._closed:
            raise ClosedError("this publisher is closed")
        if not self._counts.sent_messages:
            return True
        # A report is queued behind all else. When it is written it may still be in a buffer with what was before it;
        # when the next one is, it has left.
        if not (self._pass_through(deadline_s) and self._pass_through(deadline_s)):
            return False
        with self._lock:
            return self._connection.is_connected() and not self._closed

    def close(self) -> bool:
        """Sends what is still queued, for at most `linger_s`, then ends; whether certainly all of it went to an ingest.

        The last message says where the run ended.

        A call that waits for room in another thread is waited for first. Closing again does nothing. In a fork it
        leaves the parent's socket alone.
        """
        if os.getpid() != self._pid:
            return False
        with self._lock:
            self._closed = True
        with self._turn:
            self._at_child_end.cancel()
            if self._at_end.detach() is not None and not _end(*self._parts):
                self._unflushed_messages = min(self._counts.sent_messages, self._max_queued_messages)
        return not self._unflushed_messages

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _columnar_frames(self, columns: dict[str, list[Any]], now_ns: int) -> Iterator[tuple[bytes, int]]:
        """Frames of valid trades, each with how many it holds."""
        for first in range(0, len(columns["qty"]), MAX_MESSAGE_TRADES):
            piece = {name: column[first : first + MAX_MESSAGE_TRADES] for name, column in columns.items()}
            try:
                message = TradeColumns.model_validate({**self._head, **self._account, **piece, "sent_ns": now_ns})
            except ValidationError as error:
                raise InvalidTradeError(describe(error, first)) from error
            yield encode(message), len(piece["qty"])

    def _check_is_ours(self) -> None:
        # Before the lock: a fork may have copied it while another thread held it.
        if os.getpid() != self._pid:
            raise ForkedError("this publisher belongs to the parent process: make a new one after the fork")

    def _send(self, kind: str, frame: bytes) -> bool:
        return self._put(frame, 0, None, kind)

    def _put(self, frame: bytes, count: int, deadline_s: float | None, kind: str = TRADE) -> bool:
        """Numbers and queues a message of `count` trades, or of another kind; drops it if there is no room in time."""
        self._check_is_ours()
        with self._lock:
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
            with self._lock:
                self._waiting -= 1

    def _put_when_room(self, frame: bytes, count: int, deadline_s: float, kind: str) -> bool:
        if self._turn.acquire(timeout=_time_left_s(deadline_s)):
            try:
                # The socket is ours while we wait without the lock: others see that somebody waits, and queue up.
                while not self._closed and self._connection.wait_for_room(_time_left_s(deadline_s)):
                    with self._lock:
                        if self._offer(frame, count, kind):
                            return True
            finally:
                self._turn.release()
        with self._lock:
            self._counts.drop(count, kind)
        return False

    def _offer(self, frame: bytes, count: int, kind: str) -> bool:
        """Queues the message under the next number if there is room; the caller holds the lock."""
        counts = self._counts
        if not self._connection.offer(with_seq(frame, counts.next_seq if kind == TRADE else counts.next_seqs[kind])):
            return False
        if not counts.sent_messages:
            self._heartbeat.start()
        counts.sent_trades += count
        counts.next_seqs[kind] += kind != TRADE
        counts.sent_messages += 1
        return True

    def _report_alive(self) -> bool:
        """Reports to an ingest that is there; whether the report was queued. Never waits."""
        with self._lock:
            # Whoever waits for room has the socket, and ingest hears of us when there is some.
            if self._closed or self._waiting or not self._connection.is_connected():
                return False
            return self._connection.offer(self._counts.alive())

    def _pass_through(self, deadline_s: float) -> bool:
        """Sends a report behind all that is queued; whether it was written in time."""
        tracker = self._queue_report(deadline_s)
        if tracker is None:
            return False
        try:
            tracker.wait(_time_left_s(deadline_s))
        except NotDone:
            return False
        return True

    def _queue_report(self, deadline_s: float) -> Receipt | None:
        """Queues a report as soon as there is room; None if there was none in time, or the publisher was closed."""
        with self._lock:
            if self._closed:
                return None
            if not self._waiting and (tracker := self._connection.offer_tracked(self._counts.alive())):
                return tracker
        return self._queue_report_when_room(deadline_s)

    def _queue_report_when_room(self, deadline_s: float) -> Receipt | None:
        if not self._turn.acquire(timeout=_time_left_s(deadline_s)):
            return None
        try:
            with self._lock:
                # From here on the socket is ours without the lock too: others see that somebody waits.
                self._waiting += 1
            while not self._closed and self._connection.wait_for_room(_time_left_s(deadline_s)):
                with self._lock:
                    if tracker := self._connection.offer_tracked(self._counts.alive()):
                        return tracker
            return None
        finally:
            with self._lock:
                self._waiting -= 1
            self._turn.release()


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


def _new_run(beginning: str | None) -> str:
    """Differs even if two bots start in the same second under one name: each numbers its trades from 0."""
    if beginning is None:
        beginning = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    return f"{beginning}-{secrets.token_hex(4)}"
