"""Whose fills count where two sources send for one account: one of them is its authority, the other's are compared.

The authority is the source that a setting names, else the first that sends a fill. So a bot's adapter and a drop copy
do not count a fill twice, and the comparison shows whether both have reported everything.
"""

from collections.abc import Callable, Mapping
from typing import Final

from analytics.orders.executions import key_of
from analytics.orders.order import BotOrder
from analytics.orders.quality import Counts, counts
from telemetry_schema import OrderEvent

MAX_AUTHORITIES: Final = 10_000
"""Accounts whose authority is remembered; of an account beyond them every source counts."""


class Authorities:
    """The authority for fills of each account.

    Args:
        named: by account, the source that a setting names.
        label: gives the name under which a source is counted.
    """

    def __init__(self, named: Mapping[str, str], label: Callable[[str], str]) -> None:
        self._named, self._label = dict(named), label
        self._by_account = dict(self._named)
        self.second_fills: Counts = counts()
        """By source and how its fill stands to the authority's: `matched`, `different`, or `first` to report it."""

    def of(self, account: str) -> str:
        """The source whose fills count for an account; its own name, if none has sent a fill."""
        return self._by_account.get(account, account)

    def counts_for(self, event: OrderEvent) -> bool:
        """Whether an execution in this event counts; the first source of an account becomes its authority."""
        account = event.account or event.source
        authority = self._by_account.get(account)
        if authority is not None:
            return authority == event.source
        if len(self._by_account) < MAX_AUTHORITIES:
            self._by_account[account] = event.source
        return True

    def compare(self, order: BotOrder, event: OrderEvent) -> None:
        """Counts how a fill of a second source stands to what the authority has reported."""
        if event.event != "fill":
            return
        known = order.executions.fills.get(key_of(event))
        source = self._label(event.source)
        if known is None:
            self.second_fills[source, "first"] += 1
        else:
            is_same = (known.qty, known.price) == (event.last_qty, event.last_price)
            self.second_fills[source, "matched" if is_same else "different"] += 1

    def state(self) -> dict[str, str]:
        """The authority of each account."""
        return dict(self._by_account)

    def restore(self, state: Mapping[str, str]) -> None:
        """Takes them over; what a setting names now comes first."""
        self._by_account = {**state, **self._named}
