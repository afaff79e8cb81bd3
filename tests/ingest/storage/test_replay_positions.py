"""Positions in recordings: after a crash a replay goes on where it was, after a clean stop it begins anew."""

from pathlib import Path

from ingest.checking.sequences import SequenceTracker
from ingest.desk.desk import Desk
from ingest.desk.limits import DeskLimits
from ingest.feeds.replay import ReplayFeed, ReplaySettings
from ingest.storage.earlier_files import EarlierFiles
from ingest.storage.journal import Journal
from ingest.storage.log.group_commit import GroupCommit
from ingest.storage.log.segment_log import SegmentLog
from telemetry_runtime.fakes import FakeClock
from tests.ingest.feeds.frames_of import BINANCE, HYPERLIQUID, RECEIVED_NS
from tests.ingest.feeds.opened import all_bursts, first_bursts, trades_of

FRAMES = 2_000


def recording(directory: Path, frames: int = FRAMES) -> Path:
    path = directory / "recorded"
    lines = (BINANCE.replace(b"4100000001", b"%d" % number) for number in range(frames))
    path.write_bytes(b"".join(b"%d %b\n" % (RECEIVED_NS, line) for line in lines))
    return path


def feed(path: Path, venue: str = "binance") -> ReplayFeed:
    return ReplayFeed(f"replay://{path}", ReplaySettings(path, venue, speed=float("inf")), FakeClock())


def numbers(trades: list[int | None]) -> tuple[int | None, int | None, int]:
    return (trades[0], trades[-1], len(trades)) if trades else (None, None, 0)


def started(directory: Path, *feeds: ReplayFeed) -> Journal:
    """Ingest starts with these feeds."""
    log = SegmentLog(directory / "log", new_stream="s", now_ns=1, max_bytes=1 << 30)
    writer = GroupCommit(log, clock=FakeClock())
    limits = DeskLimits(max_qty=1, max_notional=1, price_band_ratio=1, max_commands_per_s=1)
    sequences, desk = SequenceTracker(max_runs=1, max_sources=1), Desk(limits, account="paper")
    journal = Journal(writer, sequences, desk, boot="boot", replays=feeds)
    journal.restore(EarlierFiles(directory))
    return journal


async def crashed_after(directory: Path, path: Path, trades: int) -> None:
    """Ingest was killed right after it had taken so many trades of a recording."""
    crashed = feed(path)
    journal = started(directory, crashed)
    await first_bursts(crashed, trades)
    journal.record()


async def test_after_a_crash_a_recording_goes_on_where_it_was(tmp_path: Path) -> None:
    path = recording(tmp_path)
    await crashed_after(tmp_path, path, 512)
    again = feed(path)

    started(tmp_path, again)
    trades = trades_of(await all_bursts(again))

    assert numbers([trade.seq for trade in trades]) == (512, 1_999, 1_488)


async def test_a_recording_that_had_ended_gives_nothing_after_a_crash(tmp_path: Path) -> None:
    path = recording(tmp_path)
    await crashed_after(tmp_path, path, FRAMES)
    again = feed(path)

    started(tmp_path, again)
    assert await all_bursts(again) == []


async def test_after_a_second_crash_it_still_goes_on(tmp_path: Path) -> None:
    path = recording(tmp_path)
    await crashed_after(tmp_path, path, 512)
    await crashed_after(tmp_path, path, 512)
    third = feed(path)

    started(tmp_path, third)
    trades = trades_of(await all_bursts(third))

    assert numbers([trade.seq for trade in trades]) == (1_024, 1_999, 976)


async def test_after_a_clean_stop_a_recording_begins_anew(tmp_path: Path) -> None:
    path = recording(tmp_path)
    stopped, again = feed(path), feed(path)
    journal = started(tmp_path, stopped)
    await first_bursts(stopped, 512)
    journal.close()

    started(tmp_path, again)
    assert len(trades_of(await all_bursts(again))) == FRAMES


async def test_another_content_under_the_same_name_begins_anew(tmp_path: Path) -> None:
    await crashed_after(tmp_path, recording(tmp_path), 512)
    again = feed(recording(tmp_path, frames=700))

    started(tmp_path, again)
    assert len(trades_of(await all_bursts(again))) == 700


async def test_another_venue_for_the_same_file_begins_anew(tmp_path: Path) -> None:
    path = recording(tmp_path)
    await crashed_after(tmp_path, path, 512)
    other = feed(path, "okx")

    started(tmp_path, other)
    assert other.position == 0


async def test_a_position_beyond_the_end_gives_nothing_and_ends(tmp_path: Path) -> None:
    begun = feed(recording(tmp_path))
    begun.resume_at(10**12)

    assert await all_bursts(begun) == []


async def test_what_was_passed_over_is_remembered_by_the_parser(tmp_path: Path) -> None:
    """The first frame of a coin is history; it was passed over, and the next one is not taken for it."""
    path = tmp_path / "recorded"
    frames = [HYPERLIQUID.replace(b"600000000000001", b"%d" % number) for number in range(3)]
    path.write_bytes(b"".join(b"%d %b\n" % (RECEIVED_NS, frame) for frame in frames))
    begun = feed(path, "hyperliquid")
    begun.resume_at(1)

    assert [trade.id for trade in trades_of(await all_bursts(begun))] == ["1", "2"]
