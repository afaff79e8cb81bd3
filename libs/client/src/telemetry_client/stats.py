"""What a publisher counted."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts since the publisher was made; `sent_trades + dropped_trades` is the number of the next trade.

    `sent` means handed to the queue. What was queued when the process ended, or was on its way when the connection
    broke, can still be lost: ingest sees the gap in the numbers, the publisher does not.
    """

    sent_trades: int
    sent_messages: int
    dropped_trades: int
    unflushed_messages: int
    """At most so many messages were queued and are lost: after `close` those that had not gone out in time, and before
    those queued for an ingest in whose place something else was found then; 0 if there are none.

    A durable publisher loses none of them: they are in its file."""
    dropped_events: int = 0
    """Messages about orders that found the queue full; ingest sees each as a gap in the numbers of its kind."""
    unacknowledged_trades: int = 0
    """Of a durable publisher: trades in its file, of earlier runs too. Ingest has them not, or has not said so yet."""
    resent_trades: int = 0
    """Of a durable publisher: trades that it sent more than once; ingest drops what it had."""
    queue_bytes: int = 0
    """Of a durable publisher: what the messages in its file take up."""
    given_up_messages: int = 0
    """Of a durable publisher: messages that ingest took never, though it took those behind; a line says which."""
