"""One process at a time: a lock that the kernel drops with the process, however it ends."""

import os
import sys
from pathlib import Path

from telemetry_client.errors import InvalidSettingError

if sys.platform != "win32":
    import fcntl


class FileLock:
    """Holds `PATH.lock` from its making until `release`. Where there are no such locks nothing guards the file.

    Raises:
        InvalidSettingError: somebody else holds it, or it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f"{path.name}.lock")
        try:
            self._fd: int | None = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            if sys.platform != "win32":
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.release()
            raise InvalidSettingError(
                f"durable: {path} is in use by another publisher; give each publisher a file of its own"
            ) from error
        except OSError as error:
            raise InvalidSettingError(f"durable: {path} cannot be used: {error.strerror}") from error

    def release(self) -> None:
        """Gives it up; also what a fork does with its copy, else a child would hold it longer than its parent lives."""
        # The file stays: removing it would let two processes lock two files of the same name.
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
