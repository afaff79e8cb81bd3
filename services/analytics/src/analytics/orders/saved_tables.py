"""Counters as tables of a checkpoint: rows of labels and a value; a large table is saved in parts, in steps."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import msgspec
import numpy as np

from analytics.checkpoint.parts import Part, State

PART_ROWS: Final = 500
"""Rows of a table that are packed at a time: about half a millisecond."""

LARGE_ROWS: Final = 100
"""A table with more rows is saved in parts: all smaller ones are packed at once, and there are twenty of them."""


def is_large(rows: list[Any]) -> bool:
    """Whether a table is to be saved in parts."""
    return len(rows) > LARGE_ROWS


def parts_of(rows: list[Any], version: int) -> State:
    """A table in parts, which are packed in steps: its rows are tuples, which never change."""
    starts = range(0, len(rows), PART_ROWS)
    return {str(start): Part(version, partial(_packed_rows, rows, start)) for start in starts}


def rows_of(parts: Mapping[str, Part]) -> list[Any]:
    """The table of its parts."""
    saved = [parts[start].copy()["rows"] for start in sorted(parts, key=int)]
    return [row for rows in saved for row in msgspec.msgpack.decode(rows.tobytes())]


def _packed_rows(rows: list[Any], start: int) -> State:
    return {"rows": np.frombuffer(msgspec.msgpack.encode(rows[start : start + PART_ROWS]), np.uint8)}
