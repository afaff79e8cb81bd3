"""Labels go to sources that are alive, and no counter ever jumps."""

from ingest.checking.source_counts import SourceCounts, SourceTable

S_NS = 1_000_000_000


def _accept(table: SourceTable, *sources: str) -> None:
    for source in sources:
        table.accept(source, 1, 0, numbered=True)


def _accepted(table: SourceTable) -> dict[str, int]:
    return {source: counts.accepted for source, counts in table.sources.items()}


def test_a_silent_source_gives_its_label_up_and_its_counts_end_with_it() -> None:
    table = SourceTable(max_sources=2, idle_s=60)
    _accept(table, "old", "busy")
    table.tick(50 * S_NS)
    _accept(table, "busy", "new")
    assert _accepted(table) == {"old": 1, "busy": 2, "other": 1}
    table.tick(61 * S_NS)
    _accept(table, "new")
    assert _accepted(table) == {"busy": 2, "other": 1, "new": 1}
    assert table.overflow_trades == 1


def test_a_source_that_is_alive_keeps_its_label_whatever_comes() -> None:
    table = SourceTable(max_sources=2, idle_s=60)
    other = 0
    for second in range(200):
        table.tick(second * S_NS)
        _accept(table, "alive", f"junk{second}")
        assert 0 <= _accepted(table).get("other", 0) - other <= 1
        other = _accepted(table).get("other", 0)
    assert table.sources["alive"].accepted == 200
    assert len(table.sources) <= 3


def test_a_label_is_looked_for_once_and_not_for_each_trade_of_a_flood() -> None:
    table = SourceTable(max_sources=1, idle_s=60)
    _accept(table, "alive")
    table.tick(30 * S_NS)
    _accept(table, "junk")
    assert table._free_at_ns == 60 * S_NS


def test_a_peak_never_falls_while_a_loss_is_taken_back() -> None:
    counts = SourceCounts(lost=5)
    counts.report()
    counts.lost -= 3
    counts.report()
    assert (counts.lost, counts.peak_lost) == (2, 5)
