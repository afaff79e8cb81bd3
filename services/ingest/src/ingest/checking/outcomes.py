"""The result of checking a burst: messages by outcome, accepted trades, refusals and commands. Pure."""

from collections import defaultdict
from dataclasses import dataclass, field

from ingest.checking.chunks import Chunk
from telemetry_runtime import MessageCounts
from telemetry_schema import DeskCommand


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused message: the reason it is counted under, why for a person, and its bytes.

    `trades` is how many trades it stood for, and `source` who sent it, as far as they can be read.
    """

    reason: str
    detail: str
    frame: bytes
    trades: int = 1
    source: str | None = None


@dataclass(slots=True)
class Checked:
    """The result of checking a burst. `commands` are not in the tally: the desk decides about them."""

    chunks: list[Chunk] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    commands: list[DeskCommand] = field(default_factory=list)
    tally: MessageCounts = field(default_factory=MessageCounts)
    limited_messages: int = 0
    """Refused before they were looked at, as their sources sent more than they may; in the tally, not in `refusals`."""
    out_of_order_messages: int = 0
    """Refused as a message of their run is missing before them; in the tally, not in `refusals`: they come again."""
    limited: dict[str, int] = field(default_factory=dict)
    """By source, refused before they were looked at, as it sent more than it may; in the tally, not in `refusals`."""
    run_reports: dict[str, int] = field(default_factory=dict)
    """Accepted messages about runs, by type; in the tally too."""
    events: list[bytes] = field(default_factory=list)
    """Accepted messages about orders, as they came."""
    event_tallies: dict[str, MessageCounts] = field(default_factory=lambda: defaultdict(MessageCounts))
    """Messages about orders by kind; they are in `tally` too."""
