"""Structured logs on standard error: JSON in containers, colours on a terminal."""

import logging
import sys
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
