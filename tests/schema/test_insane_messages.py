"""Well-formed but insane messages of every type: each is a message, or is refused under one reason, at little cost."""

import json
import re
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from telemetry_schema import (
    LAST_NS,
    MAX_ACK_BYTES,
    MAX_VIEW_BYTES,
    DecodeError,
    Reason,
    decode_ack,
    decode_ack_request,
    decode_edge,
    decode_progress,
    decode_ui,
    encode,
)
from telemetry_schema.codec import MAX_VIEW_FIELDS
from tests.helpers.examples import examples
from tests.helpers.insane import golden, insane_messages, insane_values

Decode = Callable[[bytes], BaseModel]

TYPES: dict[str, Decode] = {
    "command": decode_edge,
    "kill_switch": decode_edge,
    "cancel": decode_edge,
    "cancel_all": decode_edge,
    "alive": decode_edge,
    "end": decode_edge,
    "order": decode_edge,
    "quote": decode_edge,
    "position": decode_edge,
    "rate_limit": decode_edge,
    "progress": decode_progress,
    "ack": decode_ack,
    "ack_request": decode_ack_request,
    "result": decode_ui,
    "status": decode_ui,
    "snapshot": decode_ui,
    "studies": decode_ui,
    "bots": decode_ui,
    "command_history": decode_ui,
    "profit_history": decode_ui,
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
@settings(max_examples=examples(150))
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
    # No field begins so: a text of any kind may be the name of one that is optional.
    more = golden(name) | {f"no {data.draw(st.text(max_size=300))}": data.draw(insane_values())}
    frame = json.dumps(more).encode()
    refusal = refusal_of(TYPES[name], frame)
    assert refusal is not None
    is_long = name in {"ack", "ack_request"} and len(frame) > MAX_ACK_BYTES
    assert refusal.reason is (Reason.TOO_LARGE if is_long else Reason.UNKNOWN_FIELD)


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


FILLED: dict[str, list[str]] = {
    "snapshot": ["symbols", "own", "last_trades", "own_last_trades", "recent_bars", "skews", "latencies"],
    "status": ["feeds", "sources", "refused"],
    "studies": ["studies", "values", "problems"],
    "command_history": ["commands"],
    "profit_history": ["second", "profit"],
}


def filled(name: str, field: str, item: str) -> bytes:
    """A message of nearly 4 MiB, one field of which holds as many of the item as fit; of a dict under a few keys."""
    message = golden(name)
    is_dict = isinstance(message.get(field), dict)
    parts = [f'"{key}":{item}' for key in ("feed", "wire", "10s", "any")] if is_dict else [item]
    room = MAX_VIEW_BYTES - len(json.dumps(message)) - 20
    inner = ",".join(parts * (room // (sum(map(len, parts)) + len(parts))))
    whole = json.dumps(message | {field: "@"}).replace('"@"', f"{{{inner}}}" if is_dict else f"[{inner}]")
    return whole.encode()


@pytest.mark.parametrize("item", ["{}", "[]", "0", "null", '"x"', '{"a":0}'])
@pytest.mark.parametrize(("name", "field"), [(name, field) for name, fields in FILLED.items() for field in fields])
def test_four_mib_of_faults_are_few_faults(name: str, field: str, item: str) -> None:
    frame = filled(name, field, item)
    assert 0.9 * MAX_VIEW_BYTES < len(frame) <= MAX_VIEW_BYTES
    try:
        decode_ui(frame)
    except DecodeError as error:
        said = re.match(r"([\d,]+) faults", error.detail)
        faults = int(said[1].replace(",", "")) if said else 1
        assert faults <= 2 * MAX_VIEW_FIELDS


def test_the_largest_status_that_ingest_sends_is_read() -> None:
    message = golden("status")
    message["sources"] = [message["sources"][0] | {"source": f"bot:{number}"} for number in range(10_000)]
    message["desk"]["symbols"] = [f"SYMBOL-{number}" for number in range(10_000)]
    assert refusal_of(decode_ui, json.dumps(message).encode()) is None


def test_the_largest_snapshot_that_analytics_sends_is_read() -> None:
    message = golden("snapshot")
    message["symbols"] = message["own"] = [message["symbols"][0]] * 256
    bars = message["recent_bars"][0]
    message["recent_bars"] = [bars] * 256
    message["history"] = {key: value if key == "symbol" else (value * 3_600)[:3_600] for key, value in bars.items()}
    assert refusal_of(decode_ui, json.dumps(message).encode()) is None
