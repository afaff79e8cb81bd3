"""Every command with its answer, fills and ends of resting orders: JSON lines in a file that is rotated and bounded.

A line is `{"at_ns", "outcome", "command", "answer"}`: the command as it came, with who sent it in `source` and
`sent_by`, and the answer as it went to the UI. `outcome` is accepted, refused, or duplicate (answered before: the same
answer again).

A command that did something has its line also where ingest was killed before it was written: it is in the log as well,
and the next process adds it.

Of an order that rested each fill and its cancel is a line of its own, with the order's command and the UI's answer:
`outcome` is partly_filled, filled or cancelled.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from ingest.desk.outcome import Decision, DeskOutcome, OrderUpdate
from ingest.storage.rotated_file import RotatedFile
from telemetry_schema import CommandResult, DeskCommand, encode


class Audit(Protocol):
    """Keeps commands with their answers, and the fills and ends of resting orders."""

    async def write(self, commands: Sequence[DeskCommand], outcome: DeskOutcome, now_ns: int) -> None:
        """Keeps each command with the decision at the same place, and each fill or cancel of an order that rested."""
        ...


class AuditFile:
    """The audit in `directory/audit.jsonl`, rotated: see `RotatedFile`.

    With `sync` no answer is given before its line is on disk.
    """

    def __init__(self, directory: Path, *, file_bytes: int, files: int, sync: bool = False) -> None:
        path = directory / "audit.jsonl"
        self._file = RotatedFile(path, file_bytes=file_bytes, files=files, event="audit_unwritable", sync=sync)

    @property
    def unkept_commands(self) -> int:
        """Commands that the disk did not take."""
        return self._file.unkept_lines

    async def write(self, commands: Sequence[DeskCommand], outcome: DeskOutcome, now_ns: int) -> None:
        """Appends a line a command and a line an update, off the event loop.

        Cancelled here the lines are written all the same.
        """
        pairs = zip(commands, outcome.decisions, strict=True)
        lines = [_of_command(command, decision, now_ns) for command, decision in pairs]
        lines += [_of_update(update) for update in outcome.updates]
        if lines:
            await asyncio.to_thread(self._file.write, lines)

    def complete(self, lines: Sequence[bytes]) -> None:
        """Appends those of an earlier process that are not there: it was killed before it had written them."""
        if lines:
            written = self._file.newest()
            self._file.write([line for line in lines if line not in written])


def lines_of_what_was_done(commands: Sequence[DeskCommand], outcome: DeskOutcome, now_ns: int) -> list[bytes]:
    """The lines that `AuditFile.write` appends of commands that were accepted, and of orders that rested.

    What was refused did nothing: who sent it and heard no answer sends it again.
    """
    pairs = zip(commands, outcome.decisions, strict=True)
    done = [_of_command(command, decision, now_ns) for command, decision in pairs if decision.outcome == "accepted"]
    return done + [_of_update(update) for update in outcome.updates]


def _of_command(command: DeskCommand, decision: Decision, now_ns: int) -> bytes:
    return _line(now_ns, decision.outcome, command, decision.result)


def _of_update(update: OrderUpdate) -> bytes:
    outcome = _UPDATES[update.result.status]
    return _line(update.at_ns, outcome, update.order.command, update.result)


def _line(at_ns: int, outcome: str, command: DeskCommand, answer: CommandResult) -> bytes:
    head = b'{"at_ns":%d,"outcome":"%b","command":' % (at_ns, outcome.encode())
    return head + encode(command) + b',"answer":' + encode(answer) + b"}\n"


_UPDATES: Final = {"resting": "partly_filled", "accepted": "filled", "cancelled": "cancelled"}
