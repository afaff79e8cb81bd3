"""Whether a signal's handler runs in the middle of a call that it must not wait for."""

import inspect
from collections.abc import Collection
from types import CodeType
from typing import Final

OWN_CALL_S: Final = 0.25
"""How long a handler waits for what the call beneath it may have: that call goes on only when the handler ends."""


def is_interrupted(owner: object, calls: Collection[CodeType]) -> bool:
    """Whether this thread is in the middle of one of these calls of `owner`, beneath the method that asks."""
    frame = inspect.currentframe()
    for _ in range(2):  # this function, and the method that asks
        frame = frame and frame.f_back
    while frame is not None:
        if frame.f_code in calls and frame.f_locals.get("self") is owner:
            return True
        frame = frame.f_back
    return False
