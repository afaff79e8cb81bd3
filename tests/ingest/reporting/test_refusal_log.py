"""Who is refused, and why, stands in the log, but not once a message."""

from structlog.testing import capture_logs

from ingest.checking.outcomes import Refusal
from ingest.reporting.refusal_log import INTERVAL_S, MAX_SOURCES, RefusalLog
from telemetry_runtime.fakes import FakeClock


def _refusal(source: str | None, reason: str = "bad_name") -> Refusal:
    return Refusal(reason, "symbol: too long", b"{}", source=source)


async def test_each_reason_and_source_has_a_line_a_minute() -> None:
    clock = FakeClock()
    log = RefusalLog(monotonic_ns=clock.monotonic_ns)
    with capture_logs() as lines:
        for _ in range(100):
            log.log([_refusal("a"), _refusal("b"), _refusal("b", "not_json")])
        clock.set_wall(3600)
        log.log([_refusal("a")])
        await clock.advance(INTERVAL_S)
        log.log([_refusal("a")])
    assert [(line["reason"], line["source"], line["times"]) for line in lines] == [
        ("bad_name", "a", 1),
        ("bad_name", "b", 1),
        ("not_json", "b", 1),
        ("bad_name", "a", 101),
    ]


async def test_a_flood_of_names_does_not_flood_the_log_and_is_forgotten() -> None:
    clock = FakeClock()
    log = RefusalLog(monotonic_ns=clock.monotonic_ns)
    with capture_logs() as lines:
        log.log([_refusal(f"bot{number}") for number in range(10_000)])
    assert len(lines) == MAX_SOURCES + 1
    await clock.advance(3_600)
    with capture_logs() as lines:
        log.log([_refusal("bot20000")])
    assert [line["source"] for line in lines] == ["bot20000"]
