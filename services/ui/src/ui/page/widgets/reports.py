"""The pipeline page's tables. Pure."""

from collections.abc import Callable, Sequence
from typing import Final

from telemetry_schema import FeedState, IngestStatus, Snapshot, SourceState, Stage
from ui.degraded import SKEW_NS
from ui.instant import Instant
from ui.page.model import formats
from ui.page.model.parts import Part
from ui.page.model.selection import Selection
from ui.page.model.view import PageView, TrendPoint
from ui.page.widgets.tables import Cell, Row, Tone, name, number, table, text

RATE_OVER_POINTS: Final = 5
MAX_SOURCES: Final = 200
MAX_REFUSALS: Final = 100
_STAGES: Final[dict[Stage, str]] = {
    "feed": "event → received",
    "wire": "sent → received",
    "process": "received → applied",
    "end_to_end": "sent → applied",
}
_FEED_TONES: Final[dict[str, Tone]] = {"live": "good", "failed": "bad", "waiting": "warn"}


def rate(points: Sequence[TrendPoint]) -> float | None:
    """Applied trades a second over the last points."""
    last = points[-RATE_OVER_POINTS - 1 :]
    if len(last) < 2 or last[-1].at_ns <= last[0].at_ns:  # noqa: PLR2004 - a rate needs two points
        return None
    return (last[-1].applied - last[0].applied) / ((last[-1].at_ns - last[0].at_ns) / 1e9)


def wrong_clock(snapshot: Snapshot | None) -> tuple[str, int] | None:
    """The source whose clock is farthest off, and by how many nanoseconds, if that is too much to be the network."""
    off = [(one.source, abs(one.skew_ns)) for one in snapshot.skews if abs(one.skew_ns) > SKEW_NS] if snapshot else []
    return max(off, key=lambda item: item[1], default=None)


def stages(snapshot: Snapshot | None) -> Part:
    """Latency percentiles."""
    columns = (text("Stage"), text("From → to"), *map(number, ("p50", "p90", "p99", "Worst", "Trades")))
    latencies = snapshot.latencies if snapshot else {}
    rows = [
        Row(
            stage,
            (
                Cell(stage.replace("_", " "), "strong"),
                Cell(meaning, "muted"),
                *(_latency(ns) for ns in (one.p50_ns, one.p90_ns, one.p99_ns, one.max_ns)),
                formats.count(one.count),
            ),
        )
        for stage, meaning in _STAGES.items()
        if (one := latencies.get(stage)) is not None
    ]
    off = wrong_clock(snapshot)
    sub = (
        f"the last minute; with the clock of {off[0]}, which is {formats.span(off[1])} off"
        if off
        else "the last minute"
    )
    return table("Latency by stage", columns, rows, empty="Nothing was measured in the last minute.", sub=sub)


def _latency(ns: int | None) -> Cell:
    return Cell(formats.duration(ns), "warn" if ns is not None and abs(ns) > SKEW_NS else "")


def ledger(view: PageView) -> Part:
    """Every message and every trade accounted for over all hops, with what adds up to what."""
    columns = (text("Count"), number("Number"), text("Which is"))
    rows = [*_messages(view.status), *_numbered(view.status), *_trades(view)]
    sub = "since their starts; the younger of the two reports may be ahead"
    return table("Ledger", columns, rows, empty="Nothing has been counted yet.", sub=sub)


def _line(title: str, value: Cell | str, meaning: Cell | str = "", *, is_sum: bool = False) -> Row:
    return Row(title, (Cell(title, "strong" if is_sum else ""), value, meaning))


def _messages(status: IngestStatus | None) -> list[Row]:
    if status is None:
        return []
    one = status.ledger
    balanced = one.received == one.accepted + one.refused + one.duplicate + one.ignored
    sum_cell = Cell("balanced", "good", badge=True) if balanced else Cell("does not add up", "bad", badge=True)
    return [
        _line("Messages received", formats.count(one.received), sum_cell, is_sum=True),
        _line("accepted", formats.count(one.accepted)),
        _line("refused", _bad_if_any(one.refused), Cell("kept as dead letters", "muted")),
        _line("duplicate", formats.count(one.duplicate)),
        _line("ignored", formats.count(one.ignored), Cell("about no trades", "muted")),
    ]


def _numbered(status: IngestStatus | None) -> list[Row]:
    """What the sources' own numbers say: the hop before ingest."""
    if status is None:
        return []
    lost, repeated = sum(one.lost for one in status.sources), sum(one.duplicate for one in status.sources)
    losers = sum(one.lost > 0 for one in status.sources)
    where = f"of {losers} of {len(status.sources)} sources" if losers else "by the sources' numbers"
    return [
        _line("lost before ingest", _bad_if_any(lost), Cell(where, "muted")),
        _line("sent twice", formats.count(repeated), Cell("accepted once", "muted")),
    ]


def _trades(view: PageView) -> list[Row]:
    status, snapshot = view.status, view.snapshot
    rows: list[Row] = []
    if status is not None:
        accepted, waiting = formats.count(status.accepted_trades), formats.count(status.unapplied_trades)
        rows.append(_line("Trades accepted", accepted, Cell("by ingest", "muted"), is_sum=True))
        rows.append(_line("waiting", waiting, Cell("not applied yet", "muted")))
    if snapshot is not None:
        one = snapshot.ledger
        meaning = Cell("by analytics, over restarts of ingest", "muted")
        rows.append(_line("Trades applied", formats.count(one.applied), meaning, is_sum=True))
        rows.append(_line("repeated", formats.count(one.duplicate), Cell("sent again, applied once", "muted")))
        rows.append(_line("late", formats.count(one.late), Cell("older than the windows", "muted")))
        rows.append(_line("lost on the way", _bad_if_any(one.lost), Cell("from ingest to analytics", "muted")))
        rows.append(_line("refused batches", _bad_if_any(one.refused_batches)))
    return rows


def _bad_if_any(value: int) -> Cell:
    return Cell(formats.count(value), "bad" if value else "")


def refused(status: IngestStatus | None) -> Part:
    """Refused messages by source and reason, most first; an ingest that names no sources reports reasons alone."""
    found = [
        (one.source, reason, count)
        for one in (status.refusals if status else [])
        for reason, count in one.reasons.items()
        if count
    ]
    found = found or [("", reason, count) for reason, count in (status.refused if status else {}).items() if count]
    columns = (text("Reason"), name("Source"), number("Messages"))
    rows = [_refusal(*one) for one in sorted(found, key=lambda one: (-one[2], one[:2]))[:MAX_REFUSALS]]
    return table("Refused", columns, rows, empty="Nothing was refused.", sub="messages by reason and source")


def _refusal(source: str, reason: str, count: int) -> Row:
    who = Cell(source, title=source) if source else Cell("none could be read", "muted")
    return Row(f"{reason} {source}", (reason.replace("_", " "), who, formats.count(count)))


def feeds(status: IngestStatus | None) -> Part:
    """Each feed, with the age of what came last: trades, or the orders of a simulated bot."""
    columns = (name("Feed"), text("State"), number("Messages"), number("Last"))
    rows = [_feed(one, status.at_ns) for one in status.feeds] if status else []
    return table("Feeds", columns, rows, empty="No feeds: only clients send trades.")


def _feed(one: FeedState, at_ns: int) -> Row:
    age = formats.ago(at_ns - one.last_trade_ns) if one.last_trade_ns is not None else formats.NONE
    state = Cell(one.state, _FEED_TONES.get(one.state, ""), badge=True, title=one.detail or "")
    return Row(one.name, (Cell(one.name, "strong", title=one.name), state, formats.count(one.trades), age))


def sources(view: PageView, selection: Selection) -> Part:
    """Each source: what it sent, what is missing, how its clock stands; in an order that does not move by itself."""
    columns = (
        name("Source", "source"),
        number("Trades", "trades"),
        number("Lost", "lost"),
        number("Repeated", "repeated"),
        number("Clock skew", "skew"),
        number("Last trade", "age"),
    )
    status = view.status
    skews = {one.source: one.skew_ns for one in view.snapshot.skews} if view.snapshot else {}
    found = _sorted(status.sources if status else [], skews, selection.sources)
    at_ns = status.at_ns if status else 0
    rows = [_source(one, skews.get(one.source), at_ns) for one in found[:MAX_SOURCES]]
    of = f", {MAX_SOURCES} of {len(found)}" if len(found) > MAX_SOURCES else ""
    sub, empty = f"who sends, as ingest sees them{of}", "Nobody has sent anything yet."
    return table("Sources", columns, rows, empty=empty, sub=sub, sort=selection.sources) | {"name": "sources"}


def _sorted(found: Sequence[SourceState], skews: dict[str, int], sort: str) -> list[SourceState]:
    keys: dict[str, Callable[[SourceState], int]] = {
        "trades": lambda one: one.trades,
        "lost": lambda one: one.lost,
        "repeated": lambda one: one.duplicate,
        "skew": lambda one: abs(skews.get(one.source, 0)),
        "age": lambda one: -one.last_trade_ns,
    }
    by_name = sorted(found, key=lambda one: one.source, reverse=sort == "-source")
    key = keys.get(sort.removeprefix("-"))
    return sorted(by_name, key=key, reverse=sort.startswith("-")) if key else by_name


def _source(one: SourceState, skew_ns: int | None, at_ns: int) -> Row:
    is_off = skew_ns is not None and abs(skew_ns) > SKEW_NS
    cells = (
        Cell(one.source, "strong", title=one.source),
        formats.count(one.trades),
        _bad_if_any(one.lost),
        formats.count(one.duplicate),
        Cell(formats.duration(skew_ns), "bad" if is_off else ""),
        formats.ago(at_ns - one.last_trade_ns),
    )
    return Row(one.source, cells)


def services(view: PageView, now: Instant) -> Part:
    """The services with the age of what they reported last."""
    state = view.state
    heard = (("analytics", state.analytics_silence_ns), ("ingest", state.ingest_silence_ns)) if state else ()
    silence_ns = view.silence_ns(now) or 0
    rows = [Row(peer, (Cell(peer, "strong"), _age(ns, silence_ns), "")) for peer, ns in heard]
    if state is not None:
        starts = "started once" if state.page_starts == 1 else f"started {state.page_starts} times"
        rows.append(Row("page", (Cell("page", "strong"), _age(0, silence_ns), Cell(starts, "muted"))))
        rows.extend(_calls(state.alert_receivers))
    columns = (text("Service"), number("Heard of"), text("Note"))
    return table("Services", columns, rows, empty="Nothing has been heard yet.")


def _calls(receivers: int | None) -> list[Row]:
    """Whether an alert calls anybody, where Prometheus knows."""
    if receivers is None:
        return []
    word = f"{receivers} receivers" if receivers != 1 else "1 receiver"
    note = Cell(word, "muted") if receivers else Cell("no receiver is set: nobody is called", "warn")
    return [Row("alerts", (Cell("alerts", "strong"), "", note))]


def _age(ns: int | None, since_ns: int) -> Cell:
    return Cell("never", "bad") if ns is None else Cell(formats.ago(ns + since_ns))
