"""Refused messages by source: labels are bounded, given up in time, and sums never fall."""

from ingest.reporting.refused_sources import RefusedSources

S = 1_000_000_000


def total(refused: RefusedSources) -> int:
    return sum(counts.total() for counts in refused.reasons.values())


def test_each_source_has_its_reasons_and_a_message_of_nobody_has_none() -> None:
    refused = RefusedSources(max_sources=2)
    refused.add("bot", "bad_name")
    refused.add("bot", "bad_name", 2)
    refused.add("feed", "out_of_range")
    refused.add(None, "not_json")
    assert {source: dict(reasons) for source, reasons in refused.reasons.items()} == {
        "": {"not_json": 1},
        "bot": {"bad_name": 3},
        "feed": {"out_of_range": 1},
    }


def test_beyond_the_budget_sources_are_other_and_a_flood_of_names_takes_no_label_away() -> None:
    refused = RefusedSources(max_sources=2, idle_s=60)
    refused.add("bot", "bad_name")
    for number in range(1_000):
        refused.tick(number * S // 100)
        refused.add(f"hostile-{number}", "bad_name")
    refused.add("bot", "bad_name")
    assert set(refused.reasons) == {"", "bot", "hostile-0", "other"}
    assert refused.reasons["bot"]["bad_name"] == 2
    assert total(refused) == 1_002


def test_a_source_that_was_not_refused_for_long_gives_its_label_up_and_the_sum_stays() -> None:
    refused = RefusedSources(max_sources=2, idle_s=60)
    refused.add("old", "bad_name", 5)
    refused.tick(30 * S)
    refused.add("bot", "bad_name")
    refused.tick(61 * S)
    refused.add("new", "not_json")
    assert {source: dict(reasons) for source, reasons in refused.reasons.items()} == {
        "": {},
        "bot": {"bad_name": 1},
        "new": {"not_json": 1},
        "other": {"bad_name": 5},
    }
    refused.tick(62 * S)
    refused.add("old", "bad_name")
    assert refused.reasons["other"]["bad_name"] == 6


def test_a_source_by_the_name_of_other_is_the_others() -> None:
    refused = RefusedSources(max_sources=1)
    refused.add("other", "bad_name")
    refused.add("bot", "bad_name")
    assert refused.reasons["bot"]["bad_name"] == 1
