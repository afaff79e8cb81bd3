"""How many examples a property is tried with: more where `make fuzz` asks for more."""

import os

TIMES = int(os.environ.get("FUZZ_TIMES", "1"))


def examples(usual: int = 100) -> int:
    """So many as usual, or that many times more."""
    return usual * TIMES
