"""A gauge: the name under which a study's value is exported, and what it means."""

import re
from dataclasses import dataclass
from typing import Final

from telemetry_studies.errors import StudyError

PREFIX: Final = "trading_study_"
MAX_VALUES: Final = 100
"""Most values that the label of one gauge may have for one symbol."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,99}")
_RESERVED_LABELS: Final = {"symbol", "origin", "le", "quantile", "job", "instance"}


@dataclass(frozen=True, slots=True)
class Gauge:
    """One value a symbol, or, with a `label`, one for each of its values (at most `max_values`)."""

    name: str
    help: str
    label: str | None = None
    max_values: int = 10

    @property
    def metric(self) -> str:
        """Its name in Prometheus."""
        return PREFIX + self.name


def gauge(name: str, help_text: str, *, label: str | None = None, max_values: int = 10) -> Gauge:
    """A gauge of a study; it becomes `trading_study_NAME{symbol, origin}`.

    Args:
        name: lower-case letters, digits and `_`; ends with its unit: `_ratio`, `_seconds`.
        help_text: one sentence with the unit; shown by Prometheus, Grafana and the page.
        label: name of a further label; the study then returns a dict of values by label value.
        max_values: most values of that label for one symbol; what comes beyond is refused.

    Raises:
        StudyError: a name or text that cannot be exported.
    """
    if not _NAME.fullmatch(name):
        raise StudyError(f"gauge name {name!r}: use lower-case letters, digits and _, beginning with a letter")
    if name.endswith(("_total", "_bucket", "_count", "_sum")):
        raise StudyError(f"gauge name {name!r}: this ending is for counters and histograms")
    if not help_text.strip() or not help_text.isprintable():
        raise StudyError(f"gauge {name!r}: say in one sentence, on one line, what it is and its unit")
    if label is not None and (not _NAME.fullmatch(label) or label in _RESERVED_LABELS):
        raise StudyError(f"gauge {name!r}: {label!r} cannot be its label")
    if not 1 <= max_values <= MAX_VALUES:
        raise StudyError(f"gauge {name!r}: max_values {max_values} is not between 1 and {MAX_VALUES}")
    return Gauge(name, help_text.strip(), label, max_values)
