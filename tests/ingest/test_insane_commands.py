"""Whatever a command, a report or a message about orders says: one outcome, a bounded loss, and trades go on."""

from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.checking.checker import Checker
from ingest.checking.run_window import MAX_JUMP_TRADES
from ingest.checking.sequences import SequenceTracker
from ingest.desk.desk import Desk
from ingest.desk.limits import DeskLimits
from ingest.reporting.ledger import IngestLedger
from telemetry_runtime.fakes import burst_of
from tests.helpers.insane import insane_messages
from tests.helpers.trades import NOW_NS, frame, trade

LIMITS = DeskLimits(max_qty=10, max_notional=100_000, price_band_ratio=0.1, max_commands_per_s=5)


@pytest.mark.parametrize(
    "name",
    ["command", "kill_switch", "cancel", "cancel_all", "alive", "end", "order", "quote", "position", "rate_limit"],
)
@given(data=st.data())
def test_an_insane_message_has_one_outcome_and_stops_nothing(name: str, data: st.DataObject) -> None:
    sequences = SequenceTracker(max_runs=9, max_sources=9)
    checker, desk, ledger = (
        Checker(sequences, max_ahead_ns=5_000_000_000),
        Desk(LIMITS, account="paper"),
        IngestLedger(),
    )
    messages = data.draw(st.lists(insane_messages(name), min_size=1, max_size=3))
    for message in [*messages, *messages, frame(trade())]:
        checked = checker.check(burst_of(message), NOW_NS)
        desk.last_prices.note(checked.chunks, 0)
        ledger.count(checked, desk.execute(checked.commands, NOW_NS, 0))
    assert ledger.messages.received == 2 * len(messages) + 1
    assert sequences.sources["bot"].accepted == 1
    lost = sum(counts.lost for counts in sequences.sources.values())
    assert lost <= len(messages) * MAX_JUMP_TRADES
    assert all(len(refusal) < 64 for refusal in ledger.refused)
    assert all(isfinite(position.qty) for position in desk.state().positions)
