"""Bots: what each of them does, earns and suffers from, its orders, and the life of one order."""

from datetime import tzinfo
from typing import Final

from telemetry_schema import BotsState
from ui.instant import Instant
from ui.page.model import formats
from ui.page.model.bots import severity
from ui.page.model.hub import DataLink
from ui.page.model.parts import Part
from ui.page.model.selection import Selection
from ui.page.model.view import PageView
from ui.page.widgets import bot_orders, bot_quality, bots, live_page

SNIPPET: Final = """from telemetry_client import Publisher
with Publisher(source="my-bot") as publisher:
    publisher.order_submitted("o-1", "BTC-USD", "buy", 0.5, 60_000.0)"""


def show(link: DataLink) -> None:
    """Draws the page."""
    live_page.show(link, "bots", parts)


def parts(view: PageView, selection: Selection, now: Instant, zone: tzinfo) -> dict[str, Part]:
    """All panels of the page."""
    state = view.bots
    if state is None or not (state.bots or state.books or state.open_in_all or state.ended_in_all):
        return {"welcome": _welcome(view)}
    life = bot_orders.life(view, selection, zone)
    return {
        "cards": _numbers(view, state, now),
        "bots": bots.part(view, selection, now),
        **({"life": life} if life else {}),
        "execution": bot_quality.executions(view, selection),
        "accounts": bot_quality.accounts(view, selection),
        "orders": bot_orders.orders(view, selection, zone),
        "positions": bots.positions(view, selection),
        "rejects": bots.rejects(state, selection),
        "venues": bots.venues(state),
    }


def _welcome(view: PageView) -> Part:
    sent = sum(one.accepted for one in view.status.bots) if view.status else 0
    if sent and view.bots is None:
        text = (
            f"Ingest has accepted {sent:,} messages of bots, but analytics does not report to this page. "
            "See whether it runs, and whether ANALYTICS_UI_ENDPOINTS names this page's UI_PULL_ENDPOINT."
        )
        return {"kind": "note", "title": "No bots yet", "sub": "", "text": text, "code": ""}
    text = "No bot has reported an order yet. These three lines report one:"
    return {"kind": "note", "title": "No bots yet", "sub": "", "text": text, "code": SNIPPET}


def _numbers(view: PageView, state: BotsState, now: Instant) -> Part:
    lines = bots.lines(view, now)
    trouble = sum(bool(severity(line.troubles)) for line in lines)
    how_many = f"{trouble:,} in trouble" if trouble else "all well"
    return {
        "kind": "cards",
        "cards": [
            ["Bots", formats.count(state.bots_in_all), how_many, "bad" if trouble else ""],
            ["Open orders", formats.count(state.open_in_all), _oldest(state), ""],
            _rejected(state),
            _slowest(state),
            *_money(state),
        ],
    }


def _oldest(state: BotsState) -> str:
    begun = [bot.oldest_open_ns for bot in state.bots if bot.oldest_open_ns is not None]
    doubt = sum(bot.in_doubt for bot in state.bots if bot.is_authority)
    words = [f"the oldest {formats.span(max(0, state.at_ns - min(begun)))}"] if begun else []
    return ", ".join([*words, *([f"{doubt:,} in doubt"] if doubt else [])])


def _rejected(state: BotsState) -> list[str]:
    orders, rejects = sum(bot.recent_orders for bot in state.bots), sum(bot.recent_rejects for bot in state.bots)
    share = f"{rejects / orders * 100:.1f} %" if orders else formats.NONE
    most = state.rejects[0].reason.replace("_", " ") if state.rejects else ""
    note = f"{rejects:,} of {orders:,} in 5 min" + (f", mostly {most}" if most else "")
    return ["Rejected", share, note, ""]


def _slowest(state: BotsState) -> list[str]:
    venue = bots.slowest_venue(state)
    if venue is None:
        return ["Slowest ack p99", formats.NONE, "nothing was acknowledged in 5 min", ""]
    note = f"{venue.venue or venue.account}, p50 {formats.duration(venue.ack.p50_ns)}"
    return ["Slowest ack p99", formats.duration(venue.ack.p99_ns), note, ""]


def _money(state: BotsState) -> list[list[str]]:
    """Of the currency that most bots have; money of two has no sum."""
    money = [one for bot in state.bots for one in bot.money]
    if not money:
        return []
    names = [one.currency for one in money]
    currency = max(sorted(set(names)), key=names.count)
    own = [one for one in money if one.currency == currency]
    others = len(set(names)) - 1
    realised, fees = sum(one.realised for one in own), sum(one.fees for one in own)
    valued = [one.unrealised for one in own if one.unrealised is not None]
    missing = len(own) - len(valued)
    note = f"{missing} without a price" if missing else "at the mid, else the last trade"
    more = f", and {others} other {'currency' if others == 1 else 'currencies'}" if others else ""
    size = max(abs(realised), abs(fees), abs(sum(valued)))
    paid = f"{currency or 'quote'}, fees {formats.unsigned_money(fees, size)}{more}"
    return [
        ["Realised", formats.money(realised, size), paid, ""],
        ["Unrealised", formats.money(sum(valued), size), f"{currency or 'quote'}, {note}", "warn" if missing else ""],
    ]
