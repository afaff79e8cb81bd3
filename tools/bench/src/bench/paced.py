"""Latency at a given rate: the pipeline's next to that of two bare hops, PUSH → PULL, PUSH → PULL.

Both get the same messages from the same process at the same times, with the time of sending in them; both alternately.
The bare end reads that time out of the message. The pipeline's end is analytics, which counts sent → applied in fine
buckets (within 10 %) and sends the UI its percentiles: here the benchmark listens in the UI's place.
"""

import time
from dataclasses import asdict, dataclass
from itertools import count
from statistics import median

import numpy as np
import zmq

from bench.figures import TargetCheck, at_most
from bench.macro import Report
from bench.peers import Pipe, open_socket, process
from bench.pipeline import Pipeline, pipeline
from telemetry_schema import Snapshot, decode_ui

RATES = (1_000, 10_000)
"""Trades a second."""

_RUN_S = 4.0
_QUICK_RUN_S = 1.0
_MARK = b'"sent_ns":'
_NS_DIGITS = 19

_runs = count()


@dataclass(frozen=True, slots=True)
class Pace:
    """Messages to push one by one: `count` of them, `rate` a second."""

    endpoint: str
    rate: int
    count: int
    run: str
    source: str = "paced"


def push_paced(pipe: Pipe) -> None:
    """Pushes each order's messages when they are due, each with the time at which it is really sent."""
    context = zmq.Context()
    for pace in iter(pipe.recv, None):
        head = (
            f'{{"type":"trade","source":"{pace.source}","run":"{pace.run}","symbol":"LOAD-0000","side":"buy","qty":0.5,'
        )
        front = f'{head}"price":61000.25,"seq":'.encode()
        with open_socket(context, zmq.PUSH) as socket:
            socket.connect(pace.endpoint)
            socket.poll(30_000, zmq.POLLOUT)
            begin_ns, gap_ns = time.time_ns() + 10_000_000, 1_000_000_000 // pace.rate
            for seq in range(pace.count):
                while (wait_ns := begin_ns + seq * gap_ns - time.time_ns()) > 0:
                    time.sleep(wait_ns / 1e9)
                now_ns = time.time_ns()
                socket.send(b'%b%d,"event_ns":%d,"sent_ns":%d}' % (front, seq, now_ns, now_ns))
        pipe.send(None)
    context.term()


def forward(pipe: Pipe, endpoint: str) -> None:
    """The first hop: passes everything on, one by one."""
    context = zmq.Context()
    with open_socket(context, zmq.PULL) as source, open_socket(context, zmq.PUSH) as sink:
        sink.connect(endpoint)
        pipe.send(f"tcp://127.0.0.1:{source.bind_to_random_port('tcp://127.0.0.1')}")
        poller = zmq.Poller()
        poller.register(source, zmq.POLLIN)
        poller.register(pipe.fileno(), zmq.POLLIN)
        while pipe.fileno() not in (ready := dict(poller.poll())):
            if source in ready:
                sink.send(source.recv())
    context.term()


def arrive(pipe: Pipe) -> None:
    """The second hop: count → how long each of so many messages took, in nanoseconds."""
    context = zmq.Context()
    with open_socket(context, zmq.PULL) as socket:
        pipe.send(f"tcp://127.0.0.1:{socket.bind_to_random_port('tcp://127.0.0.1')}")
        for messages in iter(pipe.recv, None):
            spans = []
            for _ in range(messages):
                frame, now_ns = socket.recv(), time.time_ns()
                start = frame.rindex(_MARK) + len(_MARK)
                spans.append(now_ns - int(frame[start : start + _NS_DIGITS]))
            pipe.send(spans)
    context.term()


@dataclass(frozen=True, slots=True)
class Paced:
    """Percentiles from sent to applied, and over two bare hops, in microseconds; one each a repeat."""

    rate: int
    ours_p50_us: list[float]
    ours_p99_us: list[float]
    bare_p50_us: list[float]
    bare_p99_us: list[float]

    def as_dict(self) -> dict[str, object]:
        """For the JSON file."""
        return {**asdict(self), "p50_ratio": self.ratio("p50"), "p99_ratio": self.ratio("p99")}

    def ratio(self, rank: str) -> float:
        """The median of the repeats' ratios; `rank` is p50 or p99."""
        pairs = zip(getattr(self, f"ours_{rank}_us"), getattr(self, f"bare_{rank}_us"), strict=True)
        ratios: list[float] = [ours / bare for ours, bare in pairs]
        return median(ratios)


def measure(rate: int, *, repeats: int, quick: bool, report: Report) -> Paced:
    """Both at that rate, alternately; each repeat has a pipeline of its own, as its percentiles are of a minute."""
    messages = round(rate * (_QUICK_RUN_S if quick else _RUN_S))
    found = Paced(rate, [], [], [], [])
    with process(push_paced) as pusher, process(arrive) as end:
        end_endpoint = end.recv()
        with process(forward, end_endpoint) as hop:
            bare_endpoint = hop.recv()
            for _ in range(repeats):
                p50, p99 = _bare(pusher, end, bare_endpoint, rate, messages)
                found.bare_p50_us.append(p50)
                found.bare_p99_us.append(p99)
                p50, p99 = _ours(pusher, rate, messages)
                found.ours_p50_us.append(p50)
                found.ours_p99_us.append(p99)
                report(
                    f"{rate:,}/s: p50 {p50:,.0f} of {found.bare_p50_us[-1]:,.0f} µs, "
                    f"p99 {p99:,.0f} of {found.bare_p99_us[-1]:,.0f} µs"
                )
    return found


def _bare(pusher: Pipe, end: Pipe, endpoint: str, rate: int, messages: int) -> tuple[float, float]:
    end.send(messages)
    pusher.send(Pace(endpoint, rate, messages, f"run-{next(_runs)}"))
    pusher.recv()
    p50, p99 = (np.percentile(end.recv(), [50, 99]) / 1e3).tolist()
    return p50, p99


def _ours(pusher: Pipe, rate: int, messages: int) -> tuple[float, float]:
    context = zmq.Context()
    with open_socket(context, zmq.PULL) as ui:
        ui_endpoint = f"tcp://127.0.0.1:{ui.bind_to_random_port('tcp://127.0.0.1')}"
        with pipeline(ui_endpoint) as tested:
            pusher.send(Pace(tested.endpoint, rate, messages, f"run-{next(_runs)}"))
            pusher.recv()
            snapshot = _snapshot_of(ui, messages, tested)
        latency = snapshot.latencies["end_to_end"]
    context.term()
    if latency.p50_ns is None or latency.p99_ns is None:
        raise ValueError("analytics reports no latency")
    return latency.p50_ns / 1e3, latency.p99_ns / 1e3


def _snapshot_of(ui: "zmq.Socket[bytes]", trades: int, tested: Pipeline) -> Snapshot:
    """The first snapshot that knows of all trades."""
    while ui.poll(10_000):
        message = decode_ui(ui.recv())
        if isinstance(message, Snapshot) and message.ledger.applied >= trades:
            return message
    raise TimeoutError(f"analytics has applied {tested.applied():,} of {trades:,} trades")


def targets(measured: list[Paced]) -> list[TargetCheck]:
    """What the pipeline may add."""
    return [
        at_most(f"{paced.rate:,} trades/s: {rank} to that of two bare hops", paced.ratio(rank), most)
        for paced in measured
        for rank, most in (("p50", 2.0), ("p99", 3.0))
    ]
