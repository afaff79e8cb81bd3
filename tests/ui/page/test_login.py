"""The form in front of the page, drawn by Streamlit without a browser; and who signs the commands."""

from pathlib import Path
from uuid import uuid4

import pytest
from streamlit.testing.v1 import AppTest

from telemetry_runtime.fakes import FakeClock
from telemetry_schema import TradeCommand
from tests.helpers.views import NOW_NS, FakeLink
from ui.page.login import MAX_TRIES, MAX_TRIES_OF_ALL, Gate, SignedLink
from ui.passwords import PasswordHash

pytestmark = pytest.mark.filterwarnings("default")  # Streamlit's own

RIGHT = "correct horse"
HASH = PasswordHash.of(RIGHT)


@pytest.fixture
def passwords(tmp_path: Path) -> Path:
    path = tmp_path / "passwords"
    path.write_text(f"alice:{HASH}\nbob:{HASH}\n")
    return path


def _script(gate: "Gate") -> None:
    import streamlit as st  # noqa: PLC0415 - the script is taken out of this file

    from ui.page.login import ask  # noqa: PLC0415 - as above

    st.text(f"hello {ask(gate)}")


def _app(gate: Gate) -> AppTest:
    return AppTest.from_function(_script, kwargs={"gate": gate}, default_timeout=20).run()


def _log_in(app: AppTest, name: str, password: str) -> AppTest:
    app.text_input[0].input(name)
    app.text_input[1].input(password)
    return app.button[0].click().run()


def test_nothing_is_drawn_before_the_password_is_right(passwords: Path) -> None:
    app = _app(Gate(str(passwords), FakeClock()))
    assert not app.text
    _log_in(app, "alice", "wrong")
    assert not app.text
    assert app.error[0].value == "Name or password is wrong."
    _log_in(app, "alice", RIGHT)
    assert app.text[0].value == "hello alice"
    assert not app.text_input


def test_a_session_stays_who_it_is_and_the_next_one_is_asked_again(passwords: Path) -> None:
    gate = Gate(str(passwords), FakeClock())
    first = _log_in(_app(gate), "bob", RIGHT)
    assert first.run().text[0].value == "hello bob"
    assert not _app(gate).text


def test_where_there_is_no_password_file_a_session_has_a_name_of_its_own() -> None:
    gate = Gate("", FakeClock())
    first, second = _app(gate), _app(gate)
    assert first.text[0].value.startswith("hello session-")
    assert first.run().text[0].value == first.text[0].value
    assert first.text[0].value != second.text[0].value


async def test_an_address_that_was_often_wrong_waits_and_others_do_not(passwords: Path) -> None:
    clock = FakeClock()
    gate = Gate(str(passwords), clock)
    for _ in range(MAX_TRIES):
        assert gate.fault("alice", "guess", "10.0.0.1") == "Name or password is wrong."
    assert "wait" in str(gate.fault("alice", RIGHT, "10.0.0.1"))
    assert gate.fault("alice", RIGHT, "10.0.0.2") is None
    await clock.advance(61)
    assert gate.fault("alice", RIGHT, "10.0.0.1") is None


def test_many_addresses_together_have_a_limit_too(passwords: Path) -> None:
    gate = Gate(str(passwords), FakeClock())
    faults = [str(gate.fault("alice", "guess", f"10.0.0.{number}")) for number in range(MAX_TRIES_OF_ALL + 3)]
    assert ["wait" in fault for fault in faults] == [False] * MAX_TRIES_OF_ALL + [True] * 3


def test_a_password_that_changes_counts_at_once_and_a_damaged_file_lets_nobody_in(passwords: Path) -> None:
    gate = Gate(str(passwords), FakeClock())
    passwords.write_text(f"alice:{PasswordHash.of('another one')}\n")
    assert gate.fault("alice", RIGHT, "a") is not None
    assert gate.fault("alice", "another one", "a") is None
    passwords.write_text("nonsense")
    assert "cannot be read" in str(gate.fault("alice", "another one", "a"))
    passwords.unlink()
    assert "cannot be read" in str(gate.fault("alice", "another one", "a"))


def test_commands_of_a_session_say_who_sent_them() -> None:
    feed = FakeLink()
    order = TradeCommand(command_id=uuid4(), source="ui", symbol="A", side="buy", qty=1, sent_ns=NOW_NS)
    assert SignedLink(feed, "alice").submit(order)
    assert [command.sent_by for command in feed.submitted] == ["alice"]
