"""What the ticket receives: the prices of the chosen symbol, exact positions, and what stops orders."""

from uuid import uuid4

from telemetry_ticket import Answer, TicketFacts
from tests.helpers.views import NOW_NS, S_NS, FakeLink, at, desk, page_state, position, quoted, status
from ui.instant import Instant
from ui.page.model import ticket_facts
from ui.wire import Problem


def _facts(link: FakeLink, selected: str | None = "BTC-USD", now_ns: int = NOW_NS) -> TicketFacts:
    return ticket_facts.ticket(link.view, at(now_ns), page="trade", selected=selected, pick=None, answers={})


def test_without_data_it_says_nothing_that_is_not_known() -> None:
    facts = _facts(FakeLink(), None)
    assert (facts["symbols"], facts["quote"], facts["limits"], facts["account"]) == ([], None, None, None)
    assert facts["positions"] == []


def test_the_price_of_the_chosen_symbol_has_its_age() -> None:
    quote = _facts(FakeLink().live(), now_ns=NOW_NS + 600 * S_NS)["quote"]
    assert quote is not None
    assert (quote["symbol"], quote["last"], quote["age_ms"]) == ("BTC-USD", 60_060.0, 600_000.0)


def test_a_price_from_a_clock_that_is_ahead_is_new_and_one_of_a_recording_has_no_age() -> None:
    link = FakeLink().live()
    quote = _facts(link, now_ns=NOW_NS - S_NS)["quote"]
    assert quote is not None
    assert quote["age_ms"] == 0
    link.model.apply(page_state(problems=[Problem(code="replay", severity="info", title="x")]), at(NOW_NS))
    quote = _facts(link)["quote"]
    assert quote is not None
    assert quote["age_ms"] is None


def test_bid_and_ask_have_an_age_of_their_own_and_one_of_a_recording_has_none() -> None:
    link = FakeLink().live()
    link.model.apply(quoted(2, bid=60_059.5, ask=60_060.5, age_ns=2 * S_NS), at(NOW_NS))
    quote = _facts(link, now_ns=NOW_NS + S_NS)["quote"]
    assert quote is not None
    assert (quote["bid"], quote["ask"], quote["age_ms"], quote["bid_ask_age_ms"]) == (60_059.5, 60_060.5, 1_000, 3_000)
    link.model.apply(page_state(problems=[Problem(code="replay", severity="info", title="x")]), at(NOW_NS))
    quote = _facts(link)["quote"]
    assert quote is not None
    assert quote["bid_ask_age_ms"] is None


def test_positions_have_all_digits_and_flat_ones_are_left_out() -> None:
    link = FakeLink().live()
    held = [position(qty=0.1 + 0.2), position("ETH-USD", qty=-1e-9), position("SOL-USD", qty=0.0)]
    link.model.apply(status(2, desk_state=desk(positions=held)), at(NOW_NS))
    assert [(one["symbol"], one["qty"]) for one in _facts(link)["positions"]] == [
        ("BTC-USD", "0.30000000000000004"),
        ("ETH-USD", "-0.000000001"),
    ]


def test_what_stops_orders_is_shown_and_other_problems_are_not() -> None:
    link = FakeLink().live()
    away = Problem(code="ingest_away", severity="error", title="Ingest is away", detail="Orders are refused.")
    other = Problem(code="feed_stale", severity="error", title="A feed is stale")
    link.model.apply(page_state(problems=[other]), at(NOW_NS))
    assert _facts(link)["trouble"] is None
    link.model.apply(page_state(problems=[other, away]), at(NOW_NS))
    assert _facts(link)["trouble"] == "Ingest is away. Orders are refused."


def test_the_kill_switch_is_unknown_before_the_desk_has_spoken() -> None:
    link, known = FakeLink(), {str(uuid4()): Answer(text="x", tone="good", final=True)}
    assert ticket_facts.kill_switch(link.view, at(NOW_NS), answers={})["engaged"] is None
    link.model.apply(status(desk_state=desk(kill_switch=True)), at(NOW_NS))
    facts = ticket_facts.kill_switch(link.view, at(NOW_NS), answers=known)
    assert (facts["engaged"], facts["answers"]) == (True, known)


def test_a_symbol_that_the_desk_has_no_price_of_is_said_before_the_press_and_one_that_is_not_listed_is_not_judged() -> (
    None
):
    link = FakeLink().live()
    assert _facts(link, "SOL-USD")["trouble"] == (
        "The desk has no live price of SOL-USD yet: it refuses orders until one comes."
    )
    assert _facts(link, None)["trouble"] is None
    many = desk().model_copy(update={"symbols": [f"S{i}" for i in range(500)]})
    link.model.apply(status(2, desk_state=many), at(NOW_NS))
    assert _facts(link, "SOL-USD")["trouble"] is None


def test_ticket_and_kill_switch_wait_as_long_for_a_word_as_the_setting_says() -> None:
    link = FakeLink().live()
    link.model.apply(page_state().model_copy(update={"no_answer_after_s": 7.5}), at(NOW_NS))
    assert _facts(link)["unknown_after_ms"] == 7_500
    assert ticket_facts.kill_switch(link.view, at(NOW_NS), answers={})["unknown_after_ms"] == 7_500
    assert _facts(FakeLink(), None)["unknown_after_ms"] == 2_000


def test_which_facts_are_newer_does_not_depend_on_the_wall_clock() -> None:
    link = FakeLink().live()
    before, after = Instant(NOW_NS, 7 * S_NS), Instant(NOW_NS - 3_600 * S_NS, 8 * S_NS)
    facts = [
        ticket_facts.ticket(link.view, now, page="trade", selected=None, pick=None, answers={})["steady_ms"]
        for now in (before, after)
    ]
    assert facts == [7_000, 8_000]
    assert ticket_facts.kill_switch(link.view, after, answers={})["steady_ms"] == 8_000
