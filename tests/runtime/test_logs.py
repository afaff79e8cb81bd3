"""A flood of events is not a flood of lines."""

from structlog.testing import capture_logs

from telemetry_runtime import RateLimitedWarning
from telemetry_runtime.fakes import FakeClock


async def test_what_may_happen_once_a_message_is_logged_once_a_second_with_how_often_it_was() -> None:
    clock = FakeClock()
    with capture_logs() as lines:
        log = RateLimitedWarning("gap_found", monotonic_ns=clock.monotonic_ns)
        for lost in range(500):
            log.log(lost_trades=lost)
        await clock.advance(1)
        log.log(lost_trades=7)
    logged = [(line["event"], line["times"], line["lost_trades"]) for line in lines]
    assert logged == [("gap_found", 1, 0), ("gap_found", 500, 7)]
