"""The page's own Streamlit component: a board of cards, tables and charts that is sent what changed.

It stands in a package of this name because Streamlit finds a component's files only where the import name is the
distribution's.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import streamlit as st

__all__ = ["board"]


def board(key: str, data: Mapping[str, object], on_event: Callable[[], None]) -> None:
    """Draws a board, or what has changed on it; `on_event` is called after a click on it.

    Then `st.session_state[key].event` is `{"board": …, "events": [[number, kind, value], …]}`, with all clicks that the
    data's `heard`, `[board, number]`, has not reported as taken.
    """
    _mount()(key=key, data=data, on_event_change=on_event)


@cache
def _mount() -> Any:  # noqa: ANN401 - Streamlit's own type for it is a protocol that takes anything
    # Without isolated styles it is part of the page: one style sheet, one accessibility tree.
    return st.components.v2.component("telemetry-ui.board", js="board.js", isolate_styles=False)
