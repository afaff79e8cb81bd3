"""What ticket and kill switch receive, from the view. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from telemetry_schema import DeskState, Position
from telemetry_ticket import Answer, KillSwitchFacts, LimitFacts, PickFacts, PositionFacts, QuoteFacts, TicketFacts
from ui.instant import Instant
from ui.page.model.view import PageView

_NS_PER_MS: Final = 1_000_000
_LISTED_SYMBOLS: Final = 500
"""The desk lists no more: of a symbol beyond these nobody knows whether it has a price."""
_NO_ANSWER_AFTER_S: Final = 2.0
"""Until the main process has said what its setting is."""
_STOPS_ORDERS: Final = frozenset({"main_away", "ingest_away"})


def ticket(
    view: PageView,
    now: Instant,
    *,
    page: str,
    selected: str | None,
    pick: PickFacts | None,
    answers: Mapping[str, Answer],
) -> TicketFacts:
    """All that the ticket receives."""
    desk, state = _desk(view), view.state
    return TicketFacts(
        now_ms=now.wall_ns / _NS_PER_MS,
        steady_ms=now.monotonic_ns / _NS_PER_MS,
        page=page,
        account=desk.account if desk else None,
        symbols=list(desk.symbols) if desk else [],
        selected=selected,
        pick=pick,
        quote=_quote(view, selected, now),
        positions=[_position(one) for one in desk.positions if one.qty] if desk else [],
        limits=_limits(desk) if desk else None,
        ask_above=state.confirm_notional if state else 0.0,
        ask_age_ms=(state.ask_price_age_s if state else 0.0) * 1_000,
        kill_switch=desk.kill_switch if desk else False,
        trouble=_trouble(view, now) or _no_price(desk, selected),
        unknown_after_ms=_unknown_after_ms(view),
        answers=dict(answers),
    )


def kill_switch(view: PageView, now: Instant, *, answers: Mapping[str, Answer]) -> KillSwitchFacts:
    """All that the kill switch receives."""
    desk = _desk(view)
    return KillSwitchFacts(
        now_ms=now.wall_ns / _NS_PER_MS,
        steady_ms=now.monotonic_ns / _NS_PER_MS,
        engaged=desk.kill_switch if desk else None,
        unknown_after_ms=_unknown_after_ms(view),
        answers=dict(answers),
    )


def _unknown_after_ms(view: PageView) -> float:
    """As long as the main process waits for ingest, the browser waits for the page."""
    return (view.state.no_answer_after_s if view.state else _NO_ANSWER_AFTER_S) * 1_000


def _desk(view: PageView) -> DeskState | None:
    return view.status.desk if view.status else None


def _quote(view: PageView, symbol: str | None, now: Instant) -> QuoteFacts | None:
    summary = view.summary(symbol)
    if summary is None:
        return None
    is_replay = view.state is not None and any(one.code == "replay" for one in view.state.problems)
    quote = summary.quote
    return QuoteFacts(
        symbol=summary.symbol,
        last=summary.last_price,
        bid=quote.bid if quote else None,
        ask=quote.ask if quote else None,
        age_ms=None if is_replay else view.age_ns(summary.last_trade_ns, now) / _NS_PER_MS,
        bid_ask_age_ms=view.age_ns(quote.event_ns, now) / _NS_PER_MS if quote and not is_replay else None,
    )


def _position(one: Position) -> PositionFacts:
    # All digits: an order for exactly these leaves nothing of the position.
    return PositionFacts(
        symbol=one.symbol, qty=f"{Decimal(repr(one.qty)):f}", average=one.average_price, last=one.last_price
    )


def _limits(desk: DeskState) -> LimitFacts:
    return LimitFacts(
        max_qty=desk.max_qty,
        max_notional=desk.max_notional,
        band_ratio=desk.price_band_ratio,
        per_s=desk.max_commands_per_s,
    )


def _trouble(view: PageView, now: Instant) -> str | None:
    found = (f"{one.title}. {one.detail}" for one in view.problems(now) if one.code in _STOPS_ORDERS)
    return next(found, None)


def _no_price(desk: DeskState | None, selected: str | None) -> str | None:
    """What the desk would answer for a symbol that it has no price of, before anybody asks it."""
    if desk is None or selected is None or selected in desk.symbols or len(desk.symbols) >= _LISTED_SYMBOLS:
        return None
    return f"The desk has no live price of {selected} yet: it refuses orders until one comes."
