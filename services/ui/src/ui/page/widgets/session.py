"""Redrawing a session's page when what does not move by itself has changed."""

from collections.abc import Callable, Hashable

import streamlit as st

from ui.page.model.hub import DataLink
from ui.page.model.view import PageView

WATCH_EVERY_S = 0.5


@st.fragment(run_every=WATCH_EVERY_S)
def redraw_when_changed(link: DataLink, look: Callable[[PageView], Hashable], drawn: Hashable) -> None:
    """Runs the whole page again once `look` no longer gives what was drawn: for selects, buttons and limits."""
    if look(link.view) != drawn:
        st.rerun(scope="app")
