"""Prometheus' text format and OpenMetrics, for many series at once.

prometheus_client builds an object and a string of labels for each sample at each scrape: 13,000 samples (200 symbols,
four windows) take it over 100 ms, during which no trade is applied. Here what comes before the value is made once, and
a family is a list of values.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Literal, NamedTuple, TypeAlias

Labels: TypeAlias = tuple[tuple[str, str], ...]

_NOT_NUMBERS: Final = ((" nan\n", " NaN\n"), (" inf\n", " +Inf\n"), (" -inf\n", " -Inf\n"))
"""How Python and Prometheus spell them."""


Keys: TypeAlias = Iterable[tuple[str, Labels]]
"""The ends of the names (`_bucket`) and the labels of some series."""


SERIES_A_STEP: Final = 500
"""Series whose labels are written without a break: about a millisecond."""


class LabelledSeries:
    """The series of one family, in the order of their values.

    The labels are only kept as text: 13,000 series of tuples take 5 MB. They are written when they are first asked for,
    or before that in steps: at the first look after a start a family may have thousands of them.

    Args:
        name: of the family.
        keys: gives the end of the name and the labels of each series.
        prefixes: what comes before each value; by default written from the keys.
    """

    def __init__(
        self, name: str, keys: Callable[[], Keys], prefixes: Callable[[], Iterator[str]] | None = None
    ) -> None:
        self.keys = keys
        self._written: list[str] = []
        self._unwritten = _prefixes(name, keys()) if prefixes is None else prefixes()

    def steps(self) -> Iterator[None]:
        """Writes the labels, at most so many at a time."""
        while some := list(islice(self._unwritten, SERIES_A_STEP)):
            self._written += some
            yield

    @property
    def prefixes(self) -> list[str]:
        """What comes before each value."""
        self._written += self._unwritten
        return self._written


def _prefixes(name: str, keys: Keys) -> Iterator[str]:
    for suffix, labels in keys:
        yield f"{name}{suffix}{_braces(labels)} "


class SampleExemplar(NamedTuple):
    """One event that stands for a sample: the order's id, its value, and when it was (UTC epoch nanoseconds)."""

    order_id: str
    value: float
    at_ns: int


_EXEMPLAR_LABEL: Final = "order_id"
_MAX_EXEMPLAR_CHARS: Final = 128
"""Of an exemplar's labels, their names counted; OpenMetrics allows no more."""


def histogram_series(name: str, keys: Sequence[Labels], bounds: Sequence[float], *, has_sum: bool) -> LabelledSeries:
    """The series of histograms, each with its buckets, its count and its sum; seven thousand are made in 3 ms."""
    edges = (*(str(float(bound)) for bound in bounds), "+Inf")
    ends = ("count", "sum") if has_sum else ("count",)

    def series() -> Iterator[tuple[str, Labels]]:
        for labels in keys:
            yield from (("_bucket", (*labels, ("le", edge))) for edge in edges)
            yield from ((f"_{end}", labels) for end in ends)

    def prefixes() -> Iterator[str]:
        for labels in keys:
            braces = _braces(labels)  # escaped once, not once a bucket
            yield from (f'{name}_bucket{braces[:-1]},le="{edge}"}} ' for edge in edges)
            yield from (f"{name}_{end}{braces} " for end in ends)

    return LabelledSeries(name, series, prefixes)


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with all its series. A counter's name ends with `_total`.

    `exemplars` are by the place of their series; only OpenMetrics has them.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    series: LabelledSeries
    values: Sequence[float]
    exemplars: Mapping[int, SampleExemplar] = field(default_factory=dict)


def openmetrics_text(family: Family) -> str:
    """The family as OpenMetrics: a counter is named without `_total`, a histogram without a sum has no count either."""
    name = family.name.removesuffix("_total") if family.kind == "counter" else family.name
    head = f"# HELP {name} {_escaped(family.help, quotes=True)}\n# TYPE {name} {family.kind}\n"
    pairs = zip(family.series.prefixes, family.values, strict=True)
    lines = [f"{prefix}{value!r}\n" for prefix, value in pairs]
    for place, exemplar in family.exemplars.items():
        if len(exemplar.order_id) + len(_EXEMPLAR_LABEL) <= _MAX_EXEMPLAR_CHARS:
            lines[place] = f"{lines[place][:-1]} # {_exemplar(exemplar)}\n"
    if family.kind == "histogram" and not any(prefix.startswith(f"{name}_sum") for prefix in family.series.prefixes):
        lines = [line for line in lines if not line.startswith(f"{name}_count")]
    return head + _spelled("".join(lines))


def _exemplar(exemplar: SampleExemplar) -> str:
    seconds, rest_ns = divmod(exemplar.at_ns, 1_000_000_000)
    label = _escaped(exemplar.order_id, quotes=True)
    return f'{{{_EXEMPLAR_LABEL}="{label}"}} {exemplar.value!r} {seconds}.{rest_ns // 1_000_000:03}'


def text(family: Family) -> str:
    """The family as text."""
    head = f"# HELP {family.name} {_escaped(family.help)}\n# TYPE {family.name} {family.kind}\n"
    pairs = zip(family.series.prefixes, family.values, strict=True)
    lines = "".join([f"{prefix}{value!r}\n" for prefix, value in pairs])
    return head + _spelled(lines)


def _spelled(lines: str) -> str:
    for python, prometheus in _NOT_NUMBERS:
        lines = lines.replace(python, prometheus)
    return lines


def _braces(labels: Labels) -> str:
    inside = ",".join(f'{name}="{_escaped(value, quotes=True)}"' for name, value in labels)
    return f"{{{inside}}}" if inside else ""


def _escaped(value: str, *, quotes: bool = False) -> str:
    escaped = value.replace("\\", r"\\").replace("\n", r"\n")
    return escaped.replace('"', r"\"") if quotes else escaped
