"""Opens a recording's file as lines of UTF-8, however it is packed and encoded: recognised by content, not by name.

gzip, zip (one file inside), zstd, or plain; UTF-8 with or without a byte-order mark, or UTF-16.
"""

import gzip
import io
import lzma
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol, cast

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_LINE_BYTES: Final = 4 * 1024 * 1024
"""A longer line is cut into several, each of which is refused: book snapshots reach some 100 kB."""

UNPACK_ERRORS: Final = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zstd.ZstdError,
    zipfile.BadZipFile,
    RuntimeError,  # zip: encrypted, or packed in a way that is not known
)
"""What reading a damaged file raises."""

_BUFFER_BYTES: Final = 64 * 1024
_UTF8_MARK: Final = b"\xef\xbb\xbf"


class _Unpacked(Protocol):
    """What gzip, zip and zstd files have in common."""

    def read1(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


class _ReadOnce(io.RawIOBase):
    """Reads what there is, and no more: where a file ends too early, all before its end has been given."""

    def __init__(self, file: _Unpacked) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401 - what supports the buffer protocol has no type before 3.12
        data = self._file.read1(len(buffer))
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def opened_lines(path: Path) -> Iterator[Iterator[bytes]]:
    """The lines of a file, with their ends, in bounded memory.

    Raises:
        OSError: and the others of `UNPACK_ERRORS`, here or while the lines are read.
    """
    with ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        unpack = next((unpack for magic, unpack in _UNPACK.items() if file.peek(4).startswith(magic)), None)
        if unpack is None:
            _refuse_unknown(file.peek(8))
        else:
            unpacked = stack.enter_context(closing(unpack(file, stack)))
            file = io.BufferedReader(_ReadOnce(unpacked), _BUFFER_BYTES)
        yield _lines(file, stack)


def _refuse_unknown(head: bytes) -> None:
    """Raises if the file is packed in a way that is not known: as text it would be garbage."""
    found = next((name for magic, name in _UNKNOWN.items() if head.startswith(magic)), None)
    if found:
        raise OSError(f"it is {found}; gzip, zip and zstd are known")


def _gzip(file: io.BufferedReader, _: ExitStack) -> _Unpacked:
    return gzip.GzipFile(fileobj=file)


def _zstd(file: io.BufferedReader, _: ExitStack) -> _Unpacked:
    return zstd.ZstdFile(file)


def _zip(file: io.BufferedReader, stack: ExitStack) -> _Unpacked:
    archive = stack.enter_context(zipfile.ZipFile(file))
    names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX")]
    if len(names) != 1:
        raise OSError(f"the zip holds {len(names)} files ({', '.join(names[:3])[:100]}); it must hold one")
    return cast("zipfile.ZipExtFile", archive.open(names[0]))


_UNPACK: Final[dict[bytes, Callable[[io.BufferedReader, ExitStack], _Unpacked]]] = {
    b"\x1f\x8b": _gzip,
    b"PK\x03\x04": _zip,
    b"PK\x05\x06": _zip,
    b"\x28\xb5\x2f\xfd": _zstd,
}
"""By the first bytes of a file."""


_UNKNOWN: Final = {
    b"\xfd7zXZ": "packed by xz",
    b"BZh": "packed by bzip2",
    b"7z\xbc\xaf": "packed by 7z",
    b"Rar!": "packed by rar",
    b"\x04\x22\x4d\x18": "packed by lz4",
    b"PAR1": "a Parquet file",
    b"SQLite f": "a SQLite database",
}


def _lines(file: io.BufferedReader, stack: ExitStack) -> Iterator[bytes]:
    encoding = _utf16(file.peek(2)[:2])
    if encoding:
        text = stack.enter_context(io.TextIOWrapper(file, encoding, errors="replace", newline=""))
        return (line.encode() for line in iter(partial(text.readline, MAX_LINE_BYTES), ""))
    if file.peek(3).startswith(_UTF8_MARK):
        file.read(3)
    return iter(partial(file.readline, MAX_LINE_BYTES), b"")


def _utf16(head: bytes) -> str | None:
    """The kind of UTF-16 that begins so; without a byte-order mark, ASCII shows as every second byte being 0."""
    if head in {b"\xff\xfe", b"\xfe\xff"}:
        return "utf-16"
    if len(head) == 2 and head[0] and not head[1]:  # noqa: PLR2004 - one character
        return "utf-16-le"
    if len(head) == 2 and head[1] and not head[0]:  # noqa: PLR2004 - one character
        return "utf-16-be"
    return None
