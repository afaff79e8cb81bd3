"""How often each peer may ask for acknowledgements: a token bucket each. Pure."""

from typing import Final

REQUESTS_PER_S: Final = 50.0
"""Of one connection: a client asks for each of its streams every 2 s, and while it waits every 0.5 s."""

MOST_AT_ONCE: Final = 500.0
"""A client that finds the runs of many earlier ones in its file asks about all of them at once."""

MAX_PEERS: Final = 1024
"""Beyond that the one that asked longest ago is forgotten, and has a full bucket when it comes again."""


class RequestLimit:
    """The buckets of all peers."""

    def __init__(self) -> None:
        self._buckets: dict[bytes, tuple[float, int]] = {}
        """What each may ask, and as of when; the one that asked longest ago first."""

    def admits(self, peer: bytes, now_ns: int) -> bool:
        """Whether the peer may ask at this monotonic time."""
        tokens, at_ns = self._buckets.pop(peer, (MOST_AT_ONCE, now_ns))
        tokens = min(MOST_AT_ONCE, tokens + (now_ns - at_ns) / 1e9 * REQUESTS_PER_S)
        if len(self._buckets) >= MAX_PEERS:
            del self._buckets[next(iter(self._buckets))]
        is_admitted = tokens >= 1.0
        self._buckets[peer] = tokens - is_admitted, now_ns
        return is_admitted
