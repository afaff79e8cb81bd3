"""What ingest shows the UI of itself: its `IngestStatus`, several times a second."""

from typing import Literal

from pydantic import Field

from telemetry_schema.desk_views import DeskState
from telemetry_schema.fields import Batches, Count, EpochNs, Messages, Rows, Source, Trades, Version
from telemetry_schema.messages import Message


class FeedState(Message):
    """One feed of ingest."""

    name: str = Field(description="Source of its trades.")
    state: Literal["starting", "live", "waiting", "finished", "failed"] = Field(
        description="`waiting` is for the venue, before the next attempt to connect."
    )
    detail: str | None = Field(default=None, description="For a person: what it waits for.")
    trades: Trades
    last_trade_ns: EpochNs | None = Field(default=None, description="Received, by ingest's clock.")


class SourceState(Message):
    """One source seen by ingest."""

    source: Source
    trades: Trades
    lost: Trades
    duplicate: Trades
    conflicts: Count = Field(default=0, description="Of the duplicates, those whose numbers another sender has used.")
    last_trade_ns: EpochNs
    unfinished_runs: Count = Field(default=0, description="Runs that went silent without their end.")


class BotSourceState(Message):
    """What one source sent about orders, of all kinds (order, quote, position, rate_limit), as ingest counts it."""

    source: Source
    accepted: Messages
    lost: Messages = Field(description="Missing by its own numbers.")
    duplicate: Messages
    last_ns: EpochNs = Field(description="When its last message was received.")


class SourceRefusals(Message):
    """Refused messages of one source by reason; `source` is empty where none could be read."""

    source: str = Field(description="Who sent them; empty where it could not be read.")
    reasons: dict[str, Messages]


class MessageLedger(Message):
    """Messages at ingest: received = accepted + refused + duplicate + ignored, always."""

    received: Messages
    accepted: Messages
    refused: Messages
    duplicate: Messages
    ignored: Messages


class BatchSizes(Message):
    """Batches to analytics since the start, their trades, and the largest one."""

    batches: Batches
    trades: Trades
    largest: Trades


class IngestStatus(Message):
    """The state of ingest, several times a second, from ingest to the UI."""

    type: Literal["status"] = "status"
    version: Version
    stream: str = Field(description="This ingest run; counters start again with it.")
    at_ns: EpochNs
    ledger: MessageLedger
    refused: dict[str, Messages] = Field(description="Refused messages by reason.")
    accepted_trades: Trades
    unapplied_trades: Trades | None = Field(
        default=None, description="Accepted, but not reported applied; None before any report."
    )
    analytics_heard_ns: EpochNs | None = Field(
        default=None, description="When analytics reported last; None before any report."
    )
    batch_sizes: BatchSizes
    feeds: Rows[FeedState]
    sources: Rows[SourceState]
    bots: Rows[BotSourceState] = Field(default_factory=list, description="Sources of messages about orders.")
    refusals: Rows[SourceRefusals] = Field(default_factory=list, description="Who was refused, and why.")
    desk: DeskState | None = None
    log_lines_lost: Count = Field(default=0, description="Lines that the log of the service could not take.")
