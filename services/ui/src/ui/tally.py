"""What the main process counts."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Messages of the backend by outcome; they add up to what came. What they were is in `kinds`."""

    accepted: int = 0
    refused: int = 0
    duplicate: int = 0
    ignored: int = 0
    refused_reasons: Counter[str] = field(default_factory=Counter)
    from_page: int = 0
    from_page_wrong: int = 0

    @property
    def received(self) -> int:
        """All messages of the backend."""
        return self.accepted + self.refused + self.duplicate + self.ignored
