"""What ingest is asked, and what its answers change.

AckRequest(session, first_seq)  ──▶  "of this stream I hold numbers from first_seq on; which one comes next?"
Ack(session, next_seq)          ◀──  "that one": all before it is acknowledged
Ack(resend=True)                ◀──  "that one, though later ones have come": it is missing
Ack(refused=True)               ◀──  "I acknowledge none of this stream": its run began without that
"""

from telemetry_client.durable.held_queue import HeldQueue
from telemetry_client.durable.notices import LOG, Notices
from telemetry_client.durable.retransmission import Retransmission
from telemetry_client.durable.sender import QueueSender
from telemetry_client.durable.streams import MAX_IN_FLIGHT, QueueStream
from telemetry_schema import Ack, DecodeError, decode_ack


class Acknowledgements:
    """Takes in what ingest says. All of it under the queue's lock."""

    def __init__(self, queue: HeldQueue, sender: QueueSender, retransmission: Retransmission, notices: Notices) -> None:
        self._queue, self._streams, self._sender = queue, queue.streams, sender
        self._retransmission, self._notices = retransmission, notices

    def take(self, frames: list[bytes], session: int, now_s: float) -> bool:
        """Takes in acknowledgements and drops from the file what they cover; whether ingest has come further.

        Those of an earlier session say nothing: what they count may have been in a connection that is gone.
        """
        has_progress = False
        for frame in frames:
            try:
                ack = decode_ack(frame)
            except DecodeError as error:
                LOG.warning("an acknowledgement is not valid: %s", error)
            else:
                stream = self._streams.named(ack.source, ack.run, ack.kind)
                if stream is not None and ack.session == session:
                    has_progress |= self._take(stream, ack, now_s)
        self._queue.release()
        return has_progress

    def _take(self, stream: QueueStream, ack: Ack, now_s: float) -> bool:
        if ack.refused:
            self._take_refusal(stream, now_s)
            return False
        next_seq = self._believed(stream, ack)
        if next_seq is None:
            return False
        has_progress = next_seq > stream.first_seq or not stream.is_open
        if has_progress:
            self._retransmission.note_progress(now_s)
        if next_seq > stream.missed_seq >= 0:
            stream.missed_seq, self._sender.most_in_flight = -1, MAX_IN_FLIGHT
        if stream.is_parked:
            self._sender.unpark(stream)
        self._streams.open(stream, next_seq)
        if ack.resend:
            self._retransmission.missing = stream, next_seq
        return has_progress

    def _take_refusal(self, stream: QueueStream, now_s: float) -> None:
        text = "ingest acknowledges none, as the run has begun without that; they stay in the file"
        self._notices.say_of(stream, text)
        if not stream.is_parked:
            self._sender.park(stream, now_s)

    def _believed(self, stream: QueueStream, ack: Ack) -> int | None:
        """The number that ingest expects next, at most the one that comes next here; None if it cannot be."""
        # One of an earlier process of which nothing is held: only ingest knows how far it came.
        is_current = stream is self._queue.current.get(ack.kind)
        if ack.next_seq <= stream.next_seq or not (stream.messages or is_current):
            return ack.next_seq
        if is_current:
            self._notices.say_of(stream, "ingest acknowledges what was never sent; that is not believed")
            return None  # what is sent under these numbers would be lost
        self._notices.say_of(stream, "ingest has more than the file, which is a copy, or has lost its end")
        return stream.next_seq
