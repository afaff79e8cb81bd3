"""Latency and processor at a given rate: the pipeline's next to those of two bare hops, PUSH → PULL, PUSH → PULL.

Both get the same messages from the same process at the same times, with the time of sending in them; both alternately.
The bare end reads that time out of the message. The pipeline's end is analytics, which counts sent → applied in fine
buckets (within 10 %) and sends the UI its percentiles: here the benchmark listens in the UI's place. Processor is that
of ingest and analytics, with their log, snapshots and checkpoints; of the bare hops, that of their two processes.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from itertools import accumulate, count
from random import Random
from statistics import median

import numpy as np
import psutil
import zmq

from bench.figures import TargetCheck, at_most
from bench.macro import Report
from bench.peers import Pipe, open_socket, process
from bench.pipeline import Pipeline, pipeline
from telemetry_schema import Snapshot, decode_ui


@dataclass(frozen=True, slots=True)
class Rate:
    """Trades a second, of one client at equal distances or of several at random ones."""

    trades_per_s: int
    clients: int = 1

    def __str__(self) -> str:
        rate = f"{self.trades_per_s:,}/s"
        return rate if self.clients == 1 else f"{rate} of {self.clients} clients"


RATES = (Rate(900, clients=30), Rate(1_000), Rate(5_000), Rate(10_000), Rate(100_000))
QUICK_RATES = (Rate(1_000), Rate(10_000))

MAX_CORE_PERCENT = {1_000: 15.0, 10_000: 40.0}
"""What ingest and analytics may use of a core together, by rate."""

MAX_RATIOS = {"p50": 2.5, "p99": 3.0}
"""What the pipeline may take of the time of two bare hops, at these rates."""

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
    clients: int = 1
    """With several the messages come at random distances, by the clients in turn."""

    def due_ns(self) -> list[int]:
        """When each message is due, in nanoseconds from the beginning."""
        if self.clients == 1:
            return [seq * 1_000_000_000 // self.rate for seq in range(self.count)]
        random = Random(1)  # noqa: S311 - distances in time are no secret
        return [round(at_ns) for at_ns in accumulate(random.expovariate(self.rate / 1e9) for _ in range(self.count))]


def push_paced(pipe: Pipe) -> None:
    """Pushes each order's messages when they are due, each with the time at which it is really sent."""
    context = zmq.Context()
    for pace in iter(pipe.recv, None):
        with ExitStack() as stack:
            sockets = [stack.enter_context(open_socket(context, zmq.PUSH)) for _ in range(pace.clients)]
            for socket in sockets:
                socket.connect(pace.endpoint)
                socket.poll(30_000, zmq.POLLOUT)
            _push(pace, sockets)
        pipe.send(None)
    context.term()


def _push(pace: Pace, sockets: "list[zmq.Socket[bytes]]") -> None:
    fronts = [_front(pace, client) for client in range(pace.clients)]
    begin_ns = time.time_ns() + 10_000_000
    for index, due_ns in enumerate(pace.due_ns()):
        while (wait_ns := begin_ns + due_ns - time.time_ns()) > 0:
            time.sleep(wait_ns / 1e9)
        seq, client = divmod(index, pace.clients)
        now_ns = time.time_ns()
        sockets[client].send(b'%b%d,"event_ns":%d,"sent_ns":%d}' % (fronts[client], seq, now_ns, now_ns))


def _front(pace: Pace, client: int) -> bytes:
    source = f"{pace.source}-{client}" if client else pace.source
    head = f'{{"type":"trade","source":"{source}","run":"{pace.run}","symbol":"LOAD-0000","side":"buy","qty":0.5,'
    return f'{head}"price":61000.25,"seq":'.encode()


def forward(pipe: Pipe, endpoint: str) -> None:
    """The first hop: passes everything on, one by one. Says who it is and where it listens."""
    context = zmq.Context()
    with open_socket(context, zmq.PULL) as source, open_socket(context, zmq.PUSH) as sink:
        sink.connect(endpoint)
        pipe.send((os.getpid(), f"tcp://127.0.0.1:{source.bind_to_random_port('tcp://127.0.0.1')}"))
        poller = zmq.Poller()
        poller.register(source, zmq.POLLIN)
        poller.register(pipe.fileno(), zmq.POLLIN)
        while pipe.fileno() not in (ready := dict(poller.poll())):
            if source in ready:
                sink.send(source.recv())
    context.term()


def arrive(pipe: Pipe) -> None:
    """The second hop: count → how long each of so many messages took, in nanoseconds. Begins as `forward` does."""
    context = zmq.Context()
    with open_socket(context, zmq.PULL) as socket:
        pipe.send((os.getpid(), f"tcp://127.0.0.1:{socket.bind_to_random_port('tcp://127.0.0.1')}"))
        for messages in iter(pipe.recv, None):
            spans = []
            for _ in range(messages):
                frame, now_ns = socket.recv(), time.time_ns()
                start = frame.rindex(_MARK) + len(_MARK)
                spans.append(now_ns - int(frame[start : start + _NS_DIGITS]))
            pipe.send(spans)
    context.term()


@dataclass(frozen=True, slots=True)
class BareHops:
    """Both bare hops, and the client that sends through them and through the pipeline."""

    pusher: Pipe
    end: Pipe
    endpoint: str
    pids: tuple[int, ...]


@contextmanager
def bare_hops() -> Iterator[BareHops]:
    """All three processes, for as long as the context is open."""
    with process(push_paced) as pusher, process(arrive) as end:
        end_pid, end_endpoint = end.recv()
        with process(forward, end_endpoint) as hop:
            hop_pid, endpoint = hop.recv()
            yield BareHops(pusher, end, endpoint, (hop_pid, end_pid))


@dataclass(frozen=True, slots=True)
class PacedRun:
    """Percentiles from sent to applied in microseconds, and percent of a core by process."""

    p50_us: float
    p99_us: float
    core_percent: dict[str, float]

    @property
    def total_percent(self) -> float:
        """Of all processes."""
        return sum(self.core_percent.values())


@dataclass(frozen=True, slots=True)
class Paced:
    """The runs at one rate, through the pipeline and over two bare hops; one each a repeat."""

    rate: Rate
    ours: list[PacedRun] = field(default_factory=list)
    bare: list[PacedRun] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """For the JSON file."""
        return {**asdict(self), "name": str(self.rate), "p50_ratio": self.ratio("p50"), "p99_ratio": self.ratio("p99")}

    def ratio(self, rank: str) -> float:
        """The median of the repeats' ratios; `rank` is p50 or p99."""
        pairs = zip(self.ours, self.bare, strict=True)
        ratios: list[float] = [getattr(ours, f"{rank}_us") / getattr(bare, f"{rank}_us") for ours, bare in pairs]
        return median(ratios)


def measure(
    rate: Rate, *, repeats: int, quick: bool, report: Report, settings: Mapping[str, str] | None = None
) -> Paced:
    """Both at that rate, alternately; each repeat has a pipeline of its own, as its percentiles are of a minute."""
    messages = round(rate.trades_per_s * (_QUICK_RUN_S if quick else _RUN_S))
    found = Paced(rate)
    with bare_hops() as hops:
        for _ in range(repeats):
            found.bare.append(_bare(hops, rate, messages))
            found.ours.append(_ours(hops.pusher, rate, messages, settings))
            ours, bare = found.ours[-1], found.bare[-1]
            report(
                f"{rate}: p50 {ours.p50_us:,.0f} of {bare.p50_us:,.0f} µs, p99 {ours.p99_us:,.0f} of "
                f"{bare.p99_us:,.0f} µs, {ours.total_percent:.1f} of {bare.total_percent:.1f} % of a core"
            )
    return found


def _pace(endpoint: str, rate: Rate, messages: int) -> Pace:
    return Pace(endpoint, rate.trades_per_s, messages, f"run-{next(_runs)}", clients=rate.clients)


def _bare(hops: BareHops, rate: Rate, messages: int) -> PacedRun:
    clock = ProcessorClock({"bare": hops.pids})
    hops.end.send(messages)
    hops.pusher.send(_pace(hops.endpoint, rate, messages))
    hops.pusher.recv()
    p50, p99 = (np.percentile(hops.end.recv(), [50, 99]) / 1e3).tolist()
    return PacedRun(p50, p99, clock.core_percent())


def _ours(pusher: Pipe, rate: Rate, messages: int, settings: Mapping[str, str] | None) -> PacedRun:
    context = zmq.Context()
    with open_socket(context, zmq.PULL) as ui:
        ui_endpoint = f"tcp://127.0.0.1:{ui.bind_to_random_port('tcp://127.0.0.1')}"
        with pipeline(ui_endpoint, settings) as tested:
            _snapshot_of(ui, 0, tested)
            clock = ProcessorClock({name: (pid,) for name, pid in tested.stack.pids.items()})
            pusher.send(_pace(tested.endpoint, rate, messages))
            pusher.recv()
            snapshot = _snapshot_of(ui, messages, tested)
            core_percent = clock.core_percent()
        latency = snapshot.latencies["end_to_end"]
    context.term()
    if latency.p50_ns is None or latency.p99_ns is None:
        raise ValueError("analytics reports no latency")
    return PacedRun(latency.p50_ns / 1e3, latency.p99_ns / 1e3, core_percent)


class ProcessorClock:
    """Processor time of processes since it was made, by name; those of one name together."""

    def __init__(self, pids: Mapping[str, tuple[int, ...]]) -> None:
        self._pids, self._begin_s = pids, time.monotonic()
        self._before_s = self._processor_s()

    def _processor_s(self) -> dict[str, float]:
        return {name: sum(_processor_s(pid) for pid in pids) for name, pids in self._pids.items()}

    def core_percent(self) -> dict[str, float]:
        """Percent of a core."""
        passed_s = time.monotonic() - self._begin_s
        return {name: 100 * (now_s - self._before_s[name]) / passed_s for name, now_s in self._processor_s().items()}


def _processor_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _snapshot_of(ui: "zmq.Socket[bytes]", trades: int, tested: Pipeline) -> Snapshot:
    """The first snapshot that knows of so many trades."""
    while ui.poll(10_000):
        message = decode_ui(ui.recv())
        if isinstance(message, Snapshot) and message.ledger.applied >= trades:
            return message
    raise TimeoutError(f"analytics has applied {tested.applied():,} of {trades:,} trades")


def targets(measured: list[Paced]) -> list[TargetCheck]:
    """What the pipeline may use, and what it may add."""
    checks: list[TargetCheck] = []
    for paced in measured:
        most_percent = MAX_CORE_PERCENT.get(paced.rate.trades_per_s)
        if most_percent is not None:
            used = median(run.total_percent for run in paced.ours)
            checks.append(at_most(f"{paced.rate}: ingest and analytics, % of a core", used, most_percent, "{:.0f}"))
            checks += [
                at_most(f"{paced.rate}: {rank} to that of two bare hops", paced.ratio(rank), most)
                for rank, most in MAX_RATIOS.items()
            ]
    return checks
