"""How long a call of the worker has taken. What the worker waits for a core is the machine's time, not the study's."""

from pathlib import Path
from typing import Final, NamedTuple

LOOKS: Final = 4
"""Looks at the worker within the budget of a call."""


class CpuUse(NamedTuple):
    """Of a process since its start, as Linux counts it; in nanoseconds."""

    ran_ns: int
    waited_ns: int
    """Ready to run, without a core; what it waits for now is added when it gets one."""
    is_ready: bool
    """It runs or waits for a core; it does not sleep."""


def cpu_use(pid: int) -> CpuUse | None:
    """What a process has used; None where the system does not say."""
    try:
        ran, waited, _ = Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
        return CpuUse(int(ran), int(waited), state == "R")
    except (OSError, ValueError, IndexError):
        return None


class CallWatch:
    """The time of the call that is under way, added up from look to look."""

    def __init__(self, budget_s: float, now_ns: int, use: CpuUse | None) -> None:
        self._budget_ns = round(budget_s * 1e9)
        self.look_s: Final = budget_s / LOOKS
        self._call = self._spent_ns = 0
        self._at_ns, self._use = now_ns, use

    def is_overdue(self, call: int, now_ns: int, use: CpuUse | None) -> bool:
        """Whether call number `call`, which is under way now, has had its budget."""
        # A look that comes late says that this process had no core: the answer may have been there for long.
        elapsed_ns = min(now_ns - self._at_ns, 2 * self._budget_ns // LOOKS)
        spent_ns = _own_ns(elapsed_ns, self._use, use)
        self._spent_ns = self._spent_ns + spent_ns if call == self._call else 0
        self._call, self._at_ns, self._use = call, now_ns, use
        return self._spent_ns >= self._budget_ns


def _own_ns(elapsed_ns: int, before: CpuUse | None, after: CpuUse | None) -> int:
    """Of the time, what the process was not kept from running."""
    if before is None or after is None:
        return elapsed_ns
    ran_ns = after.ran_ns - before.ran_ns
    if after.is_ready:
        return min(ran_ns, elapsed_ns)
    return max(elapsed_ns - (after.waited_ns - before.waited_ns), 0)
