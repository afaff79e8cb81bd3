"""A board as data, and the sending of what has changed on it. Pure.

update 1  whole: every part            the browser draws all
update 2  number + 1: changed parts    it draws these
update 4  (3 was lost on its way)      it asks for the whole, and gets it with the next update
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Part = dict[str, Any]
"""What one panel shows, as JSON: see `telemetry_ui/assets`."""


class PartSender:
    """Numbers the updates of one board in one session, and remembers what was sent last."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._number = 0
        self._sent: dict[str, Part] = {}
        self._whole = True
        self._heard: tuple[str, int] = ("", 0)

    def forget(self) -> None:
        """Makes the next update a whole one."""
        self._whole = True

    def take(self, message: object) -> list[tuple[str, object]]:
        """The clicks of a message, as (kind, value), that were not taken before; of nonsense none.

        A message holds all that the browser does not know to be taken, so the same click comes several times.
        """
        match message:
            case {"board": str(board), "events": list(events)}:
                return [(kind, value) for number, kind, value in _clicks(events) if self._is_new(board, number)]
        return []

    def _is_new(self, board: str, number: int) -> bool:
        before = self._heard[1] if self._heard[0] == board else 0
        self._heard = (board, max(before, number))
        return number > before

    def update(self, layout: str, parts: Mapping[str, Part], *, order: Sequence[str], stamp_ms: int) -> Part:
        """The next update."""
        whole, self._whole = self._whole, False
        self._number += 1
        changed = {
            name: part if whole else _shorter(self._sent.get(name), part)
            for name, part in parts.items()
            if whole or self._sent.get(name) != part
        }
        self._sent = dict(parts)
        return {
            "run": self._run,
            "number": self._number,
            "whole": whole,
            "layout": layout,
            "order": list(order),
            "parts": changed,
            "stamp": stamp_ms,
            "heard": list(self._heard),
        }


def _clicks(events: list[object]) -> Iterator[tuple[int, str, object]]:
    for event in events:
        match event:
            case [int(number), str(kind), value]:
                yield number, kind, value


def _shorter(before: Part | None, part: Part) -> Part:
    """A chart's part with the bars from the first that differs; `from` says which second that is."""
    if part.get("kind") != "candles" or before is None or before["id"] != part["id"]:
        return part
    old = {bar[0]: bar for bar in before["bars"]}
    gone = set(old) - {bar[0] for bar in part["bars"]}
    if any(second > part["end"] - part["span"] for second in gone):
        return part  # they are not gone for their age
    first = next((i for i, bar in enumerate(part["bars"]) if old.get(bar[0]) != bar), len(part["bars"]))
    tail = part["bars"][first:]
    return part | {"bars": tail, "from": tail[0][0] if tail else part["end"] + part["step"]}
