"""The truth of *Pipeline* and *Load test*: what was sent, refused, lost, repeated, and who was started when."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from tests.stack.checks import Between, Check, Exact, Total, Truth, by_source, one, sent, zero
from tests.stack.page_exporter import ROUND_TRIPS
from tests.stack.traffic import LOAD_TRADES, MARKET_TRADES, NEW_SYMBOLS, WAVES, Outcome
from tests.stack.truth_market import AGES, OF_AAA, RATES
from tests.stack.truth_orders import EVENTS

MACHINE: Final = "it depends on the machine; here, that it is there and not absurd"
QUIET: Final = "all is quiet at the end"
SERVICES: Final = ("analytics", "ingest")
LABELS: Final = 20
BEFORE_NEW: Final = 6
"""Symbols that have their label before the burst of new ones: of flow, load, replay and market, and CCC."""

OVER: Final = float(BEFORE_NEW + NEW_SYMBOLS - LABELS)
EVENT_MESSAGES: Final = WAVES * (sum(EVENTS.values()) + 6) + 2
"""Order events and quotes, and at the end a limit and a position."""

FROM_LOAD: Final = {"source": "loadtest-0"}


def complete(outcome: Outcome) -> float:
    """The share that was not lost, rounded down to a millionth."""
    accepted = outcome.planted.truth("accepted")
    return math.floor(1e6 * accepted / (accepted + outcome.planted.truth("lost"))) / 1e6


def silence(outcome: Outcome) -> dict[str, float]:
    """Since when each source has been silent, for those that had their end noted."""
    return {"maker": outcome.times_s["end"] - outcome.market[-1].event_ns / 1e9}


def messages(outcome: Outcome) -> dict[str, float]:
    """What came to ingest by outcome."""
    return {
        "accepted": outcome.planted.truth("accepted"),
        "duplicate": outcome.planted.truth("duplicate"),
        "refused": outcome.planted.refused,
    }


def until_market(line: str = "+Inf") -> Truth:
    """Trades that had been accepted before anything went wrong."""
    return lambda outcome: {line: outcome.accepted_before}


def at_rest(refs: Sequence[str], *lines: str) -> list[Check]:
    """Rates that are back at 0."""
    return [Exact(ref, zero(*lines)) for ref in refs]


def machine(*refs: str, low: float = 0, high: float = 60, at: str = "market", lines: Sequence[str] = ()) -> Between:
    """What is measured and not planted."""
    return Between(refs, low, high, MACHINE, at=at, lines=lines)


def rates(
    ref: str, truth: Truth, off: float = 0.35, *, at: str = "end", chosen: Mapping[str, str] | None = None
) -> Total:
    """What a chart of rates comes to."""
    return Total(ref, truth, off=off, why=RATES, at=at, chosen=chosen or {})


COSTS: Final[Mapping[str, Sequence[Check]]] = {
    "Memory": [machine("A", low=1e6, high=4e9, lines=SERVICES)],
    "CPU": [machine("A", high=4, lines=SERVICES)],
    "Applied, $symbol": [
        rates(
            "A",
            lambda o: dict.fromkeys(("buy", "sell"), o.planted.senders["steady"].marked / 2),
            at="market",
            chosen=OF_AAA,
        )
    ],
}

PIPELINE: Final[Mapping[str, Sequence[Check]]] = {
    **COSTS,
    "Completeness": [Exact("A", one(complete), off=1.1e-6), Exact("A", one(lambda _: 1.0), at="market", off=0)],
    "Accepted": [Exact("A", sent("accepted"))],
    "Applied": [Exact("A", sent("accepted"))],
    "Refused": [Exact("A", one(lambda outcome: outcome.planted.refused))],
    "Duplicate": [Exact("A", sent("duplicate"))],
    "Lost": [Exact("A", sent("lost"))],
    "Unapplied": [Exact("A", zero())],
    "Latency p50": [machine("A")],
    "Latency p99": [machine("A")],
    "Targets down": [Exact("A", zero())],
    "Restarts": [Exact("A", one(lambda _: 6))],
    "Alerts": [
        Exact("A", zero(), at="market"),
        Between(["A"], 5, 15, "how many of them still fire depends on the second"),
    ],
    "Label overflow": [Exact("A", one(lambda _: OVER))],
    "Complete, 1 d": [Exact("A", one(complete), off=1.1e-6)],
    "Within 10 ms, 1 d": [machine("A", high=1)],
    "Burn rate": [machine("A", "B", "C", high=1000)],
    "Alerts now": [Between(["alerts"], 1, 1, "every alert is a 1")],
    "Rates by hop": [
        rates("A", lambda outcome: {"": sum(messages(outcome).values())}),
        Total("B", sent("accepted")),
        Total("C", sent("accepted")),
        rates("D", one(lambda _: 500)),
    ],
    "Messages by outcome": [
        rates("A", messages),
        rates("B", one(lambda _: EVENT_MESSAGES, "accepted")),
        rates("C", one(lambda _: EVENT_MESSAGES)),
        *at_rest("D"),
    ],
    "Batch size": [machine("A", "B", low=1, high=1e5, at="load")],
    "Latency, $stage": [rates("A", until_market(), at="market")],
    "Percentiles, $stage": [machine("Q0", "Q1", "Q2", "Q3")],
    "p99 by stage": [machine("A", high=7_200, lines=("end_to_end", "feed", "process", "wire"))],
    "Refused by reason": [Total("A", lambda _: {"not_json": 2, "unknown_type": 2})],
    "Lost by source": [Total("A", by_source("lost"))],
    "Unaccounted by source": [Total("A", zero("none"))],
    "Duplicate by source": [Total("A", by_source("duplicate"))],
    "Unapplied trades": at_rest("AB"),
    "Ingest to analytics": [Total("A", zero()), *at_rest("BCDE")],
    "Overflow by label": [Total("A", one(lambda _: OVER, "symbol"))],
    "Trades refused": [rates("A", one(lambda outcome: outcome.planted.refused)), *at_rest("BCD")],
    "Sources": [
        Exact("rate", one(lambda _: MARKET_TRADES / 10, "maker"), at="market"),
        Exact("accepted", by_source("accepted")),
        Exact("lost", by_source("lost")),
        Exact("unaccounted", zero("steady", "gaps")),
        Exact("duplicate", by_source("duplicate")),
        Exact("share", one(lambda _: 5 / 7, "newgap")),
        Exact("unfinished", zero("steady")),
        Exact("silent", silence, off_by=3.5, why=AGES),
        Exact("skew", one(lambda _: -2.0, "ahead"), at="burst", off_by=0.5, why="and the way from sender to ingest"),
        machine("latency", low=-1, lines=("steady",)),
    ],
    "Feeds": at_rest("A"),
    "Trades by source": [Total("A", by_source("accepted"))],
    "Silence by source": [Exact("A", silence, off_by=3.5, why=AGES)],
    "Clock skew": [
        Exact("A", one(lambda _: -2.0, "ahead"), at="burst", off_by=0.5, why="and the way from sender to ingest")
    ],
    "Late, early, negative": [
        *at_rest("A", "late", "ahead", "oversized"),
        *at_rest("B", "process", "wire"),
        *at_rest("C"),
    ],
    "Without a number": [*at_rest("A", "steady"), *at_rest("BC")],
    "Orders by outcome": [*at_rest("A", "accepted", "refused", "duplicate"), *at_rest("B")],
    "Order round trip": [
        Exact("A", one(lambda _: 0.005 + 0.5 * 0.005, "answer"), at="market"),
        Exact("B", one(lambda _: 0.005 + 0.99 * 0.005, "answer"), at="market"),
    ],
    "Orders of the page": [rates("A", one(lambda _: 60 * ROUND_TRIPS, "accepted"))],
    "Page starts": [Exact("A", one(lambda _: 1, "ui"))],
    "Silence between services": [
        Exact("A", lambda _: {"ingest": 0.25, "analytics": 0.5}),
        machine("B", high=5),
    ],
    "Skipped messages": [rates("A", one(lambda _: 30)), *at_rest("B")],
    "Scrape time": [machine("A", high=1, lines=SERVICES)],
    "Up": [Exact("A", lambda _: dict.fromkeys((*SERVICES, "ui", "prometheus"), 1))],
    "Not written": [*at_rest("A", "none"), *at_rest("BCD")],
    "Rules and notifications": [*at_rest("ABCD"), Exact("E", one(lambda _: 1)), *at_rest("F")],
    "Versions": [Between(["A"], 1, 1, "every version is a 1")],
    "Event clock": [machine("A", low=-5, high=30)],
    "Log of accepted trades": [machine("A", high=1e9)],
    "Checkpoints": [machine("A", high=200, lines=("written", "failed")), *at_rest("B")],
    "Held by durable clients": at_rest("A"),
    "Acknowledgements": at_rest("AB"),
}

LOAD_TEST: Final[Mapping[str, Sequence[Check]]] = {
    **COSTS,
    "Offered": [Exact("A", one(lambda _: LOAD_TRADES), chosen=FROM_LOAD)],
    "Applied": [Exact("A", sent("accepted"))],
    "Peak rate": [
        Between(
            ["A"], 1_000, (LOAD_TRADES + 300) / 5, "all came within a few seconds: no five can have had more than all"
        )
    ],
    "Missing": [Exact("A", sent("lost"))],
    "Latency p50": [machine("A", high=7_200)],
    "Latency p99": [machine("A", high=7_200)],
    "Latency p99.9": [machine("A", high=7_200)],
    "Offered and applied": [
        Total("A", one(lambda _: LOAD_TRADES), chosen=FROM_LOAD),
        Total("B", sent("accepted")),
    ],
    "End-to-end latency": [machine("Q0", "Q1", "Q2", "Q3")],
    "End-to-end latency, all trades": [rates("A", until_market(), at="market")],
    "Lost, duplicate, refused": [
        Total("A", sent("lost")),
        Total("B", sent("duplicate")),
        Total("C", one(lambda outcome: outcome.planted.refused)),
    ],
    "Backlog and batch size": [*at_rest("A"), machine("B", low=1, high=1e5, at="load")],
}
