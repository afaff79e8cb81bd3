"""A PUSH socket with a bounded queue, which connects again whoever was at its address."""

import math
import os
import sys
import time
from collections import deque
from contextlib import suppress
from typing import Final

import zmq

from telemetry_client.checks import check_endpoint
from telemetry_client.curve_keys import CurveKeys
from telemetry_client.errors import InvalidSettingError
from telemetry_client.handshakes import Handshakes, monitor_of

Receipt = zmq.MessageTracker
"""Done when libzmq needs a frame no longer; its `wait` raises `NotDone` when it is not in time."""

NotDone = zmq.NotDone

_KEEPALIVE = {zmq.TCP_KEEPALIVE: 1, zmq.TCP_KEEPALIVE_IDLE: 10, zmq.TCP_KEEPALIVE_INTVL: 5, zmq.TCP_KEEPALIVE_CNT: 4}
"""A quiet ingest that vanished without a goodbye (a pulled cable) is noticed within half a minute. ZeroMQ's heartbeats
would also end a connection whose receiver does not read for a while, and lose what is on its way."""

_TIMER_SLACK_S = 0.005
"""ZeroMQ counts milliseconds by its own clock: a close that took all of its time but for this may have given up."""


_MONITORED_EVERY = 4096
"""Messages after which the monitor is emptied, so that a connection that comes and goes for weeks fills nothing."""


TRY_AGAIN_S: Final = 0.1
"""Time until the next try at a peer that speaks otherwise: libzmq's own between two tries at one that is not there."""


FILLER: Final = b" " * 8192
"""As long as the buffers in which libzmq writes; blanks behind a JSON message mean nothing."""


class Connection:
    """Connects at once, and again for as long as it is open; what is sent meanwhile waits in the queue.

    Until a peer has completed the handshake, the queue is kept here too: libzmq drops its own at a peer that turns out
    to be none, and then it is queued again for the next one.

    Safe to use from one thread at a time, in the process that made it.
    """

    def __init__(self, endpoint: str, *, max_queued_messages: int, curve: CurveKeys | None) -> None:
        self._pid = os.getpid()
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.PUSH)
        self._endpoint, self._max_queued_messages = endpoint, max_queued_messages
        self._offered = self._offered_before = 0
        """Messages, and those of them that are in no queue of libzmq's any more, as far as is known."""
        self._handshakes = Handshakes()
        self._try_at_s = 0.0
        self._kept: deque[bytes] = deque()
        """What was offered while no peer was known to be there."""
        self.times_made = 1
        """Connections that were begun by ourselves; libzmq makes others within one of them, and keeps its queue."""
        self.lost_messages = 0
        """At most so many were dropped by libzmq with a connection that it gave up."""
        try:
            check_endpoint(endpoint)
            configure(self._socket, endpoint, max_queued_messages, curve)
            self._monitor = monitor_of(self._socket)
            self._socket.connect(endpoint)
        except (zmq.ZMQError, TypeError, ValueError, UnicodeError) as error:
            self._context.destroy(linger=0)
            raise InvalidSettingError(f"cannot connect to {endpoint!r}: {error}") from error

    @property
    def is_ours(self) -> bool:
        """Whether this process made it; a fork must leave it alone."""
        return os.getpid() == self._pid

    def is_connected(self) -> bool:
        """Whether a peer has completed the handshake and has not gone since, as far as is known."""
        self._follow_handshakes()
        return self._handshakes.is_connected

    @property
    def is_given_up(self) -> bool:
        """Whether libzmq dropped its queue, and does not try again by itself; `try_again` does."""
        return self._handshakes.is_given_up

    def offer(self, frame: bytes) -> bool:
        """Queues the frame if there is room; never waits."""
        try:
            self._socket.send(frame, zmq.DONTWAIT)
        except zmq.Again:
            return self._offer_again(frame)
        self._offered += 1
        if not self._handshakes.is_connected:
            self._kept.append(frame)
        if not self._offered % _MONITORED_EVERY:
            self.try_again()
        return True

    def _offer_again(self, frame: bytes) -> bool:
        """As `offer`, where libzmq took none: its queue is full, or it has given up."""
        made = self.times_made
        self.try_again()
        if self.is_given_up:
            return self._keep(frame)
        return self.times_made > made and self.offer(frame)

    def _keep(self, frame: bytes) -> bool:
        """Holds a frame for the next connection, as libzmq has no queue just now."""
        if len(self._kept) >= self._max_queued_messages:
            return False
        self._kept.append(frame)
        self._offered += 1
        return True

    def offer_tracked(self, frame: bytes) -> Receipt | None:
        """Queues the frame if there is room; the tracker is done when libzmq has written it, or has dropped it.

        Written is: put into a buffer of 8 kB that is on its way. libzmq fills the next one only once that has left.
        """
        part = zmq.Frame(frame, track=True, copy=False)
        self.try_again()
        if self.is_given_up:
            return None
        try:
            self._socket.send(part, zmq.DONTWAIT, copy=False)
        except zmq.Again:
            return None
        self._offered += 1
        self._offered_before += 1  # nobody misses a report
        tracker: Receipt = part.tracker
        return tracker

    def wait_for_room(self, wait_s: float) -> None:
        """Waits at most so long for room in the queue, and not longer than until it is time to try again.

        ZeroMQ reports room in a queue that was full once half of it has gone out. May be called while another thread
        asks whether there is a connection.
        """
        wait_s = min(wait_s, TRY_AGAIN_S)
        if self.is_given_up:
            time.sleep(wait_s)  # what is left of its queue may report room that leads nowhere
        else:
            self._socket.poll(int(wait_s * 1000), zmq.POLLOUT)

    def offer_within(self, frame: bytes, wait_s: float) -> bool:
        """Queues the frame as soon as there is room, for at most so long; whether there was."""
        deadline_s = time.monotonic() + wait_s
        while self.is_ours and not self._socket.closed:
            if self.offer(frame):
                return True
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                break
            self.wait_for_room(left_s)
        return False

    def close(self, linger_s: float) -> bool:
        """Sends what is queued for at most so long; whether certainly all of it went out to an ingest.

        Does nothing in a fork, and nothing the second time.
        """
        if not self.is_ours or self._socket.closed:
            return False
        deadline_s = time.monotonic() + linger_s
        # A peer that is no ingest (an HTTP port, other keys) lets libzmq drop what was queued for it, without a word.
        is_answered = self._offered == 0 or self._wait_for_answer(deadline_s)
        # While libzmq's thread waits for us to read its events, `disable_monitor` would wait for that thread.
        self._follow_handshakes()
        self._socket.disable_monitor()
        self._monitor.close(linger=0)
        started_s, left_s = time.monotonic(), max(0.0, deadline_s - time.monotonic())
        self._socket.close(linger=round(left_s * 1000))
        self._context.term()
        all_sent = self._offered == 0 or time.monotonic() - started_s < left_s - _TIMER_SLACK_S
        return is_answered and all_sent

    def _wait_for_answer(self, deadline_s: float) -> bool:
        """Whether a peer has completed the handshake by then: one that speaks ZeroMQ, pulls, and knows our keys."""
        self.try_again()
        while not self._handshakes.is_answered:
            wait_s = min(deadline_s - time.monotonic(), TRY_AGAIN_S)
            if wait_s <= 0:
                return False
            self._monitor.poll(math.ceil(wait_s * 1000))
            self.try_again()
        return True

    def try_again(self) -> None:
        """Connects anew if libzmq has given up, at most every `TRY_AGAIN_S`; to be called again and again."""
        self._follow_handshakes()
        if self.is_given_up and time.monotonic() >= self._try_at_s:
            self._connect_again()

    def _connect_again(self) -> None:
        with suppress(zmq.ZMQError):  # it has forgotten the endpoint already
            self._socket.disconnect(self._endpoint)
        self._handshakes.begin_again()
        self.times_made += 1
        # What was queued under a peer that has gone since is lost: which of it was on its way already is not known.
        queued = self._offered - self._offered_before - len(self._kept)
        self.lost_messages += max(0, min(queued, self._max_queued_messages))
        self._offered_before = self._offered - len(self._kept)
        self._socket.connect(self._endpoint)
        for frame in self._kept:
            self._socket.send(frame, zmq.DONTWAIT)

    def _follow_handshakes(self) -> None:
        """Takes in what the monitor has reported."""
        with suppress(zmq.Again):
            while True:
                event = int.from_bytes(self._monitor.recv_multipart(zmq.NOBLOCK)[0][:2], sys.byteorder)
                was_given_up = self.is_given_up
                self._handshakes.take(event)
                if self._handshakes.is_connected:
                    self._kept.clear()
                if self.is_given_up and not was_given_up:
                    self._try_at_s = time.monotonic() + TRY_AGAIN_S


def configure(socket: "zmq.Socket[bytes]", endpoint: str, max_queued_messages: int, curve: CurveKeys | None) -> None:
    """Sets the options that all sockets of the client have."""
    socket.setsockopt(zmq.SNDHWM, max_queued_messages)
    # Until the close says otherwise. Else a connection that was given up with messages in its queue waits for ever for
    # a peer that takes them, and the end of the context for the connection.
    socket.setsockopt(zmq.LINGER, 0)
    # Only for an IPv6 address: with it, a name like localhost would no longer be looked for under IPv4.
    socket.setsockopt(zmq.IPV6, int("[" in endpoint))
    for option, value in _KEEPALIVE.items():
        socket.setsockopt(option, value)
    if curve is not None:
        public, secret = curve.pair()
        socket.setsockopt(zmq.CURVE_SERVERKEY, curve.server.encode("ascii"))
        socket.setsockopt(zmq.CURVE_PUBLICKEY, public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, secret)
