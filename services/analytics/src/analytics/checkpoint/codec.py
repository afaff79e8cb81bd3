"""A state as bytes, and back. Pure.

    | magic: 8 | crc32: 4 | header bytes: 4 | header | arrays, one after the other |

The header is JSON: the state with `{"$array": i}` in the place of the i-th array, and type and shape of each array.
The checksum is of all that follows it. Numbers are little-endian.
"""

from collections.abc import Iterator
from math import prod
from typing import Annotated, Any, Final
from zlib import crc32

import msgspec
import numpy as np

from analytics.checkpoint.parts import State

MAGIC: Final = b"ttstate2"
"""Begins each file. The digit is the version of the format and of what it holds: a change of either is a new one."""
_VERSION_1: Final = b"ttstate1"
"""Kept orders in another way: they are left out. All else is the same."""
_ANY_MAGIC: Final = MAGIC[:-1]
_ARRAY: Final = "$array"
_PREFIX_BYTES: Final = len(MAGIC) + 8


class UnreadableError(Exception):
    """These bytes are no state that this version has written: cut, damaged, or of another version."""


class _Shape(msgspec.Struct):
    dtype: str
    shape: list[Annotated[int, msgspec.Meta(ge=0)]]


class _Header(msgspec.Struct):
    state: dict[str, Any]
    arrays: list[_Shape]


def encode_state(state: State) -> bytes:
    """The state as bytes."""
    arrays: list[np.ndarray[Any, Any]] = []
    tree = _without_arrays(state, arrays)
    shapes = [_Shape(array.dtype.str, list(array.shape)) for array in arrays]
    header = msgspec.json.encode(_Header(tree, shapes))
    header += b" " * (-(_PREFIX_BYTES + len(header)) % 8)  # so that the arrays are aligned
    content = [len(header).to_bytes(4, "little"), header]
    for array in arrays:
        content += (array.tobytes(), b"\0" * (-array.nbytes % 8))
    checksum = 0
    for part in content:
        checksum = crc32(part, checksum)
    return b"".join([MAGIC, checksum.to_bytes(4, "little"), *content])


def _without_arrays(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:  # noqa: ANN401 - a tree as JSON has it
    if isinstance(value, np.ndarray):
        arrays.append(np.ascontiguousarray(value))
        return {_ARRAY: len(arrays) - 1}
    if isinstance(value, dict):
        return {key: _without_arrays(each, arrays) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_arrays(each, arrays) for each in value]
    return value


def decode_state(data: bytes) -> State:
    """The state that was encoded; its arrays share memory with `data` and cannot be written to.

    One of version 1 comes without `orders`.

    Raises:
        UnreadableError: there is none.
    """
    if data[: len(MAGIC)] not in {MAGIC, _VERSION_1}:
        other = data[: len(_ANY_MAGIC)] == _ANY_MAGIC
        raise UnreadableError("it is of another version" if other else "it does not begin as a state does")
    if crc32(memoryview(data)[len(MAGIC) + 4 :]) != int.from_bytes(data[len(MAGIC) : len(MAGIC) + 4], "little"):
        raise UnreadableError("it is cut or damaged: its checksum is wrong")
    end = _PREFIX_BYTES + int.from_bytes(data[_PREFIX_BYTES - 4 : _PREFIX_BYTES], "little")
    try:
        header = msgspec.json.decode(data[_PREFIX_BYTES:end], type=_Header)
        state: State = _with_arrays(header.state, list(_arrays(data, end, header.arrays)))
    except (msgspec.MsgspecError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise UnreadableError(f"its header is not one of ours: {error}") from error
    if data[: len(MAGIC)] == _VERSION_1:
        state.pop("orders", None)
    return state


def _arrays(data: bytes, begin: int, shapes: list[_Shape]) -> Iterator[np.ndarray[Any, Any]]:
    for shape in shapes:
        dtype, count = np.dtype(shape.dtype), prod(shape.shape)
        yield np.frombuffer(data, dtype, count, begin).reshape(shape.shape)
        size = count * dtype.itemsize
        begin += size + -size % 8


def _with_arrays(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:  # noqa: ANN401 - as above
    if isinstance(value, dict):
        if value.keys() == {_ARRAY}:
            return arrays[value[_ARRAY]]
        return {key: _with_arrays(each, arrays) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_arrays(each, arrays) for each in value]
    return value
