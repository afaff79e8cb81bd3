"""What the HTTP server says of requests that it cannot read: a line a minute, not a traceback each."""

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.log import server_logger

from telemetry_runtime.logs import RateLimitedWarning

_LOGGED_EVERY_S: Final = 60.0

_MAX_TEXT: Final = 200
"""Of the fault: it repeats what a stranger sent."""


class RequestLog(logging.LoggerAdapter[logging.Logger]):
    """aiohttp's logger, but for requests that are none: whoever reaches the port could fill the log with these.

    Args:
        monotonic_ns: monotonic time in nanoseconds.
    """

    def __init__(self, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> None:
        super().__init__(server_logger, {})
        self._refused = RateLimitedWarning(
            "http_request_refused", monotonic_ns=monotonic_ns, interval_s=_LOGGED_EVERY_S
        )

    def log(self, level: int, msg: object, *args: object, **fields: Any) -> None:  # noqa: ANN401 - as logging has it
        """Logs a fault of ours as it is, one of a peer's request in few words."""
        error = fields.get("exc_info")
        if isinstance(error, HttpProcessingError):
            self._refused.log(status=error.code, error=" ".join(error.message.split())[:_MAX_TEXT])
        else:
            super().log(level, msg, *args, **fields)
