"""Peers that were not let in at an endpoint: counted by reason, logged at most once a minute each."""

from collections.abc import Callable
from typing import Final, Literal, TypeAlias, get_args

from telemetry_runtime.logs import RateLimitedWarning

RefusedReason: TypeAlias = Literal["unknown_key", "protocol", "no_handshake"]
"""Its key is not on the list; it has no key, a wrong one, or speaks something else; it said nothing, left, or has a
socket of another type than PUSH."""

REFUSED_REASONS: Final[tuple[RefusedReason, ...]] = get_args(RefusedReason)

HINTS: Final[dict[RefusedReason, str]] = {
    "protocol": "a peer has no key, a wrong one, or speaks no ZeroMQ",
    "no_handshake": "a peer has a socket of the wrong type (trades: PUSH), is no ZeroMQ peer, or left at once",
}
"""What a person may look for, where the reason alone does not say it."""

LOGGED_EVERY_S: Final = 60.0


class RefusedPeers:
    """Those of one endpoint.

    Args:
        endpoint: its name, which becomes a label of the metric: `trades`, `batches`, `progress`, `snapshots`.
        monotonic_ns: monotonic time in nanoseconds.
    """

    def __init__(self, endpoint: str, *, monotonic_ns: Callable[[], int]) -> None:
        self.endpoint = endpoint
        self.counts: dict[RefusedReason, int] = dict.fromkeys(REFUSED_REASONS, 0)
        self._warnings = {
            reason: RateLimitedWarning("peer_refused", monotonic_ns=monotonic_ns, interval_s=LOGGED_EVERY_S)
            for reason in REFUSED_REASONS
        }

    def count(self, reason: RefusedReason) -> None:
        """One more."""
        self.counts[reason] += 1

    def log(self, reason: RefusedReason, **fields: object) -> None:
        """Says so, if it has not lately."""
        self._warnings[reason].log(endpoint=self.endpoint, reason=reason, **fields)
