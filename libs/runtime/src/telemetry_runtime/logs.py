"""Structured logs on standard error: JSON in containers, colours on a terminal."""

import logging
import sys
from collections.abc import Callable
from typing import Literal

import structlog

LogFormat = Literal["auto", "json", "console"]
LogLevel = Literal["debug", "info", "warning", "error"]


def configure_logs(service: str, *, level: LogLevel = "info", log_format: LogFormat = "auto") -> None:
    """Sets up structlog for this process; every line carries the service's name."""
    as_console = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
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
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    structlog.contextvars.bind_contextvars(service=service)
    # What libraries log by themselves (aiohttp's access log, asyncio's slow callbacks) only matters when it is bad.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)


def _plain_tracebacks() -> structlog.typing.Processor:
    # Without the values of local variables: they would put keys and people's trades into the log.
    transformer = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return structlog.processors.ExceptionRenderer(transformer)


class SteadyLog:
    """A warning that may be due once a message: told once a second at most, with how often it was due since then.

    Args:
        event: name of the log line.
        now_ns: wall time, in UTC epoch nanoseconds.
    """

    def __init__(self, event: str, *, now_ns: Callable[[], int]) -> None:
        self._event, self._now_ns = event, now_ns
        self._log = structlog.get_logger(event)
        self._told_s = -1
        self._untold = 0

    def tell(self, **fields: object) -> None:
        """It happened once more; the line carries the fields of the time it is told at."""
        self._untold += 1
        second = self._now_ns() // 1_000_000_000
        if second != self._told_s:
            self._log.warning(self._event, times=self._untold, **fields)
            self._told_s, self._untold = second, 0
