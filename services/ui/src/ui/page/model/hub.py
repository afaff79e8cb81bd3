"""One for all sessions of the page's process: holds the newest view, and passes commands on.

The link's thread is the only one that writes; a session reads `view`, one reference, whenever it redraws.
"""

import os
from collections.abc import Sequence
from threading import Condition
from typing import Protocol
from uuid import UUID

import structlog
from pydantic import ValidationError

from telemetry_runtime import Clock
from telemetry_runtime.transport import ThreadLink
from telemetry_schema import DeskCommand, encode
from ui.instant import Instant
from ui.page.model.answers import is_final
from ui.page.model.registry import OrderRegistry
from ui.page.model.view import PageModel, PageView
from ui.wire import CommandUpdate, Hello, decode_to_page


class DataLink(Protocol):
    """What a page needs of the main process: the newest view, and a way for commands."""

    @property
    def view(self) -> PageView:
        """The newest view."""
        ...

    @property
    def orders(self) -> OrderRegistry:
        """Orders that this process has dealt with."""
        ...

    def submit(self, command: DeskCommand) -> bool:
        """Whether the command is on its way to the main process. Does not wait."""
        ...

    def wait_for(self, command_ids: Sequence[UUID], timeout_s: float) -> None:
        """Returns once all these commands have their last answer, or after the time."""
        ...

    def now_ns(self) -> int:
        """UTC epoch nanoseconds."""
        ...

    def now(self) -> Instant:
        """The moment on both clocks."""
        ...


_shared: list["Hub"] = []


def shared() -> "Hub":
    """The hub of this process."""
    return _shared[-1]


class Hub:
    """The real link to the main process."""

    def __init__(self, pull_endpoint: str, push_endpoint: str, clock: Clock) -> None:
        self._model = PageModel()
        self._clock = clock
        self._answered = Condition()
        self.orders = OrderRegistry()
        self._log = structlog.get_logger("page")
        self._link = ThreadLink(pull_endpoint=pull_endpoint, push_endpoint=push_endpoint, on_message=self._on_message)

    def start(self) -> "Hub":
        """Begins to listen, and asks for all there is."""
        self._link.__enter__()
        self._link.send(encode(Hello(pid=os.getpid())))
        return self

    def share(self) -> "Hub":
        """Makes it the one that all sessions of this process read.

        It begins with the process, not with the first session: the trend has no hole, and "Clear cache" in Streamlit's
        menu does not reach it, as it would an `st.cache_resource`.
        """
        _shared.append(self)
        return self

    def close(self) -> None:
        """Ends the link's thread."""
        self._link.close()

    @property
    def view(self) -> PageView:
        """The newest view."""
        return self._model.view

    def submit(self, command: DeskCommand) -> bool:
        """Whether the command is on its way to the main process. Does not wait."""
        return self._link.send(encode(command))

    def wait_for(self, command_ids: Sequence[UUID], timeout_s: float) -> None:
        """Returns once all these commands have their last answer, or after the time."""
        with self._answered:
            self._answered.wait_for(lambda: all(self._is_answered(one) for one in command_ids), timeout_s)

    def _is_answered(self, command_id: UUID) -> bool:
        return self.orders.find(command_id) is not None or is_final(self.view.command(command_id))

    def now_ns(self) -> int:
        """UTC epoch nanoseconds."""
        return self._clock.now_ns()

    def now(self) -> Instant:
        """The moment on both clocks."""
        return Instant.now(self._clock)

    def _on_message(self, frame: bytes) -> None:
        try:
            message = decode_to_page(frame)
            self._model.apply(message, self.now())
            if isinstance(message, CommandUpdate):
                with self._answered:
                    self._answered.notify_all()
        except ValidationError as error:
            # Main process and page are of one version; if they are not, the page says that it hears nothing.
            self._log.warning("main_message_wrong", error=str(error))
        except Exception:  # noqa: BLE001 - logged in full, and one message must not end the page
            # The link's thread goes on: without it every session would stand still until the page is started again.
            self._log.exception("main_message_not_shown")
