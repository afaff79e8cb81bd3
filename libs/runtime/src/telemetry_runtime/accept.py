"""What a request for /metrics accepts: which of the two text formats, and gzip. Pure."""

from collections.abc import Iterator
from enum import Enum
from typing import Final, NamedTuple

__all__ = ["TextFormat", "format_asked", "takes_gzip"]


class TextFormat(Enum):
    """The formats of metrics, by their content types."""

    PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


_OPENMETRICS_TYPE: Final = "application/openmetrics-text"
_VERSIONS: Final = {"1.0.0", "0.0.1", ""}
"""Versions of OpenMetrics whose readers understand ours."""


class _Wanted(NamedTuple):
    """One entry of the header, and how much it is wanted, from 0 to 1."""

    name: str
    version: str
    quality: float


def format_asked(accept: str) -> TextFormat:
    """OpenMetrics if it is named, and wanted at least as much as plain text; without the header plain text."""
    wanted = list(_entries(accept))
    named = [one for one in wanted if one.name == _OPENMETRICS_TYPE and one.version in _VERSIONS]
    best = max((one.quality for one in named), default=0.0)
    return TextFormat.OPENMETRICS if best > 0 and best >= _quality_of_plain(wanted) else TextFormat.PROMETHEUS


def _quality_of_plain(wanted: list[_Wanted]) -> float:
    """The most specific entry decides."""
    for name in ("text/plain", "text/*", "*/*"):
        if found := [one.quality for one in wanted if one.name == name]:
            return max(found)
    return 0.0


def takes_gzip(accept_encoding: str) -> bool:
    """Whether an answer may be compressed."""
    return any(one.name == "gzip" and one.quality > 0 for one in _entries(accept_encoding))


def _entries(header: str) -> Iterator[_Wanted]:
    for entry in header.lower().split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        pairs = dict(part.replace(" ", "").split("=", 1) for part in parameters if "=" in part)
        yield _Wanted(name, pairs.get("version", "").strip('"'), _quality(pairs.get("q", "1")))


def _quality(text: str) -> float:
    """A quality that is no number is none: what cannot be read is not wanted."""
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0
