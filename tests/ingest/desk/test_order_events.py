"""The paper desk tells of its orders as any bot does."""

from uuid import UUID

from ingest.desk.order_events import order_events
from ingest.desk.outcome import Decision, PaperTrade
from telemetry_schema import CommandResult, OrderEvent, TradeCommand

NOW_NS = 1_700_000_000_000_000_000
ID = UUID(int=7)
COMMAND = TradeCommand(command_id=ID, source="page", symbol="A", side="buy", qty=2.0, sent_ns=NOW_NS - 5)


def events(status: str, *, code: str = "", fill: bool = False) -> list[OrderEvent]:
    result = CommandResult(
        command_id=ID,
        status="accepted" if status == "accepted" else "refused",
        reason="x" * 500 if code else None,
        received_ns=NOW_NS,
    )
    trade = PaperTrade("page", "A", "buy", 2.0, 10.0, NOW_NS, NOW_NS - 5, "paper", str(ID)) if fill else None
    decision = Decision(result, status, code, fill=trade)
    return list(order_events(COMMAND, decision, account="paper", now_ns=NOW_NS))


def test_a_filled_command_is_submitted_acknowledged_and_filled() -> None:
    told = events("accepted", fill=True)
    assert [event.event for event in told] == ["submit", "ack", "fill"]
    assert {(event.order_id, event.account, event.venue, event.symbol) for event in told} == {
        (str(ID), "paper", "paper", "A")
    }
    assert (told[2].last_qty, told[2].last_price, told[2].exec_id) == (2.0, 10.0, str(ID))


def test_the_page_and_the_desk_stamp_with_two_clocks() -> None:
    assert [event.clock for event in events("accepted", fill=True)] == ["bot", "venue", "venue"]


def test_a_refused_command_is_rejected_with_a_code_of_the_closed_list() -> None:
    told = events("refused", code="max_qty")
    assert [event.event for event in told] == ["submit", "reject"]
    assert told[1].reason == "limit_exceeded"
    assert events("refused", code="something_new")[1].reason == "other"


def test_an_answer_that_is_repeated_changes_nothing() -> None:
    assert events("duplicate", fill=True) == []
