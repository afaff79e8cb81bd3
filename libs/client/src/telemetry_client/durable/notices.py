"""What a durable queue says in the log of its bot: each thing once, and a disk that goes on failing once a minute."""

import logging
import time
from typing import Final

from telemetry_client.durable.streams import QueueStream

_SAID_AGAIN_AFTER_S: Final = 60.0
"""A disk that fails goes on failing: it is said once a minute."""

LOG: Final = logging.getLogger("telemetry_client")


class Notices:
    """Lines for whoever runs the bot."""

    def __init__(self) -> None:
        self._disk_said_at_s = -_SAID_AGAIN_AFTER_S
        self._is_silence_reported = False
        self._said: set[tuple[str, str, str]] = set()
        """What was said of a stream, and is said once."""

    def report_disk(self, text: str) -> None:
        """Says that the disk fails."""
        now_s = time.monotonic()
        if now_s - self._disk_said_at_s >= _SAID_AGAIN_AFTER_S:
            self._disk_said_at_s = now_s
            LOG.error("%s", text)

    def report_silence(self) -> None:
        """Says that ingest acknowledges nothing at all, once."""
        if not self._is_silence_reported:
            self._is_silence_reported = True
            LOG.warning("ingest does not acknowledge: check acks_endpoint, and INGEST_ACKS_ENDPOINT")

    def say_of(self, stream: QueueStream, text: str) -> None:
        """Says something of a stream, once."""
        _, _, run, kind = stream.row
        if (run, kind, text) not in self._said:
            self._said.add((run, kind, text))
            LOG.error("messages of kind %s of run %s: %s", kind, run, text)
