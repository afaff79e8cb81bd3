"""The truth of *Orders* and *Profit*: two waves of the same orders, worked out by hand."""

from collections.abc import Mapping, Sequence
from typing import Final

from tests.stack.checks import Between, Check, Exact, Total, Truth, zero
from tests.stack.desk_orders import S
from tests.stack.traffic import WAVES
from tests.stack.truth_market import AGES, RATES

FIRST_UNSEEN: Final = f"of the second wave alone: the first one makes the series. And {RATES}"
STEPS: Final = "rules look every 5 s and the chart every second, so an order is in 60 steps of a minute, or 59"

# A wave of the maker: 10 buys of 2 at 100.5 (fee -0.05 each), one cancelled, one open, both 1 at 99.
# A wave of the taker: 10 buys of 1 at 101, 4 sells of 1 at 101.5 that arrived at 101.6 (fee 0.2 each), 1 rejected.
# The mid is 100 at arrival of the buys, and 102 at every horizon.
SENT: Final = {"desk maker": 12.0 * WAVES, "desk taker": 15.0 * WAVES}
FILLS: Final = {"desk maker": 10.0 * WAVES, "desk taker": 14.0 * WAVES}
TRADED: Final = {"maker": 10 * 2 * 100.5 * WAVES, "taker": (10 * 101 + 4 * 101.5) * WAVES}
SLIPPAGE_BPS: Final = {"maker": 1e4 * 10 * 2 * 0.5 / 2_000, "taker": 1e4 * (10 * 1 + 4 * 0.1) / (1_000 + 4 * 101.6)}
GAINED: Final = {"maker": 10 * 2 * 1.5, "taker": 10 * 1.0 - 4 * 0.5}
MARKOUT_BPS: Final = {name: 1e4 * GAINED[name] * WAVES / TRADED[name] for name in GAINED}
ALL_MARKOUTS_BPS: Final = 1e4 * sum(GAINED.values()) * WAVES / sum(TRADED.values())
EVENTS: Final = {"submit": 27, "ack": 26, "fill": 24, "reject": 1, "cancel_request": 1, "cancel": 1}
REALISED: Final = {"maker": 0.0, "taker": 4 * 0.5 * WAVES}
UNREALISED: Final = {"maker": 20 * 1.5 * WAVES, "taker": 6 * 1.0 * WAVES}
FEES, REBATES = 14 * 0.2 * WAVES, 10 * 0.05 * WAVES
EQUITY: Final = sum(REALISED.values()) + sum(UNREALISED.values()) - FEES + REBATES
BUCKETS_S: Final = {
    "ack": (0.01, 0.025),
    "tick": (0.0025, 0.005),
    "decision": (0.001, 0.0025),
    "first_fill": (0.025, 0.05),
    "complete": (0.025, 0.05),
    "cancel": (0.005, 0.01),
}
"""The bucket of each stage's planted latency, within which Prometheus interpolates."""


def known(numbers: Mapping[str, float], form: str = "{}") -> Truth:
    """Numbers that are known beforehand; `form` makes the name of a line."""
    return lambda _: {form.format(name): value for name, value in numbers.items()}


def quantiles(probability: float) -> Truth:
    """The quantile of each stage."""
    return known({stage: low + probability * (high - low) for stage, (low, high) in BUCKETS_S.items()})


def oldest(line: str) -> Truth:
    """The age of the first wave's open order."""
    return lambda outcome: {line: outcome.times_s["end"] - (outcome.orders[0].began_ns + 3 * S) / 1e9}


def mark_age(*lines: str) -> Truth:
    """The age of the newest quote."""
    return lambda outcome: dict.fromkeys(lines, outcome.times_s["end"] - outcome.orders[-1].began_ns / 1e9 - 65.5)


def exact(ref: str, numbers: Mapping[str, float], form: str = "{}") -> Exact:
    return Exact(ref, known(numbers, form))


def about(ref: str, numbers: Mapping[str, float], form: str = "{}", **chosen: str) -> Total:
    """What rates come to."""
    return Total(ref, known(numbers, form), begin="orders", chosen=chosen, off=0.35, why=FIRST_UNSEEN)


ORDERS: Final[Mapping[str, Sequence[Check]]] = {
    "Open orders": [exact("A", {"": WAVES})],
    "In doubt": [Exact("A", zero())],
    "Oldest open order": [Exact("A", oldest(""), off_by=2, why=AGES)],
    "Ack p99, 5 m": [Exact("A", known({"": 0.01 + 0.99 * 0.015}), off=1e-6)],
    "Rejected, 5 m": [exact("A", {"": 1 / 27})],
    "Rate limit used": [exact("A", {"": 0.12})],
    "Latency of orders, $stage": [
        about("A", {"+Inf": 26, "0.025": 26}, stage="ack"),
        Total("A", zero("0.01"), chosen={"stage": "ack"}),
    ],
    "Latency by stage": [Exact("A", quantiles(0.5), off=1e-6), Exact("B", quantiles(0.99), off=1e-6)],
    "Acknowledgements by venue, p99": [Exact("A", known({"desk planted": 0.01 + 0.99 * 0.015}), off=1e-6)],
    "Not measured": [Exact("A", zero("none"))],
    "Strategies": [
        exact("orders", SENT),
        exact("fills", FILLS),
        exact("rejected", {"desk taker": 1 / 15}),
        exact("filled", {"desk maker": 10 / 11, "desk taker": 14 / 15}),
        exact("notional", TRADED, "desk USD {}"),
        exact("arrival", SLIPPAGE_BPS, "desk USD {}"),
        exact("decision", SLIPPAGE_BPS, "desk USD {}"),
        exact("markout", MARKOUT_BPS, "desk USD {}"),
    ],
    "Slippage against arrival": [exact("A", SLIPPAGE_BPS, "USD {}")],
    "Markouts by horizon": [exact("A", dict.fromkeys(("1s", "5s", "30s", "1m"), ALL_MARKOUTS_BPS), "USD {}")],
    "Distribution of slippage": [about("A", {"+Inf": 24, "50.0": 14})],
    "Fill ratio": [Exact("A", known({"ORD-USD": 34 / 36}), off=0.1, why=FIRST_UNSEEN)],
    "Orders ended": [
        Total(
            "A",
            known({"filled": 60.0 * 48, "rejected": 60.0 * 2, "unfilled": 60.0 * 2}),
            begin="orders",
            off=0.04,
            why=STEPS,
        )
    ],
    "Order-to-trade ratio, 1 h": [
        Exact("A", known({"ORD-USD": 28 / 24 - 1}), off_by=0.25, why=FIRST_UNSEEN),
        Exact("B", known({"ORD-USD": 38 / 34 - 1}), off_by=0.25, why=FIRST_UNSEEN),
    ],
    "Markouts missed": [Between(["A"], 0, 0, "each had its mid", lines=["1m no_mid", "5s gap"])],
    "Open by strategy": [exact("A", {"desk maker": WAVES})],
    "Open value": [exact("A", {"desk USD": 99.0 * WAVES})],
    "Oldest open orders": [Exact("A", oldest("desk"), off_by=2, why=AGES)],
    "Orders in doubt": [Exact("A", zero("none"))],
    "Position mismatch": [Exact("A", zero("desk ORD-USD"))],
    "Fills by word alone": [Exact("A", zero("none")), *(Exact(ref, zero()) for ref in "BCD")],
    "Rate limits": [exact("A", {"desk orders planted": 0.12})],
    "Messages lost": [Exact("A", zero("none"))],
    "Events of orders": [about("A", EVENTS)],
    "Rejections by reason": [exact("A", {"order insufficient_funds": WAVES})],
    "Outcomes of events": [
        about("A", {"applied": sum(EVENTS.values())}),
        Total("A", zero("duplicate", "conflict", "orphan")),
    ],
    "Messages about orders": [
        about("A", {"order desk": sum(EVENTS.values()), "quote desk": 6}),
        Total("B", zero("desk")),
    ],
}

PROFIT: Final[Mapping[str, Sequence[Check]]] = {
    "Accounts": [
        exact("equity", {"desk USD": EQUITY}),
        Between(
            ["drawdown", "deepest"], 0, 10, "equity is looked at every second, while orders come within milliseconds"
        ),
        exact("realised", {"desk USD": sum(REALISED.values())}),
        exact("unrealised", {"desk USD": sum(UNREALISED.values())}),
        exact("fees", {"desk USD": FEES}),
        exact("rebates", {"desk USD": REBATES}),
    ],
    "Equity": [exact("A", {"desk USD": EQUITY})],
    "Drawdown": [Between(["A", "B"], 0, 10, "as in the table", lines=["desk USD"])],
    "Books": [
        exact("position", {"maker": 20.0 * WAVES, "taker": 6.0 * WAVES}, "desk {} ORD-USD"),
        exact("average", {"maker": 100.5, "taker": 101.0}, "desk {} ORD-USD"),
        exact("realised", REALISED, "desk USD {} ORD-USD"),
        exact("unrealised", UNREALISED, "desk USD {} ORD-USD"),
        Exact("age", mark_age("desk maker ORD-USD", "desk taker ORD-USD"), off_by=2, why=AGES),
        exact("traded", TRADED, "desk USD {} ORD-USD"),
    ],
    "Realised by strategy": [exact("A", REALISED, "USD {}")],
    "Realised by symbol": [exact("A", {"USD ORD-USD": sum(REALISED.values())})],
    "Unrealised by strategy": [exact("A", UNREALISED, "USD {}")],
    "Positions": [exact("A", {"desk ORD-USD": 26.0 * WAVES})],
    "Fees and rebates": [
        Exact("A", known({"USD": 60 * FEES / WAVES / 300}), off=0.35, why=FIRST_UNSEEN),
        Exact("B", known({"USD": 60 * REBATES / WAVES / 300}), off=0.35, why=FIRST_UNSEEN),
    ],
    "Fills by liquidity": [about("A", {"maker": 60.0 * 10, "taker": 60.0 * 14})],
    "Age of marks": [Exact("A", mark_age("desk ORD-USD"), off_by=2, why=AGES)],
    "Fees not in profit": [Exact("A", zero("none"))],
}
