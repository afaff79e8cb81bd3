"""What was measured, as it goes into the JSON file and the table. Pure."""

from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Compared:
    """The same thing done by us and by the limit, alternately: one figure each a repeat, and their ratio."""

    name: str
    unit: str
    ours: list[float]
    limit: list[float]

    @property
    def ratios(self) -> list[float]:
        """Ours / limit, repeat by repeat."""
        return [ours / limit for ours, limit in zip(self.ours, self.limit, strict=True)]

    def as_dict(self) -> dict[str, object]:
        """With the medians."""
        return {
            "name": self.name,
            "unit": self.unit,
            "ours": self.ours,
            "limit": self.limit,
            "median_ours": median(self.ours),
            "median_limit": median(self.limit),
            "median_ratio": median(self.ratios),
        }


@dataclass(frozen=True, slots=True)
class TargetCheck:
    """A figure that is to be reached, and whether it is."""

    what: str
    target: str
    measured: str
    is_hit: bool


def at_least(what: str, measured: float, least: float, show: str = "{:.2f}") -> TargetCheck:
    """A target that is hit by at least `least`."""
    return TargetCheck(what, f"≥ {show.format(least)}", show.format(measured), measured >= least)


def at_most(what: str, measured: float, most: float, show: str = "{:.2f}") -> TargetCheck:
    """A target that is hit by at most `most`."""
    return TargetCheck(what, f"≤ {show.format(most)}", show.format(measured), measured <= most)
