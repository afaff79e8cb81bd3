"""What a bot hands in, checked: settings here, trades by the schema; errors name what is wrong."""

from collections.abc import Callable
from operator import index
from os import PathLike
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from telemetry_client.errors import InvalidSettingError
from telemetry_schema import NO_ENDPOINT, TradeEncoder, endpoint_fault, fault_text, is_name

MAX_WAIT_S: Final = 3600.0
"""The longest `block_s` and `linger_s`: a bot that waits longer has stopped trading."""

MIN_INTERVAL_S: Final = 0.01
"""The shortest `alive_every_s`: ingest has better things to do."""

MIN_QUEUE_BYTES: Final = 1024 * 1024
"""Room for the largest message, several times."""

ACKS_PORT: Final = 5559

_TIME_HINT: Final = (
    "; times are whole nanoseconds, as time.time_ns() gives them, "
    "and those of a datetime are int(moment.timestamp() * 1_000_000) * 1_000"
)

_T = TypeVar("_T")

_MAX_SHOWN_CHARS: Final = 80
"""How much of a refused value an error message shows: what fits on a line."""


def trade_encoder(head: dict[str, str]) -> TradeEncoder:
    """What encodes the trades of a publisher; `head` holds the fields that are the same in each of them.

    Raises:
        InvalidSettingError: one of them is not valid.
    """
    try:
        return TradeEncoder(head)
    except ValidationError as error:
        raise InvalidSettingError(describe(error)) from error


def with_plain_numbers(check: Callable[[dict[str, Any]], _T], fields: dict[str, Any]) -> _T:
    """What `check` makes of the fields; whole numbers of NumPy, which are none of Python's, count as such.

    Raises:
        ValidationError: they are not valid.
    """
    try:
        return check(fields)
    except ValidationError:
        # Looked for only where something is wrong, as it takes longer than the check.
        return check({name: _plain(value) for name, value in fields.items()})


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a caller hands in
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, bool | str) or not hasattr(value, "__index__"):
        return value
    try:
        return index(value)
    except TypeError:  # an array of several, a truth value of NumPy
        return value


def describe(error: ValidationError, first: int = 0) -> str:
    """Which value is wrong, and why; `first` is the index of the message's first trade among those of the call."""
    details = error.errors(include_url=False, include_context=False)[0]
    place = "".join(f"[{part + first}]" if isinstance(part, int) else part for part in details["loc"])
    hint = _TIME_HINT if place.partition("[")[0].endswith("_ns") and details["type"].startswith("int_") else ""
    return f"{fault_text(details, f'{place}: ')}, not {short(details['input'])}{hint}"


def checked_run(run: Any) -> str | None:  # noqa: ANN401 - whatever a caller hands in
    """The beginning of a run's name; raises `InvalidSettingError`."""
    if run is not None and not (isinstance(run, str) and is_name(run)):
        raise InvalidSettingError(f"run must be a name, not {short(run)}")
    return None if run is None else str(run)


def checked_wait(wait_s: float, name: str) -> float:
    """A number of seconds to wait; raises `InvalidSettingError`."""
    if type(wait_s) not in {int, float} or not 0 <= wait_s <= MAX_WAIT_S:
        raise InvalidSettingError(f"{name} must be a number of seconds from 0 to {MAX_WAIT_S:g}, not {short(wait_s)}")
    return float(wait_s)


def checked_interval(interval_s: float, name: str) -> float:
    """A number of seconds from one time to the next; raises `InvalidSettingError`."""
    if checked_wait(interval_s, name) < MIN_INTERVAL_S:
        raise InvalidSettingError(f"{name} must be at least {MIN_INTERVAL_S:g} s, not {short(interval_s)}")
    return float(interval_s)


def checked_queue_length(max_queued_messages: int) -> int:
    """The length of a queue; raises `InvalidSettingError`."""
    # 0 would mean a queue without bounds to ZeroMQ.
    if type(max_queued_messages) is not int or not 1 <= max_queued_messages < 2**31:
        shown = short(max_queued_messages)
        raise InvalidSettingError(f"max_queued_messages must be a whole number from 1 to 2**31 - 1, not {shown}")
    return max_queued_messages


def checked_path(durable: Any) -> Path:  # noqa: ANN401 - whatever a caller hands in
    """The path of a file; raises `InvalidSettingError`."""
    if not isinstance(durable, str | PathLike) or not str(durable):
        raise InvalidSettingError(f"durable must be the path of a file, not {short(durable)}")
    return Path(durable)


def checked_queue_bytes(max_bytes: int) -> int:
    """The size of a file; raises `InvalidSettingError`."""
    if type(max_bytes) is not int or not MIN_QUEUE_BYTES <= max_bytes < 2**40:
        shown = short(max_bytes)
        raise InvalidSettingError(f"durable_max_bytes must be a whole number from {MIN_QUEUE_BYTES:,}, not {shown}")
    return max_bytes


def check_endpoint(endpoint: Any) -> None:  # noqa: ANN401 - whatever a caller hands in
    """Raises `ValueError` if it is no endpoint, or one that libzmq would take for another one."""
    fault = endpoint_fault(endpoint) if isinstance(endpoint, str) else NO_ENDPOINT
    if fault:
        raise ValueError(fault)


def acks_endpoint_of(endpoint: str, acks_endpoint: str | None) -> str:
    """Where ingest acknowledges: as given, or at the usual port of the host that takes the trades."""
    return acks_endpoint if acks_endpoint is not None else f"{endpoint.rpartition(':')[0]}:{ACKS_PORT}"


def short(value: object) -> str:
    """A value in an error message."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN_CHARS else f"{text[: _MAX_SHOWN_CHARS - 3]}..."
