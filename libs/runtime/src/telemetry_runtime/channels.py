"""What flows between processes and tasks, and the protocols of its ends: what a service is written and tested against.

`transport` has the real ends, `fakes` the ones for tests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

Frame: TypeAlias = bytes | memoryview
Frames: TypeAlias = Sequence[Frame]
"""One message: one frame or more."""


@dataclass(frozen=True, slots=True)
class Burst:
    """What came to the edge at once: the messages of one frame, as they should be, and the others. Falsy when empty."""

    frames: list[bytes]
    multipart: list[list[bytes]]

    def __bool__(self) -> bool:
        return bool(self.frames or self.multipart)


class EdgeSource(Protocol):
    """Where the messages of clients come from, each of one frame."""

    async def receive(self) -> Burst:
        """The next burst, at least one message; empty when the source has ended."""
        ...

    def hold_back(self, most_messages: int) -> None:
        """Lets the next burst come a moment later, and small: one client's flood must not crowd out the others."""
        ...


class Source(Protocol):
    """Where messages come from."""

    async def receive(self) -> list[Frames]:
        """The next burst, at least one message; empty when the source has ended."""
        ...


class PeerChannel(Protocol):
    """Where peers ask and are answered, each under the name of its connection."""

    async def receive(self) -> list[tuple[bytes, bytes]]:
        """The next requests, at least one, each with its peer; empty when the channel was closed."""
        ...

    def answer(self, peer: bytes, frame: bytes) -> bool:
        """Whether the answer is on its way; if not, the peer has gone, or reads too slowly."""
        ...


class TrySink(Protocol):
    """Where messages go, each of them, for a caller that keeps what was not taken and tries again."""

    def try_send(self, frames: Frames) -> bool:
        """Whether the message was taken; if not, nothing happened."""
        ...

    async def writable(self) -> None:
        """Returns when it is worth trying again."""
        ...


class LossySink(Protocol):
    """Where messages go that may be missed: a full queue drops, and counts."""

    def offer(self, frames: Frames) -> bool:
        """Whether the message was taken; one that was not is counted as dropped."""
        ...
