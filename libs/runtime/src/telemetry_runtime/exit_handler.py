"""How a process is asked to stop: the first SIGTERM, SIGINT or SIGHUP asks, a second SIGTERM or SIGINT kills."""

import asyncio
import os
import signal
from types import TracebackType
from typing import Final, Self

import structlog

SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name))
"""SIGHUP: the terminal was closed. A platform without terminals has none."""


class ExitHandler:
    """Sets `asked` at the first signal; at the second the process dies of it, as without a handler.

    A closing terminal sends SIGHUP, and its shell sends it again: these only ask. Under `nohup` they are ignored.
    """

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self._numbers = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
        self._log = structlog.get_logger("exit")

    def _on_signal(self, number: signal.Signals) -> None:
        if self.asked.is_set() and number.name == "SIGHUP":
            return
        if self.asked.is_set():
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self._log.info("exit_asked", signal=number.name)
        self.asked.set()

    def __enter__(self) -> Self:
        for number in self._numbers:
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal, number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in self._numbers:
            asyncio.get_running_loop().remove_signal_handler(number)
