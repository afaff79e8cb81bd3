"""Well-formed but insane messages of every type: each is a message, or is refused under one reason, at little cost."""

import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from telemetry_schema import LAST_NS, DecodeError, Reason, decode_edge, decode_progress, decode_ui, encode
from tests.helpers.insane import golden, insane_messages, insane_values

Decode = Callable[[bytes], BaseModel]

TYPES: dict[str, Decode] = {
    "command": decode_edge,
    "kill_switch": decode_edge,
    "cancel": decode_edge,
    "cancel_all": decode_edge,
    "alive": decode_edge,
    "end": decode_edge,
    "progress": decode_progress,
    "result": decode_ui,
    "status": decode_ui,
    "snapshot": decode_ui,
}

each_type = pytest.mark.parametrize("name", TYPES)

MAX_DETAIL_CHARS = 1_000


def refusal_of(decode: Decode, frame: bytes) -> DecodeError | None:
    """Why the frame is refused; None if it is a message, which then comes back from its own bytes."""
    try:
        message = decode(frame)
    except DecodeError as error:
        return error
    assert decode(encode(message)) == message
    return None


@each_type
@settings(max_examples=150)
@given(data=st.data())
def test_insane_values_are_a_message_or_refused_under_one_reason(name: str, data: st.DataObject) -> None:
    refusal = refusal_of(TYPES[name], data.draw(insane_messages(name)))
    if refusal is not None:
        assert refusal.reason in set(Reason)
        assert 0 < len(refusal.detail) < MAX_DETAIL_CHARS


@each_type
@given(data=st.data())
def test_one_field_more_or_less_is_refused_or_has_a_default(name: str, data: st.DataObject) -> None:
    message = golden(name)
    del message[data.draw(st.sampled_from(sorted(message)))]
    refusal_of(TYPES[name], json.dumps(message).encode())
    more = golden(name) | {data.draw(st.text(max_size=300)): data.draw(insane_values())}
    refusal = refusal_of(TYPES[name], json.dumps(more).encode())
    if more.keys() != golden(name).keys():
        assert refusal is not None
        assert refusal.reason is Reason.UNKNOWN_FIELD


@each_type
@pytest.mark.parametrize(
    "stuffing",
    [
        {f"key{number}": number for number in range(20_000)},
        {"x": [[]] * 100_000},
        {"x": "y" * 500_000},
        {"x": [0] * 200_000},
    ],
    ids=["keys", "arrays", "text", "numbers"],
)
def test_a_stuffed_message_costs_memory_in_proportion_to_its_length(name: str, stuffing: dict[str, Any]) -> None:
    frame = json.dumps(golden(name) | stuffing).encode()
    tracemalloc.start()
    refusal = refusal_of(TYPES[name], frame)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refusal is not None
    assert len(refusal.detail) < MAX_DETAIL_CHARS
    assert peak_bytes < 40 * len(frame) + 1_000_000


@pytest.mark.parametrize("name", ["alive", "end"])
@pytest.mark.parametrize("next_seq", [-1, LAST_NS + 1, 1.0, "1", None, True])
def test_a_number_that_is_none_is_refused(name: str, next_seq: object) -> None:
    assert refusal_of(decode_edge, json.dumps(golden(name) | {"next_seq": next_seq}).encode()) is not None
