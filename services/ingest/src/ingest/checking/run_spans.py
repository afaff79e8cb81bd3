"""Which runs a table of trades holds, and whether the numbers of each follow each other. Pure."""

from ingest.checking.sequences import RunKey, Span
from telemetry_schema.batch import TradeTable


def runs_of(table: TradeTable) -> dict[RunKey, Span]:
    """The span of each run, in the order in which they begin."""
    if len(table.senders) == 1:
        return {table.senders[0]: _span(table.seq)}
    numbers: dict[RunKey, list[int | None]] = {}
    for sender, seq in zip(table.senders, table.seq, strict=True):
        numbers.setdefault(sender, []).append(seq)
    return {sender: _span(each) for sender, each in numbers.items()}


def _span(numbers: list[int | None]) -> Span:
    first, count = numbers[0], len(numbers)
    if first is None:
        return Span(None, count, numbers.count(None) == count)
    return Span(first, count, numbers == list(range(first, first + count)))
