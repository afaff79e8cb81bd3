"""The last commands with their answers, for the page's blotter: it outlives a restart of any service. Pure.

Accepted and refused ones are kept apart, so that a flood of refused commands cannot push a fill out. Each has a place
of its own in the log's state, which the one that comes so many later takes over: what is written of a burst is bounded.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final, Literal

from telemetry_schema import AnsweredCommand, CommandHistory, CommandResult, Count, DeskCommand, Message, Seq

MAX_ACCEPTED: Final = 200
MAX_REFUSED: Final = 100

_Ring = Literal["accepted", "refused"]
_SIZES: Final[dict[_Ring, int]] = {"accepted": MAX_ACCEPTED, "refused": MAX_REFUSED}


class KeptCommand(Message):
    """A command as it is kept in the log."""

    ring: _Ring
    number: Count
    """Counts the commands of its ring."""
    end_seq: Seq | None = None
    """The offset in the log after its fill's trade; None if it has none."""
    answered: AnsweredCommand

    @property
    def place(self) -> str:
        """Its place in the state."""
        return f"{self.ring} {self.number % _SIZES[self.ring]}"


class AnsweredCommands:
    """The last commands that the desk has decided about."""

    def __init__(self) -> None:
        self._rings: dict[_Ring, deque[KeptCommand]] = {name: deque(maxlen=size) for name, size in _SIZES.items()}
        self._changed: dict[str, KeptCommand] = {}

    def note(self, command: DeskCommand, result: CommandResult, end_seq: int | None) -> None:
        """Adds a command that was answered for the first time."""
        name: _Ring = "refused" if result.status == "refused" else "accepted"
        ring = self._rings[name]
        number = ring[-1].number + 1 if ring else 0
        answered = AnsweredCommand(command=command, result=result)
        kept = KeptCommand(ring=name, number=number, end_seq=end_seq, answered=answered)
        ring.append(kept)
        self._changed[kept.place] = kept

    def update(self, command: DeskCommand, result: CommandResult, end_seq: int | None) -> None:
        """Replaces the answer to an order that rested; one that so many later ones pushed out is a new one again."""
        ring = self._rings["accepted"]
        for index, kept in enumerate(ring):
            if kept.answered.command.command_id == command.command_id:
                answered = AnsweredCommand(command=command, result=result)
                ring[index] = kept.model_copy(update={"end_seq": end_seq, "answered": answered})
                self._changed[kept.place] = ring[index]
                return
        self.note(command, result, end_seq)

    def take_changed(self) -> dict[str, KeptCommand]:
        """What has come since it was last asked, by place."""
        changed, self._changed = self._changed, {}
        return changed

    def restore(self, commands: Iterable[KeptCommand]) -> None:
        """Takes over what an earlier process kept, in any order."""
        for kept in sorted(commands, key=lambda one: one.number):
            self._rings[kept.ring].append(kept)

    def message(self, confirmed_seq: int) -> CommandHistory:
        """All, in the order in which they were received; `confirmed_seq` is how far analytics has applied the log."""
        found = [_as_far_as_it_came(kept, confirmed_seq) for ring in self._rings.values() for kept in ring]
        return CommandHistory(commands=sorted(found, key=lambda one: one.result.received_ns))


def _as_far_as_it_came(kept: KeptCommand, confirmed_seq: int) -> AnsweredCommand:
    answered = kept.answered
    if kept.end_seq is None or kept.end_seq > confirmed_seq:
        return answered
    return answered.model_copy(update={"result": answered.result.model_copy(update={"status": "applied"})})
