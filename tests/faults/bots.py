"""Bots in processes of their own, to be killed like everything else."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

PROGRAM = Path(__file__).with_name("durable_bot.py")


class Diary(NamedTuple):
    """What a bot was told is kept, by symbol and side, and what it was at when it was killed."""

    kept: Counter[tuple[str, str]]
    in_doubt: Counter[tuple[str, str]]


class DurableBot:
    """One bot, in as many processes after each other as one likes."""

    def __init__(
        self,
        endpoint: str,
        acks_endpoint: str,
        directory: Path,
        source: str,
        *,
        rate: int,
        seed: int,
        queue: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._diary = directory / f"{source}.diary"
        self.queue = queue or directory / f"{source}.queue"
        self._environment = os.environ | (environment or {})
        self._arguments = [endpoint, acks_endpoint, str(self.queue), str(self._diary), source, str(rate)]
        self._seed = seed
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "DurableBot":
        """Starts it; it goes on with what the last one has left in the queue."""
        self._seed += 1_000
        command: list[str | Path] = [sys.executable, PROGRAM, *self._arguments, str(self._seed)]
        self._process = subprocess.Popen(command, env=self._environment)
        return self

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """Kills it at once."""
        self.signal(signal.SIGKILL)
        self._wait(10)

    def stop(self, within_s: float = 90) -> int:
        """Asks it to stop; 0 if then all is acknowledged."""
        self.signal(signal.SIGTERM)
        return self._wait(within_s)

    def _wait(self, within_s: float) -> int:
        assert self._process is not None
        return self._process.wait(within_s)

    def end(self) -> None:
        """Kills it if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def messages(self) -> int:
        """How many it has sent."""
        return self._diary.read_bytes().count(b"kept\n") if self._diary.exists() else 0

    def diary(self) -> Diary:
        """What it has written."""
        kept, in_doubt, at = Counter[tuple[str, str]](), Counter[tuple[str, str]](), list[list[str]]()
        for line in self._diary.read_bytes().splitlines():
            if line.startswith(b"["):
                in_doubt.update(map(tuple, at))  # type: ignore[arg-type]  # pairs, as JSON knows them
                at = json.loads(line)
            else:
                if line == b"kept":
                    kept.update(map(tuple, at))  # type: ignore[arg-type]  # the same
                at = []
        in_doubt.update(map(tuple, at))  # type: ignore[arg-type]  # the same
        return Diary(kept, in_doubt)
