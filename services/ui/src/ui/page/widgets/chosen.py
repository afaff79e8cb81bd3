"""A session's choices: kept in the session, and written to the page's address, where a reload finds them.

The browser sends its address with every request. One that was under way while the address changed carries the old one;
so for some time after a change the session is right, and later the address. Who goes back or forward says so, and is
right at once; who types another address loads the page anew, which is a new session.
"""

from dataclasses import replace
from datetime import UTC, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ui.instant import Instant
from ui.page.model.selection import Selection

_KEPT: Final = "selection"
_CHANGED_NS: Final = "selection_changed_ns"
_BARE: Final = "selection_bare_page"
SETTLES_NS: Final = 30_000_000_000
"""Longer than a line or a laptop holds requests up: what was chosen must not snap back when they come."""


def read(now: Instant) -> Selection:
    """What is chosen now."""
    kept = st.session_state.get(_KEPT)
    query = {name: st.query_params.get_all(name) for name in st.query_params}
    asked = Selection.from_query(query)
    if not isinstance(kept, Selection):
        return _keep(asked, now)
    if asked == kept:
        return kept
    is_settled = now.monotonic_ns - st.session_state.get(_CHANGED_NS, 0) > SETTLES_NS
    # Another page is opened with a bare address: what was chosen goes along.
    if query and (is_settled or _went_in_history()):
        return _keep(asked, now)
    if not query and _is_left_bare():
        return kept
    st.query_params.from_dict(kept.query())
    return kept


def write(selection: Selection, now: Instant) -> None:
    """Chooses."""
    if selection != st.session_state.get(_KEPT):
        _keep(selection, now)
        st.query_params.from_dict(selection.query())


def choose_symbol(symbol: str, now: Instant) -> None:
    """Chooses another symbol, on whatever page."""
    write(replace(read(now), symbol=symbol), now)


def _went_in_history() -> bool:
    """Whether this run answers the browser's buttons Back and Forward."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def _is_left_bare() -> bool:
    """Whether somebody has gone back to a bare address of this page, and perhaps on his way out.

    With the choices written behind it, as a new entry of the history, Back would lead to where he was, for ever.
    """
    context = get_script_run_ctx()
    if context is None:
        return False
    if context.is_history_navigation:
        st.session_state[_BARE] = context.page_script_hash
    return bool(st.session_state.get(_BARE) == context.page_script_hash)


def zone(selection: Selection) -> tzinfo:
    """The zone that times are written in."""
    name = st.context.timezone if selection.zone == "local" else None
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _keep(selection: Selection, now: Instant) -> Selection:
    st.session_state[_KEPT] = selection
    st.session_state[_CHANGED_NS] = now.monotonic_ns
    st.session_state.pop(_BARE, None)
    return selection
