"""Checkpoints on disk: the newest two, so that one that the disk has damaged costs nothing.

    checkpoint-00000000000000000042.state      a state, that names the parts it needs
    checkpoint-00000000000000000041.state
    part-7-000000000000000003fa.state          a part, written once and never changed

A checkpoint is written after its parts and under a new name, whole or not at all. What no checkpoint needs is removed.
Ingest keeps in its log all trades since the older one.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from analytics.checkpoint.codec import decode_state, encode_state
from analytics.checkpoint.parts import Part, State
from analytics.cooperative import Steps
from telemetry_runtime import make_directory, write_durably

KEPT: Final = 2
"""Checkpoints that are kept."""

_PART: Final = "$part"
_CHECKPOINT: Final = re.compile(r"checkpoint-(\d{20})\.state")


@dataclass(frozen=True, slots=True)
class Capture:
    """A state at one moment, with the parts that are to be written; what is in it does not change any more."""

    tree: State
    parts: dict[str, State]
    """By file, those that are to be written."""
    written: dict[str, tuple[object, int, str]]
    """By place in the state, their owners, versions and files."""


class CheckpointStore:
    """The checkpoints in a directory, which no other process may use meanwhile."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._log = structlog.get_logger("checkpoint")
        self._number = 0
        self._written: dict[str, tuple[object, int, str]] = {}
        """Of each part the version that was written last, whose version that is, and its file. One that was restored
        belongs to nobody yet."""
        self._needed: list[set[str]] = []
        """The files that each of the kept checkpoints needs, the newest last."""

    def load(self, take: Callable[[State], None]) -> bool:
        """Hands over the newest state that can be read; what cannot be is put aside. Waits for the disk.

        Args:
            take: takes a state over, or raises if it does not fit; it is then asked with an older one.

        Returns:
            Whether there was one.
        """
        make_directory(self._directory)
        found = sorted(path for path in self._directory.iterdir() if _CHECKPOINT.fullmatch(path.name))
        self._number = max((int(path.stem.partition("-")[2]) for path in found), default=0)
        for path in reversed(found):
            try:
                self._needed = [self._load(path, take)]
            except Exception as error:  # noqa: BLE001 - a state that does not fit raises whatever its parts do
                self._written.clear()
                aside = path.with_suffix(".unreadable")
                path.replace(aside)
                self._log.error("checkpoint_unreadable", moved_to=str(aside), error=repr(error))
            else:
                return True
        if found:
            hint = "counters and windows begin with what the log of ingest still holds"
            self._log.error("no_checkpoint_left", hint=hint)
        return False

    def _load(self, path: Path, take: Callable[[State], None]) -> set[str]:
        names: set[str] = {path.name}
        take(self._with_parts(decode_state(path.read_bytes()), "", names))
        return names

    def _with_parts(self, value: Any, key: str, names: set[str]) -> Any:  # noqa: ANN401 - a tree as JSON has it
        if not isinstance(value, dict):
            return value
        if value.keys() == {_PART}:
            name = value[_PART]
            names.add(name)
            # The object that it is restored in begins with version 0.
            self._written[key] = (None, 0, name)
            return Part(0, lambda: decode_state((self._directory / name).read_bytes()))
        return {name: self._with_parts(each, f"{key}-{name}", names) for name, each in value.items()}

    def capture(self, state: State) -> Steps[Capture]:
        """The state as it is now, of which only the parts are copied that have changed since the last time.

        All steps must be done before the state changes.
        """
        capture = Capture({}, {}, {})
        yield from self._capture(state, "", capture.tree, capture)
        return capture

    def _capture(self, state: State, key: str, tree: State, capture: Capture) -> Steps[None]:
        for name, value in state.items():
            place = f"{key}-{name}"
            if isinstance(value, dict):
                tree[name] = {}
                yield from self._capture(value, place, tree[name], capture)
            elif isinstance(value, Part):
                tree[name] = {_PART: self._part(place, value, capture)}
                yield
            else:
                tree[name] = value

    def _part(self, key: str, part: Part, capture: Capture) -> str:
        """The file of a part; it is to be written if it has changed."""
        owner, version, name = self._written.get(key, (None, -1, ""))
        if version != part.version or owner not in {None, part.owner}:
            name = f"part{key}-{self._number + 1:020}.state"
            capture.parts[name] = part.copy()
            capture.written[key] = (part.owner, part.version, name)
        return name

    def save(self, capture: Capture) -> None:
        """Writes a checkpoint. Waits for the disk: not for the event loop, but in a thread beside it.

        Raises:
            OSError: the disk would not take it; the earlier ones are still there.
        """
        self._number += 1
        path = self._directory / f"checkpoint-{self._number:020}.state"
        try:
            # Each part is on disk before the checkpoint that names it; its own name is so with that of the checkpoint.
            for name, part in capture.parts.items():
                _write(self._directory / name, encode_state(part))
            write_durably(path, encode_state(capture.tree))
        except OSError:
            self._remove_unneeded()
            raise
        self._written.update(capture.written)
        self._needed = [*self._needed, {path.name, *_names(capture.tree)}][-KEPT:]
        self._remove_unneeded()

    def _remove_unneeded(self) -> None:
        needed = set().union(*self._needed)
        for path in (*self._directory.glob("*.state"), *self._directory.glob("*.state.part")):
            if path.name not in needed:
                path.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _names(value: Any) -> set[str]:  # noqa: ANN401 - as above
    """The files of the parts in a tree."""
    if not isinstance(value, dict):
        return set()
    if value.keys() == {_PART}:
        return {value[_PART]}
    return set().union(*map(_names, value.values()))
