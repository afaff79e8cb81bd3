"""Which runs a table of trades holds, and whether the numbers of each follow each other. Pure."""

from ingest.checking.run_window import Stamps
from ingest.checking.sequences import RunKey, RunSpan
from telemetry_schema.batch import Records, TradeTable


def runs_of(table: TradeTable, records: Records) -> dict[RunKey, RunSpan]:
    """The span of each run, in the order in which they begin; `records` are the table's."""
    if len(table.senders) == 1:
        newest = int(records["event_ns"].max()), int(records["sent_ns"].max())
        return {table.senders[0]: _span(table.seq, (table.event_ns[0], *newest))}
    rows: dict[RunKey, list[int]] = {}
    for row, sender in enumerate(table.senders):
        rows.setdefault(sender, []).append(row)
    return {sender: _span([table.seq[row] for row in each], _stamps(table, each)) for sender, each in rows.items()}


def _stamps(table: TradeTable, rows: list[int]) -> Stamps:
    event_ns, sent_ns = table.event_ns, table.sent_ns
    return event_ns[rows[0]], max(event_ns[row] for row in rows), max(sent_ns[row] for row in rows)


def _span(numbers: list[int | None], stamps: Stamps) -> RunSpan:
    first, count = numbers[0], len(numbers)
    if first is None:
        return RunSpan(None, count, numbers.count(None) == count, stamps)
    return RunSpan(first, count, numbers == list(range(first, first + count)), stamps)
