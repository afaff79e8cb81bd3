"""The tables of bots, their positions, venues and rejections. Pure."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from telemetry_schema import BookState, BotMoney, BotsState, BotState, RejectCount, VenueAcks
from ui.instant import Instant
from ui.page.model import bots as model
from ui.page.model import formats
from ui.page.model.bots import BotName, Severity, Trouble
from ui.page.model.parts import Part
from ui.page.model.selection import Selection
from ui.page.model.view import PageView
from ui.page.widgets.sparks import spark
from ui.page.widgets.tables import SEPARATOR, Cell, Row, Tone, name, number, sentence, signed, table, text

_BOTS: Final = (
    name("Bot", "bot"),
    sentence("State", "state"),
    number("Events/s", "rate"),
    number("Lost", "lost"),
    number("Refused", "refused"),
    number("Silent", "silent"),
    number("Clock", "skew"),
    number("Open", "open"),
    number("Ack p50", "p50"),
    number("Ack p99", "p99"),
    number("Rejected", "rejected"),
    number("Slippage", "slippage"),
    text("Position"),
    number("Realised", "realised"),
    number("Unrealised", "unrealised"),
    number("Fees", "fees"),
    text("Course"),
)
_BOOKS: Final = (
    name("Symbol"),
    name("Bot"),
    number("Position"),
    number("Average"),
    number("Mark"),
    number("Its age"),
    number("Unrealised"),
    number("Realised"),
    number("Fees"),
)
_VENUES: Final = (name("Venue"), name("Account"), number("Acks"), number("p50"), number("p99"))
_REJECTS: Final = (text("Reason"), text("Of"), name("Bot"), name("Venue"), number("Number"))
_LARGE_QTY: Final = 10_000
_TONES: Final[dict[Severity, Tone]] = {"bad": "bad", "warn": "warn", "": "muted"}


class BotLine(NamedTuple):
    """A bot with what the other service knows of its source."""

    bot: BotState
    name: BotName
    lost: int
    refused: int
    silent_ns: int | None
    troubles: list[Trouble]


def lines(view: PageView, now: Instant) -> list[BotLine]:
    """All bots, by name."""
    state, status = view.bots, view.status
    if state is None:
        return []
    sources = {one.source: one for one in status.bots} if status else {}
    accounts = model.account_orders(state)
    seen = model.Seen(state, view.bot_history, view.bot_limits)
    refused = {one.source: sum(one.reasons.values()) for one in status.refusals} if status else {}
    found = []
    for bot in state.bots:
        source = sources.get(bot.source)
        last_ns = max(source.last_ns if source else 0, bot.last_ns or 0)
        silent_ns = view.age_ns(last_ns, now) if last_ns else None
        troubles = model.troubles(bot, seen, silent_ns, accounts[bot.account])
        lost = source.lost if source else 0
        found.append(BotLine(bot, model.name_of(bot), lost, refused.get(bot.source, 0), silent_ns, troubles))
    return sorted(found, key=lambda line: line.name)


def part(view: PageView, selection: Selection, now: Instant) -> Part:
    """The table of bots: by default those in trouble first, in an order that numbers alone do not change."""
    known = lines(view, now)
    shown = _sorted([line for line in known if _is_wanted(line, selection)], selection.bots)
    rows = [_row(line, view, selection) for line in shown]
    in_all = view.bots.bots_in_all if view.bots else 0
    cut = f", {len(known)} of {in_all:,}" if in_all > len(known) else ""
    sub = f"lost and refused since ingest's start, slippage since the start in bps, the rest of the last 5 min{cut}"
    empty = "No bot is like this." if known else "No bot has sent anything about an order yet."
    found = table("Bots", _BOTS, rows, empty=empty, sub=sub, sort=selection.bots)
    filters = [["show", key, label, selection.bots_show == key] for key, label in _SHOWN.items()]
    return found | {
        "name": "bots",
        "pick": "choose",
        "find": selection.bots_find,
        "finds": "Search bots",
        "filters": filters,
    }


_SHOWN: Final = {"all": "All", "trouble": "In trouble"}


def _is_wanted(line: BotLine, selection: Selection) -> bool:
    if selection.bots_show == "trouble" and not model.severity(line.troubles):
        return False
    return selection.bots_find.casefold() in " ".join(line.name).casefold()


def _sorted(found: Sequence[BotLine], sort: str) -> list[BotLine]:
    """Equal ones by name, so that no two rows change places without a reason."""
    keys: dict[str, Callable[[BotLine], float]] = {
        "state": lambda line: model.rank(line.troubles),
        "rate": lambda line: line.bot.events_per_s,
        "lost": lambda line: line.lost,
        "refused": lambda line: line.refused,
        "silent": lambda line: line.silent_ns or 0,
        "skew": lambda line: abs(line.bot.skew_ns or 0),
        "open": lambda line: line.bot.open_orders,
        "p50": lambda line: line.bot.ack.p50_ns or 0,
        "p99": lambda line: line.bot.ack.p99_ns or 0,
        "rejected": lambda line: model.reject_ratio(line.bot) or 0.0,
        "slippage": lambda line: _money(line.bot, lambda one: one.slippage_bps),
        "realised": lambda line: _money(line.bot, lambda one: one.realised),
        "unrealised": lambda line: _money(line.bot, lambda one: one.unrealised),
        "fees": lambda line: _money(line.bot, lambda one: one.fees),
    }
    key = keys.get(sort.removeprefix("-"))
    by_name = sorted(found, key=lambda line: line.name, reverse=sort == "-bot")
    return sorted(by_name, key=key, reverse=sort.startswith("-")) if key else by_name


def _money(bot: BotState, of: Callable[[BotMoney], float | None]) -> float:
    return (of(bot.money[0]) if bot.money else None) or 0.0


def _row(line: BotLine, view: PageView, selection: Selection) -> Row:
    bot, key = line.bot, SEPARATOR.join(line.name)
    money = bot.money[0] if bot.money else None
    cells = (
        Cell(short_name(line.name), "strong", title=" / ".join(part for part in line.name if part)),
        state_cell(line.troubles),
        f"{bot.events_per_s:,.1f}",
        _fault(line.lost, recent=view.bot_history.recent_faults(bot.source).lost),
        _fault(line.refused, recent=view.bot_history.recent_faults(bot.source).refused),
        formats.ago(line.silent_ns),
        Cell(formats.duration(bot.skew_ns), "bad" if abs(bot.skew_ns or 0) > model.SKEW_NS else ""),
        Cell(formats.count(bot.open_orders), "bad" if bot.in_doubt else "", title=_oldest(bot, view)),
        Cell(formats.duration(bot.ack.p50_ns), title=f"{bot.ack.count:,} measured"),
        Cell(formats.duration(bot.ack.p99_ns), title=f"{bot.ack.count:,} measured"),
        Cell(_share(bot), title=f"{bot.recent_rejects:,} of {bot.recent_orders:,} orders"),
        formats.bps(money.slippage_bps if money else None),
        _position(line, view),
        *_profit(bot.money),
        Cell(spark([value for _, value in view.bot_history.profits.get(line.name, ())]), "muted"),
    )
    return Row(key, cells, is_marked=key == selection.bot)


def short_name(bot: BotName) -> str:
    """Source and strategy, and the account where it is not the source's."""
    account = bot.account if bot.account != bot.source else ""
    return " ".join(word for word in (bot.source, account, bot.strategy) if word)


def state_cell(found: Sequence[Trouble]) -> Cell:
    """What is wrong, the worst first, or that nothing is."""
    words = "; ".join(one.text for one in found)
    return Cell(words, _TONES[model.severity(found)]) if found else Cell("well", "good")


def _fault(count: int, *, recent: int) -> Cell:
    return Cell(formats.count(count), "bad" if recent else "", title=f"{recent:,} of them in the last 5 min")


def _oldest(bot: BotState, view: PageView) -> str:
    if bot.oldest_open_ns is None or view.bots is None:
        return ""
    doubt = f", {bot.in_doubt:,} in doubt" if bot.in_doubt else ""
    return f"the oldest began {formats.ago(view.bots.at_ns - bot.oldest_open_ns)}{doubt}"


def _share(bot: BotState) -> str:
    ratio = model.reject_ratio(bot)
    return formats.NONE if ratio is None else f"{ratio * 100:.1f} %"


def _position(line: BotLine, view: PageView) -> Cell:
    """The one position with its symbol, which can be chosen; of several how many."""
    if not line.bot.is_authority:
        return Cell(formats.NONE, "muted", title="Another source's fills count for this account.")
    held = [book for book in _books(view, line.name) if book.qty]
    if len(held) != 1:
        return Cell(f"{len(held)} symbols" if held else "flat", "muted", title=", ".join(map(_held, held)))
    return Cell(_held(held[0], is_short=True), title=_held(held[0]), symbol=held[0].symbol)


def _held(book: BookState, *, is_short: bool = False) -> str:
    """With its sign; what is short leaves the decimals of large quantities out."""
    size = abs(book.qty)
    written = formats.volume(size) if is_short and size >= _LARGE_QTY else formats.qty(size)
    return f"{'−' if book.qty < 0 else '+'}{written} {book.symbol}"


def _books(view: PageView, bot: BotName) -> list[BookState]:
    books = view.bots.books if view.bots else []
    return [book for book in books if (book.account, book.strategy) == (bot.account, bot.strategy)]


def _profit(money: Sequence[BotMoney]) -> tuple[Cell, Cell, Cell]:
    """Of the first currency; the others are where the pointer rests: money of two currencies has no sum."""
    if not money:
        return Cell(formats.NONE, "muted"), Cell(formats.NONE, "muted"), Cell(formats.NONE, "muted")
    first, more = money[0], f" +{len(money) - 1}" if len(money) > 1 else ""
    fees = formats.unsigned_money(first.fees, _size(first)) + more
    return (
        _amount(first.realised, _size(first), more)._replace(title=_in_all(money, lambda one: one.realised)),
        _amount(first.unrealised, _size(first), more)._replace(title=_in_all(money, lambda one: one.unrealised)),
        Cell(fees, title=_in_all(money, lambda one: one.fees)),
    )


def _size(one: BotMoney | BookState) -> float:
    """Of the largest amount of a row: what is nothing beside it is written as nothing."""
    return max(abs(one.realised), abs(one.unrealised or 0.0), abs(one.fees))


def _amount(value: float | None, like: float, more: str = "") -> Cell:
    cell = signed(value, formats.money(value, like))
    return cell._replace(text=cell.text + more)


def _in_all(money: Sequence[BotMoney], of: Callable[[BotMoney], float | None]) -> str:
    return "; ".join(f"{formats.money(of(one), _size(one))} {one.currency}".strip() for one in money)


def positions(view: PageView, selection: Selection) -> Part:
    """All books, or those of the chosen bot; a click on the symbol chooses it."""
    found = [book for book in (view.bots.books if view.bots else []) if is_of(book.account, book.strategy, selection)]
    in_all = view.bots.books_in_all if view.bots else 0
    cut = f", {len(found)} of {in_all:,}" if in_all > len(found) else ""
    rows = [_book(book, selection) for book in found]
    return table("Positions of bots", _BOOKS, rows, empty="No position.", sub=f"average cost, at the mid{cut}")


def is_of(account: str, strategy: str, selection: Selection) -> bool:
    """Whether something is the chosen bot's; with none chosen all is."""
    return not selection.bot or selection.bot.split(SEPARATOR)[1:] == [account, strategy]


def _book(book: BookState, selection: Selection) -> Row:
    owner = f"{book.account} {book.strategy}".strip()
    cells = (
        Cell(book.symbol, "strong", title=book.symbol, symbol=book.symbol),
        Cell(owner, "muted", title=owner),
        signed(book.qty, f"{'−' if book.qty < 0 else ''}{formats.qty(abs(book.qty))}"),
        formats.price(book.average_price),
        formats.price(book.mark, book.average_price) if book.mark is not None else _no_mark(book),
        formats.ago(book.mark_age_ns),
        _amount(book.unrealised, _size(book))._replace(title=book.currency),
        _amount(book.realised, _size(book))._replace(title=book.currency),
        Cell(formats.unsigned_money(book.fees, _size(book)), title=f"{book.currency}; positive is paid"),
    )
    key = SEPARATOR.join((book.account, book.strategy, book.symbol))
    return Row(key, cells, is_marked=book.symbol == selection.symbol)


def _no_mark(book: BookState) -> Cell:
    return Cell("no price", "warn") if book.qty else Cell(formats.NONE, "muted")


def venues(state: BotsState | None) -> Part:
    """How fast each venue acknowledges, in the order of the names; the slowest stands out."""
    found = state.venues if state else []
    slowest = slowest_venue(state)
    sub = "submit to acknowledgement, the last 5 min"
    rows = [_venue(one, is_slowest=one is slowest and len(found) > 1) for one in found]
    return table("Venues", _VENUES, rows, empty="Nothing was acknowledged in the last 5 minutes.", sub=sub)


def slowest_venue(state: BotsState | None) -> VenueAcks | None:
    """The one with the longest p99."""
    return max(state.venues if state else [], key=lambda one: one.ack.p99_ns or 0, default=None)


def _venue(one: VenueAcks, *, is_slowest: bool) -> Row:
    p99 = formats.duration(one.ack.p99_ns)
    cells = (
        Cell(one.venue or formats.NONE, "strong", title=one.venue),
        Cell(one.account, "muted", title=one.account),
        formats.count(one.ack.count),
        formats.duration(one.ack.p50_ns),
        Cell(f"{p99} slowest" if is_slowest else p99, "warn" if is_slowest else ""),
    )
    return Row(SEPARATOR.join((one.account, one.venue)), cells)


def rejects(state: BotsState | None, selection: Selection) -> Part:
    """Why orders are rejected, most first."""
    found = [one for one in (state.rejects if state else []) if is_of(one.account, one.strategy, selection)]
    rows = [_reject(one) for one in found]
    return table("Rejections", _REJECTS, rows, empty="No order was rejected.", sub="since the start")


_KINDS: Final = {"order": "order", "local": "order, locally", "cancel": "cancel", "replace": "replace"}


def _reject(one: RejectCount) -> Row:
    owner = f"{one.account} {one.strategy}".strip()
    key = SEPARATOR.join((one.account, one.strategy, one.venue, one.kind, one.reason))
    cells = (
        one.reason.replace("_", " "),
        Cell(_KINDS[one.kind], "muted"),
        Cell(owner, title=owner),
        Cell(one.venue, "muted", title=one.venue),
        formats.count(one.count),
    )
    return Row(key, cells)
