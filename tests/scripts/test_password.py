"""`make password`: a line with a hash, in a file that nobody else can read."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ui.passwords import is_user, read_users

ROOT = Path(__file__).parents[2]


def set_password(file: Path, name: str, password: str) -> int:
    command = [sys.executable, "scripts/password.py", "--file", str(file), "--", name]
    return subprocess.run(
        command, cwd=ROOT, check=False, input=f"{password}\n", text=True, capture_output=True
    ).returncode


def test_the_second_password_of_a_name_replaces_its_first_and_leaves_others(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "passwords"
    for name, password in (("alice", "first one"), ("bob", "of bob's"), ("alice", "second one")):
        assert set_password(file, name, password) == 0
    users = read_users(file)
    assert is_user(users, "alice", "second one")
    assert not is_user(users, "alice", "first one")
    assert is_user(users, "bob", "of bob's")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "one" not in file.read_text()
    assert [path.name for path in file.parent.iterdir()] == ["passwords"]


@pytest.mark.parametrize(
    ("name", "password"), [("alice", "short"), ("", "long enough"), ("#alice", "long enough"), (" a", "long enough")]
)
def test_no_name_and_short_passwords_are_refused(tmp_path: Path, name: str, password: str) -> None:
    assert set_password(tmp_path / "passwords", name, password) == 1
    assert list(tmp_path.iterdir()) == []
