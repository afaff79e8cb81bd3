"""What analytics shows the UI of the studies: how they do and what they find."""

from typing import Literal

from pydantic import Field

from telemetry_schema.fields import Count, EpochNs, Origin, Rows, SpanNs
from telemetry_schema.messages import Message


class StudyState(Message):
    """How one study does."""

    name: str = Field(description="The study's function.")
    is_builtin: bool = Field(description="It is of the microstructure set.")
    every_ns: SpanNs
    runs: Count = Field(description="Runs since the start.")
    skipped: Count = Field(description="Runs that were left out: the worker was busy.")
    failures: Count = Field(description="Runs that gave no values.")
    mean_s: float = Field(ge=0, description="Mean time of a run, in seconds.")
    slowest_s: float = Field(ge=0, description="Longest run, in seconds.")
    disabled: bool = Field(description="It has failed too often, and was given up.")
    failure: str | None = Field(default=None, max_length=1_000, description="Why its last run failed, if it did.")


class StudyValues(Message):
    """The newest values that studies found for one symbol, by gauge, with its label in braces: `bar_close{1m}`."""

    symbol: str = Field(description="The symbol; of several at once all of them, joined by a plus.")
    origin: Origin = Field(description="Whose trades: the market's or our own.")
    together: Rows[str] = Field(default_factory=list, description="The several; none where it is one symbol.")
    values: dict[str, float] = Field(description="By gauge.")


class StudiesState(Message):
    """What the studies find and how they do, every few seconds, from analytics to the UI."""

    type: Literal["studies"] = "studies"
    run: str = Field(description="New at each start of analytics.")
    at_ns: EpochNs
    worker_starts: Count = Field(description="Times the studies' worker was started.")
    studies: Rows[StudyState] = Field(description="All that could be loaded.")
    values: Rows[StudyValues] = Field(description="Of the symbols that traded last; not all need be here.")
    problems: Rows[str] = Field(description="Files and modules that could not be loaded: where, and why.")
