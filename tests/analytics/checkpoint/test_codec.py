"""A state as bytes: it comes back as it was, or not at all."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from analytics.checkpoint.codec import MAGIC, UnreadableError, decode_state, encode_state

ARRAYS = stn.arrays(
    st.sampled_from(["<i8", "<f8", "<u4", "|b1", "<u2"]), stn.array_shapes(min_dims=1, max_dims=3, min_side=0)
)
LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.lists(st.integers(0, 9)) | ARRAYS
STATES = st.dictionaries(st.text("abc", max_size=3), LEAVES | st.dictionaries(st.text("abc", max_size=3), LEAVES))


def same(one: object, other: object) -> bool:
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(same(value, other[key]) for key, value in one.items())
        )
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and bool(
            one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
        )
    return bool(one == other)


@given(STATES)
def test_a_state_comes_back_as_it_was(state: dict[str, Any]) -> None:
    assert same(state, decode_state(encode_state(state)))


@pytest.mark.parametrize("number", [np.inf, -np.inf, np.nan, 5e-324, 1e308])
def test_special_numbers_come_back_in_arrays(number: float) -> None:
    (back,) = decode_state(encode_state({"a": np.array([number])}))["a"]
    assert np.array_equal([back], [number], equal_nan=True)


STATE = encode_state({"n": 1, "a": np.arange(20), "b": {"c": np.ones(3)}})


@pytest.mark.parametrize("size", [*range(0, len(STATE), 7), len(STATE) - 1])
def test_a_cut_state_is_unreadable(size: int) -> None:
    with pytest.raises(UnreadableError):
        decode_state(STATE[:size])


@pytest.mark.parametrize("byte", range(len(STATE)))
def test_a_flipped_bit_makes_it_unreadable(byte: int) -> None:
    damaged = bytearray(STATE)
    damaged[byte] ^= 1 << (byte % 8)
    with pytest.raises(UnreadableError):
        decode_state(bytes(damaged))


def test_another_version_is_called_so() -> None:
    with pytest.raises(UnreadableError, match="another version"):
        decode_state(STATE.replace(MAGIC, MAGIC.replace(MAGIC[-1:], b"0"), 1))
