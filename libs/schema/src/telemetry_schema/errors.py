"""Errors of the schema.

SchemaError
├── DecodeError    an edge message is not valid; carries the `Reason` it is counted under
└── BatchError     a batch between ingest and analytics is not valid
"""

from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """Why a message was refused: the values of the `reason` label of `telemetry_refused_total`. Each is disjoint."""

    TOO_LARGE = "too_large"
    MULTIPART = "multipart"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    UNKNOWN_TYPE = "unknown_type"
    MISSING_FIELD = "missing_field"
    UNKNOWN_FIELD = "unknown_field"
    WRONG_TYPE = "wrong_type"
    BAD_NAME = "bad_name"
    UNKNOWN_SIDE = "unknown_side"
    OUT_OF_RANGE = "out_of_range"
    UNEQUAL_COLUMNS = "unequal_columns"
    SEQ_WITHOUT_RUN = "seq_without_run"
    """Numbers count within a run: without one, the numbers of the next start would be those of the last."""
    PAST_TIME = "past_time"
    """A time that cannot be: seconds, milliseconds or microseconds taken for nanoseconds, or sent a day ago."""
    FUTURE_TIME = "future_time"
    RATE_LIMITED = "rate_limited"
    """Its source sends more than it may; of such a message only the source was looked at."""
    OUT_OF_ORDER = "out_of_order"
    """A number of a durable client's run before which one is missing: the client sends both again. Nothing is lost."""
    BAD_FRAME = "bad_frame"
    """A venue's frame says it is a trade, but is not as the venue documents it."""


MAX_DESCRIBED_FAULTS: Final = 100
"""pydantic makes a dict of every fault to describe the first: more than any message of ours has fields."""

MAX_DETAIL_CHARS: Final = 512
"""How much is said about a fault: it stands in the dead letters and in the log."""


class SchemaError(ValueError):
    """Base of all errors of this package."""


class DecodeError(SchemaError):
    """An edge message is not valid.

    `reason` is what it is counted under, `detail` says which field and why, for a person.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class BatchError(SchemaError):
    """The two frames of a batch do not fit together, or are not a batch at all."""
