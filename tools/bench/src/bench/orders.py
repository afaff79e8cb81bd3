"""What messages about orders cost, step by step, with 200 books; and a look at them, and their checkpoint.

Times are of the thread's CPU: each step is a piece of one service's event loop, and what others do on the machine
meanwhile is not its cost.
"""

import gc
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Final, TypeVar

from analytics.checkpoint.store import CheckpointStore
from analytics.cooperative import CooperativeTask, Steps, run
from analytics.orders.marks import Marks
from analytics.orders.tracker import OrderTracker, TrackerLimits
from analytics.output.exposition import text
from analytics.output.open_orders import open_totals
from analytics.output.order_metrics import OrderMetrics
from bench.figures import TargetCheck, at_most
from ingest.checking.checker import Checker
from ingest.checking.sequences import SequenceTracker
from telemetry_runtime import Burst
from telemetry_schema import OrderEvent, encode
from telemetry_schema.batch import (
    MAX_BATCH_EVENTS,
    BatchHeader,
    EventBatch,
    decode_stream_batch,
    encode_event_lines,
    encode_header,
)

ORDERS: Final = 20_000
BOOKS: Final = 200
_BURST: Final = 64
_T0: Final = 1_700_000_000_000_000_000
_MS: Final = 1_000_000
_SECOND: Final = 1_000 * _MS
_ORDER_NS: Final = 200_000
"""Time from one order to the next: 20,000 events a second."""

MAX_EVENT_US: Final = 25.0
"""At 20,000 events a second they take half of a core: the other half is for trades, looks and checkpoints."""
MAX_METRICS_MS, MAX_STEP_MS = 40.0, 3.0

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class OrderCosts:
    """Medians: of an event in microseconds, the rest in milliseconds. Steps are the longest without a break."""

    orders: int
    events: int
    series: int
    check_us: float
    decode_us: float
    apply_us: float
    metrics_ms: float
    metrics_step_ms: float
    capture_ms: float
    capture_step_ms: float

    def as_dict(self) -> dict[str, float]:
        """For the JSON file."""
        return asdict(self)


def measure(*, repeats: int, orders: int = ORDERS) -> OrderCosts:
    """All steps, each with as many orders."""
    frames = [encode(event) for event in _events(orders)]
    decode_us, batches = _timed(lambda: _batches(frames))
    tracker = OrderTracker(Marks(lambda _symbol: None), limits=TrackerLimits(max_books=BOOKS))
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)  # as in the services
    apply_us, _ = _timed(lambda: _apply(tracker, batches))
    looks = [_look(tracker) for _ in range(repeats + 1)][1:]  # the first makes the labels
    captures = list(_captures(tracker, batches[-1], repeats))
    per_event = 1e6 / len(frames)
    return OrderCosts(
        orders=orders,
        events=len(frames),
        series=looks[0][2],
        check_us=_check(frames) * per_event,
        decode_us=decode_us * per_event,
        apply_us=apply_us * per_event,
        metrics_ms=median(look[0] for look in looks),
        metrics_step_ms=median(look[1] for look in looks),
        capture_ms=median(each[0] for each in captures),
        capture_step_ms=median(each[1] for each in captures),
    )


def targets(costs: OrderCosts) -> list[TargetCheck]:
    """What the figures are to keep to."""
    return [
        at_most("an order event, analytics, us", costs.decode_us + costs.apply_us, MAX_EVENT_US),
        at_most(f"/metrics of {BOOKS} books, ms", costs.metrics_ms, MAX_METRICS_MS),
        at_most("longest step of it, ms", costs.metrics_step_ms, MAX_STEP_MS),
        at_most(f"longest step of a checkpoint of {costs.orders:,} orders, ms", costs.capture_step_ms, MAX_STEP_MS),
    ]


def _events(orders: int) -> Iterator[OrderEvent]:
    """Four events an order: submitted, acknowledged, filled in two parts; one in twenty stays open."""
    for number in range(orders):
        at_ns = _T0 + number * _ORDER_NS
        book = number % BOOKS
        shared: dict[str, object] = {
            "source": f"bot-{book % 10}",
            "run": "r",
            "order_id": f"o-{number}",
            "clock": "bot",
            "account": f"acc-{book % 10}",
            "strategy": f"s-{book // 10 % 4}",
            "venue": "sim",
            "symbol": f"SYM{book // 40}-USD",
            "side": "buy" if number % 3 else "sell",
        }
        steps: list[dict[str, object]] = [
            {"event": "submit", "qty": 2.0, "price": 100.0, "order_type": "limit", "arrival_price": 100.01},
            {"event": "ack"},
            {"event": "fill", "exec_id": f"x-{number}", "last_qty": 1.0, "last_price": 100.0, "cum_qty": 1.0},
            {"event": "fill", "exec_id": f"y-{number}", "last_qty": 1.0, "last_price": 100.1, "cum_qty": 2.0},
        ]
        for step, fields in enumerate(steps if number % 20 else steps[:3]):
            stamp_ns = at_ns + 2 * step * _MS
            yield OrderEvent.model_validate({**shared, **fields, "event_ns": stamp_ns, "sent_ns": stamp_ns})


def lived_batches(orders: int) -> list[EventBatch]:
    """The events of so many orders, as analytics gets them."""
    return _batches([encode(event) for event in _events(orders)])


def _batches(frames: list[bytes]) -> list[EventBatch]:
    return [_batch(frames[at : at + MAX_BATCH_EVENTS]) for at in _starts(frames)]


def _starts(frames: list[bytes]) -> range:
    return range(0, len(frames), MAX_BATCH_EVENTS)


def _batch(frames: list[bytes]) -> EventBatch:
    header = BatchHeader(stream="s", first_seq=0, count=len(frames), kind="events", sent_ns=_T0, symbols=[], sources=[])
    batch = decode_stream_batch([encode_header(header), encode_event_lines(frames, _T0)])
    if not isinstance(batch, EventBatch):
        raise TypeError("a batch of events is none")
    return batch


def _apply(tracker: OrderTracker, batches: list[EventBatch]) -> None:
    ticked_ns = _T0
    for batch in batches:
        for event in batch.events:
            tracker.receive(event)
        now_ns = batch.events[-1].message.sent_ns
        if now_ns - ticked_ns >= _SECOND:
            ticked_ns = now_ns
            run(tracker.tick(now_ns))


def _check(frames: list[bytes]) -> float:
    checker = Checker(SequenceTracker(max_runs=100, max_sources=100), max_ahead_ns=_MS)
    now_ns = _T0 + len(frames) * _ORDER_NS + 100 * _MS

    def check() -> None:
        for at in range(0, len(frames), _BURST):
            checker.check(Burst(frames[at : at + _BURST], []), now_ns)

    return _timed(check)[0]


def _look(tracker: OrderTracker) -> tuple[float, float, int]:
    """Milliseconds of /metrics, of its longest step, and how many series it has."""
    metrics_s, longest_s, totals = _stepped(open_totals(tracker))
    families = _METRICS.families(tracker, _T0 + ORDERS * _ORDER_NS, totals)
    series = 0
    while True:
        seconds, family = _timed(lambda: next(families, None))
        if family is None:
            return metrics_s * 1e3, longest_s * 1e3, series
        text_s, _ = _timed(lambda: text(family))  # noqa: B023 - called at once
        metrics_s, longest_s = metrics_s + seconds + text_s, max(longest_s, seconds + text_s)
        series += len(family.values)


_METRICS: Final = OrderMetrics()


def _captures(tracker: OrderTracker, batch: EventBatch, repeats: int) -> Iterator[tuple[float, float]]:
    """Milliseconds of a checkpoint's steps on the event loop, and of the longest, after each some events."""
    with tempfile.TemporaryDirectory() as directory:
        store = CheckpointStore(Path(directory))
        store.load(lambda _state: None)
        for _ in range(repeats):
            state_s, state = _timed(lambda: {"orders": tracker.state()})
            steps_s, longest_s, capture = _stepped(store.capture(state))
            store.save(capture)
            yield (state_s + steps_s) * 1e3, max(state_s, longest_s) * 1e3
            for event in batch.events:
                tracker.receive(event)


def _stepped(steps: Steps[_T]) -> tuple[float, float, _T]:
    task, total_s, longest_s, more = CooperativeTask(steps), 0.0, 0.0, True
    while more:
        seconds, more = _timed(task.step)
        total_s, longest_s = total_s + seconds, max(longest_s, seconds)
    return total_s, longest_s, task.result


def _timed(work: Callable[[], _T]) -> tuple[float, _T]:
    """CPU seconds of this thread, and what came of the work."""
    begin_ns = time.thread_time_ns()
    found = work()
    return (time.thread_time_ns() - begin_ns) / 1e9, found
