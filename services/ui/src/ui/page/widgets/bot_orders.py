"""Orders of bots: the open ones and those that ended last, and the life of one. Pure."""

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from typing import Final

from telemetry_schema import OrderLife, OrderMoment, OrderSummary, OutcomeName
from ui.page.model import bots as model
from ui.page.model import formats
from ui.page.model.bots import BotName, KnownOrder, OrderName
from ui.page.model.moments import Since, since, submit_of
from ui.page.model.parts import Part
from ui.page.model.selection import Selection, ShowOrders
from ui.page.model.view import PageView
from ui.page.widgets.banner import zone_name
from ui.page.widgets.bots import is_of, short_name
from ui.page.widgets.tables import SEPARATOR, Cell, Row, Tone, name, number, page_buttons, sentence, table, text

ROWS: Final = 25
_ENDED: Final = frozenset({"filled", "cancelled", "expired", "rejected", "denied"})
_TONES: Final[dict[str, Tone]] = {
    "filled": "good",
    "rejected": "bad",
    "denied": "bad",
    "unknown": "warn",
}
_OUTCOMES: Final[dict[OutcomeName, tuple[Tone, str]]] = {
    "applied": ("good", "it counts"),
    "duplicate": ("muted", "it came before, and counts once"),
    "conflict": ("bad", "it contradicts what came before; the first version stands"),
    "late": ("warn", "it came after the end of the order; its stamps count"),
    "orphan": ("warn", "its order was not known before"),
    "second_source": ("muted", "another source's fills count for this account"),
}
_LABELS: Final[dict[ShowOrders, str]] = {"all": "All", "open": "Open", "ended": "Ended", "doubt": "In doubt"}
_ORDERS: Final = (
    name("Order"),
    text("State"),
    name("Symbol"),
    text("Side"),
    number("Qty"),
    number("Price"),
    number("Filled"),
    number("Average"),
    name("Bot"),
    name("Venue"),
    text("Began"),
    number("Last event"),
    text("Note"),
)
_LIFE: Final = (
    text("Happened"),
    text("Event"),
    text("Outcome"),
    number("Since submit"),
    number("Qty"),
    number("Price"),
    number("Filled so far"),
    number("Fee"),
    name("Id"),
    text("Clock"),
    text("Seen"),
    text("Sent"),
    text("Received"),
    name("From"),
    sentence("Why"),
)


def orders(view: PageView, selection: Selection, zone: tzinfo) -> Part:
    """One page of the orders that are asked for: open ones first, each newest first."""
    found = [one for one in _listed(view, selection) if _is_wanted(one, selection)]
    pages = max(1, -(-len(found) // ROWS))
    page = min(selection.bot_orders_page, pages - 1)
    rows = [_row(one, view, selection, zone) for one in found[page * ROWS : (page + 1) * ROWS]]
    known = bool(view.bots and (view.bots.open_orders or view.bots.ended_orders))
    empty = "No order is like this." if known else "No orders. Those that end are listed for ten minutes."
    more: Part = {
        "name": "bot_orders",
        "pick": "choose",
        "find": selection.bot_orders_find,
        "finds": "Search orders",
        "filters": [["show", key, label, key == selection.bot_orders] for key, label in _LABELS.items()],
        "foot": page_buttons(page, pages, len(found)),
    }
    return table("Orders of bots", _ORDERS, rows, empty=empty, sub=_counts(view, selection, zone)) | more


def _listed(view: PageView, selection: Selection) -> Iterator[OrderSummary]:
    """Open and ended orders; where one is searched for, also those that this page has seen before."""
    if view.bots is None:
        return
    yield from view.bots.open_orders
    yield from view.bots.ended_orders
    if selection.bot_orders_find:
        listed = {model.order_name(one) for one in (*view.bots.open_orders, *view.bots.ended_orders)}
        for order, known in reversed(list(view.bot_history.orders.items())):
            if order not in listed and known.summary.state in _ENDED:
                yield known.summary


def _is_wanted(one: OrderSummary, selection: Selection) -> bool:
    shown = {"all": True, "open": one.state not in _ENDED, "ended": one.state in _ENDED, "doubt": one.in_doubt}
    if not shown[selection.bot_orders] or not is_of(one.account, one.strategy, selection):
        return False
    words = (one.order_id, one.symbol, one.source, one.account, one.strategy, one.venue, one.state)
    return selection.bot_orders_find.casefold() in " ".join(words).casefold()


def _counts(view: PageView, selection: Selection, zone: tzinfo) -> str:
    if view.bots is None:
        return ""
    state = view.bots
    listed = f", {len(state.open_orders):,} listed" if state.open_in_all > len(state.open_orders) else ""
    ended = f"{len(state.ended_orders):,} of {state.ended_in_all:,} ended"
    of = f"; of {short_name(BotName(*selection.bot.split(SEPARATOR)))}" if selection.bot.count(SEPARATOR) == 2 else ""  # noqa: PLR2004 - three names
    return f"{state.open_in_all:,} open{listed}, {ended}{of}, {zone_name(zone)}"


def _row(one: OrderSummary, view: PageView, selection: Selection, zone: tzinfo) -> Row:
    key = SEPARATOR.join(model.order_name(one))
    owner = short_name(BotName(one.source, one.account, one.strategy))
    at_ns = view.bots.at_ns if view.bots else one.touched_ns
    cells = (
        Cell(one.order_id, "strong", title=one.order_id),
        Cell(one.state, _TONES.get(one.state, ""), badge=True),
        Cell(one.symbol or formats.NONE, title=one.symbol, symbol=one.symbol),
        Cell(formats.side(one.side), {"buy": "up", "sell": "down"}.get(one.side or "", "muted")),  # type: ignore[arg-type]
        formats.asked_qty(one.qty),
        formats.price(one.price) if one.price is not None else Cell(one.order_type or formats.NONE, "muted"),
        formats.qty(one.filled_qty),
        formats.price(one.average_price, one.price),
        Cell(owner, "muted", title=owner),
        Cell(one.venue, "muted", title=one.venue),
        Cell(formats.moment(one.began_ns, at_ns, zone, milliseconds=True), "muted"),
        formats.ago(max(0, at_ns - one.touched_ns)),
        _note(one),
    )
    return Row(key, cells, is_marked=key == selection.bot_order)


def _note(one: OrderSummary) -> Cell:
    if one.in_doubt:
        return Cell("in doubt", "bad", title="A timeout or a disconnect was the last word.")
    if one.waits_for is not None:
        return Cell(f"{one.waits_for} asked", "warn")
    if one.inferred_qty:
        title = f"{formats.qty(one.inferred_qty)} is filled by the peer's word; its fill has not come."
        return Cell("fill inferred", "warn", title=title)
    return Cell("")


def life(view: PageView, selection: Selection, zone: tzinfo) -> Part | None:
    """The life of the chosen order; None if none is chosen."""
    account, _, order_id = selection.bot_order.partition(SEPARATOR)
    if not order_id:
        return None
    known = view.bot_history.orders.get(OrderName(account, order_id))
    close: Part = {"name": "bot_orders", "filters": [["choose", "", "Close", None]]}
    title = f"Order {order_id}"
    if known is None:
        empty = f"No order of {account} that this page has seen is it. Ten minutes after its end an order is forgotten."
        return table(title, _LIFE, [], empty=empty) | close
    rows = [] if known.life is None else list(_moments(known.life, known.summary, zone))
    empty = "Its events come within some seconds, if they are still kept: of many orders the oldest events are dropped."
    found = table(title, _LIFE, rows, empty=empty, sub=_about(known.summary, zone))
    return found | close | {"foot": _latencies(known)}


def _about(one: OrderSummary, zone: tzinfo) -> str:
    owner = short_name(BotName(one.source, one.account, one.strategy))
    words = [
        f"{one.state}{', in doubt' if one.in_doubt else ''}",
        f"{formats.side(one.side)} {formats.asked_qty(one.qty)} {one.symbol}",
        f"filled {formats.qty(one.filled_qty)} at {formats.price(one.average_price, one.price)}",
        owner,
        one.venue,
        " ".join(word for word in (one.order_type, one.tif) if word),
        zone_name(zone),
    ]
    return " · ".join(word for word in words if word)


def _moments(found: OrderLife, one: OrderSummary, zone: tzinfo) -> Iterator[Row]:
    start = submit_of(found.moments)
    first = len(found.moments) - _after_hole(found)
    for number_, moment in enumerate(found.moments):
        if found.left_out and number_ == first:
            hole = Cell(f"{found.left_out:,} events", "muted", title="Of many events the first and the last are kept.")
            yield Row("hole", (hole, *("",) * (len(_LIFE) - 1)))
        span = Cell("start", "muted") if moment is start else _since(since(start, moment))
        yield _moment(number_, moment, span, zone)
    if one.inferred_qty:
        cells = (
            *("", Cell("fill", "strong"), Cell("inferred", "warn", badge=True), ""),
            *(formats.qty(one.inferred_qty), "", "", "", "", "", "", "", "", ""),
            "Filled by the peer's cumulative quantity; taken back when the fill itself comes.",
        )
        yield Row("inferred", cells)


def _after_hole(found: OrderLife) -> int:
    """Events after those that were left out: two thirds of what is kept."""
    return len(found.moments) * 2 // 3


def _moment(number_: int, one: OrderMoment, span: Cell, zone: tzinfo) -> Row:
    tone, meaning = _OUTCOMES[one.outcome]
    coarse = f", in steps of {formats.duration(one.resolution_ns)}" if one.resolution_ns > 1 else ""
    cells = (
        Cell(formats.exact_clock(one.event_ns, zone), title=f"{one.event_ns} ns"),
        Cell(f"{one.event.replace('_', ' ')}{' (replayed)' if one.replayed else ''}", "strong"),
        Cell(one.outcome.replace("_", " "), tone, badge=True, title=meaning),
        span,
        formats.exact(one.qty),
        formats.exact(one.price),
        formats.exact(one.cum_qty),
        _fee(one),
        Cell(_ids(one), "muted", title=_ids(one)),
        Cell(one.clock, title=f"{one.clock}'s clock{coarse}"),
        _other_clock(one.seen_ns, f"{one.seen_by}'s clock", zone),
        _other_clock(one.sent_ns, "the sender's clock", zone),
        _other_clock(one.received_ns, "ingest's clock", zone),
        Cell(one.source, "muted", title=one.source),
        ": ".join(word for word in (one.reason, one.text) if word),
    )
    return Row(number_, cells)


def _since(span: Since) -> Cell:
    if span.span_ns is None:
        return Cell(formats.NONE, "muted", title=span.why)
    # The clock was set back, or the stamps are wrong: it is shown as it is, and counted as unmeasured.
    tone: Tone = "bad" if span.span_ns < 0 else ""
    return Cell(f"{formats.duration(span.span_ns)} {span.clock}", tone)


def _fee(one: OrderMoment) -> Cell:
    if one.fee is None:
        return Cell(one.liquidity or "", "muted")
    sign = "−" if one.fee < 0 else ""
    return Cell(f"{sign}{formats.significant(abs(one.fee))} {one.fee_currency}", title=one.liquidity or "")


def _other_clock(ns: int | None, whose: str, zone: tzinfo) -> Cell:
    return Cell(formats.exact_clock(ns, zone), "muted", title="" if ns is None else f"{ns} ns, {whose}")


def _ids(one: OrderMoment) -> str:
    named = (("", one.exec_id), ("of ", one.ref_exec_id), ("now ", one.alias))
    return ", ".join(f"{word}{value}" for word, value in named if value)


def _latencies(known: KnownOrder) -> list[str | list[object]]:
    """The spans that the metrics count, in words."""
    moments: Sequence[OrderMoment] = known.life.moments if known.life else ()
    start = submit_of(moments)
    found: list[str | list[object]] = []
    for word, event in (("acknowledged", "ack"), ("first fill", "fill"), ("cancelled", "cancel")):
        moment = next((one for one in moments if one.event == event and one.outcome != "duplicate"), None)
        if moment is None:
            continue
        span = since(start, moment)
        found.append(f"{word} after {formats.duration(span.span_ns)} ({span.clock or span.why})")
    return found
