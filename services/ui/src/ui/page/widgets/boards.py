"""A page's board in Streamlit: mounts the component, keeps what was sent to this session, and takes its clicks."""

import secrets
from collections.abc import Callable, Mapping
from typing import cast

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
    _sender(layout).forget()


def draw(
    link: DataLink, layout: str, parts: Mapping[str, Part], on_event: OnEvent = lambda _kind, _value: None
) -> None:
    """Sends what has changed since the last time."""
    now, view = link.now(), link.view
    selection = chosen.read(now)
    whole = {"banner": banner.part(view, now, chosen.zone(selection)), **parts}
    order = [name for name in parts if name != "download"]
    stamp_ms = view.snapshot.at_ns // 1_000_000 if view.snapshot else 0
    update = _sender(layout).update(layout, whole, order=order, stamp_ms=stamp_ms)
    board(f"board-{layout}", update, lambda: _take(link, layout, on_event))


def _take(link: DataLink, layout: str, on_event: OnEvent) -> None:
    for kind, value in _sender(layout).take(st.session_state[f"board-{layout}"].event):
        _follow(link, layout, kind, value, on_event)


def _follow(link: DataLink, layout: str, kind: str, value: object, on_event: OnEvent) -> None:
    if kind == "whole":
        _sender(layout).forget()
        return
    now = link.now()
    before = chosen.read(now)
    if (after := before.after(kind, value)) != before:
        chosen.write(after, now)
    else:
        on_event(kind, value)


def _sender(layout: str) -> PartSender:
    """What was sent to this session's board, and taken from it."""
    sender = st.session_state.setdefault(f"sender_{layout}", PartSender(secrets.token_hex(4)))
    return cast("PartSender", sender)
