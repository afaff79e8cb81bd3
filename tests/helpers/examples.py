"""How many examples a property is tried with: more where `make fuzz` asks for more, fewer for `make coverage`."""

import os

TIMES = float(os.environ.get("FUZZ_TIMES", "1"))


def examples(usual: int = 100) -> int:
    """So many as usual, or that many times more; at least one."""
    return max(1, round(usual * TIMES))
