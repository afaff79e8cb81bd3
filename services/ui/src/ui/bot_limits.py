"""The limits of the alerts about orders that the page shows, too: read from the rules' own file, so that both agree."""

import re
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Final

import structlog

from ui.wire import BotLimits

LOOK_EVERY_S: Final = 5.0

_RULES: Final = {
    "order_rejects_ratio": "limit:order_rejects:ratio",
    "drawdown_quote": "limit:drawdown:quote",
    "rate_limit_used_ratio": "limit:rate_limit_used:ratio",
}
_VALUE: Final = r"record:\s*{rule}\s+expr:\s*vector\(\s*([^)\s]+)\s*\)"


class LimitsFile:
    """Reads the file again when it has changed; what it does not say is as it comes with this version.

    Args:
        path: of the rules; a file that is not there says nothing.
        monotonic_ns: now.
    """

    def __init__(self, path: Path, *, monotonic_ns: Callable[[], int]) -> None:
        self._path, self._monotonic_ns = path, monotonic_ns
        self._limits = BotLimits()
        self._seen: tuple[int, int] | None = None
        self._next_look_ns = 0
        self._log = structlog.get_logger("bot_limits")

    def __call__(self) -> BotLimits:
        """The limits now."""
        now_ns = self._monotonic_ns()
        if now_ns >= self._next_look_ns:
            self._next_look_ns = now_ns + round(LOOK_EVERY_S * 1e9)
            self._look()
        return self._limits

    def _look(self) -> None:
        try:
            found = self._path.stat()
            seen = found.st_mtime_ns, found.st_size
            if seen != self._seen:
                self._seen, self._limits = seen, read_limits(self._path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            if self._seen is not None:
                self._log.warning("limits_unreadable", file=str(self._path), error=str(error))
            self._seen = None


def read_limits(rules: str) -> BotLimits:
    """The limits in the text of the rules."""
    found = {name: re.search(_VALUE.format(rule=rule), rules) for name, rule in _RULES.items()}
    values = {name: _number(match[1]) for name, match in found.items() if match}
    return BotLimits(**{name: value for name, value in values.items() if value is not None})


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) and value >= 0 else None
