"""Lines in a file that is rotated and bounded, on a disk that may be full."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from telemetry_runtime import make_directory, sync_directory


class RotatedFile:
    """Lines in `path`; older ones in `.1` to `.{files - 1}`, the highest the oldest.

    A disk that cannot be written to never stops the pipeline: `unkept_lines` counts what could not be kept, and each
    time it begins to fail that is logged.

    Args:
        file_bytes: a file is rotated at this size.
        files: files kept, with the one being written.
        event: name of the log line for a disk that fails.
        sync: each line is on disk when it is written; otherwise a crash of the machine may cost the last ones.
    """

    def __init__(self, path: Path, *, file_bytes: int, files: int, event: str, sync: bool = False) -> None:
        self._path, self._file_bytes, self._files, self._event = path, file_bytes, files, event
        self._sync = sync
        self._log = structlog.get_logger(event)
        self._fails = False
        self._writing = threading.Lock()
        self.unkept_lines = 0
        make_directory(path.parent)
        self._size = path.stat().st_size if path.exists() else 0
        self._is_torn = self._size > 0 and not _ends_whole(path)

    def write(self, lines: Sequence[bytes]) -> None:
        """Appends the lines; may be called in any thread.

        A killed process loses none of them, a crash of the machine only without `sync`.
        """
        with self._writing:
            self._write(lines)

    def _write(self, lines: Sequence[bytes]) -> None:
        kept = 0
        try:
            for end in self._append(lines):
                kept = end
            self._fails = False
        except OSError as error:
            if not self._fails:
                self._log.error(self._event, path=str(self._path), error=str(error))
            self._fails = True
            self.unkept_lines += len(lines) - kept
            self._cut_off()

    def newest(self) -> bytes:
        """What the newest two files hold; what cannot be read is left out."""
        found = b""
        for path in (self._path.with_name(f"{self._path.name}.1"), self._path):
            with suppress(OSError):
                found += path.read_bytes()
        return found

    def _cut_off(self) -> None:
        """Takes back the part of a line that a full disk took, so that the next line is whole."""
        with suppress(OSError):
            os.truncate(self._path, self._size)

    def _append(self, lines: Sequence[bytes]) -> Iterator[int]:
        """Appends the lines in as many writes as there are files; gives how many are written."""
        start = 0
        while start < len(lines):
            if self._size and self._size + len(lines[start]) > self._file_bytes:
                self._rotate()
            end, room = start + 1, self._file_bytes - self._size - len(lines[start])
            while end < len(lines) and len(lines[end]) <= room:
                room -= len(lines[end])
                end += 1
            # What a crash of the machine has left of a line must not take the next one with it.
            part = b"\n" * self._is_torn + b"".join(lines[start:end])
            with self._path.open("ab") as file:
                file.write(part)
                if self._sync:
                    file.flush()
                    os.fsync(file.fileno())
            if self._sync and not self._size:
                sync_directory(self._path.parent)
            self._is_torn = False
            self._size += len(part)
            start = end
            yield end

    def _rotate(self) -> None:
        paths = [self._path, *(self._path.with_name(f"{self._path.name}.{n}") for n in range(1, self._files))]
        for older, newer in zip(reversed(paths), reversed(paths[:-1]), strict=False):
            if newer.exists():
                newer.replace(older)
        if self._files == 1:
            self._path.unlink(missing_ok=True)
        self._size, self._is_torn = 0, False


def _ends_whole(path: Path) -> bool:
    """Whether the last line is whole; also where that cannot be read: the first write will say so."""
    try:
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"
    except OSError:
        return True
