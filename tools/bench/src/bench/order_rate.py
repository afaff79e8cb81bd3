"""Order events beside trades at a given rate, through ingest and analytics as they run: how far both are behind.

    a client process ─ order events of 10 bots in 200 books, and a mid in 5 ms ─┐
                     └ trades of 200 symbols ───────────────────────────────────┴▶ ingest ─▶ analytics ─▶ here

All are one JSON message each, numbered, sent in ticks of 5 ms with the times of then: an order is submitted,
acknowledged, filled and filled (or cancelled) in four ticks. Meanwhile both services are scraped once a second, as
Prometheus does, and what analytics shows the UI is taken from it. What was sent and is not applied yet is how far the
services are behind.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from statistics import median
from threading import Event, Thread
from typing import Final

import zmq

from bench.figures import TargetCheck, at_least, at_most
from bench.macro import Report
from bench.paced import ProcessorClock
from bench.peers import Pipe, open_socket, process
from bench.pipeline import PATIENCE_S, Pipeline, StuckError, pipeline

EVENTS_PER_S, TRADES_PER_S = 20_000, 50_000
SECONDS, QUICK_SECONDS = 30, 5
MAX_BEHIND_S = 1.0
"""At the end of a second that much of it may be on its way, a scrape that is being answered included."""

_TICK_S: Final = 0.005
_STEPS: Final = 4
_BOOKS, _BOTS, _SYMBOLS = 200, 10, 200
_CANCELLED_EVERY: Final = 20
_QUOTED: Final = 5
"""Symbols of the books."""

_EVENT: Final = b'%b%b,"order_id":"o-%d","seq":%d,"event_ns":%d,"sent_ns":%d}'
_QUOTE: Final = (
    b'{"type":"quote","source":"mids","run":"r","seq":%d,"symbol":"SYM%d-USD","bid":99.9,"ask":100.1,'
    b'"event_ns":%d,"sent_ns":%d}'
)
_TRADE: Final = b'%b%d,"event_ns":%d,"sent_ns":%d}'


@dataclass(frozen=True, slots=True)
class MixedLoad:
    """What to send, and for how long."""

    endpoint: str
    events_per_s: int
    trades_per_s: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Behind:
    """At one scrape: what had been sent and was not applied, in seconds of the rate; and what the scrape took."""

    events_s: float
    trades_s: float
    scrape_s: float


@dataclass(frozen=True, slots=True)
class OrderRate:
    """What was sent, how far behind the services were, and percent of a core by process."""

    seconds: float
    events: int
    trades: int
    drained_s: float
    lost: float
    core_percent: dict[str, float]
    behind: list[Behind] = field(default_factory=list)

    @property
    def most_behind_s(self) -> float:
        """The longest of all scrapes."""
        return max(max(each.events_s, each.trades_s) for each in self.behind)

    def as_dict(self) -> dict[str, object]:
        """For the JSON file."""
        scrapes = [each.scrape_s for each in self.behind]
        return {
            **asdict(self),
            "events_per_s": self.events / self.seconds,
            "trades_per_s": self.trades / self.seconds,
            "most_behind_s": self.most_behind_s,
            "scrape_s": median(scrapes),
        }


def measure(*, seconds: int, report: Report) -> OrderRate:
    """One run in a pipeline of its own."""
    with process(push_mixed) as pusher, _ui() as ui_endpoint, pipeline(ui_endpoint) as tested:
        pusher.send(MixedLoad(tested.endpoint, EVENTS_PER_S, TRADES_PER_S, seconds))
        sender_pid: int = pusher.recv()
        pids = {**tested.stack.pids, "client": sender_pid}
        clock = ProcessorClock({name: (pid,) for name, pid in pids.items()})
        pusher.send(None)
        behind = list(_scrapes(tested, pusher, seconds, report))
        core_percent = clock.core_percent()
        pusher.send(None)
        sent_s, events, trades = pusher.recv()
        drained_s = _drained_s(tested, events, trades)
        lost = tested.ingest().total("telemetry_source_events_lost_total")
    return OrderRate(sent_s, events, trades, drained_s, lost, core_percent, behind)


def targets(rate: OrderRate) -> list[TargetCheck]:
    """What is to be held."""
    asked = f"{EVENTS_PER_S:,} order events/s beside {TRADES_PER_S:,} trades/s"
    return [
        at_least(f"{asked}: events/s sent", rate.events / rate.seconds, 0.99 * EVENTS_PER_S, "{:,.0f}"),
        at_least("trades/s sent beside them", rate.trades / rate.seconds, 0.99 * TRADES_PER_S, "{:,.0f}"),
        at_most("most that was not applied at a scrape, s", rate.most_behind_s, MAX_BEHIND_S),
        at_most("until all was applied after the last, s", rate.drained_s, MAX_BEHIND_S),
    ]


def _scrapes(tested: Pipeline, pusher: Pipe, seconds: int, report: Report) -> Iterator[Behind]:
    """A scrape at the end of each second of sending; one that takes longer leaves the next ones out."""
    sent_s = 0
    while sent_s < seconds:
        # Older messages would compare what is applied now with what was sent long ago.
        while True:
            events, trades = pusher.recv()
            sent_s += 1
            if not pusher.poll():
                break
        yield _behind(tested, events, trades, report)


def _behind(tested: Pipeline, events: int, trades: int, report: Report) -> Behind:
    """Asks both services what they have of what was sent."""
    begin_s = time.monotonic()
    tested.ingest()
    analytics = tested.analytics()
    scrape_s = time.monotonic() - begin_s
    missing_events = max(events - analytics.total("telemetry_applied_events_total"), 0)
    missing_trades = max(trades - analytics.total("telemetry_applied_trades_total"), 0)
    behind = Behind(missing_events / EVENTS_PER_S, missing_trades / TRADES_PER_S, scrape_s)
    report(f"{events:,} events, {trades:,} trades: behind {behind.events_s:.2f} and {behind.trades_s:.2f} s")
    return behind


def _drained_s(tested: Pipeline, events: int, trades: int) -> float:
    begin_s = time.monotonic()
    while True:
        analytics = tested.analytics()
        missing = events - analytics.total("telemetry_applied_events_total")
        missing += trades - analytics.total("telemetry_applied_trades_total")
        passed_s = time.monotonic() - begin_s
        if missing <= 0:
            return passed_s
        if passed_s > PATIENCE_S:
            raise StuckError(f"{missing:,.0f} of {events + trades:,} are not applied after {PATIENCE_S} s")
        time.sleep(_TICK_S)


@contextmanager
def _ui() -> Iterator[str]:
    """An endpoint that takes what the UI is shown, and drops it."""
    context, is_over = zmq.Context(), Event()
    with open_socket(context, zmq.PULL) as socket:
        port = socket.bind_to_random_port("tcp://127.0.0.1")

        def drop() -> None:
            while not is_over.is_set():
                if socket.poll(100):
                    socket.recv()

        thread = Thread(target=drop, name="ui", daemon=True)
        thread.start()
        try:
            yield f"tcp://127.0.0.1:{port}"
        finally:
            is_over.set()
            thread.join()
    context.term()


def push_mixed(pipe: Pipe) -> None:
    """Pushes one load: its process → go → at the end of each second what was sent so far → go → all that was sent."""
    load: MixedLoad = pipe.recv()
    context = zmq.Context()
    with open_socket(context, zmq.PUSH) as socket:
        socket.connect(load.endpoint)
        socket.poll(30_000, zmq.POLLOUT)
        pipe.send(os.getpid())
        pipe.recv()
        found = _push(load, _Orders(socket.send), _Market(socket.send), pipe)
        pipe.recv()
        pipe.send(found)
        pipe.recv()
    context.term()


def _push(load: MixedLoad, orders: "_Orders", market: "_Market", pipe: Pipe) -> tuple[float, int, int]:
    begin_s, ticks = time.monotonic(), round(load.seconds / _TICK_S)
    for tick in range(ticks):
        while (wait_s := begin_s + tick * _TICK_S - time.monotonic()) > 0:
            time.sleep(wait_s)
        orders.tick(round(load.events_per_s * _TICK_S) // _STEPS)
        market.tick(round(load.trades_per_s * _TICK_S))
        if (tick + 1) % round(1 / _TICK_S) == 0:
            pipe.send((orders.sent, market.sent))
    return time.monotonic() - begin_s, orders.sent, market.sent


class _Orders:
    """Four ticks of many orders' lives, and a quote a tick."""

    def __init__(self, send: Callable[[bytes], object]) -> None:
        self._send = send
        self._fronts = [[_front(book, step) for step in range(_STEPS)] for book in range(_BOOKS)]
        self._seqs, self._quotes = [0] * _BOTS, 0
        self._begun: list[range] = []
        self._next = 0
        self.sent = 0

    def tick(self, begin: int) -> None:
        """Begins so many orders, and goes on with those of the last ticks."""
        self._begun = [range(self._next, self._next + begin), *self._begun][:_STEPS]
        self._next += begin
        self._quote(time.time_ns())
        for step, numbers in reversed(list(enumerate(self._begun))):
            for number in numbers:
                self._event(number, step)

    def _event(self, number: int, step: int) -> None:
        book, now_ns = number % _BOOKS, time.time_ns()
        bot = book % _BOTS
        front = self._fronts[book][step]
        if step == _STEPS - 1 and number % _CANCELLED_EVERY == 0:
            front = front.partition(b'"event"')[0] + b'"event":"cancel"'
        own = b',"exec_id":"x%d-%d"' % (step, number) if step > 1 else b""
        self._send(_EVENT % (front, own, number, self._seqs[bot], now_ns, now_ns))
        self._seqs[bot] += 1
        self.sent += 1

    def _quote(self, now_ns: int) -> None:
        self._send(_QUOTE % (self._quotes, self._quotes % _QUOTED, now_ns, now_ns))
        self._quotes += 1
        self.sent += 1


def _front(book: int, step: int) -> bytes:
    bot = book % _BOTS
    side, symbol = "buy" if book % 3 else "sell", f"SYM{book // 40}-USD"
    whose = f'"account":"acc-{bot}","strategy":"s-{book // 10 % 4}","venue":"sim","symbol":"{symbol}","side":"{side}"'
    happened = (
        '"event":"submit","qty":2.0,"price":100.0,"order_type":"limit","arrival_price":100.01',
        '"event":"ack"',
        '"event":"fill","last_qty":1.0,"last_price":100.0,"cum_qty":1.0,"fee":0.01,"fee_currency":"USD"',
        '"event":"fill","last_qty":1.0,"last_price":100.1,"cum_qty":2.0,"fee":0.01,"fee_currency":"USD"',
    )[step]
    return f'{{"type":"order","source":"bot-{bot}","run":"r","clock":"bot",{whose},{happened}'.encode()


class _Market:
    """Trades of a market with many symbols."""

    def __init__(self, send: Callable[[bytes], object]) -> None:
        self._send = send
        head = '{"type":"trade","source":"market","run":"r","side":"buy","qty":0.5,"price":61000.25,'
        self._fronts = [f'{head}"symbol":"LOAD-{symbol:04}","seq":'.encode() for symbol in range(_SYMBOLS)]
        self.sent = 0

    def tick(self, count: int) -> None:
        """Sends so many."""
        for seq in range(self.sent, self.sent + count):
            now_ns = time.time_ns()
            self._send(_TRADE % (self._fronts[seq % _SYMBOLS], seq, now_ns, now_ns))
        self.sent += count
