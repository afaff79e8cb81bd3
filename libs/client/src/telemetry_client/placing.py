"""Times the call that places an order: `with` and `async with` around what a venue's library offers.

    entry ── submit          the call returns ── ack
                             it raises ───────── reject; after a timeout or a broken connection `unknown`, as nobody
                                                 knows then whether the venue has the order

The exception goes on its way in any case. Nothing here keeps it from doing so.
"""

from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Protocol, Self

from telemetry_client.errors import ClientError
from telemetry_schema import MAX_TEXT_CHARS, REJECT_REASONS

_REASONS: Final = {
    "InsufficientFunds": "insufficient_funds",
    "RateLimitExceeded": "rate_limit",
    "DDoSProtection": "rate_limit",
    "AuthenticationError": "auth",
    "PermissionDenied": "auth",
    "PermissionError": "auth",
    "BadSymbol": "unknown_symbol",
    "DuplicateOrderId": "duplicate",
    "OrderImmediatelyFillable": "post_only",
    "OrderNotFound": "unknown_order",
    "MarketClosed": "closed",
    "RequestTimeout": "timeout",
    "TimeoutError": "timeout",
    "NetworkError": "disconnected",
    "ExchangeNotAvailable": "disconnected",
    "ConnectionError": "disconnected",
}
"""By the name of an exception's class or of one it is derived from: those of Python, and of libraries such as ccxt."""

_NOBODY_KNOWS: Final = frozenset({"timeout", "disconnected"})
"""After these the venue may have the order."""


class Answerer(Protocol):
    """What sends the answer: `Publisher.order` for one order."""

    def __call__(self, event: str, **fields: str) -> bool:
        """Sends an event of the order."""
        ...


class Placing:
    """The placing of one order, while its `with` block runs. `venue_order_id` may be set in it, and goes with the ack.

    Args:
        submit: sends that the order goes out now.
        answer: sends the answer.
        reason_of: names the reason of an exception, as a code of `REJECT_REASONS`; None leaves it to the usual names.
    """

    def __init__(
        self,
        submit: Callable[[], bool],
        answer: Answerer,
        reason_of: Callable[[BaseException], str | None] | None = None,
    ) -> None:
        self._submit, self._answer_with, self._reason_of = submit, answer, reason_of
        self.venue_order_id: str | None = None
        self._answered = False

    def reject(self, reason: str, text: str = "") -> None:
        """Says that the venue has refused the order, where its library returns an answer instead of raising."""
        self._answered = True
        is_code = reason in REJECT_REASONS
        words = text if is_code else f"{reason}: {text}"
        with suppress(ClientError):  # as below
            self._answer_with("reject", reason=reason if is_code else "other", text=_sendable(words))

    def __enter__(self) -> Self:
        self._answered, self.venue_order_id = False, None
        self._submit()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._answered:
            return
        with suppress(ClientError):  # the order was placed: telemetry must not make its call fail
            self._answer(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def _answer(self, error: BaseException | None) -> None:
        if error is None:
            self._answer_with("ack", **({} if self.venue_order_id is None else {"venue_order_id": self.venue_order_id}))
            return
        # One that was cancelled or stopped by the user has no answer either.
        reason = self._reason(error) if isinstance(error, Exception) else "disconnected"
        event = "unknown" if reason in _NOBODY_KNOWS else "reject"
        self._answer_with(event, reason=reason, text=_sendable(f"{type(error).__name__}: {_words(error)}"))

    def _reason(self, error: Exception) -> str:
        found = (_REASONS[base.__name__] for base in type(error).__mro__ if base.__name__ in _REASONS)
        return self._named(error) or next(found, "other")

    def _named(self, error: Exception) -> str | None:
        """What the bot calls it; None if it does not, or not by a code, or fails."""
        if self._reason_of is None:
            return None
        with suppress(Exception):  # the call's own exception must go on its way
            named = self._reason_of(error)
            return named if named in REJECT_REASONS else None
        return None


def _words(error: BaseException) -> str:
    with suppress(Exception):  # what cannot be written has no words
        return str(error)
    return ""


def _sendable(text: str) -> str:
    """As much as may be sent; half a pair of surrogates is no text."""
    return text[:MAX_TEXT_CHARS].encode(errors="replace").decode()
