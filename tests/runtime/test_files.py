"""What outlives a process: one owner for a directory, and files that are whole."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from telemetry_runtime import DirectoryLock, StartupError, write_durably

HOLD = """
import sys, pathlib
from telemetry_runtime import DirectoryLock
with DirectoryLock(pathlib.Path(sys.argv[1]), setting="X_DIR"):
    print("held", flush=True)
    sys.stdin.read()
"""


def _holder(directory: Path) -> "subprocess.Popen[bytes]":
    """Another process that holds the directory."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_a_second_process_is_refused_in_one_line_that_says_who_and_what_to_do(tmp_path: Path) -> None:
    with _holder(tmp_path) as process:
        with pytest.raises(StartupError) as refused, DirectoryLock(tmp_path, setting="X_DIR"):
            pass
        process.kill()
    message = str(refused.value)
    assert message.startswith(f"X_DIR={tmp_path}: is in use by another process (pid {process.pid})")
    assert "\n" not in message


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_process_that_died_leaves_no_lock_behind(tmp_path: Path, end: signal.Signals) -> None:
    with _holder(tmp_path) as process:
        process.send_signal(end)
    with DirectoryLock(tmp_path, setting="X_DIR"):
        pass


def test_a_lock_can_be_taken_again_and_the_directory_is_made(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "b"
    for _ in range(2):
        with DirectoryLock(directory, setting="X_DIR"):
            assert directory.is_dir()


def test_twice_in_one_process_is_refused_too(tmp_path: Path) -> None:
    with DirectoryLock(tmp_path, setting="X_DIR"):
        with pytest.raises(StartupError, match="in use"), DirectoryLock(tmp_path, setting="X_DIR"):
            pass
        with pytest.raises(StartupError, match="in use"), DirectoryLock(tmp_path, setting="X_DIR"):
            pass


def test_where_no_directory_can_be_made_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(StartupError, match=r"X_DIR=.*cannot be used"),
        DirectoryLock(tmp_path / "file", setting="X_DIR"),
    ):
        pass


def test_a_directory_that_is_a_link_to_nowhere_or_a_pipe_says_so(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    with (
        pytest.raises(StartupError, match=r"it is a link to .*nowhere, which does not exist$"),
        DirectoryLock(tmp_path / "link", setting="X_DIR"),
    ):
        pass
    with pytest.raises(StartupError, match=r"it is no directory$"), DirectoryLock(tmp_path / "pipe", setting="X_DIR"):
        pass


def test_a_file_is_replaced_whole_and_nothing_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state.json"
    write_durably(path, b"one")
    write_durably(path, b"two")
    assert path.read_bytes() == b"two"
    assert [each.name for each in path.parent.iterdir()] == ["state.json"]


def test_content_is_on_disk_before_its_name_and_the_name_before_it_returns(
    tmp_path: Path,
) -> None:
    path = tmp_path / "state.json"
    synced: list[tuple[str, bool]] = []

    def noting(fd: int) -> None:
        synced.append((str(Path(f"/proc/self/fd/{fd}").readlink()), path.exists()))
        os.fsync(fd)

    write_durably(path, b"one", sync=noting)
    assert synced == [(f"{path}.part", False), (str(tmp_path), True)]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_leaves_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_durably(path, b"old")
    (tmp_path / "state.json.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        write_durably(path, b"new" * 100_000)
    assert path.read_bytes() == b"old"
