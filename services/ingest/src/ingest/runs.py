"""Which runs a table of trades holds, and whether the numbers of each follow each other. Pure."""

from ingest.sequences import RunKey, Span
from telemetry_schema.decoder import TradeTable


def runs_of(table: TradeTable) -> dict[RunKey, Span]:
    """The span of each run, in the order in which they begin."""
    if len(set(table.source)) == len(set(table.run)) == 1:
        return {(table.source[0], table.run[0]): _span(table.seq)}
    numbers: dict[RunKey, list[int | None]] = {}
    for source, run, seq in zip(table.source, table.run, table.seq, strict=True):
        numbers.setdefault((source, run), []).append(seq)
    return {key: _span(tuple(each)) for key, each in numbers.items()}


def _span(numbers: tuple[int | None, ...]) -> Span:
    first, count = numbers[0], len(numbers)
    if first is None:
        return Span(None, count, numbers.count(None) == count)
    return Span(first, count, numbers == tuple(range(first, first + count)))
