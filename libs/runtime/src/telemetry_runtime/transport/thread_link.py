"""ZeroMQ PUSH/PULL for one thread, where the event loop is somebody else's: the page's process, which is Streamlit's.

`ThreadLink` owns a bound PULL and a connected PUSH in one thread of its own, as sockets must not be shared. Other
threads hand it messages without waiting; what comes in is handed to a callback in the link's thread.
"""

import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import zmq

from telemetry_runtime.errors import StartupError
from telemetry_runtime.transport.sockets import MAX_WIRE_BYTES, why

MAX_WAITING: Final = 1_000
"""Messages that wait to be sent; more than a person can click before the other side takes them."""


class ThreadLink:
    """Both directions of a link between two processes, served by one daemon thread.

    Args:
        pull_endpoint: where to bind for what comes in.
        push_endpoint: where to connect for what goes out.
        on_message: called in the link's thread with each message's first frame; it must not raise.

    Raises:
        StartupError: on entering, the endpoint is taken or is none.
    """

    def __init__(self, *, pull_endpoint: str, push_endpoint: str, on_message: Callable[[bytes], None]) -> None:
        self._pull_endpoint, self._push_endpoint = pull_endpoint, push_endpoint
        self._on_message = on_message
        self._waiting: deque[bytes] = deque()
        self._closing = False
        self._opened = threading.Event()
        self._fault: zmq.ZMQError | None = None
        # A write to the pipe wakes the thread: it polls the other end together with its sockets.
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)

    def send(self, frame: bytes) -> bool:
        """Whether it was taken; it is sent as soon as the other side has room. From any thread, never waits."""
        if self._closing or len(self._waiting) >= MAX_WAITING:
            return False
        self._waiting.append(frame)
        self._wake()
        return True

    def _wake(self) -> None:
        with suppress(BlockingIOError):  # a full pipe wakes it as well
            os.write(self._wake_write, b"x")

    def _run(self) -> None:
        with zmq.Context() as context, context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
            try:
                self._open(pull, push)
            except zmq.ZMQError as error:
                self._fault = error
                return
            finally:
                self._opened.set()
            self._serve(pull, push)

    def _open(self, pull: "zmq.Socket[bytes]", push: "zmq.Socket[bytes]") -> None:
        pull.setsockopt(zmq.MAXMSGSIZE, MAX_WIRE_BYTES)
        push.setsockopt(zmq.LINGER, 200)
        pull.bind(self._pull_endpoint)
        push.connect(self._push_endpoint)

    def _serve(self, pull: "zmq.Socket[bytes]", push: "zmq.Socket[bytes]") -> None:
        poller = zmq.Poller()
        poller.register(pull, zmq.POLLIN)
        poller.register(self._wake_read, zmq.POLLIN)
        while not self._closing:
            poller.poll()
            self._drain_pipe()
            self._receive(pull)
            poller.register(push, 0 if self._flush(push) else zmq.POLLOUT)

    def _drain_pipe(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._wake_read, 4096)

    def _receive(self, pull: "zmq.Socket[bytes]") -> None:
        try:
            while True:
                self._on_message(pull.recv_multipart(zmq.NOBLOCK)[0])
        except zmq.Again:
            return

    def _flush(self, push: "zmq.Socket[bytes]") -> bool:
        """Whether all that waited is on its way."""
        while self._waiting:
            try:
                push.send(self._waiting[0], zmq.NOBLOCK)
            except zmq.Again:
                return False
            self._waiting.popleft()
        return True

    def __enter__(self) -> Self:
        self._thread.start()
        self._opened.wait()
        if self._fault is not None:
            self.close()
            raise StartupError(
                f"cannot listen on {self._pull_endpoint}: {why(self._fault, self._pull_endpoint)}"
            ) from self._fault
        return self

    def close(self) -> None:
        """Ends the thread and closes its sockets; what waits to be sent is lost."""
        self._closing = True
        self._wake()
        self._thread.join()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
