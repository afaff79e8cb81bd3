"""What becomes of a queue file that is damaged: it is set aside for a person to look at, and the bot goes on."""

import logging
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from telemetry_client.durable.disk.rows import Contents
from telemetry_client.errors import InvalidSettingError

_SUFFIXES: Final = ("", "-wal", "-shm", ".tail")

KEPT_FILES: Final = 3
"""Damaged files of one path that are kept, the newest ones."""


class DamagedFileError(Exception):
    """A queue file is not as it was written; `contents` is what is whole in it."""

    def __init__(self, why: str, contents: Contents) -> None:
        super().__init__(why)
        self.contents = contents


def set_aside(path: Path, why: str) -> Path:
    """Renames the file and what is beside it, and says so; its new name.

    Raises:
        InvalidSettingError: the directory does not let us.
    """
    aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
    try:
        for suffix in _SUFFIXES:
            part = path.with_name(path.name + suffix)
            if part.exists():
                os.replace(part, aside.with_name(aside.name + suffix))  # noqa: PTH105 - either way is one call
        _drop_oldest(path)
    except OSError as error:
        raise InvalidSettingError(f"durable: {path} is damaged and cannot be set aside: {error.strerror}") from error
    logging.getLogger("telemetry_client").error("durable queue %s is damaged (%s); set aside as %s", path, why, aside)
    return aside


def put_back(path: Path, aside: Path) -> None:
    """Takes back `set_aside`, and the new file with it: else what is whole in the damaged one would be forgotten."""
    for suffix in _SUFFIXES:
        part = path.with_name(path.name + suffix)
        part.unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            aside.with_name(aside.name + suffix).replace(part)


def _drop_oldest(path: Path) -> None:
    prefix = f"{path.name}.damaged-"
    found = sorted(each for each in path.parent.iterdir() if each.name.startswith(prefix) and each.name[-1].isdigit())
    for old in found[:-KEPT_FILES]:
        for suffix in _SUFFIXES:
            old.with_name(old.name + suffix).unlink(missing_ok=True)
