"""Several runs as one: a part that takes long, or was disturbed, is measured again by itself. Pure."""

from typing import Any


def merged(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The parts of all runs, of each the last; machine and command are those of the first, the others are named."""
    found: dict[str, Any] = {**runs[0], "later": []}
    for run in runs[1:]:
        again = {target["what"] for target in run["targets"]}
        targets = [target for target in found["targets"] if target["what"] not in again] + run["targets"]
        found["later"].append({"command": run["command"], **run["machine"]})
        found |= {name: part for name, part in run.items() if name not in {"machine", "command", "later"}}
        found["targets"] = targets
    return found
