"""Tables as HTML: aligned digits, real cells for screen readers and tests, small enough to be sent twice a second.

Pure. Every text is escaped: reasons and details come from other services.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Literal, NamedTuple

from ui.page.model import formats

Tone = Literal["", "up", "down", "muted", "warn", "bad", "good", "strong"]


class Column(NamedTuple):
    """A column; numbers go right, sentences may wrap."""

    title: str
    is_number: bool = False
    wraps: bool = False


class Cell(NamedTuple):
    """A cell with a tone; with `badge` its text stands in a box."""

    text: str
    tone: Tone = ""
    badge: bool = False
    title: str = ""


Row = Sequence[Cell | str]


def text(title: str) -> Column:
    """A column of words."""
    return Column(title)


def sentence(title: str) -> Column:
    """A column of sentences, which take more than one line where there is no room."""
    return Column(title, wraps=True)


def number(title: str) -> Column:
    """A column of numbers."""
    return Column(title, is_number=True)


def signed(value: float | None, written: str) -> Cell:
    """A number with its direction by shape and colour; what is written as nothing but zeros has none."""
    if not value or not any(digit in written for digit in "123456789"):
        return Cell(written, "muted")
    return Cell(f"{formats.direction(value)} {written}", "up" if value > 0 else "down")


def table(label: str, columns: Sequence[Column], rows: Iterable[Row], *, empty: str) -> str:
    """The table, or what to say when there is nothing in it."""
    body = "".join(_row(columns, row) for row in rows)
    if not body:
        body = f'<tr><td class="tt-empty" colspan="{len(columns)}">{escape(empty)}</td></tr>'
    head = "".join(f'<th scope="col"{_class(column)}>{escape(column.title)}</th>' for column in columns)
    return f'<table class="tt" aria-label="{escape(label)}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _row(columns: Sequence[Column], row: Row) -> str:
    return f"<tr>{''.join(_cell(column, cell) for column, cell in zip(columns, row, strict=True))}</tr>"


def _cell(column: Column, cell: Cell | str) -> str:
    if isinstance(cell, str):
        return f"<td{_class(column)}>{escape(cell)}</td>"
    title = f' title="{escape(cell.title)}"' if cell.title else ""
    content = escape(cell.text)
    if cell.badge:
        return f'<td{_class(column)}{title}><span class="tt-badge tt-{cell.tone or "plain"}">{content}</span></td>'
    return f"<td{_class(column, cell.tone)}{title}>{content}</td>"


def _class(column: Column, tone: Tone = "") -> str:
    kinds = {"tt-num": column.is_number, "tt-wrap": column.wraps, f"tt-{tone}": bool(tone)}
    names = [name for name, applies in kinds.items() if applies]
    return f' class="{" ".join(names)}"' if names else ""
