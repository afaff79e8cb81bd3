"""Acknowledgements between a durable client and ingest: which numbers of a run are in ingest's log.

    client ── AckRequest (what it still holds) ──▶ ingest        at the start of each connection, and while it waits
    client ◀── Ack (which number comes next) ───── ingest        whenever more was committed

A run that was asked about is *strict*: ingest takes its numbers in order and without gaps, as the client sends again
what is missing. So one number says all.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from telemetry_schema.fields import Count, Run, Seq, Source
from telemetry_schema.messages import Message

AckKind: TypeAlias = Literal["trade", "order", "quote", "position", "rate_limit"]
"""What is numbered apart: trades, and each kind of message about orders."""

Session = Annotated[int, Field(ge=0, lt=2**53, description="Counts the connections of a client.")]


class AckRequest(Message):
    """A client asks for the acknowledgements of one kind of messages in one of its runs, and says what it holds."""

    type: Literal["ack_request"] = "ack_request"
    source: Source
    run: Run
    kind: AckKind = Field(description="What the numbers count: each kind of messages has its own.")
    session: Session
    first_seq: Seq = Field(description="The client holds no number below, and will send none again.")
    held_trades: Count = Field(default=0, description="Trades that the client holds, of all its runs.")
    held_bytes: Count = Field(default=0, description="What its queue takes up.")
    resent_trades: Count = Field(default=0, description="Trades that it has sent more than once.")


class Ack(Message):
    """Ingest has all numbers below `next_seq` of that run and kind in its log.

    With `resend`, a later number came while `next_seq` did not: the client sends again from there on. With `refused`
    the run has begun without acknowledgements and gets none; `next_seq` says nothing then.
    """

    type: Literal["ack"] = "ack"
    source: Source
    run: Run
    kind: AckKind = Field(description="What the numbers count: each kind of messages has its own.")
    session: Session = Field(description="That of the client's latest request.")
    next_seq: Seq
    resend: bool = Field(default=False, description="A later number came first: send again from `next_seq` on.")
    refused: bool = Field(default=False, description="Nothing of this kind of that run is acknowledged.")
