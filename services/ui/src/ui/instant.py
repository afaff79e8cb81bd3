"""A moment on both clocks: wall time for what a person reads, monotonic time for how long something took. Pure."""

from typing import NamedTuple

from telemetry_runtime import Clock


class Instant(NamedTuple):
    """One moment. The wall clock may be set at any time, so no two of it are ever subtracted."""

    wall_ns: int
    monotonic_ns: int

    @classmethod
    def now(cls, clock: Clock) -> "Instant":
        """The moment by a clock."""
        return cls(clock.now_ns(), clock.monotonic_ns())
