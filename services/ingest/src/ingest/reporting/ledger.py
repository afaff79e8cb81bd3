"""What ingest has done with every message since it started. The outcomes are disjoint and add up to what came."""

from collections import Counter
from dataclasses import dataclass, field

from ingest.checking.checker import Checked, Tally


@dataclass(slots=True)
class Ledger:
    """Messages by outcome, refused ones also by reason and in trades, commands by outcome and reason."""

    messages: Tally = field(default_factory=Tally)
    refused: Counter[str] = field(default_factory=Counter)
    refused_trades: int = 0
    """Trades that the refused messages stood for, as far as they could be read."""
    commands: Counter[tuple[str, str]] = field(default_factory=Counter)

    def count(self, checked: Checked) -> None:
        """Adds what a burst came to."""
        self.messages.accepted += checked.tally.accepted
        self.messages.refused += checked.tally.refused
        self.messages.duplicate += checked.tally.duplicate
        self.messages.ignored += checked.tally.ignored
        for refusal in checked.refusals:
            self.refused[refusal.reason] += 1
            self.refused_trades += refusal.trades
