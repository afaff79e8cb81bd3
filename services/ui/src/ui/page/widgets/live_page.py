"""A page with a board that moves; one about one symbol has the controls on top of it."""

from collections.abc import Callable
from datetime import tzinfo

import streamlit as st

from ui.instant import Instant
from ui.page.model.hub import DataLink
from ui.page.model.parts import Part
from ui.page.model.selection import Selection
from ui.page.model.view import PageView
from ui.page.widgets import boards, chosen, controls

Parts = Callable[[PageView, Selection, Instant, tzinfo], dict[str, Part]]
"""All panels of the page."""


def show(link: DataLink, layout: str, parts: Parts) -> None:
    """Draws a page without controls."""
    boards.start(layout)
    _live(link, layout, parts, None)


def show_symbol(link: DataLink, layout: str, parts: Parts) -> None:
    """Draws a page about one symbol."""
    selection = controls.settled(link)
    drawn = controls.show(link, tuple(link.view.symbols), selection)
    boards.start(layout)
    _live(link, layout, parts, drawn)


@st.fragment(run_every=boards.EVERY_S)
def _live(link: DataLink, layout: str, parts: Parts, drawn: controls.Drawn | None) -> None:
    view, now = link.view, link.now()
    selection = chosen.read(now)
    if drawn is not None and controls.drawn(tuple(view.symbols), selection) != drawn:
        st.rerun(scope="app")
    boards.draw(link, layout, parts(view, selection, now, chosen.zone(selection)))
