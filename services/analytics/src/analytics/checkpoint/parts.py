"""What the state of analytics is made of when it is saved: the one idiom of `state()` and `restore()`. Pure.

Everything that is to outlive a restart has two methods:

    def state(self) -> State          a copy of it, which nothing changes afterwards
    def restore(self, state: State)   takes it over, in an object that was just made

A `State` holds numbers, texts, lists and dicts as JSON has them, and NumPy arrays. What is large and seldom changes,
such as the minutes of an hour, it holds as `Part`s: they are copied and written only if their version has changed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

State: TypeAlias = dict[str, Any]


class Restorable(Protocol):
    """What outlives a restart."""

    def state(self) -> State:
        """A copy of the state; only what its parts copy later is of the moment when they do."""
        ...

    def restore(self, state: State) -> None:
        """Takes over a state. It may share memory with it that cannot be written to, so it copies."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a state that knows whether it has changed.

    `version` is another one after each change, and 0 in an object that was just made or restored. `copy` gives its
    state.
    `owner` is the object that counts the versions: another object may take its place in the state.
    """

    version: int
    copy: Callable[[], State]
    owner: object = None
