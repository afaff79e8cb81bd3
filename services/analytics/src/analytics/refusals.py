"""Refused messages in the log: each is counted, but a flood of them is not a flood of lines."""

import structlog

from analytics.arrays import SECOND_NS
from telemetry_schema.errors import BatchError


class Refusals:
    """Tells about the first refusal of each second, and how many there have been since the last line."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("refusals")
        self._told_s = -1
        self._untold = 0

    def tell(self, error: BatchError, now_ns: int) -> None:
        """One more was refused."""
        self._untold += 1
        if now_ns // SECOND_NS == self._told_s:
            return
        self._log.warning("batches_refused", messages=self._untold, last=str(error))
        self._told_s, self._untold = now_ns // SECOND_NS, 0
