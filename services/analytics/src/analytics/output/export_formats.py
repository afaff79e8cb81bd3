"""What /trades and /orders have in common: how they are asked, and rows as CSV, JSON lines or Arrow. Pure."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Final, Literal, TypeAlias

import msgspec
import nanoarrow as na
from nanoarrow.ipc import StreamWriter

Format: TypeAlias = Literal["csv", "jsonl", "arrow"]

TYPES: Final[dict[Format, str]] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "arrow": "application/vnd.apache.arrow.stream",
}
_FORMATS: Final[dict[str, Format]] = {
    "application/vnd.apache.arrow.stream": "arrow",
    "application/arrow": "arrow",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "application/json": "jsonl",
    "text/csv": "csv",
    "text/*": "csv",
    "*/*": "csv",
}
"""By media range, as a client may name it."""

_QUALITY: Final = re.compile(r"q\s*=\s*(0(?:\.\d*)?|1(?:\.0*)?)", re.IGNORECASE)

_MOST_DIGITS: Final = 40
_LARGEST: Final = 2**63 - 1


class ExportError(ValueError):
    """The query is wrong; the text says what and how."""


def check_names(query: Mapping[str, str], known: Sequence[str]) -> None:
    """Raises `ExportError` where a parameter is unknown, or there twice: which of them counts nobody can know."""
    unknown = [name for name in query if name not in known]
    if unknown:
        raise ExportError(f"{unknown[0]!r} is not known; known are {', '.join(known)}")
    twice = [name for name, times in Counter(name for name, _ in query.items()).items() if times > 1]
    if twice:
        raise ExportError(f"{twice[0]!r} is there twice")


def row_limit(text: str | None, max_rows: int) -> int:
    """The most rows that are wanted; raises `ExportError`."""
    if text is None:
        return max_rows
    number = whole_number(text)
    if not number:
        raise ExportError(f"limit={text!r}: it is a number of rows, at least 1")
    return min(number, max_rows)


def whole_number(text: str) -> int | None:
    """A whole number in plain digits; one that is longer than any that counts here is as good as the largest."""
    if not (text.isascii() and text.isdigit()):
        return None
    return int(text) if len(text) <= _MOST_DIGITS else _LARGEST


def chosen_format(accept: str) -> Format:
    """The format that a client asks for by its header Accept; CSV where it leaves the choice to us.

    Of several it is the one with the highest quality (`;q=0.5`), and of equal ones the first.
    """
    wanted = [(_quality(words), _FORMATS[name]) for name, words in _ranges(accept) if name in _FORMATS]
    best, found = max(wanted, key=itemgetter(0), default=(0.0, "csv"))
    return found if best > 0 else "csv"


def _ranges(accept: str) -> Iterator[tuple[str, list[str]]]:
    for each in accept.split(","):
        name, *words = each.split(";")
        yield name.strip().lower(), words


def _quality(words: list[str]) -> float:
    """From 0 to 1; what is no such number counts as 1, as if it were not there."""
    found = next((match for word in words if (match := _QUALITY.fullmatch(word.strip()))), None)
    return 1.0 if found is None else float(found[1])


def text_rows(
    columns: Sequence[str], parts: Iterable[Iterable[Sequence[object]]], wanted: Literal["csv", "jsonl"]
) -> Iterator[bytes]:
    """Rows with these columns, a chunk for each part; one without rows is empty. CSV begins with the names."""
    if wanted == "csv":
        yield (",".join(columns) + "\n").encode()
    for part in parts:
        yield _csv(part) if wanted == "csv" else _jsonl(columns, part)


def _csv(part: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(part)
    return text.getvalue().encode()


def _jsonl(columns: Sequence[str], part: Iterable[Sequence[object]]) -> bytes:
    return msgspec.json.Encoder().encode_lines([dict(zip(columns, values, strict=True)) for values in part])


def arrow_stream(empty: object, batches: Iterable[object | None]) -> Iterator[bytes]:
    """An Arrow IPC stream: a batch without rows for the schema, and one for each part; None is a part without rows."""
    out = io.BytesIO()
    with StreamWriter.from_writable(out) as writer:
        for batch in chain([empty], batches):
            if batch is not None:
                writer.write_stream(na.c_array_stream(batch))
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()
