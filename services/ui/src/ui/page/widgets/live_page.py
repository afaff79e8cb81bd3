"""A page about one symbol: the controls on top, and under them a board that moves."""

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
    """Draws the page."""
    selection = controls.settled(link)
    drawn = controls.show(link, tuple(link.view.symbols), selection)
    boards.start(layout)
    _live(link, layout, parts, drawn)


@st.fragment(run_every=boards.EVERY_S)
def _live(link: DataLink, layout: str, parts: Parts, drawn: controls.Drawn) -> None:
    view, now = link.view, link.now()
    selection = chosen.read(now)
    if controls.drawn(tuple(view.symbols), selection) != drawn:
        st.rerun(scope="app")
    boards.draw(link, layout, parts(view, selection, now, chosen.zone(selection)))
