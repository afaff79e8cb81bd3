"""Bots in processes of their own, to be killed like everything else."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.faults.watch import Sums

PROGRAM = Path(__file__).with_name("durable_bot.py")


class Diary(NamedTuple):
    """What a bot was told is kept, and what it was at when it was killed."""

    kept: Sums
    in_doubt: Sums


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
        kept, in_doubt, at = Sums(), Sums(), list[list[Any]]()
        for line in self._diary.read_bytes().splitlines():
            if line.startswith(b"["):
                _add(in_doubt, at)
                at = json.loads(line)
            else:
                if line == b"kept":
                    _add(kept, at)
                at = []
        _add(in_doubt, at)
        return Diary(kept, in_doubt)


def _add(sums: Sums, trades: list[list[Any]]) -> None:
    for symbol, side, qty, price in trades:
        sums["trades", symbol, side] += 1
        sums["volume", symbol, side] += qty
        sums["notional", symbol, side] += qty * price
