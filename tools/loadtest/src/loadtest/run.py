"""One run: starts the senders, and watches until all is sent."""

import multiprocessing
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.sharedctypes import Synchronized, SynchronizedArray

from loadtest.options import Load
from loadtest.result import Result
from loadtest.schedule import read_arrivals
from loadtest.sender import Sent, Share, send_share
from loadtest.stack import Stack
from loadtest.watch import Watch, settle

CONNECT_S = 30.0
"""How long the senders may take to start and connect."""

END_S = 15.0
"""How long the senders may take to end; longer than their sockets linger."""

_HEAD_START_NS = 200_000_000
"""From the word to the first message: time for every sender to hear it."""

_LOOK_S = 1.0
_TICK_S = 0.1

Show = Callable[[int, float], None]
"""Shows progress: trades sent so far, and seconds since the start."""


class RunError(Exception):
    """The run could not be made; says why."""


def one_run(stack: Stack, load: Load, show: Show) -> Result:
    """Loads the stack once.

    Raises:
        RunError: the senders do not get through to ingest.
        AwayError: the services stopped answering.
    """
    with _senders(stack, load) as senders:
        senders.wait_connected()
        watch = Watch(stack)
        start_ns = senders.start()
        interrupted = _watch_until_sent(senders, watch, show, start_ns)
        sent = senders.results()
    return settle(watch, load, sent, interrupted=interrupted)


@dataclass(slots=True)
class _Senders:
    """The sender processes and what is shared with them."""

    shares: list[Share]
    processes: list[SpawnProcess]
    pipes: "list[Connection[int, Sent | None]]"
    progress: "SynchronizedArray[int]"
    stop: "Synchronized[int]"

    @property
    def sent_trades(self) -> int:
        return sum(self.progress[:])

    def wait_connected(self) -> None:
        end_s = time.monotonic() + CONNECT_S
        for pipe, share in zip(self.pipes, self.shares, strict=True):
            if not pipe.poll(max(0.0, end_s - time.monotonic())):
                raise RunError(f"{share.source} does not get through to {share.endpoint}")
            pipe.recv()

    def start(self) -> int:
        start_ns = time.time_ns() + _HEAD_START_NS
        for pipe in self.pipes:
            pipe.send(start_ns)
        return start_ns

    def done(self) -> bool:
        return all(pipe.poll() for pipe in self.pipes)

    def results(self) -> list[Sent]:
        found = [pipe.recv() for pipe in self.pipes]
        return [each for each in found if each is not None]


@contextmanager
def _senders(stack: Stack, load: Load) -> Iterator[_Senders]:
    context = multiprocessing.get_context("spawn")
    shares = _shares(stack, load)
    progress: SynchronizedArray[int] = context.Array("Q", load.senders)
    stop: Synchronized[int] = context.Value("b", 0)
    processes, pipes = _start(context, shares, progress, stop)
    try:
        yield _Senders(shares, processes, pipes, progress, stop)
    finally:
        stop.value = 1
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.join(END_S)
            process.kill()


def _shares(stack: Stack, load: Load) -> list[Share]:
    run = secrets.token_hex(4)
    arrivals = None if load.pattern is None else read_arrivals(load.pattern)
    return [
        # The same sources each time, as each takes a label in the services' metrics; the run is new.
        Share(number, stack.target.endpoint, f"loadtest-{number}", run, load, arrivals)
        for number in range(load.senders)
    ]


def _start(
    context: SpawnContext, shares: list[Share], progress: "SynchronizedArray[int]", stop: "Synchronized[int]"
) -> "tuple[list[SpawnProcess], list[Connection[int, Sent | None]]]":
    processes, pipes = [], []
    for share in shares:
        ours, theirs = context.Pipe()
        process = context.Process(target=send_share, args=(share, theirs, progress, stop), daemon=True)
        process.start()
        theirs.close()
        processes.append(process)
        pipes.append(ours)
    return processes, pipes


def _watch_until_sent(senders: _Senders, watch: Watch, show: Show, start_ns: int) -> bool:
    """Returns when all is sent; whether it was interrupted by Ctrl-C, which ends the sending early."""
    interrupted = False
    next_look_s = _LOOK_S
    while not senders.done():
        try:
            at_s = (time.time_ns() - start_ns) / 1e9
            show(senders.sent_trades, at_s)
            if at_s >= next_look_s:
                watch.take(at_s)
                next_look_s += _LOOK_S
            time.sleep(_TICK_S)
            _fail_if_dead(senders)
        except KeyboardInterrupt:
            interrupted = True
            senders.stop.value = 1
    show(senders.sent_trades, (time.time_ns() - start_ns) / 1e9)
    return interrupted


def _fail_if_dead(senders: _Senders) -> None:
    for process, pipe, share in zip(senders.processes, senders.pipes, senders.shares, strict=True):
        if not process.is_alive() and not pipe.poll():
            raise RunError(f"{share.source} ended with exit code {process.exitcode}")
