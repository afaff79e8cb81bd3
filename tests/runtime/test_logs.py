"""A flood of events is not a flood of lines."""

from structlog.testing import capture_logs

from telemetry_runtime.fakes import FakeClock
from telemetry_runtime.logs import SteadyLog


async def test_what_may_happen_once_a_message_is_told_once_a_second_with_how_often_it_was() -> None:
    clock = FakeClock()
    with capture_logs() as lines:
        log = SteadyLog("gap_found", now_ns=clock.now_ns)
        for lost in range(500):
            log.tell(lost_trades=lost)
        await clock.advance(1)
        log.tell(lost_trades=7)
    told = [(line["event"], line["times"], line["lost_trades"]) for line in lines]
    assert told == [("gap_found", 1, 0), ("gap_found", 500, 7)]
