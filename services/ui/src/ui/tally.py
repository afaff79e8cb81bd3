"""What the main process counts."""

from collections import Counter
from dataclasses import dataclass, field

from telemetry_runtime import MessageCounts


@dataclass(slots=True)
class Tally:
    """Messages of the backend by outcome, and the refused ones by reason."""

    messages: MessageCounts = field(default_factory=MessageCounts)
    refused_reasons: Counter[str] = field(default_factory=Counter)
