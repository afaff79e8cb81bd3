"""Values that JSON can say and nobody means, put anywhere into a good message."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

GOLDEN = Path(__file__).parents[1] / "golden"

NUMBERS = [0, -1, 1, 0.5, -0.0, 1e-300, 1e308, -1e308, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63), 10**400, 1e-9, 1e9]
TEXTS = [
    "",
    " ",
    "x" * 10_000,
    "\\u202ea",
    "\\0",
    "0",
    "true",
    "12345678-1234-5678-1234-567812345678",
    "buy",
    "\\U0001f680" * 129,
    "NaN",
]
NESTED = [[], {}, [[]], [{}], {"": None}, [None] * 1_000, {str(number): number for number in range(200)}, "[" * 100]


def insane_values() -> st.SearchStrategy[Any]:
    """What JSON can say in place of a value."""
    return st.one_of(
        st.sampled_from([None, True, False, *NUMBERS, *TEXTS, *NESTED]),
        st.integers(),
        st.floats(),
        st.text(max_size=200),
    )


def golden(name: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads((GOLDEN / f"{name}.json").read_bytes())


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401 - JSON
    """The path to every value within."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in items for place in [(*path, key), *places(inner, (*path, key))]]


def put(message: Any, path: tuple[Any, ...], value: Any) -> None:  # noqa: ANN401 - JSON
    """Puts a value where the path leads, unless what it leads through is gone."""
    for key in path[:-1]:
        if not isinstance(message, dict | list):
            return
        try:
            message = message[key]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(message, dict) or (
        isinstance(message, list) and isinstance(path[-1], int) and path[-1] < len(message)
    ):
        # A value that is put into itself, or changed for the next message, would be no JSON.
        message[path[-1]] = deepcopy(value)


@st.composite
def insane_messages(draw: st.DrawFn, name: str) -> bytes:
    """The golden message of that name with up to three insane values."""
    message = golden(name)
    for path in draw(st.lists(st.sampled_from(places(message)), min_size=1, max_size=3)):
        put(message, path, draw(insane_values()))
    return json.dumps(message).encode()
