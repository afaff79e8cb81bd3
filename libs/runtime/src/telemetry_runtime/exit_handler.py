"""How a process is asked to stop: the first SIGTERM or SIGINT asks, the second one kills."""

import asyncio
import os
import signal
from types import TracebackType
from typing import Final, Self

import structlog

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class ExitHandler:
    """Sets `asked` at the first signal; at the second the process dies of it, as without a handler."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self._log = structlog.get_logger("exit")

    def _on_signal(self, number: signal.Signals) -> None:
        if self.asked.is_set():
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self._log.info("exit_asked", signal=number.name)
        self.asked.set()

    def __enter__(self) -> Self:
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal, number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)
