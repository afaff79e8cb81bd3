"""Every command with its answer: JSON lines in a file that is rotated and bounded.

A line is `{"at_ns", "outcome", "command", "answer"}`: the command as it came, with who sent it in `source` and
`sent_by`, and the answer as it went to the UI. `outcome` is accepted, refused, or duplicate (answered before: the same
answer again).
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ingest.desk.outcome import Decision
from ingest.storage.rotated_file import RotatedFile
from telemetry_schema import DeskCommand, encode


class Audit(Protocol):
    """Keeps commands with their answers."""

    async def write(self, commands: Sequence[DeskCommand], decisions: Sequence[Decision], now_ns: int) -> None:
        """Keeps each command with the decision at the same place."""
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

    async def write(self, commands: Sequence[DeskCommand], decisions: Sequence[Decision], now_ns: int) -> None:
        """Appends a line a command, off the event loop; one caller at a time.

        Cancelled here the lines are written all the same.
        """
        if commands:
            pairs = zip(commands, decisions, strict=True)
            await asyncio.to_thread(self._file.write, [_line(command, each, now_ns) for command, each in pairs])


def _line(command: DeskCommand, decision: Decision, now_ns: int) -> bytes:
    head = b'{"at_ns":%d,"outcome":"%b","command":' % (now_ns, decision.outcome.encode())
    return head + encode(command) + b',"answer":' + encode(decision.result) + b"}\n"
