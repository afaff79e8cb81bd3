"""What the services cost: processor time and memory."""

from dataclasses import dataclass
from typing import Protocol

import psutil

from loadtest.scrape import Scrape, Scrapes
from loadtest.stack import Stack


@dataclass(frozen=True, slots=True)
class Reading:
    """Processor time since the start of the process, in seconds, and resident memory, in bytes."""

    cpu_s: float
    rss_bytes: float


@dataclass(frozen=True, slots=True)
class Usage:
    """One service during the run. `cpu_ratio` 1.0 is one core in full."""

    service: str
    cpu_ratio: float
    rss_bytes_before: float
    rss_bytes_most: float


class Meter(Protocol):
    """Reads what the services have used so far."""

    def read(self, look: Scrapes) -> dict[str, Reading]:
        """By service."""
        ...


class ProcessMeter:
    """Asks the operating system, for our own services."""

    def __init__(self, pids: dict[str, int]) -> None:
        self._processes = {service: psutil.Process(pid) for service, pid in pids.items()}

    def read(self, look: Scrapes) -> dict[str, Reading]:  # noqa: ARG002 - see Meter
        """By service."""
        return {service: _reading(process) for service, process in self._processes.items()}


def _reading(process: psutil.Process) -> Reading:
    with process.oneshot():
        times = process.cpu_times()
        return Reading(times.user + times.system, float(process.memory_info().rss))


class MetricsMeter:
    """Takes the services' word for it; empty for a platform whose processes cannot read it."""

    def read(self, look: Scrapes) -> dict[str, Reading]:
        """By service."""
        return {"ingest": _from_metrics(look.ingest), "analytics": _from_metrics(look.analytics)}


def _from_metrics(scrape: Scrape) -> Reading:
    return Reading(scrape.total("process_cpu_seconds_total"), scrape.total("process_resident_memory_bytes"))


def meter_of(stack: Stack) -> Meter:
    """The best there is."""
    return ProcessMeter(stack.pids) if stack.is_own else MetricsMeter()


class UsageLog:
    """Keeps the readings of a run."""

    def __init__(self, first: dict[str, Reading], at_s: float) -> None:
        self._first, self._first_s = first, at_s
        self._last, self._last_s = first, at_s
        self._most = {service: reading.rss_bytes for service, reading in first.items()}

    def add(self, readings: dict[str, Reading], at_s: float) -> None:
        """Adds a reading of every service, taken at `at_s` seconds."""
        self._last, self._last_s = readings, at_s
        for service, reading in readings.items():
            self._most[service] = max(self._most[service], reading.rss_bytes)

    def usage(self) -> list[Usage]:
        """What it comes to, from the first reading to the last."""
        span_s = max(self._last_s - self._first_s, 1e-9)
        return [
            Usage(service, (self._last[service].cpu_s - first.cpu_s) / span_s, first.rss_bytes, self._most[service])
            for service, first in self._first.items()
        ]
