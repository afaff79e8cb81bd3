"""What the services cost."""

import os

from loadtest.scrape import Scrape, Scrapes
from loadtest.usage import MetricsMeter, ProcessMeter, Reading, UsageLog

EMPTY = Scrapes(Scrape(), Scrape())


def test_cost_is_counted_from_the_first_reading_to_the_last() -> None:
    log = UsageLog({"ingest": Reading(10.0, 1e6)}, at_s=100.0)
    log.add({"ingest": Reading(11.0, 3e6)}, at_s=101.0)
    log.add({"ingest": Reading(11.5, 2e6)}, at_s=102.0)
    (usage,) = log.usage()
    assert usage.cpu_ratio == 0.75
    assert (usage.rss_bytes_before, usage.rss_bytes_most) == (1e6, 3e6)


def test_our_own_services_are_read_from_the_operating_system() -> None:
    reading = ProcessMeter({"ingest": os.getpid()}).read(EMPTY)["ingest"]
    assert reading.cpu_s > 0
    assert reading.rss_bytes > 1e6


def test_other_services_are_read_from_their_own_metrics() -> None:
    ingest = Scrape.parse(
        "# TYPE process_cpu_seconds counter\nprocess_cpu_seconds_total 3.5\n"
        "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes 7e7\n"
    )
    assert MetricsMeter().read(Scrapes(ingest, Scrape())) == {
        "ingest": Reading(3.5, 7e7),
        "analytics": Reading(0.0, 0.0),
    }
