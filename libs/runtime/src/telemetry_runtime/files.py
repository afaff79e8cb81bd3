"""Files that outlive a process: a directory for one process alone, and content that is written whole or not at all."""

import errno
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import structlog

from telemetry_runtime.errors import StartupError

if sys.platform != "win32":
    import fcntl

LOCK_NAME: Final = ".lock"

_UNSUPPORTED: Final = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
"""What a file system answers that knows no locks, as some network file systems do."""


def _why(directory: Path, error: OSError) -> str | None:
    """Why a directory cannot be used, for a person; the system says of a link to nowhere that it exists."""
    if directory.is_symlink() and not directory.exists():
        return f"it is a link to {directory.readlink()}, which does not exist"
    return "it is no directory" if isinstance(error, FileExistsError) else error.strerror


class DirectoryLock:
    """Keeps a directory for this process while its context is open; made if it is not there.

    The kernel holds the lock (`flock`) and drops it with the process, however it ends: no stale lock can stay behind.
    Where the file system or the platform knows no locks, a warning says that nothing guards the directory.

    Args:
        directory: what to keep.
        setting: the environment variable that names it, for the error.

    Raises:
        StartupError: another process has it, or it cannot be written to.
    """

    def __init__(self, directory: Path, *, setting: str) -> None:
        self._directory, self._setting = directory, setting
        self._fd: int | None = None

    def __enter__(self) -> Self:
        try:
            make_directory(self._directory)
            self._fd = os.open(self._directory / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o644)
            self._lock(self._fd)
        except BlockingIOError as error:
            holder = self._holder()
            self._release()
            raise StartupError(
                f"{self._setting}={self._directory}: is in use by another process{holder}; "
                f"stop that one, or set {self._setting} to another directory"
            ) from error
        except OSError as error:
            self._release()
            why = _why(self._directory, error)
            raise StartupError(f"{self._setting}={self._directory}: cannot be used: {why}") from error
        return self

    def _lock(self, fd: int) -> None:
        if sys.platform == "win32":
            structlog.get_logger("files").warning("directory_not_locked", directory=str(self._directory))
            return
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            structlog.get_logger("files").warning(
                "directory_not_locked", directory=str(self._directory), error=error.strerror
            )
            return
        # For the person who finds the directory taken. The lock is the kernel's: the text decides nothing.
        os.truncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)

    def _holder(self) -> str:
        try:
            text = (self._directory / LOCK_NAME).read_text(encoding="ascii", errors="replace").strip()
        except OSError:
            return ""
        return f" (pid {text})" if text.isdecimal() else ""

    def _release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The file stays: removing it would let two processes lock two files of the same name.
        self._release()


def check_is_not_of(owner: str, directory: Path, pattern: str, *, setting: str) -> None:
    """Refuses a directory that holds files of another service: begun anew beside them, its own would be forgotten.

    Raises:
        StartupError: there are such files.
    """
    found = next(iter(sorted(directory.glob(pattern))), None)
    if found is not None:
        raise StartupError(
            f"{setting}={directory}: holds {found.name} of {owner}; set {setting} to the directory of this service, or "
            "move the file away"
        )


def make_directory(directory: Path, *, sync: Callable[[int], None] = os.fsync) -> None:
    """Makes a directory if it is not there, and those above it; its name is on disk when this returns.

    Else a power cut takes it away with all that is in it, however well that was synced.

    Raises:
        OSError: it cannot be made.
    """
    missing = [each for each in directory.parents if not each.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    for each in (directory, *missing):
        # Whoever may make a name there need not be allowed to read it.
        with suppress(PermissionError):
            sync_directory(each.parent, sync=sync)


def write_durably(path: Path, content: bytes, *, sync: Callable[[int], None] = os.fsync) -> None:
    """Replaces the file's content; after a crash, also one of the machine, it is the old or the new one, whole.

    Waits for the disk twice (milliseconds): not for the event loop's thread where that matters. `sync` puts what was
    written to a file descriptor on disk.

    Raises:
        OSError: the disk would not take it; the old content is still there.
    """
    if not path.parent.exists():
        make_directory(path.parent, sync=sync)
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        # Before the rename: a file system may write the new name to disk before the content.
        sync(file.fileno())
    part.replace(path)
    sync_directory(path.parent, sync=sync)


def sync_directory(directory: Path, *, sync: Callable[[int], None] = os.fsync) -> None:
    """Puts on disk which names there are in a directory."""
    if sys.platform == "win32":  # a directory cannot be opened there
        return
    fd = os.open(directory, os.O_RDONLY)
    try:
        sync(fd)
    finally:
        os.close(fd)
