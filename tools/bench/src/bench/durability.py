"""What durability costs: the log of ingest on disk against one in memory, a durable publisher against a plain one."""

import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import macro
from bench.figures import Compared, TargetCheck, at_least
from bench.peers import BATCH, Bare, Order, Pipe, process
from bench.pipeline import pipeline
from telemetry_client import Publisher

PUBLISHED = {"single": 100_000, "columns": 2_000 * BATCH}
"""Trades a run, by calls of `trade`, or of `trades` with `BATCH` each: a second or two of work of one client."""

QUICK_PUBLISHED = {"single": 20_000, "columns": 200 * BATCH}

QUEUE_BYTES = 1024 * 1024 * 1024
"""No run waits for room in the queue: what is measured is the work."""


@dataclass(frozen=True, slots=True)
class PublishOrder(Order):
    """Trades to publish: with a queue in that file if it is durable."""

    acks_endpoint: str
    durable: str | None


def publish(pipe: Pipe) -> None:
    """Publishes each order's trades: ready → go → (begin, end of publishing)."""
    for order in iter(pipe.recv, None):
        with Publisher(
            order.endpoint,
            "bench",
            durable=order.durable,
            durable_max_bytes=QUEUE_BYTES,
            acks_endpoint=order.acks_endpoint,
            block_s=600,
            linger_s=60,
        ) as publisher:
            pipe.send(order.count)
            pipe.recv()
            begin_ns = time.monotonic_ns()
            (_singly if order.form == "single" else _in_columns)(publisher, order.count)
            pipe.send((begin_ns, time.monotonic_ns()))


def _singly(publisher: Publisher, count: int) -> None:
    send = publisher.trade
    for _ in range(count):
        send("BTC-USD", "buy", 0.5, 61_000.5)


def _in_columns(publisher: Publisher, count: int) -> None:
    qty, price = [0.5] * BATCH, [61_000.5] * BATCH
    for _ in range(count // BATCH):
        publisher.trades(symbol="BTC-USD", side="buy", qty=qty, price=price)


@dataclass(frozen=True, slots=True)
class DurabilityCost:
    """Trades a second with durability and without, by form: of ingest's log, and of a publisher."""

    log: list[Compared]
    publisher: list[Compared]

    def as_dict(self) -> dict[str, object]:
        """For the JSON file."""
        return {"log": [each.as_dict() for each in self.log], "publisher": [each.as_dict() for each in self.publisher]}


def measure(bare: Bare, *, repeats: int, quick: bool, report: macro.Report) -> DurabilityCost:
    """Alternately with and without."""
    trades = macro.QUICK_TRADES if quick else macro.TRADES
    published = QUICK_PUBLISHED if quick else PUBLISHED
    return DurabilityCost(
        [_log(form, bare, repeats, trades[form], report) for form in trades],
        [_publisher(form, repeats, published[form], report) for form in published],
    )


def _log(form: str, bare: Bare, repeats: int, trades: int, report: macro.Report) -> Compared:
    rates: tuple[list[float], list[float]] = ([], [])
    with ExitStack() as stack:
        tested = [stack.enter_context(pipeline(settings={"INGEST_LOG": where})) for where in ("disk", "memory")]
        for _ in range(repeats):
            for found, each in zip(rates, tested, strict=True):
                found.append(trades / each.seconds(bare.pusher, macro.order(each.endpoint, form, trades)))
            report(f"{form}: {rates[0][-1]:,.0f} trades/s with the log on disk, {rates[1][-1]:,.0f} in memory")
    return Compared(form, "trades/s", *rates)


def _publisher(form: str, repeats: int, trades: int, report: macro.Report) -> Compared:
    rates: tuple[list[float], list[float]] = ([], [])
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-queue-")))
        tested, client = stack.enter_context(pipeline()), stack.enter_context(process(publish))
        for _ in range(repeats):
            for found, queue in zip(rates, (str(directory / "queue"), None), strict=True):
                order = PublishOrder(tested.endpoint, form, trades, 1, "", tested.acks_endpoint, queue)
                found.append(trades / tested.seconds(client, order))
            report(
                f"{form}: {rates[0][-1]:,.0f} trades/s from a durable publisher, {rates[1][-1]:,.0f} from a plain one"
            )
    return Compared(form, "trades/s", *rates)


def targets(found: DurabilityCost) -> list[TargetCheck]:
    """Neither may cost much."""
    logs = [at_least(f"log on disk, {each.name}, ratio to memory", median(each.ratios), 0.8) for each in found.log]
    return logs + [
        at_least(f"durable publisher, {each.name}, ratio to a plain one", median(each.ratios), 0.5)
        for each in found.publisher
    ]
