"""How much of a window there is yet: after a start of analytics it is younger than its length. Pure."""

from typing import Final

from telemetry_schema import WINDOW_SETTLE_NS, Snapshot, WindowName

_NS: Final = 1_000_000_000

SECONDS: Final[dict[WindowName, int]] = {"10s": 10, "1m": 60, "5m": 300, "1h": 3_600}


def covered(snapshot: Snapshot | None, window: WindowName) -> float:
    """Whole seconds that the window spans so far, at least one."""
    started_ns = snapshot.started_ns if snapshot else None
    if snapshot is None or started_ns is None:
        return SECONDS[window]
    whole_s = (snapshot.at_ns - WINDOW_SETTLE_NS) // _NS - started_ns // _NS
    return min(SECONDS[window], max(1, whole_s))


def so_far(snapshot: Snapshot | None, window: WindowName) -> str:
    """`of 12 s so far` where a window is not full yet, nothing where it is."""
    seconds = covered(snapshot, window)
    return "" if seconds >= SECONDS[window] else f"{seconds:.0f} s so far"


def per_second(trades: int, seconds: float) -> float:
    """A rate over what there is of a window."""
    return trades / seconds
