"""What one client's trades suffer from others: one that floods, one that connects and says nothing, one that is slow.

And from a program that only uses a core, and is no client at all: what a flood costs beyond that is ours.

A client's trades at a steady rate are timed alone and with the others, alternately. The flood's trades say that they
were sent long ago, so that they fall into the highest buckets of the latency histogram and the client's own can be read
below them.
"""

import socket
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from itertools import count
from statistics import median
from urllib.parse import urlsplit

import zmq

from bench.figures import TargetCheck, at_most
from bench.macro import Report
from bench.paced import Pace, push_paced
from bench.peers import Pipe, open_socket, process
from bench.pipeline import PATIENCE_S, Pipeline, StuckError, pipeline
from loadtest.latency import Percentiles
from loadtest.scrape import Scrape

RATE = 1_000
MESSAGES = 3 * RATE
"""Trades of the client in one measurement."""

_SLOW_RATE = 5
LIMITED = {"INGEST_MAX_MESSAGES_PER_S": str(5 * RATE)}
"""What one source may send in the pipeline with limits: the client is far below it, the flood far above."""

_FLOOD_AGE_NS = 20_000_000_000
_OWN_BELOW_S = 10.0
"""A trade of the client that took longer than this would be taken for one of the flood, and missing from the count."""

_runs = count()


@dataclass(frozen=True, slots=True)
class Neighbours:
    """p99 of the client's trades in milliseconds, one each a repeat: alone, with the quiet ones, with the flood too.

    `limited_…` is from a pipeline that limits what one source may send: alone, and with the flood; and so is `busy_ms`,
    beside a program that uses a core and sends nothing.
    """

    alone_ms: list[float]
    quiet_ms: list[float]
    flood_ms: list[float]
    flood_rate: float
    limited_alone_ms: list[float]
    limited_flood_ms: list[float]
    busy_ms: list[float]

    def as_dict(self) -> dict[str, object]:
        """For the JSON file."""
        return asdict(self)


def flood(pipe: Pipe, endpoint: str) -> None:
    """Sends as fast as it can, until it is stopped; returns how many a second."""
    context = zmq.Context()
    with open_socket(context, zmq.PUSH) as push:
        push.connect(endpoint)
        begin_s, sent = time.monotonic(), 0
        front = b'{"type":"trade","source":"flood","symbol":"LOAD-0001","side":"buy","qty":0.5,"price":61000.25,'
        while not pipe.poll():
            old_ns = time.time_ns() - _FLOOD_AGE_NS
            frame = b'%b"event_ns":%d,"sent_ns":%d}' % (front, old_ns, old_ns)
            for _ in range(256):
                push.send(frame)
            sent += 256
        pipe.send(sent / (time.monotonic() - begin_s))
    context.term()


def burn(pipe: Pipe) -> None:
    """Uses a core for nothing, until it is stopped."""
    while not pipe.poll():
        sum(range(10_000))


def measure(*, repeats: int, report: Report) -> Neighbours:
    """All three, alternately, in one pipeline."""
    found = Neighbours([], [], [], 0.0, [], [], [])
    rates: list[float] = []
    with pipeline() as tested, process(push_paced) as client, process(push_paced) as slow:
        p99_ms(tested, client)
        for _ in range(repeats):
            found.alone_ms.append(p99_ms(tested, client))
            with _silent(tested):
                slow.send(Pace(tested.endpoint, _SLOW_RATE, _SLOW_RATE * 3, f"slow-{next(_runs)}", "slow"))
                found.quiet_ms.append(p99_ms(tested, client))
                slow.recv()
            with process(flood, tested.endpoint) as flooder:
                found.flood_ms.append(p99_ms(tested, client))
                flooder.send(None)
                rates.append(flooder.recv())
            report(
                f"p99 alone {found.alone_ms[-1]:.2f}, quiet ones {found.quiet_ms[-1]:.2f}, "
                f"flood {found.flood_ms[-1]:.2f} ms"
            )
    _measure_limited(found, repeats, report)
    return replace(found, flood_rate=median(rates))


def _measure_limited(found: Neighbours, repeats: int, report: Report) -> None:
    with pipeline(settings=LIMITED) as tested, process(push_paced) as client:
        p99_ms(tested, client)
        for _ in range(repeats):
            found.limited_alone_ms.append(p99_ms(tested, client))
            with process(flood, tested.endpoint) as flooder:
                found.limited_flood_ms.append(p99_ms(tested, client))
                flooder.send(None)
                flooder.recv()
            with process(burn):
                found.busy_ms.append(p99_ms(tested, client))
            report(
                f"p99 alone {found.limited_alone_ms[-1]:.2f}, limited flood {found.limited_flood_ms[-1]:.2f}, "
                f"a program that uses a core {found.busy_ms[-1]:.2f} ms"
            )


def p99_ms(tested: Pipeline, client: Pipe) -> float:
    """Of a client's trades at `RATE`, from sent to applied, in milliseconds."""
    before = tested.analytics()
    client.send(Pace(tested.endpoint, RATE, MESSAGES, f"run-{next(_runs)}"))
    client.recv()
    end_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s:
        histogram = _own(tested.analytics().since(before)).histogram("telemetry_latency_seconds", stage="end_to_end")
        found = Percentiles.of(histogram)
        if found is not None and found.count >= MESSAGES:
            return found.p99_ms
        time.sleep(0.05)
    raise StuckError(f"{MESSAGES:,} trades are not all applied after {PATIENCE_S} s")


def _own(change: Scrape) -> Scrape:
    """Without the buckets that the flood falls into."""
    return Scrape(
        {
            (name, labels): value
            for (name, labels), value in change.samples.items()
            if _bound_s(dict(labels)) <= _OWN_BELOW_S
        }
    )


def _bound_s(labels: dict[str, str]) -> float:
    return float(labels.get("le", 0))


def _silent(tested: Pipeline) -> ExitStack:
    """A peer that opens connections and never says a word."""
    stack = ExitStack()
    parts = urlsplit(tested.endpoint)
    for _ in range(8):
        stack.enter_context(socket.create_connection((parts.hostname or "", parts.port or 0)))
    return stack


def targets(found: Neighbours) -> list[TargetCheck]:
    """The others' p99."""
    alone = median(found.alone_ms)
    return [
        at_most("p99 beside a silent and a slow client, ratio to alone", median(found.quiet_ms) / alone, 2.0),
        at_most("p99 beside a client that floods, ratio to alone", median(found.flood_ms) / alone, 3.0),
        at_most(
            "p99 beside a client that floods and is limited, ratio to alone",
            median(found.limited_flood_ms) / median(found.limited_alone_ms),
            1.5,
        ),
    ]
