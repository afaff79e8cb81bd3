"""What the main process knows about a command: it only moves forward, and late answers correct."""

from itertools import permutations
from uuid import UUID, uuid4

import pytest

from telemetry_schema import AnsweredCommand, CancelAll, CancelOrder, CommandResult, KillSwitch, TradeCommand
from tests.helpers.views import NOW_NS
from ui.commands import MAX_COMMANDS, CommandBook
from ui.wire import CommandStatus, CommandView

MS_NS = 1_000_000
NO_ANSWER_NS = 2_000 * MS_NS


def _order(command_id: UUID | None = None, *, sent_ns: int = NOW_NS) -> TradeCommand:
    return TradeCommand(
        command_id=command_id or uuid4(), source="ui", symbol="BTC-USD", side="buy", qty=0.25, sent_ns=sent_ns
    )


def _book() -> tuple[CommandBook, list[tuple[CommandStatus, int]]]:
    seen: list[tuple[CommandStatus, int]] = []
    book = CommandBook(no_answer_after_ns=NO_ANSWER_NS, on_status=lambda status, ns: seen.append((status, ns)))
    return book, seen


def _accepted(order: TradeCommand) -> CommandResult:
    return CommandResult(command_id=order.command_id, status="accepted", price=100.0, received_ns=NOW_NS)


def _applied(order: TradeCommand) -> CommandResult:
    return CommandResult(command_id=order.command_id, status="applied", received_ns=NOW_NS, applied_ns=NOW_NS)


def _only(book: CommandBook) -> CommandView:
    (view,) = book.all()
    return view


def test_an_order_is_sent_accepted_and_applied_with_the_time_each_took() -> None:
    (book, seen), order = _book(), _order()
    book.add(order, NOW_NS)
    book.apply(_accepted(order), NOW_NS + MS_NS)
    book.apply(_applied(order), NOW_NS + 3 * MS_NS)
    view = _only(book)
    assert (view.status, view.filled_price) == ("applied", 100.0)
    assert (view.answered_after_ns, view.applied_after_ns) == (MS_NS, 3 * MS_NS)
    assert seen == [("sent", 0), ("accepted", MS_NS), ("applied", 3 * MS_NS)]


@pytest.mark.parametrize("order_of_results", sorted(set(permutations(["accepted", "applied", "accepted"]))))
def test_in_whatever_order_the_results_come_the_last_word_is_applied(order_of_results: tuple[str, ...]) -> None:
    (book, _), order = _book(), _order()
    book.add(order, NOW_NS)
    for name in order_of_results:
        book.apply(_accepted(order) if name == "accepted" else _applied(order), NOW_NS)
    assert _only(book).status == "applied"


def test_no_answer_within_two_seconds_is_said_and_a_late_one_corrects_it() -> None:
    (book, _), order = _book(), _order()
    book.add(order, NOW_NS)
    assert book.expire(NOW_NS + NO_ANSWER_NS - 1) == []
    assert [view.status for view in book.expire(NOW_NS + NO_ANSWER_NS)] == ["no_answer"]
    assert book.expire(NOW_NS + 2 * NO_ANSWER_NS) == []
    book.apply(_accepted(order), NOW_NS + 3 * NO_ANSWER_NS)
    assert _only(book).status == "accepted"


def test_an_accepted_order_is_not_called_unanswered_while_analytics_is_away() -> None:
    (book, _), order = _book(), _order()
    book.add(order, NOW_NS)
    book.apply(_accepted(order), NOW_NS)
    assert book.expire(NOW_NS + 10 * NO_ANSWER_NS) == []


def test_the_same_id_is_noted_once() -> None:
    (book, _), order = _book(), _order()
    assert book.add(order, NOW_NS) is not None
    assert book.add(order, NOW_NS) is None


def test_a_refusal_keeps_its_reason() -> None:
    (book, _), order = _book(), _order()
    book.add(order, NOW_NS)
    refused = CommandResult(command_id=order.command_id, status="refused", reason="Too much.", received_ns=NOW_NS)
    book.apply(refused, NOW_NS)
    assert (_only(book).status, _only(book).reason) == ("refused", "Too much.")


def test_a_result_of_somebody_elses_command_is_not_ours() -> None:
    book, _ = _book()
    stranger = _order()
    assert not book.knows(stranger.command_id)
    assert book.apply(_accepted(stranger), NOW_NS) is None


def test_a_kill_switch_command_says_what_it_asks_for() -> None:
    book, _ = _book()
    book.add(KillSwitch(command_id=uuid4(), source="ui", engaged=True, sent_ns=NOW_NS), NOW_NS)
    assert (_only(book).kind, _only(book).engaged) == ("kill_switch", True)


def test_only_the_newest_commands_are_kept() -> None:
    book, _ = _book()
    orders = [_order() for _ in range(MAX_COMMANDS + 3)]
    for order in orders:
        book.add(order, NOW_NS)
    assert [view.command_id for view in book.all()] == [order.command_id for order in orders[3:]]


def test_commands_of_an_earlier_process_take_their_place_before_those_that_were_sent_since() -> None:
    (book, seen), early, late = _book(), _order(sent_ns=NOW_NS - MS_NS), _order()
    book.add(late, NOW_NS)
    refused = CommandResult(command_id=early.command_id, status="refused", reason="Too much.", received_ns=NOW_NS)
    changed = book.take_over([AnsweredCommand(command=early, result=refused)], NOW_NS)
    assert [(one.command_id, one.status, one.reason) for one in changed] == [(early.command_id, "refused", "Too much.")]
    assert [one.command_id for one in book.all()] == [early.command_id, late.command_id]
    assert seen == [("sent", 0)]


def test_nobody_knows_how_long_a_command_of_an_earlier_process_took() -> None:
    (book, seen), order = _book(), _order()
    book.take_over([AnsweredCommand(command=order, result=_accepted(order))], NOW_NS)
    book.apply(_applied(order), NOW_NS + MS_NS)
    view = _only(book)
    assert (view.status, view.filled_price, view.applied_after_ns) == ("applied", 100.0, None)
    assert (seen, book.expire(NOW_NS + 10 * NO_ANSWER_NS)) == ([], [])


def test_an_answer_that_was_missed_is_found_among_those_that_ingest_remembers() -> None:
    (book, _), order = _book(), _order()
    book.add(order, NOW_NS)
    book.expire(NOW_NS + NO_ANSWER_NS)
    answered = AnsweredCommand(command=order, result=_accepted(order))
    assert [one.status for one in book.take_over([answered], NOW_NS)] == ["accepted"]
    assert book.take_over([answered], NOW_NS) == []


def test_old_commands_that_ingest_remembers_do_not_push_newer_ones_out() -> None:
    book, _ = _book()
    for _ in range(MAX_COMMANDS):
        book.add(_order(), NOW_NS)
    old = _order(sent_ns=NOW_NS - MS_NS)
    assert book.take_over([AnsweredCommand(command=old, result=_accepted(old))], NOW_NS) == []
    assert (len(book.all()), book.knows(old.command_id)) == (MAX_COMMANDS, False)


def _rests(order: TradeCommand, filled_qty: float = 0.0, **fields: object) -> CommandResult:
    wanted = {"command_id": order.command_id, "status": "resting", "filled_qty": filled_qty, "received_ns": NOW_NS}
    return CommandResult.model_validate(wanted | fields)


def test_an_order_that_rests_shows_each_part_that_is_filled_and_its_end() -> None:
    (book, seen), order = _book(), _order()
    book.add(order, NOW_NS)
    book.apply(_rests(order), NOW_NS + MS_NS)
    assert book.apply(_rests(order, 0.1, price=99.0), NOW_NS + 9 * MS_NS) is not None
    assert book.apply(_rests(order, 0.05), NOW_NS) is None
    assert (_only(book).status, _only(book).filled_qty, _only(book).filled_price) == ("resting", 0.1, 99.0)
    book.apply(_rests(order, 0.1, status="cancelled"), NOW_NS + 99 * MS_NS)
    view = _only(book)
    assert (view.status, view.filled_qty, view.answered_after_ns) == ("cancelled", 0.1, MS_NS)
    assert seen == [("sent", 0), ("resting", MS_NS)]


def test_what_the_market_took_to_fill_a_resting_order_is_no_round_trip() -> None:
    (book, _), order = _book(), _order()
    book.add(order, NOW_NS)
    book.apply(_rests(order), NOW_NS + MS_NS)
    book.apply(_accepted(order), NOW_NS + 3_600_000 * MS_NS)
    book.apply(_applied(order), NOW_NS + 3_600_001 * MS_NS)
    view = _only(book)
    assert (view.status, view.answered_after_ns, view.applied_after_ns) == ("applied", MS_NS, None)


def test_cancels_are_commands_of_their_own() -> None:
    (book, _), order = _book(), _order()
    book.add(CancelOrder(command_id=uuid4(), source="ui", order_id=order.command_id, sent_ns=NOW_NS), NOW_NS)
    book.add(CancelAll(command_id=uuid4(), source="ui", sent_ns=NOW_NS), NOW_NS)
    assert [(view.kind, view.order_id) for view in book.all()] == [("cancel", order.command_id), ("cancel_all", None)]


def test_after_a_step_back_of_the_clock_the_newest_is_the_last_and_is_not_the_one_that_is_forgotten() -> None:
    book, _ = _book()
    before = [_order() for _ in range(MAX_COMMANDS)]
    for order in before:
        book.add(order, NOW_NS)
    after = _order(sent_ns=NOW_NS - 3_600_000 * MS_NS)
    book.add(after, NOW_NS)
    history = [AnsweredCommand(command=order, result=_accepted(order)) for order in (*before[-3:], after)]
    book.take_over(history, NOW_NS)
    assert [one.command_id for one in book.all()] == [order.command_id for order in (*before[1:], after)]

    restarted, _ = _book()
    restarted.take_over(history, NOW_NS)
    newest = _order(sent_ns=NOW_NS - 3_600_000 * MS_NS + 1)
    restarted.add(newest, NOW_NS)
    assert [one.command_id for one in restarted.all()] == [order.command_id for order in (*before[-3:], after, newest)]
