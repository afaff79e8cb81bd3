"""When a socket is ready: what ZeroMQ says through a file descriptor, for asyncio."""

import asyncio

import zmq

_EVENTS = int(zmq.EVENTS)
"""As a plain number: pyzmq's enum is converted anew in every call."""


class SocketReadiness:
    """Waiting until a socket can be read from, or written to, shared by any number of waiters.

    The socket's file descriptor says that libzmq has commands to handle, not that the socket is ready, and is readable
    until they are handled. So they are handled at once, also while nobody waits: else the loop would spin. The reader
    stays: to add it for each wait costs more than all else a wait costs.

    Args:
        socket: the socket.
        event: `zmq.POLLIN` or `zmq.POLLOUT`.
    """

    def __init__(self, socket: "zmq.Socket[bytes]", event: int) -> None:
        self._socket, self._event = socket, event
        self._fd = int(socket.getsockopt(zmq.FD))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiters: list[asyncio.Future[None]] = []
        self._changed = False

    def is_ready(self) -> bool:
        """Whether it can be read from, or written to, now. Asking is much cheaper than trying in vain."""
        return bool(int(self._socket.getsockopt(_EVENTS)) & self._event)

    async def wait(self) -> None:
        """Returns when it has become ready since the last wait, or was woken."""
        if self._changed:
            self._changed = False
            return
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._fd, self._handle)
        waiter = self._loop.create_future()
        self._waiters.append(waiter)
        # Cancelled here nothing is lost: the others have futures of their own.
        await waiter

    def _handle(self) -> None:
        if self.is_ready():
            self.wake()

    def wake(self) -> None:
        """Ends all waits; if there are none, the next one."""
        waiters, self._waiters = self._waiters, []
        self._changed = not waiters
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def forget(self) -> None:
        """Forgets that it has become ready: the caller has just found that it is not, any more."""
        self._changed = False

    def close(self) -> None:
        """Ends all waits for good; to be called before the socket closes."""
        self.wake()
        if self._loop is not None:
            self._loop.remove_reader(self._fd)
            self._loop = None
