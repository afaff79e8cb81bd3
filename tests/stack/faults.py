"""Situations that have an alert each, planted side by side on services of their own."""

import json
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

from telemetry_client import Publisher
from tests.helpers.compose import eventually
from tests.helpers.services import Service
from tests.stack.desk_orders import S, at
from tests.stack.planted import SCRAPED_S, Planted

FAILING_STUDY: Final = """
from telemetry_studies import gauge, study

@study(window="5m", every="1s", gauges=[gauge("broken", "Nothing: it always fails.")])
def broken(trades):
    raise ValueError("planted")
"""
NOBODY: Final = "127.0.0.1:9"
"""Where no Alertmanager answers."""

HELD_S: Final = 55
HELD_TRADES: Final = 11_000
LONGEST_S: Final = 66
"""An alert that waits for a minute fires by then."""


PLANTED: Final = {
    "FeedFailed": "a recording that is no recording",
    "StudyFails": "a study that raises",
    "AlertsNotDelivered": "an Alertmanager that is not there",
    "DeadLettersNotKept": "a disk that takes nothing while messages are refused",
    "StateNotWritten": "the same, of the log",
    "LogLinesLost": "the same, of the lines that say so",
    "CheckpointsFail": "a disk of analytics that takes nothing",
    "RunUnfinished": "a run that says that it is alive, and is heard of no more",
    "RunShared": "two senders that give the same source and run, and other trades under the same numbers",
    "KillSwitchEngaged": "somebody engages it",
    "UnappliedGrowing": "analytics is held while trades flow",
    "RestartLoop": "a service whose process is another one at every scrape",
    "PageRestarts": "a page that was started five times",
    "OrderLatencyHigh": "answers that take a second",
    "OrderRejectsHigh": "every third order is rejected",
    "OrderAckSlow": "a venue that acknowledges after two seconds",
    "OrderOpenLong": "an order of two hours ago",
    "OrderInDoubt": "a timeout, and no word since",
    "FillsInferred": "a cumulative quantity without its fills",
    "PositionMismatch": "a peer that holds more",
    "DrawdownDeep": "a position that falls by 11,000",
    "RateLimitNear": "90 of 100 requests",
    "OrderToTradeHigh": "a modification more than a hundred times, and one fill",
}
"""Alerts that are fired here, and by what."""


def study_folder(folder: Path) -> Path:
    """A folder with a study that fails, beside an empty recording."""
    studies = folder / "studies"
    studies.mkdir()
    (studies / "broken.py").write_text(FAILING_STUDY, encoding="utf-8")
    (folder / "broken.jsonl").write_text("no recording\n", encoding="utf-8")
    return studies


def plant(planted: Planted) -> None:
    """All of it, in an order in which nothing hides another."""
    steady, now_ns = planted.sender("steady"), time.time_ns()
    alive = {"type": "alive", "source": "gone", "run": "planted", "next_seq": 1, "sent_ns": now_ns}
    engage = {"type": "kill_switch", "command_id": str(uuid4()), "source": "ui", "engaged": True, "sent_ns": now_ns}
    steady.flow(1)
    planted.sender("gone").trade()  # only who trades has a label
    planted.send(json.dumps(alive).encode(), json.dumps(engage).encode())
    planted.page.fail()
    share_a_run(planted)
    hold_analytics(planted)
    no_room(planted)
    with Publisher(planted.pipeline.endpoint, "desk", account="desk") as publisher:
        go_wrong(planted, publisher)
        steady.flow(LONGEST_S, rate=5)


def share_a_run(planted: Planted) -> None:
    """Twice, so that a rate sees the second: the same numbers with other trades."""
    one, other = planted.sender("shared"), planted.twin("shared")
    seen = 'telemetry_sequence_conflicts_total{source="shared"} > 0'
    for _ in range(2):
        for _ in range(20):
            one.trade(price=100.0)
            other.trade(price=101.0)
        eventually(lambda: planted.prometheus.at(seen) or None, "two senders of one run", 30)


def go_wrong(planted: Planted, publisher: Publisher) -> None:
    """Two waves of orders, so that rates see the second."""
    for wave in ("a", "b"):
        begin_ns = time.time_ns()
        for number in range(30):
            order_id = f"{wave}-{number}"
            publisher.order_submitted(order_id, "ORD-USD", "buy", 1.0, 100.0, **at("s", begin_ns - 5 * S))
            if number % 3 == 0:
                publisher.order_rejected(order_id, "insufficient_funds", **at("s", begin_ns))
            else:
                publisher.order_acked(order_id, **at("s", begin_ns - 3 * S))
                publisher.order_cancelled(order_id, **at("s", begin_ns))
        publisher.order_submitted(f"{wave}-old", "ORD-USD", "buy", 1.0, 100.0, **at("s", begin_ns - 7_200 * S))
        for number in range(200):
            publisher.order_replaced(f"{wave}-old", 1.0 + number, 100.0, **at("s", begin_ns + number))
        publisher.order_submitted(f"{wave}-doubt", "ORD-USD", "buy", 1.0, 100.0, **at("s", begin_ns))
        publisher.order("unknown", f"{wave}-doubt", **at("s", begin_ns + S))
        publisher.order_submitted(f"{wave}-word", "ORD-USD", "buy", 5.0, 100.0, **at("s", begin_ns))
        publisher.order("status", f"{wave}-word", **(at("s", begin_ns + S) | {"cum_qty": 2.0, "avg_price": 100.0}))
        publisher.quote("ORD-USD", 99.5, 100.5)
        publisher.order_submitted(f"{wave}-deep", "ORD-USD", "buy", 1_000.0, 100.0, **at("s", begin_ns))
        publisher.order_filled(f"{wave}-deep", "ORD-USD", "buy", 1_000.0, 100.0, exec_id=wave, **at("s", begin_ns))
        publisher.rate_limit("planted", "orders", used=90, allowed=100, interval_s=60.0)
        assert publisher.flush(5)
        planted.settle()
    publisher.quote("ORD-USD", 90.5, 91.5)
    publisher.position("ORD-USD", 9_999.0)
    assert publisher.flush(5)


def no_room(planted: Planted) -> None:
    """Neither service can write a byte more to any file, for as long as it takes to be noticed."""
    with full_disk(planted.pipeline.ingest), full_disk(planted.pipeline.analytics):
        # First what is refused: once ingest's log takes nothing, it takes nothing in.
        planted.refuse(*[b"no json"] * 50)
        time.sleep(SCRAPED_S)
        planted.sender("steady").flow(3)
    planted.pipeline.analytics.wait_ready()


@contextmanager
def full_disk(service: Service) -> Iterator[None]:
    """Each write of the process that makes a file longer fails."""
    pid = service.process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


def hold_analytics(planted: Planted) -> None:
    """Trades flow for most of a minute while nobody applies them, more and more."""
    analytics, flood = planted.pipeline.analytics, planted.sender("flood")
    analytics.signal(signal.SIGSTOP)
    try:
        for _ in range(HELD_S):
            for _ in range(HELD_TRADES // HELD_S):
                flood.trade("FLOOD-USD")
            time.sleep(0.9)  # the pace of what flows, for as long as the alert looks back
    finally:
        analytics.signal(signal.SIGCONT)


def wait_for(planted: Planted, alerts: set[str], since_s: float) -> dict[str, set[str]]:
    """What has fired since then: waits until all of these have, or for a minute at most."""
    deadline_s = time.monotonic() + 60
    while True:
        found = planted.alerts(since_s, time.time())
        if alerts <= found.keys() or time.monotonic() > deadline_s:
            return found
        time.sleep(1)
