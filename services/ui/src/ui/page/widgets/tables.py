"""Tables as data for the board: columns, rows that are known by a key, cells with a tone. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeVar

from ui.page.model import formats
from ui.page.model.parts import Part

SEPARATOR: Final = "\t"
"""Of the names in a row's key: none holds a control character."""

_Line = TypeVar("_Line")
Tone = Literal["", "up", "down", "muted", "warn", "bad", "good", "strong"]


class Column(NamedTuple):
    """A column; numbers go right, sentences may wrap. One with a `sort` name can be sorted by."""

    title: str
    kind: Literal["", "tt-num", "tt-wrap", "tt-name"] = ""
    sort: str = ""


class Cell(NamedTuple):
    """A cell with a tone; with `badge` its text stands in a box, and `title` shows where the pointer rests.

    One with a `symbol` is a button that chooses it.
    """

    text: str
    tone: Tone = ""
    badge: bool = False
    title: str = ""
    symbol: str = ""


class Action(NamedTuple):
    """A cell with a button: a press sends the page `act` and the row's key. `spoken` names it for a screen reader."""

    act: str
    label: str
    spoken: str


class Row(NamedTuple):
    """A row; its key stays the same from one update to the next."""

    key: str | int
    cells: Sequence[Cell | Action | str]
    is_marked: bool = False


def text(title: str, sort: str = "") -> Column:
    """A column of words."""
    return Column(title, "", sort)


def name(title: str, sort: str = "") -> Column:
    """A column of names, which may be long: they are cut with an ellipsis, and whole where the pointer rests."""
    return Column(title, "tt-name", sort)


def sentence(title: str, sort: str = "") -> Column:
    """A column of sentences, which take more than one line where there is no room."""
    return Column(title, "tt-wrap", sort)


def number(title: str, sort: str = "") -> Column:
    """A column of numbers."""
    return Column(title, "tt-num", sort)


def signed(value: float | None, written: str) -> Cell:
    """A number with its direction by shape and colour; what is written as nothing but zeros has none."""
    if not value or formats.is_nothing(written):
        return Cell(written, "muted")
    return Cell(f"{formats.direction(value)} {written}", "up" if value > 0 else "down")


def table(
    title: str, columns: Sequence[Column], rows: Iterable[Row], *, empty: str, sub: str = "", sort: str = ""
) -> Part:
    """The table's part; `empty` is what it says without rows, `sort` the column that the rows are sorted by."""
    return {
        "kind": "table",
        "title": title,
        "sub": sub,
        "label": title,
        "columns": [[one.title, one.kind, one.sort, _order(one, sort)] for one in columns],
        "rows": [[row.key, [_cell(cell) for cell in row.cells], row.is_marked] for row in rows],
        "empty": empty,
    }


def sort_rows(
    found: Iterable[_Line],
    sort: str,
    names: Callable[[_Line], tuple[str, ...]],
    keys: Mapping[str, Callable[[_Line], float | None]],
) -> list[_Line]:
    """Rows by a column, those of equal or no value by name: no two change places without a reason.

    `sort` is a key, with a minus for descending; any other word is the names themselves. What has no value is last.
    """
    key = keys.get(sort.removeprefix("-"))
    by_name = sorted(found, key=names, reverse=key is None and sort.startswith("-"))
    if key is None:
        return by_name
    valued = [(key(one), one) for one in by_name]
    known = [(value, one) for value, one in valued if value is not None]
    known.sort(key=lambda pair: pair[0], reverse=sort.startswith("-"))
    return [*(one for _, one in known), *(one for value, one in valued if value is None)]


def page_buttons(page: int, pages: int, orders: int) -> list[str | list[object]]:
    """The foot of a table of orders: which page is shown, counted from 0, and the way to its neighbours."""
    if pages == 1:
        return []
    buttons: list[str | list[object]] = [f"{orders:,} orders, page {page + 1} of {pages}"]
    if page > 0:
        buttons.append(["page", str(page - 1), "Newer"])
    if page + 1 < pages:
        buttons.append(["page", str(page + 1), "Older"])
    return buttons


def _order(column: Column, sort: str) -> str:
    if not column.sort or column.sort != sort.removeprefix("-"):
        return ""
    return "descending" if sort.startswith("-") else "ascending"


def _cell(cell: Cell | Action | str) -> str | list[Any]:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Action):
        return [cell.label, "", 0, cell.spoken, cell.act]
    if cell.symbol:
        return [cell.text, cell.tone, int(cell.badge), cell.title, "", cell.symbol]
    return [cell.text, cell.tone, int(cell.badge), cell.title] if cell.tone or cell.badge or cell.title else cell.text
