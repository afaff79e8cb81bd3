"""`Publisher`: checks, numbers and sends the trades of one bot."""

import secrets
import time
import weakref
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from os import PathLike
from types import TracebackType
from typing import Any, Final, Literal, NoReturn, Self

from pydantic import ValidationError

from telemetry_client.checks import (
    acks_endpoint_of,
    checked_interval,
    checked_path,
    checked_queue_bytes,
    checked_queue_length,
    checked_run,
    checked_wait,
    describe,
    trade_encoder,
    with_plain_numbers,
)
from telemetry_client.columns import Texts, as_columns
from telemetry_client.connection import Connection
from telemetry_client.curve_keys import CurveKeys
from telemetry_client.durable.disk.queue_file import QueueFile
from telemetry_client.durable.link import Link
from telemetry_client.durable.outbox import DurableOutbox
from telemetry_client.errors import InvalidTradeError
from telemetry_client.order_messages import OrderMessages
from telemetry_client.outbox import MemoryOutbox, Outbox
from telemetry_client.run_counts import RunCounts
from telemetry_client.stats import Stats
from telemetry_schema import TradeColumns, encode

MAX_MESSAGE_TRADES: Final = 1024
"""The most trades that `trades` puts into one message: at most 120 kB, far below what ingest accepts, so that a full
queue of them still fits into memory; sending them in larger pieces would hardly be faster."""


class Publisher(OrderMessages):
    """Sends a bot's trades to ingest. Connects by itself, whichever of both starts first.

    Times are UTC epoch nanoseconds, sides the taker's, prices in quote currency per unit of base, quantities in units
    of base. Trades are numbered from 0 in each `run`; one that finds the queue full for `block_s` is dropped, counted,
    and keeps its number, so that ingest sees the gap. May be used from several threads, but not across a fork; by the
    handler of a signal only to close it.

    What it reports of orders is in `OrderMessages`: each kind of message has its own numbers.

    From the first message on a thread reports every `alive_every_s` that the run goes on, and the close that it ended:
    a run that goes silent in between is shown as unfinished.

    With `durable`, a path, messages are kept in a file there until ingest has acknowledged them, also over the end of
    this process: the next publisher on that path sends what is left. One that finds the file full is dropped, counted,
    and takes no number.

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
        durable: str | PathLike[str] | None = None,
        durable_max_bytes: int = 64 * 1024 * 1024,
        acks_endpoint: str | None = None,
    ) -> None:
        self._head = {"source": source, "run": _new_run(checked_run(run))}
        self._account = {} if account is None else {"account": account}
        self._encoders = {}
        self._encode = trade_encoder(self._head | self._account).encode
        self._block_s = checked_wait(block_s, "block_s")
        linger_s = checked_wait(linger_s, "linger_s")
        alive_every_s = checked_interval(alive_every_s, "alive_every_s")
        max_queued_messages = checked_queue_length(max_queued_messages)
        self._counts = RunCounts(self._head["source"], self._head["run"])
        waits = {"block_s": self._block_s, "linger_s": linger_s, "alive_every_s": alive_every_s}
        if durable is None:
            connection = Connection(endpoint, max_queued_messages=max_queued_messages, curve=curve)
            self._outbox: Outbox = MemoryOutbox(
                connection, self._counts, max_queued_messages=max_queued_messages, **waits
            )
        else:
            size_bytes = checked_queue_bytes(durable_max_bytes)
            link = Link(endpoint, acks_endpoint_of(endpoint, acks_endpoint), curve)
            try:
                file = QueueFile(checked_path(durable), max_bytes=size_bytes)
            except BaseException:
                link.close(0.0)
                raise
            self._outbox = DurableOutbox(file, link, self._counts, **waits)
            # A bot that forgets to close does so when this object goes or the interpreter ends.
            weakref.finalize(self, self._outbox.forget)
        self._put = self._outbox.put

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
        return self._outbox.stats()

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

        With `durable` True means: in the file, where a kill of this process leaves it.

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
            frame = with_plain_numbers(self._encode, fields)
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

        With `durable`: until ingest has acknowledged all of it, what earlier publishers left in the file too.

        Raises:
            InvalidSettingError: the time is no number of seconds from 0 to an hour.
            ClosedError, ForkedError: the publisher is closed, or belongs to the parent process.
        """
        return self._outbox.flush(time.monotonic() + checked_wait(timeout_s, "timeout_s"))

    def close(self) -> bool:
        """Sends what is still queued, for at most `linger_s`, then ends; whether certainly all of it went to an ingest.

        The last message says where the run ended.

        With `durable` it waits for so long until all is acknowledged, and returns whether all is; what is not stays in
        the file for the next publisher on it, which then says where this run ended.

        A call that waits for room in another thread is waited for first. Closing again does nothing. In a fork it
        leaves the parent's socket alone.

        The handler of a signal may call it. Where it has interrupted a call of this publisher, which goes on only when
        the handler ends, this returns False within a second. That call then waits for room no longer, and what is
        queued is sent when it is closed again, or when the program ends.
        """
        return self._outbox.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a publisher cannot be copied or sent to another process: make one there")

    def _columnar_frames(self, columns: dict[str, list[Any]], now_ns: int) -> Iterator[tuple[bytes, int]]:
        """Frames of valid trades, each with how many it holds."""
        for first in range(0, len(columns["qty"]), MAX_MESSAGE_TRADES):
            piece = {name: column[first : first + MAX_MESSAGE_TRADES] for name, column in columns.items()}
            fields = {**self._head, **self._account, **piece, "sent_ns": now_ns}
            try:
                message = with_plain_numbers(TradeColumns.model_validate, fields)
            except ValidationError as error:
                raise InvalidTradeError(describe(error, first)) from error
            yield encode(message), len(piece["qty"])

    def _send(self, kind: str, frame: bytes) -> bool:
        return self._put(frame, 0, None, kind)


def _new_run(beginning: str | None) -> str:
    """Differs even if two bots start in the same second under one name: each numbers its trades from 0."""
    if beginning is None:
        beginning = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    return f"{beginning}-{secrets.token_hex(4)}"
