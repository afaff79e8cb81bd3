"""Hashed passwords in a file, and the page that starts only with one where others can reach it."""

import asyncio
from pathlib import Path

import pytest

from telemetry_runtime import StartupError
from tests.helpers.ports import held_port
from ui.entrypoint import serve
from ui.environment import UiSettings
from ui.passwords import PasswordHash, is_user, read_users

ALICE = PasswordHash.of("correct horse")


def test_a_hash_knows_its_password_and_no_other_and_does_not_show_it() -> None:
    again = PasswordHash.parse(str(ALICE))
    assert again.matches("correct horse")
    assert not again.matches("correct horse ")
    assert not again.matches("")
    assert "horse" not in f"{ALICE}{ALICE!r}"
    assert str(PasswordHash.of("correct horse")) != str(ALICE), "each has a salt of its own"


def test_a_file_holds_names_of_any_script_and_comments(tmp_path: Path) -> None:
    path = tmp_path / "passwords"
    path.write_text(f"# who\n\nalice:{ALICE}\r\n币安: {ALICE}\nwith:colon:{ALICE}\n", encoding="utf-8")
    users = read_users(path)
    assert set(users) == {"alice", "币安", "with:colon"}
    assert is_user(users, "alice", "correct horse")
    assert not is_user(users, "alice", "x" * 100_000)
    assert not is_user(users, "nobody", "correct horse")
    assert not is_user(users, "nobody", "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nobody",
        "alice:correct horse",
        "alice",
        f":{ALICE}",
        str(ALICE),
        "alice:scrypt$9999999999$8$1$AAAA$AAAA",
        "alice:scrypt$2$8$1$AAAA$AAAA",
        "alice:scrypt$32768$8$1$!$!",
    ],
)
def test_a_file_that_is_wrong_is_named_by_line_and_never_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "passwords"
    path.write_text(text)
    with pytest.raises(ValueError, match="make password") as caught:
        read_users(path)
    assert "horse" not in str(caught.value)


async def _fault_of(settings: UiSettings) -> str:
    with pytest.raises(StartupError) as caught:
        async with asyncio.timeout(20):
            await serve(settings)
    return str(caught.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "desk.example.com"])
async def test_a_page_that_others_reach_does_not_start_without_a_password(host: str) -> None:
    fault = await _fault_of(UiSettings(page_host=host))
    assert "UI_PASSWORD_FILE" in fault
    assert "UI_ALLOW_ANYONE" in fault


async def test_a_password_file_that_is_wrong_is_one_clear_line_on_the_loopback_too(tmp_path: Path) -> None:
    assert "UI_PASSWORD_FILE" in await _fault_of(UiSettings(password_file=str(tmp_path / "missing")))


@pytest.mark.parametrize("anyone", [True, False])
async def test_with_a_password_or_the_explicit_wish_for_none_it_goes_on(tmp_path: Path, *, anyone: bool) -> None:
    path = tmp_path / "passwords"
    path.write_text(f"alice:{ALICE}\n")
    with held_port() as port:
        settings = UiSettings(
            page_host="192.0.2.1",  # an address of nobody: the next check fails, not this one
            page_port=port,
            allow_anyone=anyone,
            password_file="" if anyone else str(path),
        )
        assert "cannot listen" in await _fault_of(settings)
