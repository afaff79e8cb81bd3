"""Frames as they travel, recorded once: a change of any of them is a change of the contract with everyone who sends."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel

from telemetry_schema import decode_ack, decode_ack_request, decode_edge, decode_progress, decode_ui, encode
from telemetry_schema.batch import TradeDecoder, decode_batch, encode_batch

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.mark.parametrize(
    ("name", "decode"),
    [
        ("trade", decode_edge),
        ("trade_smallest", decode_edge),
        ("trades", decode_edge),
        ("command", decode_edge),
        ("kill_switch", decode_edge),
        ("cancel", decode_edge),
        ("cancel_all", decode_edge),
        ("alive", decode_edge),
        ("end", decode_edge),
        ("order", decode_edge),
        ("quote", decode_edge),
        ("position", decode_edge),
        ("rate_limit", decode_edge),
        ("result", decode_ui),
        ("command_history", decode_ui),
        ("profit_history", decode_ui),
        ("snapshot", decode_ui),
        ("status", decode_ui),
        ("studies", decode_ui),
        ("bots", decode_ui),
        ("progress", decode_progress),
        ("ack_request", decode_ack_request),
        ("ack", decode_ack),
    ],
)
def test_a_golden_frame_decodes_and_encodes_back_to_the_same_bytes(
    name: str, decode: Callable[[bytes], BaseModel]
) -> None:
    frame = (GOLDEN / f"{name}.json").read_bytes()
    assert encode(decode(frame)) == frame


@pytest.mark.parametrize("name", ["trade", "trade_smallest", "trades"])
def test_the_fast_decoder_reads_the_golden_trades(name: str) -> None:
    assert TradeDecoder().decode((GOLDEN / f"{name}.json").read_bytes()) is not None


def test_a_golden_batch_decodes_and_encodes_back_to_the_same_bytes() -> None:
    header, records = (GOLDEN / "batch_header.json").read_bytes(), (GOLDEN / "batch_records.bin").read_bytes()
    batch = decode_batch([header, records])
    assert batch.records["event_ns"].tolist() == [1_700_000_000_123_456_789, 1_700_000_000_123_456_790, 2**63 - 1]
    assert batch.records["sent_ns"].tolist() == [1_700_000_000_123_456_799, 0, 1_700_000_000_123_456_789]
    assert batch.records["received_ns"].tolist() == [1_700_000_000_123_456_809] * 3
    assert batch.records["price"].tolist() == [61000.25, 1e23, 5e-324]
    assert batch.records["qty"].tolist() == [0.5, 1.0, 2.5]
    assert batch.records["symbol"].tolist() == [0, 1, 0]
    assert batch.records["source"].tolist() == [1, 0, 1]
    assert batch.records["side"].tolist() == [0, 1, 0]
    assert batch.records["account"].tolist() == [0, 0, 1]
    assert (batch.header.accounts, batch.header.ids[0].id) == (["paper"], "fill-7")
    assert tuple(map(bytes, encode_batch(batch))) == (header, records)


def test_every_golden_file_is_read_by_a_test() -> None:
    assert len([path for path in GOLDEN.iterdir() if path.is_file()]) == 23 + 2
