"""Tries all that takes in bytes of others with random and insane values, for as long as is asked. Run by `make fuzz`.

The properties are those of the ordinary tests, which try the same few hundred values each time; here each round begins
with another seed and tries many times as many, and a run begins anywhere, so that short ones try all in time, too. The
first failure ends it, with the command that shows it again.
"""

import argparse
import os
import secrets
import subprocess
import sys
import time
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Final

TARGETS: Final = (
    "tests/schema/test_insane_messages.py",
    "tests/schema/test_long_frames.py",
    "tests/schema/test_decoder.py",
    "tests/ingest/checking/test_checker.py",
    "tests/ingest/checking/test_sequences.py",
    "tests/ingest/test_insane_commands.py",
    "tests/ingest/delivery/test_acknowledger.py",
    "tests/ingest/delivery/test_insane_progress.py",
    "tests/ingest/feeds/test_hostile.py",
    "tests/ingest/feeds/test_venues.py",
    "tests/ingest/feeds/test_csv.py",
    "tests/ingest/storage/log/test_batch_log.py",
    "tests/analytics/test_insane_batches.py",
    "tests/analytics/test_insane_events.py",
    "tests/analytics/intake/test_streams.py",
    "tests/analytics/checkpoint/test_insane_checkpoints.py",
    "tests/ui/test_insane_views.py",
    "tests/ui/test_bars.py",
)
"""Edge, acknowledgements, feeds, log, batches, checkpoints, and what comes to the UI and the page."""


def main() -> int:
    """Runs rounds until the time is over; 1 if one failed."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600.0, help="how long (default: 600)")
    parser.add_argument("--times", type=int, default=5, help="times as many values as usual in a round (default: 5)")
    parser.add_argument("--seed", type=int, help="begin with it: the same rounds again (default: others each time)")
    options = parser.parse_args()
    began_s, rounds = time.monotonic(), 0
    random = Random(secrets.randbelow(2**32) if options.seed is None else options.seed)  # noqa: S311 - for no secret
    first = random.randrange(len(TARGETS))
    for target in cycle((*TARGETS[first:], *TARGETS[:first])):
        left_s = options.seconds - (time.monotonic() - began_s)
        if left_s <= 0:
            break
        if not _passes(target, options.times, random.randrange(2**32), left_s):
            return 1
        rounds += 1
    print(f"fuzz: {rounds} rounds in {time.monotonic() - began_s:.0f} s, none failed")
    return 0


def _passes(target: str, times: int, seed: int, left_s: float) -> bool:
    """One round; cut short where the time is over."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-k", "test_", "-p", "no:cacheprovider", target]
    command += [f"--hypothesis-seed={seed}", "-o", "timeout=0"]
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | {"FUZZ_TIMES": str(times)}
    root = Path(__file__).parents[1]
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, timeout=left_s, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    if done.returncode:
        print(f"{done.stdout}\nfuzz: FUZZ_TIMES={times} {' '.join(command[2:])}", file=sys.stderr)
    return not done.returncode


if __name__ == "__main__":
    sys.exit(main())
