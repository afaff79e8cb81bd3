"""The audit: every command with its answer, on a disk that may be full."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog

from ingest.desk.open_orders import RestingOrder
from ingest.desk.outcome import Decision, DeskOutcome, OrderUpdate
from ingest.storage.audit import AuditFile
from telemetry_schema import CommandResult, KillSwitch, TradeCommand

NOW_NS = 1_700_000_000_000_000_000


def _command(command_id: UUID, sent_by: str | None = "alice") -> TradeCommand:
    return TradeCommand(
        command_id=command_id, source="ui", sent_by=sent_by, symbol="A", side="buy", qty=1, sent_ns=NOW_NS
    )


def _answer(command_id: UUID, outcome: str = "accepted") -> Decision:
    return Decision(CommandResult(command_id=command_id, status="accepted", received_ns=NOW_NS), outcome)


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _fill(path: Path) -> None:
    path.symlink_to("/dev/full")


def _files(directory: Path) -> list[Path]:
    return sorted(directory.iterdir())


async def test_a_line_says_who_asked_for_what_and_what_was_answered(tmp_path: Path) -> None:
    audit, one, two = AuditFile(tmp_path, file_bytes=4096, files=2), uuid4(), uuid4()
    switch = KillSwitch(command_id=two, source="ui", sent_by='b"ob', engaged=True, sent_ns=NOW_NS)
    await audit.write([_command(one), switch], DeskOutcome([_answer(one), _answer(two, "duplicate")]), NOW_NS + 5)
    first, second = _lines(tmp_path / "audit.jsonl")
    assert (first["at_ns"], first["outcome"], first["command"]["sent_by"]) == (NOW_NS + 5, "accepted", "alice")
    assert first["command"]["command_id"] == first["answer"]["command_id"] == str(one)
    assert (second["outcome"], second["command"]["sent_by"], second["command"]["engaged"]) == (
        "duplicate",
        'b"ob',
        True,
    )


async def test_each_fill_and_the_cancel_of_a_resting_order_is_a_line_with_who_asked_for_it(tmp_path: Path) -> None:
    audit = AuditFile(tmp_path, file_bytes=4096, files=2)
    order = RestingOrder(command=_command(uuid4()), price=99.0, received_ns=NOW_NS, number=0)
    part = order.filled_by(0.25)
    states = ((part, "resting"), (part.filled_by(0.75), "accepted"), (part, "cancelled"))
    updates = [OrderUpdate.of(each, status, NOW_NS + at) for at, (each, status) in enumerate(states)]  # type: ignore[arg-type]
    await audit.write([], DeskOutcome(updates=updates), NOW_NS + 9)
    lines = _lines(tmp_path / "audit.jsonl")
    assert [(line["at_ns"] - NOW_NS, line["outcome"], line["answer"]["filled_qty"]) for line in lines] == [
        (0, "partly_filled", 0.25),
        (1, "filled", 1.0),
        (2, "cancelled", 0.25),
    ]
    assert {line["command"]["sent_by"] for line in lines} == {"alice"}
    assert lines[2]["answer"]["code"] == "kill_switch"


async def test_it_goes_on_after_a_restart_and_is_bounded(tmp_path: Path) -> None:
    for _ in range(3):
        audit = AuditFile(tmp_path, file_bytes=4096, files=2)
        for _ in range(20):
            one = uuid4()
            await audit.write([_command(one)], DeskOutcome([_answer(one)]), NOW_NS)
    files = _files(tmp_path)
    assert [path.name for path in files] == ["audit.jsonl", "audit.jsonl.1"]
    assert all(path.stat().st_size <= 4096 for path in files)
    assert all(len(_lines(path)) > 1 for path in files)


async def test_two_bursts_at_once_leave_whole_lines_in_files_of_the_right_size(tmp_path: Path) -> None:
    audit = AuditFile(tmp_path, file_bytes=4096, files=90)

    async def write() -> None:
        for _ in range(40):
            one = uuid4()
            await audit.write([_command(one)], DeskOutcome([_answer(one)]), NOW_NS)

    await asyncio.gather(*[write() for _ in range(8)])
    files = _files(tmp_path)
    assert sum(len(_lines(path)) for path in files) == 320
    assert all(path.stat().st_size <= 4096 for path in files)


async def test_no_command_writes_nothing(tmp_path: Path) -> None:
    audit = AuditFile(tmp_path, file_bytes=4096, files=2)
    await audit.write([], DeskOutcome(), NOW_NS)
    assert _files(tmp_path) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this platform has no full disk to offer")  # noqa: PTH110
async def test_what_a_full_disk_does_not_take_is_counted_and_logged_once(tmp_path: Path) -> None:
    _fill(tmp_path / "audit.jsonl")
    audit = AuditFile(tmp_path, file_bytes=4096, files=2)
    with structlog.testing.capture_logs() as lines:
        for count in (1, 2):
            one = uuid4()
            await audit.write([_command(one)], DeskOutcome([_answer(one)]), NOW_NS)
            assert audit.unkept_commands == count
    assert [line["event"] for line in lines] == ["audit_unwritable"]
