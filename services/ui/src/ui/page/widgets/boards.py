"""A page's board in Streamlit: mounts the component, keeps what was sent to this session, and takes its clicks."""

import secrets
from collections.abc import Callable, Mapping

import streamlit as st

from telemetry_ui import board
from ui.page.model.hub import DataLink
from ui.page.model.parts import Part, PartSender
from ui.page.widgets import banner, chosen

EVERY_S = 0.5

OnEvent = Callable[[str, object], None]
"""Called with the kind and value of a click that is not about the selection."""


def start(layout: str) -> None:
    """Makes the next update of a layout a whole one: the page is drawn anew."""
    st.session_state[_key(layout)] = PartSender(secrets.token_hex(4))


def draw(
    link: DataLink, layout: str, parts: Mapping[str, Part], on_event: OnEvent = lambda _kind, _value: None
) -> None:
    """Sends what has changed since the last time."""
    now, view = link.now(), link.view
    selection = chosen.read(now)
    sender = st.session_state.setdefault(_key(layout), PartSender(secrets.token_hex(4)))
    whole = {"banner": banner.part(view, now, chosen.zone(selection)), **parts}
    order = [name for name in parts if name != "download"]
    stamp_ms = view.snapshot.at_ns // 1_000_000 if view.snapshot else 0
    update = sender.update(layout, whole, order=order, stamp_ms=stamp_ms)
    board(f"board-{layout}", update, lambda: _take(link, layout, on_event))


def _take(link: DataLink, layout: str, on_event: OnEvent) -> None:
    event = st.session_state[f"board-{layout}"].event
    if not event:
        return
    kind, value = str(event.get("kind")), event.get("value")
    if kind == "whole":
        st.session_state[_key(layout)].forget()
        return
    now = link.now()
    before = chosen.read(now)
    if (after := before.after(kind, value)) != before:
        chosen.write(after, now)
    else:
        on_event(kind, value)


def _key(layout: str) -> str:
    return f"sender_{layout}"
