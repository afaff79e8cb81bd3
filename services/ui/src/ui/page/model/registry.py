"""Orders that this process has dealt with, by the ids that browsers made. One for all sessions."""

from collections import OrderedDict
from threading import Lock
from typing import Final
from uuid import UUID

from telemetry_ticket import Answer

MAX_IDS: Final = 10_000
"""Ids that are remembered: hours of a busy desk. A ticket stops asking about an order after a minute."""


class OrderRegistry:
    """Which ids were sent on, and what the others were answered with here; sessions run in threads of their own."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._answers: OrderedDict[UUID, Answer | None] = OrderedDict()

    def claim(self, command_id: UUID) -> bool:
        """Whether the order may be dealt with now: only the first who asks may, whichever session it is."""
        with self._lock:
            if command_id in self._answers:
                return False
            self._answers[command_id] = None
            if len(self._answers) > MAX_IDS:
                self._answers.popitem(last=False)
            return True

    def answer(self, command_id: UUID, answer: Answer) -> None:
        """Notes that the order was not sent on, and why."""
        with self._lock:
            if command_id in self._answers:
                self._answers[command_id] = answer

    def find(self, command_id: UUID) -> Answer | None:
        """The answer given here; None if the order was sent on, or is not known."""
        with self._lock:
            return self._answers.get(command_id)
