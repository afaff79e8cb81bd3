"""The pipeline page's tables. Pure."""

from collections.abc import Sequence
from typing import Final

from telemetry_schema import FeedState, IngestStatus, Snapshot, Stage
from ui.page.model import formats
from ui.page.model.view import PageView, TrendPoint
from ui.page.widgets.tables import Cell, Row, Tone, number, table, text

RATE_OVER_POINTS: Final = 5
_STAGES: Final[dict[Stage, str]] = {
    "feed": "event → received",
    "wire": "sent → received",
    "process": "received → applied",
    "end_to_end": "sent → applied",
}
_FEED_TONES: Final[dict[str, Tone]] = {"live": "good", "failed": "bad", "waiting": "warn"}
_SOURCE_ROWS: Final = 20


def rate(points: Sequence[TrendPoint]) -> float | None:
    """Applied trades a second over the last points."""
    last = points[-RATE_OVER_POINTS - 1 :]
    if len(last) < 2 or last[-1].at_ns <= last[0].at_ns:  # noqa: PLR2004 - a rate needs two points
        return None
    return (last[-1].applied - last[0].applied) / ((last[-1].at_ns - last[0].at_ns) / 1e9)


def stages(snapshot: Snapshot | None) -> str:
    """Latency percentiles."""
    columns = (
        text("Stage"),
        text("From → to"),
        number("p50"),
        number("p90"),
        number("p99"),
        number("Worst"),
        number("Trades"),
    )
    latencies = snapshot.latencies if snapshot else {}
    rows: list[Row] = [
        (
            Cell(stage.replace("_", " "), "strong"),
            Cell(meaning, "muted"),
            formats.latency(one.p50_ns),
            formats.latency(one.p90_ns),
            formats.latency(one.p99_ns),
            formats.latency(one.max_ns),
            formats.count(one.count),
        )
        for stage, meaning in _STAGES.items()
        if (one := latencies.get(stage)) is not None
    ]
    return table("Latency by stage", columns, rows, empty="Nothing was measured in the last minute.")


def ledger(view: PageView) -> str:
    """Every message and every trade accounted for, with what adds up to what."""
    columns = (text("Count"), number("Number"), text("Which is"))
    rows: list[Row] = [*_messages(view.status), *_trades(view)]
    return table("Ledger", columns, rows, empty="Nothing has been counted yet.")


def _messages(status: IngestStatus | None) -> list[Row]:
    if status is None:
        return []
    one = status.ledger
    balanced = one.received == one.accepted + one.refused + one.duplicate + one.ignored
    sum_cell = Cell("balanced", "good", badge=True) if balanced else Cell("does not add up", "bad", badge=True)
    parts: list[Row] = [
        ("accepted", formats.count(one.accepted), ""),
        ("refused", formats.count(one.refused), ""),
        ("duplicate", formats.count(one.duplicate), ""),
        ("ignored", formats.count(one.ignored), Cell("about no trades", "muted")),
    ]
    return [(Cell("Messages received", "strong"), formats.count(one.received), sum_cell), *parts]


def _trades(view: PageView) -> list[Row]:
    status, snapshot = view.status, view.snapshot
    rows: list[Row] = []
    if status is not None:
        waiting = formats.count(status.unapplied_trades)
        rows.append(
            (Cell("Trades accepted", "strong"), formats.count(status.accepted_trades), Cell("by ingest", "muted"))
        )
        rows.append(("waiting", waiting, Cell("not applied yet", "muted")))
    if snapshot is not None:
        one = snapshot.ledger
        rows.append(
            (
                Cell("Trades applied", "strong"),
                formats.count(one.applied),
                Cell("by analytics, over restarts of ingest", "muted"),
            )
        )
        rows.append(("repeated", formats.count(one.duplicate), Cell("sent again, applied once", "muted")))
        rows.append(("late", formats.count(one.late), Cell("older than the windows", "muted")))
        rows.append(("lost", _bad_if_any(one.lost), Cell("never came, though numbered", "muted")))
        rows.append(("refused batches", _bad_if_any(one.refused_batches), ""))
    return rows


def _bad_if_any(value: int) -> Cell:
    return Cell(formats.count(value), "bad" if value else "")


def refused(status: IngestStatus | None) -> str:
    """Refused messages by reason, most first."""
    reasons = sorted((status.refused if status else {}).items(), key=lambda item: -item[1])
    rows: list[Row] = [(name.replace("_", " "), formats.count(count)) for name, count in reasons if count]
    return table("Refused", (text("Reason"), number("Messages")), rows, empty="Nothing was refused.")


def feeds(status: IngestStatus | None) -> str:
    """Each feed, with the age of its last trade."""
    columns = (text("Feed"), text("State"), number("Trades"), number("Last trade"))
    rows = [_feed(one, status.at_ns) for one in status.feeds] if status else []
    return table("Feeds", columns, rows, empty="No feeds: only clients send trades.")


def _feed(one: FeedState, at_ns: int) -> Row:
    age = f"{formats.span(at_ns - one.last_trade_ns)} ago" if one.last_trade_ns is not None else formats.NONE
    state = Cell(one.state, _FEED_TONES.get(one.state, ""), badge=True, title=one.detail or "")
    return Cell(one.name, "strong"), state, formats.count(one.trades), age


def sources(view: PageView) -> str:
    """Each source: what it sent, what is missing, how its clock stands."""
    columns = (
        text("Source"),
        number("Trades"),
        number("Lost"),
        number("Repeated"),
        number("Clock skew ms"),
        number("Last trade"),
    )
    status = view.status
    if status is None:
        return table("Sources", columns, [], empty="Nobody has sent anything yet.")
    skews = {one.source: one.skew_ns for one in view.snapshot.skews} if view.snapshot else {}
    newest = sorted(status.sources, key=lambda one: -one.last_trade_ns)[:_SOURCE_ROWS]
    rows: list[Row] = [
        (
            Cell(one.source, "strong"),
            formats.count(one.trades),
            _bad_if_any(one.lost),
            formats.count(one.duplicate),
            formats.latency(skews.get(one.source)),
            f"{formats.span(status.at_ns - one.last_trade_ns)} ago",
        )
        for one in newest
    ]
    return table("Sources", columns, rows, empty="Nobody has sent anything yet.")


def services(view: PageView, now_ns: int) -> str:
    """The services with the age of what they said last."""
    state = view.state
    heard = (("analytics", state.analytics_heard_ns), ("ingest", state.ingest_heard_ns)) if state else ()
    rows: list[Row] = [(Cell(name, "strong"), _age(ns, now_ns), "") for name, ns in heard]
    if state is not None:
        starts = "started once" if state.page_starts == 1 else f"started {state.page_starts} times"
        rows.append((Cell("page", "strong"), _age(view.heard_ns, now_ns), Cell(starts, "muted")))
    return table("Services", (text("Service"), number("Heard of"), text("")), rows, empty="Nothing has been heard yet.")


def _age(ns: int | None, now_ns: int) -> Cell:
    return Cell("never", "bad") if ns is None else Cell(f"{formats.span(now_ns - ns)} ago")
