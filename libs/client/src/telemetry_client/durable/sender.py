"""Sends what is held, in the order of the file: what may go now, and what of it has gone.

While all is sent, the bot's own call hands the next message to the socket. Else the thread does, from the file, until
all is sent again: so the two never mix up the order, and only one of them touches the PUSH socket.
"""

import sqlite3
import time
from typing import Final

from telemetry_client.durable.disk.rows import MessageRow
from telemetry_client.durable.held_queue import HeldQueue
from telemetry_client.durable.link import Link
from telemetry_client.durable.notices import Notices
from telemetry_client.durable.streams import MAX_IN_FLIGHT, MAX_IN_FLIGHT_BYTES, QueueStream

_READ_MESSAGES: Final = 256
"""Read from the file, and sent, at once: about a millisecond, in which no other thread can put."""


class QueueSender:
    """Hands messages to the socket. All of it under the queue's lock."""

    def __init__(self, queue: HeldQueue, link: Link, notices: Notices) -> None:
        self._queue, self._streams, self._link, self._notices = queue, queue.streams, link, notices
        self.has_session = False
        """There is a connection, and ingest has been asked where to go on."""
        self.is_all_sent = not queue.messages
        """Then the bot's call sends; else the thread does."""
        self.is_blocked = False
        """The socket had no room for the last one."""
        self.most_in_flight = MAX_IN_FLIGHT
        self.resent_trades = 0
        self._sent_once_id = 0

    def begin(self, now_s: float) -> None:
        """A new session: nothing is sent of a stream before ingest has said where it goes on."""
        self.has_session, self.is_all_sent, self.is_blocked = True, False, False
        self._streams.begin_session(now_s)
        self.most_in_flight = MAX_IN_FLIGHT

    def stop(self) -> None:
        """The connection broke."""
        self.has_session, self.is_all_sent = False, False
        for stream in self._streams.by_id.values():
            stream.is_open = False

    def go_back(self) -> None:
        """All that is not acknowledged is to be sent again."""
        self._streams.go_back()
        self.is_all_sent = False

    def park(self, stream: QueueStream, now_s: float) -> None:
        """The others pass this stream for a while."""
        self._streams.park(stream, now_s)
        self.is_all_sent = False

    def unpark(self, stream: QueueStream) -> None:
        """It takes its place again."""
        self._streams.unpark(stream)
        self.is_all_sent = False

    def send_on(self) -> bool:
        """Sends what follows in the file; whether there may be more at once."""
        try:
            rows = self._queue.file.read(self._streams.sent_id, _READ_MESSAGES, self._streams.parked)
        except sqlite3.Error as error:
            self._notices.report_disk(f"the durable queue cannot be read: {error}; what it holds is not sent")
            return False
        for row in rows:
            if not self.send(row):
                self._queue.release()
                return False
        self.is_all_sent = not rows
        self._queue.release()
        return bool(rows)

    def send(self, row: MessageRow) -> bool:
        """Hands a message to the socket, unless ingest has it; False if it must wait."""
        streams = self._streams
        stream = streams.by_id[row.stream]
        self.is_blocked = False
        if not (self.has_session and stream.is_open and self._has_place):
            return False
        if row.seq > stream.sent_seq:
            self._pass_gap(row, stream)
            return False
        if row.seq + (row.trades or 1) > stream.first_seq:
            if not self._link.offer(row.frame):
                self.is_blocked = True
                return False
            if row.id > self._sent_once_id:
                self._sent_once_id = row.id
            else:
                self.resent_trades += row.trades
        streams.note_sent(row, stream)
        return True

    @property
    def _has_place(self) -> bool:
        """Whether one more may be in flight."""
        streams = self._streams
        return len(streams.in_flight) < self.most_in_flight and streams.in_flight_bytes < MAX_IN_FLIGHT_BYTES

    def _pass_gap(self, row: MessageRow, stream: QueueStream) -> None:
        """Numbers before the message were in rows that are damaged: ingest is asked anew once nothing is in flight."""
        if stream.is_sent:
            stream.first_seq = row.seq
            stream.close(time.monotonic())
