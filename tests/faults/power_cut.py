"""What a power cut leaves of a directory: what was synced, and of the rest what happens to have reached the disk.

    process ──preloaded disk_recorder.c──▶ records of its writes and syncs ──▶ RecordedDisk ──▶ image after a cut

What the image holds of writes that were not synced is random: by page, so that a file may have a hole, a tail of zeros
or an older page, and a name may be there without its content. A name is on disk when its directory was synced, and
names of one directory get there in their order.
"""

import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import pytest

PAGE_BYTES: Final = 4096
_HEAD: Final = struct.Struct("<c3xIQQII")


class Record(NamedTuple):
    """One call of the process; see `disk_recorder.c`."""

    op: str
    thread: int
    inode: int
    offset: int
    path: str
    data: bytes


class Change(NamedTuple):
    """Bytes that are written to a file, or, without any, its new size."""

    offset: int
    data: bytes


class Naming(NamedTuple):
    """A name that leaves a directory, one that it gets, or both at once; texts are empty where there is none."""

    gone: str
    path: str = ""
    node: "File | None" = None
    """What the new name is of; None is a directory."""


@dataclass
class File:
    """A file: what is on disk of it, and what was done since, with how much of that a running sync waits for."""

    synced: bytes = b""
    pending: list[Change] = field(default_factory=list)

    def content(self) -> bytes:
        """What a process reads."""
        return _changed(self.synced, self.pending)

    def image(self, random: Random, kept_ratio: float) -> bytes:
        """What is on disk after a cut: of what was not synced each page with that probability."""
        kept = [change for change in _pages(self.pending) if random.random() < kept_ratio]
        found = _changed(self.synced, kept)
        size = len(self.content())
        # A file system may write the size of a file before its content.
        return found.ljust(size, b"\0") if kept and size > len(found) and random.random() < 0.5 else found


def _pages(changes: list[Change]) -> Iterator[Change]:
    for change in changes:
        begin, end = change.offset, change.offset + len(change.data)
        if begin == end:
            yield change
        while begin < end:
            stop = min(end, (begin // PAGE_BYTES + 1) * PAGE_BYTES)
            yield Change(begin, change.data[begin - change.offset : stop - change.offset])
            begin = stop


def _changed(content: bytes, changes: list[Change]) -> bytes:
    found = bytearray(content)
    for offset, data in changes:
        if len(found) < offset:
            found += bytes(offset - len(found))
        found[offset : offset + len(data)] = data
        if not data:
            del found[offset:]
    return bytes(found)


@dataclass
class Directory:
    """The names in one directory: those on disk, and what was done to them since."""

    synced: dict[str, File | None] = field(default_factory=dict)
    pending: list[Naming] = field(default_factory=list)

    def names(self, pending: int | None = None) -> dict[str, File | None]:
        """Its names, with so many of what was done to them; None for all."""
        found = dict(self.synced)
        for gone, path, node in self.pending[:pending]:
            found.pop(gone, None)
            if path:
                found[path] = node
        return found


class RecordedDisk:
    """A directory as a process sees it and as it is on disk; all that is there at the beginning is on disk."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._files: dict[int, File] = {}
        self._directories = {str(root.parent): Directory({self._root: None} if root.exists() else {})}
        self._syncing: dict[tuple[int, int, str], int] = {}
        self._directories[self._root] = Directory()
        for path in root.rglob("*"):
            node = None
            if path.is_dir():
                self._directories[str(path)] = Directory()
            else:
                node = self._files[path.stat().st_ino] = File(path.read_bytes())
            self._directories.setdefault(str(path.parent), Directory()).synced[str(path)] = node

    def apply(self, record: Record) -> None:
        """Goes on by one call of the process."""
        op, thread, inode, offset, path, data = record
        match op:
            case "C":
                file = self._files[inode] = File()
                self._directory_of(path).pending.append(Naming("", path, file))
            case "W":
                self._files[inode].pending.append(Change(offset, data))
            case "T":
                self._files[inode].pending.append(Change(offset, b""))
            case "M":
                self._directories[path] = Directory()
                self._directory_of(path).pending.append(Naming("", path))
            case "U":
                self._directory_of(path).pending.append(Naming(path))
            case "R":
                directory, target = self._directory_of(path), data.decode()
                assert directory is self._directory_of(target), "only within a directory"
                directory.pending.append(Naming(path, target, directory.names()[path]))
            case "B":
                self._syncing[thread, inode, path] = len(self._pending(inode, path))
            case "S":
                self._sync(inode, path, self._syncing.pop((thread, inode, path)))

    def _directory_of(self, path: str) -> Directory:
        return self._directories[os.path.dirname(path)]  # noqa: PTH120 - a text, as the records have it

    def _pending(self, inode: int, path: str) -> list[Change] | list[Naming]:
        return self._directories[path].pending if path else self._files[inode].pending

    def _sync(self, inode: int, path: str, count: int) -> None:
        """What was pending when the sync began is on disk, unless another sync was quicker."""
        if path:
            directory = self._directories[path]
            directory.synced, directory.pending = directory.names(count), directory.pending[count:]
        else:
            file = self._files[inode]
            file.synced, file.pending = _changed(file.synced, file.pending[:count]), file.pending[count:]
        for key, waits_for in self._syncing.items():
            if key[1:] == (inode, path):
                self._syncing[key] = max(0, waits_for - count)

    def image(self, random: Random, kept_ratio: float) -> dict[str, bytes | None]:
        """Files, and None for directories, by path: what a cut leaves now, where that part of what is not synced is."""
        found: dict[str, bytes | None] = {}
        self._add_to(found, os.path.dirname(self._root), random, kept_ratio)  # noqa: PTH120 - as above
        return found

    def _add_to(self, found: dict[str, bytes | None], directory: str, random: Random, kept_ratio: float) -> None:
        pending = len(self._directories[directory].pending)
        kept = pending if kept_ratio == 1 else random.randint(0, pending) if kept_ratio else 0
        for path, node in self._directories[directory].names(kept).items():
            found[path] = None if node is None else node.image(random, kept_ratio)
            if node is None:
                self._add_to(found, path, random, kept_ratio)

    def synced_bytes(self, path: Path) -> int:
        """How much of a file is on disk."""
        node = self._directory_of(str(path)).synced.get(str(path))
        return 0 if node is None else len(node.synced)


def records_in(log: bytes) -> Iterator[Record]:
    """The records of a log, up to one that is not whole."""
    at = 0
    while at + _HEAD.size <= len(log):
        op, thread, inode, offset, path_bytes, data_bytes = _HEAD.unpack_from(log, at)
        at += _HEAD.size
        path, data = log[at : at + path_bytes], log[at + path_bytes : at + path_bytes + data_bytes]
        at += path_bytes + data_bytes
        if at <= len(log):
            yield Record(op.decode(), thread, inode, offset, path.decode(), data)


def write_image(root: Path, image: dict[str, bytes | None]) -> None:
    """Puts an image in the place of a directory."""
    if root.exists():
        shutil.rmtree(root)
    for path, content in image.items():
        if content is None:
            Path(path).mkdir()
        else:
            Path(path).write_bytes(content)


class PowerSupply:
    """Of one directory: records what processes write there, and cuts the power.

    Args:
        root: the directory; it need not be there yet.
        recorder: the library to preload.
    """

    def __init__(self, root: Path, recorder: Path) -> None:
        self._root, self._recorder = root, recorder
        self._log = root.with_name(f"{root.name}.writes")
        self._boot, self._boots = root.with_name(f"{root.name}.boot"), 0
        self._start_machine()
        self._disk = RecordedDisk(root)

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs that is to be recorded."""
        return {
            "LD_PRELOAD": str(self._recorder),
            "DISK_RECORDER_ROOT": str(self._root),
            "DISK_RECORDER_LOG": str(self._log),
            "DISK_RECORDER_BOOT": str(self._boot),
        }

    def _start_machine(self) -> None:
        self._boots += 1
        self._boot.write_text(f"boot {self._boots}\n")

    def records(self) -> list[Record]:
        """All since the beginning or the last cut."""
        return list(records_in(self._log.read_bytes())) if self._log.exists() else []

    def cut(self, random: Random, kept_ratio: float) -> None:
        """Leaves in the directory what is on disk; no process may use it any more."""
        for record in self.records():
            self._disk.apply(record)
        write_image(self._root, self._disk.image(random, kept_ratio))
        self._log.unlink(missing_ok=True)
        self._disk = RecordedDisk(self._root)
        self._start_machine()


def built_recorder(directory: Path) -> Path:
    """The library that records."""
    return compiled("disk_recorder", directory)


def compiled(name: str, directory: Path) -> Path:
    """A library of this folder, to be preloaded; skips the test where there is no compiler, unless this is CI."""
    library = directory / f"{name}.so"
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None and not os.environ.get("CI"):
        pytest.skip("no C compiler")
    assert compiler is not None, "no C compiler"
    source = Path(__file__).with_name(f"{name}.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library
