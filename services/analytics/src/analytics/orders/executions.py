"""The executions of one order: each counts once by its id, in whatever order fills, busts and corrections come.

Kept are facts that commute: a fill by its key, the set of busted ids, the last correction of each id. Everything
else is derived from them, so that shuffled and repeated histories end in the same state:

    fill A ── correct A→B ── correct B→C        C counts; A and B are superseded
       └───── bust A                            nothing of the chain counts

A peer's cumulative quantity includes fills that never came. `inferred` is the difference, at the price that makes the
peer's average come out, until the fill arrives.
"""

import math
from typing import Final, NamedTuple

from msgspec import Struct, field

from telemetry_schema import Liquidity, OrderEvent

ROUNDING: Final = 1e-9
"""Quantities that differ by less than this ratio are the same: peers send rounded decimals."""


class Execution(Struct, frozen=True, order=True, array_like=True, gc=False):
    """A fill: units of base (above 0), price, fee (positive is paid) with its currency."""

    qty: float
    price: float
    fee: float = 0.0
    fee_currency: str = ""
    liquidity: Liquidity | None = None
    at_ns: int = 0

    @property
    def cost(self) -> float:
        """Quantity times price, in quote currency."""
        return self.qty * self.price


class Correction(NamedTuple):
    """What an execution was corrected to; of two the later one, by the peer's time, stands."""

    at_ns: int
    key: str


class Reported(Struct, frozen=True, array_like=True, gc=False):
    """The peer's cumulative view: filled quantity and its average price (NaN where it was not sent)."""

    qty: float
    average_price: float


class Inferred(NamedTuple):
    """Filled by the peer's word, though the fill has not come. `priced` is false where the price is a guess."""

    qty: float
    price: float
    priced: bool

    def is_like(self, other: "Inferred") -> bool:
        """Whether both are the same but for rounding: to book it anew would move the average for nothing."""
        near = math.isclose(self.qty, other.qty, rel_tol=ROUNDING) and self.priced == other.priced
        return near and (math.isclose(self.price, other.price, rel_tol=ROUNDING) or self.qty == 0)

    @property
    def execution(self) -> Execution | None:
        """As something to book; None where there is nothing, or no price at all."""
        return Execution(self.qty, self.price) if self.qty and not math.isnan(self.price) else None


NOTHING_INFERRED: Final = Inferred(0.0, 0.0, priced=True)


def execution_of(event: OrderEvent) -> Execution:
    """The execution in a `fill` or `correct`."""
    assert event.last_qty is not None  # noqa: S101 - the message's validator holds it
    assert event.last_price is not None  # noqa: S101 - as above
    return Execution(
        event.last_qty, event.last_price, event.fee or 0.0, event.fee_currency or "", event.liquidity, event.event_ns
    )


def key_of(event: OrderEvent) -> str:
    """What makes an execution the same one: its id, else the cumulative quantity after it, else its numbers."""
    if event.event == "correct" and event.exec_id in {None, event.ref_exec_id}:
        return f"{event.ref_exec_id} corrected {event.event_ns}"
    if event.exec_id is not None:
        return event.exec_id
    if event.cum_qty is not None:
        return f"cum {event.cum_qty!r}"
    return f"at {event.event_ns} {event.last_qty!r} {event.last_price!r}"


class Executions(Struct, omit_defaults=True, gc=False):
    """All that is known of an order's executions."""

    fills: dict[str, Execution] = field(default_factory=dict)
    busted: set[str] = field(default_factory=set)
    corrections: dict[str, Correction] = field(default_factory=dict)
    reported: Reported | None = None
    parents: dict[str, str] = field(default_factory=dict)
    """From a correction's key to the id that it corrects."""
    _plain_qty: float = 0.0
    _plain_cost: float = 0.0
    """Sums over `fills`, standing or not: an order of a thousand fills must not be summed a thousand times."""

    @property
    def is_plain(self) -> bool:
        """Whether no execution was ever taken back or changed."""
        return not self.busted and not self.corrections

    @property
    def qty(self) -> float:
        """Sum of the executions that stand, units of base."""
        return self._plain_qty if self.is_plain else math.fsum(fill.qty for fill in self.effective().values())

    @property
    def average_price(self) -> float | None:
        """Of the executions that stand; None without any."""
        if self.is_plain:
            return self._plain_cost / self._plain_qty if self._plain_qty else None
        qty = self.qty
        return math.fsum(fill.cost for fill in self.effective().values()) / qty if qty else None

    def add(self, key: str, execution: Execution) -> bool | None:
        """Adds a fill; True if it is new, False if it was known, None if it was known with other numbers."""
        known = self.fills.get(key)
        if known is None:
            self.fills[key] = execution
            self._plain_qty += execution.qty
            self._plain_cost += execution.cost
            return True
        return False if (known.qty, known.price) == (execution.qty, execution.price) else None

    def correct(self, ref: str, key: str, execution: Execution) -> bool | None:
        """Replaces what `ref` names; like `add`."""
        self.parents[key] = ref
        newest = Correction(execution.at_ns, key)
        self.corrections[ref] = max(self.corrections.get(ref, newest), newest)
        return self.add(key, execution)

    def bust(self, ref: str) -> bool:
        """Takes back what `ref` names, whether it has come or not; whether that is new."""
        is_new = ref not in self.busted
        self.busted.add(ref)
        return is_new

    def report(self, cum_qty: float, average_price: float | None) -> None:
        """Takes the peer's cumulative view; the largest quantity stands, with an average where there is one."""
        new = Reported(cum_qty, math.nan if average_price is None else average_price)
        old = self.reported
        if old is None or new.qty > old.qty or (new.qty == old.qty and math.isnan(old.average_price)):
            self.reported = new

    def absorb(self, other: "Executions") -> None:
        """Takes over all facts of another id of the same order."""
        for key, execution in other.fills.items():
            self.add(key, execution)
        self.busted |= other.busted
        self.parents.update(other.parents)
        for ref, correction in other.corrections.items():
            self.corrections[ref] = max(self.corrections.get(ref, correction), correction)
        if other.reported is not None:
            average = other.reported.average_price
            self.report(other.reported.qty, None if math.isnan(average) else average)

    def newest(self, *, besides: set[str]) -> list[str]:
        """The keys of fills besides those, the newest last; mostly it is the newest one alone."""
        newest = next(reversed(self.fills))
        if len(self.fills) == len(besides) + 1 and newest not in besides:
            return [newest]
        return [key for key in self.fills if key not in besides]

    def effective(self) -> dict[str, Execution]:
        """The executions that stand, by key."""
        if self.is_plain:
            return self.fills
        return {key: fill for key, fill in self.fills.items() if self._stands(key)}

    def _stands(self, key: str) -> bool:
        if key in self.corrections or key in self.busted:
            return False
        return all(ref not in self.busted and self.corrections[ref].key == child for ref, child in self._chain(key))

    def _chain(self, key: str) -> list[tuple[str, str]]:
        """From a correction to the first execution: (corrected id, id that corrects it)."""
        chain, visited = [], {key}
        while (ref := self.parents.get(key)) is not None and ref not in visited:
            chain.append((ref, key))
            visited.add(ref)
            key = ref
        return chain

    def inferred(self, limit_price: float | None) -> Inferred:
        """What the peer reports beyond the known fills; a busted fill counts as known, corrected at its largest."""
        if self.reported is None:
            return NOTHING_INFERRED
        known_qty, known_cost = self._gross()
        missing = self.reported.qty - known_qty
        if missing <= ROUNDING * max(self.reported.qty, known_qty):
            return NOTHING_INFERRED
        average = self.reported.average_price
        if not math.isnan(average):
            return Inferred(missing, (average * self.reported.qty - known_cost) / missing, priced=True)
        guess = known_cost / known_qty if known_qty else math.nan
        return Inferred(missing, guess if limit_price is None else limit_price, priced=False)

    def _gross(self) -> tuple[float, float]:
        """Quantity and cost of all that ever came, busted or not."""
        if not self.corrections:
            return self._plain_qty, self._plain_cost
        largest: dict[str, Execution] = {}
        for key, fill in self.fills.items():
            chain = self._chain(key)
            root = chain[-1][0] if chain else key
            largest[root] = max(largest.get(root, fill), fill)
        return math.fsum(fill.qty for fill in largest.values()), math.fsum(fill.cost for fill in largest.values())
