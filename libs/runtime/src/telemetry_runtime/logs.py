"""Structured logs on standard error: JSON in containers, colours on a terminal. Logging never waits or raises."""

import logging
import sys
from collections.abc import Callable
from typing import Literal, TextIO, cast

import structlog

from telemetry_runtime.log_writer import LogWriter

LogFormat = Literal["auto", "json", "console"]
LogLevel = Literal["debug", "info", "warning", "error"]


_writers: list[LogWriter] = []
"""The process' one writer, once logs are configured."""


def lost_log_lines() -> int:
    """Log lines of this process that could not be written."""
    return sum(writer.lost_lines for writer in _writers)


def configure_logs(
    service: str, writer: LogWriter, *, level: LogLevel = "info", log_format: LogFormat = "auto"
) -> None:
    """Sets up structlog for this process; every line carries the service's name and goes to the writer."""
    _writers[:] = [writer]
    as_console = log_format == "console" or (log_format == "auto" and sys.stderr is not None and sys.stderr.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if as_console else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if as_console else [_plain_tracebacks()]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", writer)),
    )
    structlog.contextvars.bind_contextvars(service=service)
    # What libraries log by themselves (aiohttp's access log, asyncio's slow callbacks) only matters when it is bad.
    logging.basicConfig(level=logging.WARNING, stream=cast("TextIO", writer))


def _plain_tracebacks() -> structlog.typing.Processor:
    # Without the values of local variables: they would put keys and people's trades into the log.
    transformer = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return structlog.processors.ExceptionRenderer(transformer)


class RateLimitedWarning:
    """A warning that may be due once a message: logged at most once an interval, with how often it was due since then.

    Args:
        event: name of the log line.
        monotonic_ns: monotonic time in nanoseconds.
        interval_s: the least time between two lines, in seconds.
    """

    def __init__(self, event: str, *, monotonic_ns: Callable[[], int], interval_s: float = 1.0) -> None:
        self._event, self._monotonic_ns = event, monotonic_ns
        self._interval_ns = round(interval_s * 1e9)
        self._log = structlog.get_logger(event)
        self._next_ns: int | None = None
        self._suppressed = 0

    def log(self, **fields: object) -> None:
        """It happened once more; the line carries the fields of the time it is logged at."""
        self._suppressed += 1
        now_ns = self._monotonic_ns()
        if self._next_ns is None or now_ns >= self._next_ns:
            self._log.warning(self._event, times=self._suppressed, **fields)
            self._next_ns, self._suppressed = now_ns + self._interval_ns, 0
