"""What the main process counts."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Messages of the backend by outcome; they add up to what came."""

    accepted: int = 0
    refused: int = 0
    duplicate: int = 0
    ignored: int = 0
    refused_reasons: Counter[str] = field(default_factory=Counter)
