"""What a clean stop hands on."""

from pathlib import Path

import pytest

from ingest.memory import Memory
from ingest.sequences import Seen, SequenceTracker


def _tracker() -> SequenceTracker:
    return SequenceTracker(max_runs=10, max_sources=10)


def _crash(directory: Path, tracker: SequenceTracker) -> None:
    with Memory(directory, tracker):
        tracker.observe("bot", "r", 10, 10, 2)
        raise LookupError


def test_a_loss_across_a_clean_restart_is_found(tmp_path: Path) -> None:
    before, after = _tracker(), _tracker()
    with Memory(tmp_path / "new", before):
        before.observe("bot", "r", 0, 10, 1)
    with Memory(tmp_path / "new", after):
        assert after.observe("bot", "r", 12, 1, 2) == Seen(0, 2)


def test_after_a_crash_nothing_is_remembered_and_nothing_is_called_lost(tmp_path: Path) -> None:
    first, second, third = _tracker(), _tracker(), _tracker()
    with Memory(tmp_path, first):
        first.observe("bot", "r", 0, 10, 1)
    with pytest.raises(LookupError):
        _crash(tmp_path, second)
    with Memory(tmp_path, third):
        assert third.observe("bot", "r", 20, 1, 3) == Seen(0, 0)


def test_a_file_that_cannot_be_read_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "runs.json").write_text("[{")
    with Memory(tmp_path, _tracker()) as memory:
        assert memory is not None
        assert not (tmp_path / "runs.json").exists()
