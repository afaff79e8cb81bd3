"""The commands that ingest remembers for the page: bounded, as far as they came, and the same after a restart."""

from uuid import uuid4

import pytest

from ingest.desk.history import MAX_ACCEPTED, MAX_REFUSED, AnsweredCommands, KeptCommand
from telemetry_schema import CommandResult, KillSwitch, TradeCommand

NOW_NS = 1_700_000_000_000_000_000


def _note(history: AnsweredCommands, number: int, *, refused: bool = False, end_seq: int | None = None) -> None:
    command = TradeCommand(command_id=uuid4(), source="ui", symbol="A", side="buy", qty=number + 1.0, sent_ns=NOW_NS)
    status = "refused" if refused else "accepted"
    result = CommandResult.model_validate(
        {"command_id": command.command_id, "status": status, "received_ns": NOW_NS + number}
    )
    history.note(command, result, end_seq)


def _quantities(history: AnsweredCommands) -> list[float]:
    commands = (one.command for one in history.message(0).commands)
    return [command.qty for command in commands if isinstance(command, TradeCommand)]


def test_a_flood_of_refused_commands_does_not_push_a_fill_out() -> None:
    history = AnsweredCommands()
    _note(history, 0, end_seq=1)
    for number in range(1, 2 * MAX_REFUSED):
        _note(history, number, refused=True)
    assert _quantities(history) == [1.0, *(number + 1.0 for number in range(MAX_REFUSED, 2 * MAX_REFUSED))]


@pytest.mark.parametrize("count", [0, 1, MAX_ACCEPTED, 2 * MAX_ACCEPTED + 7])
def test_what_is_kept_place_by_place_restores_the_last_commands(count: int) -> None:
    history, state = AnsweredCommands(), dict[str, KeptCommand]()
    for number in range(count):
        _note(history, number, end_seq=number + 1)
        if number % 3:
            state |= history.take_changed()
    state |= history.take_changed()
    assert len(state) == min(count, MAX_ACCEPTED)
    again = AnsweredCommands()
    again.restore(reversed(state.values()))
    assert again.message(count // 2) == history.message(count // 2)
    assert again.take_changed() == {}
    for one in (history, again):
        _note(one, count)
    assert _quantities(again) == _quantities(history)
    assert list(again.take_changed()) == list(history.take_changed())


def test_a_fill_is_applied_once_analytics_has_applied_its_trade() -> None:
    history = AnsweredCommands()
    _note(history, 0, end_seq=7)
    _note(history, 1, end_seq=8)
    _note(history, 2, refused=True)
    history.note(
        KillSwitch(command_id=(one := uuid4()), source="ui", engaged=True, sent_ns=NOW_NS),
        CommandResult(command_id=one, status="accepted", received_ns=NOW_NS + 3),
        None,
    )
    assert [each.result.status for each in history.message(7).commands] == [
        "applied",
        "accepted",
        "refused",
        "accepted",
    ]
