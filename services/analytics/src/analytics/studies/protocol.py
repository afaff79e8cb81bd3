"""What analytics and the worker of the studies say to each other: msgpack, each message behind its length.

    analytics ── Begin, once ──────────▶ worker
    analytics ◀── Loading …, Loaded ──── worker
    analytics ── Run ──────────────────▶ worker    trades travel beside it, as columns in memory that both have mapped
    analytics ◀── CallResults ────────── worker

    analytics ── FORK, with the socket of the new worker ──▶ fork server
    analytics ── END, of the worker ───────────────────────▶ fork server
    analytics ◀── the process id of the worker, to either ── fork server

| memory, from byte | what |
|---|---|
| 0 | calls of the run that have begun, int64, written by the worker: its death is put down to the last one |
| 64 | one frame after the other; a frame of n rows is n values of each column, in the order of `COLUMNS` |
"""

from struct import Struct
from typing import Any, Final, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

Column: TypeAlias = npt.NDArray[Any]

COLUMNS: Final[dict[str, np.dtype[np.generic]]] = {
    "event_ns": np.dtype(np.int64),
    "price": np.dtype(np.float64),
    "qty": np.dtype(np.float64),
    "source": np.dtype(np.uint16),
    "account": np.dtype(np.uint16),
    "is_buy": np.dtype(np.bool_),
    "replayed": np.dtype(np.bool_),
}
ROW_BYTES: Final = sum(dtype.itemsize for dtype in COLUMNS.values())

FRAMES_AT: Final = 64
"""Where the first frame begins."""

_ALIGNMENT: Final = 8
LENGTH: Final = Struct("<I")
FORK: Final = b"+"
END: Final = b"-"
PID: Final = Struct("<q")
"""What is asked of the fork server, and what it answers."""

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""The longest message either side reads."""


class FrameRef(msgspec.Struct, array_like=True):
    """Where in the shared memory a symbol's trades are."""

    symbol: str
    origin: str
    begin: int
    rows: int
    end_ns: int
    """End of the window, by event time."""
    first: int
    """How many trades of this symbol came before the first row."""
    bought: float
    sold: float
    """Volume by the taker's side since the start, up to the last row."""
    life: int = 0
    """Another one where `first`, `bought` and `sold` have begun anew: what a study kept is of no use then."""


class Work(msgspec.Struct, array_like=True):
    """Studies to be run on one subject's frames."""

    studies: list[str]
    frames: list[FrameRef]


class Run(msgspec.Struct, tag="run"):
    """Studies to be run one after the other, from analytics."""

    work: list[Work]
    sources: list[str] | None = None
    accounts: list[str] | None = None
    """Names by code, where they have changed since the last run."""


class GaugeSpec(msgspec.Struct, array_like=True):
    """A gauge as analytics needs it."""

    name: str
    help: str
    label: str | None
    max_values: int


class StudySpec(msgspec.Struct):
    """A study as analytics needs it; `where` is its file and line."""

    name: str
    where: str
    window_ns: int
    every_ns: int
    gauges: list[GaugeSpec]
    origins: list[str]
    symbols: list[str]
    together: list[str]
    is_builtin: bool


class LoadProblem(msgspec.Struct, array_like=True):
    """A file or module that could not be used."""

    where: str
    text: str


class Begin(msgspec.Struct, tag="begin"):
    """The first message of analytics to a worker: what it is to leave out, and why."""

    left_out: list[LoadProblem]


class Loading(msgspec.Struct, tag="loading"):
    """The file or module that the worker loads next: if it hangs or ends, that is to blame."""

    where: str


class Loaded(msgspec.Struct, tag="loaded"):
    """What the worker has found, once after its start."""

    studies: list[StudySpec]
    problems: list[LoadProblem]


class CallResult(msgspec.Struct, array_like=True):
    """One study has been called."""

    study: str
    took_s: float
    values: list[tuple[str, str, float]]
    """Gauge, value of its label, value."""
    reason: str | None = None
    text: str = ""
    output: str = ""
    """The beginning of what it printed."""
    grown_bytes: int = 0


class CallResults(msgspec.Struct, tag="outcomes"):
    """What came of the next calls of a run, in their order; a run with many values is answered in several parts."""

    calls: list[CallResult]
    is_last: bool


WorkerMessage: TypeAlias = Loading | Loaded | CallResults
AnalyticsMessage: TypeAlias = Begin | Run

_encode: Final = msgspec.msgpack.Encoder().encode
_decode_worker: Final = msgspec.msgpack.Decoder(WorkerMessage).decode
_decode_analytics: Final = msgspec.msgpack.Decoder(AnalyticsMessage).decode


def pack(message: WorkerMessage | AnalyticsMessage) -> bytes:
    """A message behind its length."""
    body = _encode(message)
    return LENGTH.pack(len(body)) + body


def unpack_worker(body: bytes) -> WorkerMessage:
    """A message of the worker; raises `msgspec.DecodeError`."""
    message: WorkerMessage = _decode_worker(body)
    return message


def unpack_analytics(body: bytes) -> AnalyticsMessage:
    """A message of analytics; raises `msgspec.DecodeError`."""
    message: AnalyticsMessage = _decode_analytics(body)
    return message


def begun_calls(memory: memoryview) -> memoryview:
    """The cell with how many calls have begun, as a view that can be read and written."""
    return memory[: Struct("q").size].cast("q")


def frame_bytes(rows: int) -> int:
    """Bytes that a frame takes, up to the next one."""
    return sum(_aligned(rows * dtype.itemsize) for dtype in COLUMNS.values())


def columns_at(memory: memoryview, begin: int, rows: int) -> dict[str, Column]:
    """The columns of a frame, as views of the memory."""
    columns: dict[str, Column] = {}
    for name, dtype in COLUMNS.items():
        columns[name] = np.frombuffer(memory, dtype, rows, begin)
        begin += _aligned(rows * dtype.itemsize)
    return columns


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
