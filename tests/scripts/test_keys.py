"""`make keys`: pairs in files that nobody else can read, and that a second run keeps."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from telemetry_client import CurveKeys, InvalidSettingError
from telemetry_schema import curve_key_in

ROOT = Path(__file__).parents[2]


def make_keys(folder: Path, *names: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "scripts/keys.py", "--folder", str(folder), *names]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)


def test_it_makes_pairs_for_the_services_and_a_bot(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    assert make_keys(folder).returncode == 0
    public = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.pub"))
    assert public == ["clients/bot.pub", "services/analytics.pub", "services/ingest.pub", "services/ui.pub"]
    for secret in folder.glob("*.secret"):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    pair = CurveKeys.from_files(server=folder / "services/ingest.pub", secret=folder / "bot.secret")
    assert pair.public == curve_key_in((folder / "clients/bot.pub").read_text())


def test_a_second_run_keeps_what_is_there_and_adds_one_more(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    make_keys(folder, "one")
    before = {path: path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert make_keys(folder, "two").returncode == 0
    assert {path: path.read_text() for path in before} == before
    assert (folder / "clients/two.pub").exists()


def test_a_revoked_client_is_not_let_in_again_by_a_second_run(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    make_keys(folder, "one")
    (folder / "clients/one.pub").unlink()
    make_keys(folder, "one", "two")
    assert not (folder / "clients/one.pub").exists()


@pytest.mark.parametrize("name", ["ingest", "../up", "", "a/b", ".hidden"])
def test_names_that_are_no_file_or_a_service_are_refused(tmp_path: Path, name: str) -> None:
    done = make_keys(tmp_path / "keys", "--", name)
    assert done.returncode == 1
    assert not (tmp_path / "keys").exists()


def test_a_file_that_holds_no_key_is_named_by_the_client(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pub"
    wrong.write_text("nonsense\n")
    for path in (wrong, tmp_path / "missing.pub"):
        with pytest.raises(InvalidSettingError, match=str(path)):
            CurveKeys.from_files(server=path)
