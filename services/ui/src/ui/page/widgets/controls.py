"""Symbol, window and time zone, chosen by shadcn components that show what is chosen, however it was chosen.

A component keeps its own value in the browser, and takes a new default for a reset. So each gets one default for its
whole life, and a new key, that is a new life, when something else than itself has chosen.
"""

import secrets
from dataclasses import replace
from typing import Final, NamedTuple, cast

import streamlit as st
import streamlit_shadcn_ui as ui

from telemetry_schema import WindowName
from ui.page.model.hub import DataLink
from ui.page.model.selection import WINDOWS, Selection, Zone
from ui.page.widgets import chosen

_ZONES: Final = {"utc": "UTC", "local": "Local"}


class Drawn(NamedTuple):
    """What the controls show."""

    symbols: tuple[str, ...]
    symbol: str | None
    window: WindowName
    zone: Zone


class _Life(NamedTuple):
    """One life of a component: how many there were before, its default, its options, and what it said last."""

    number: int
    default: str
    options: tuple[str, ...]
    said: str


def drawn(symbols: tuple[str, ...], selection: Selection) -> Drawn:
    """What the controls ought to show."""
    return Drawn(symbols, selection.symbol, selection.window, selection.zone)


def settled(link: DataLink) -> Selection:
    """The selection; who has chosen no symbol yet gets the first one, and keeps it when others come."""
    selection, symbols = chosen.read(link.now()), link.view.symbols
    if selection.symbol is None and symbols:
        selection = replace(selection, symbol=symbols[0])
        chosen.write(selection, link.now())
    return selection


def forget() -> None:
    """Begins new lives: on another page the components are gone, and what they hold with them."""
    for name in ("symbol", "window", "zone"):
        if isinstance(life := st.session_state.get(f"control_{name}"), _Life):
            st.session_state[f"control_{name}"] = life._replace(said="")


def show(link: DataLink, symbols: tuple[str, ...], selection: Selection) -> Drawn:
    """Draws them, and chooses what was chosen on them."""
    if not symbols:
        return drawn(symbols, selection)
    with st.container(horizontal=True, key="controls", vertical_alignment="bottom"):
        # A symbol that is quiet stays in the list as long as it is looked at.
        options = tuple(sorted({*symbols, *([selection.symbol] if selection.symbol else [])}))
        symbol = _one("symbol", options, selection.symbol or options[0])
        window = _one("window", WINDOWS, selection.window)
        zone = _one("zone", tuple(_ZONES.values()), _ZONES[selection.zone])
    chosen_zone: Zone = "local" if zone == _ZONES["local"] else "utc"
    picked = replace(selection, symbol=symbol, window=cast("WindowName", window), zone=chosen_zone)
    chosen.write(picked, link.now())
    return drawn(symbols, picked)


def _one(name: str, options: tuple[str, ...], wanted: str) -> str:
    """What the person chose just now, else what is wanted; the component shows it either way."""
    slot = f"control_{name}"
    life = st.session_state.get(slot)
    if not isinstance(life, _Life) or life.options != options or life.said != wanted:
        life = _Life(life.number + 1 if isinstance(life, _Life) else 0, wanted, options, wanted)
    said = _mounted(name, life)
    st.session_state[slot] = life._replace(said=said)
    return said


def _session() -> str:
    """A word that no other session has: what was chosen while a session was lost must not be shown in the next."""
    return str(st.session_state.setdefault("control_session", secrets.token_hex(3)))


def _mounted(name: str, life: _Life) -> str:
    options, key = list(life.options), f"{name}-{_session()}-{life.number}"
    if name == "symbol":
        said = ui.select("Symbol", options, index=life.options.index(life.default), key=key)
    else:
        said = ui.tabs(options, value=life.default, key=key, label="Window" if name == "window" else "Times in")
    return str(said) if said in life.options else life.default
