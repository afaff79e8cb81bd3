"""What the services say about themselves: their /metrics, parsed, and what has changed between two looks."""

import http.client
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import urlsplit, urlunsplit

from hdrh.histogram import HdrHistogram
from prometheus_client.parser import text_string_to_metric_families

from loadtest.latency import from_buckets

TIMEOUT_S = 10.0
"""A service that does not answer within this is away; under full load an answer takes milliseconds longer."""

Labels: TypeAlias = frozenset[tuple[str, str]]


class AwayError(OSError):
    """Nothing answers at an address, or not as it should."""


def get(url: str, *, timeout_s: float = TIMEOUT_S) -> str:
    """The body of a page.

    Raises:
        AwayError: nothing answers in time, or not with 200.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_s)
    try:
        connection.request("GET", urlunsplit(parts._replace(scheme="", netloc="")) or "/")
        answer = connection.getresponse()
        body = answer.read().decode()
    except (OSError, http.client.HTTPException) as error:
        raise AwayError(f"{url} does not answer: {error}") from error
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise AwayError(f"{url} answers {answer.status}")
    return body


@dataclass(frozen=True, slots=True)
class Scrape:
    """The samples of one look: by name and labels."""

    samples: dict[tuple[str, Labels], float] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Scrape":
        """From Prometheus' text format."""
        return cls(
            {
                (sample.name, frozenset(sample.labels.items())): sample.value
                for family in text_string_to_metric_families(text)
                for sample in family.samples
            }
        )

    def total(self, name: str, where: Callable[[dict[str, str]], bool] = lambda _: True, /, **labels: str) -> float:
        """The sum over the samples of that name that have these labels and satisfy `where`; 0 for none."""
        wanted = labels.items()
        return sum(
            value for (each, has), value in self.samples.items() if each == name and wanted <= has and where(dict(has))
        )

    def since(self, before: "Scrape") -> "Scrape":
        """What was added to each sample. A counter that went back was started anew: then it counts in full."""
        changed: dict[tuple[str, Labels], float] = {}
        for key, value in self.samples.items():
            old = before.samples.get(key, 0.0)
            changed[key] = value - old if value >= old else value
        return Scrape(changed)

    def histogram(self, name: str, **labels: str) -> HdrHistogram:
        """A histogram's observations, in nanoseconds."""
        wanted = labels.items()
        buckets = sorted(
            (float(dict(has)["le"]), round(value))
            for (each, has), value in self.samples.items()
            if each == f"{name}_bucket" and wanted <= has
        )
        cumulative = [count for _, count in buckets]
        counts = [count - below for count, below in zip(cumulative, [0, *cumulative], strict=False)]
        return from_buckets([bound for bound, _ in buckets], counts)


@dataclass(frozen=True, slots=True)
class Scrapes:
    """Both services at one moment."""

    ingest: Scrape
    analytics: Scrape

    def since(self, before: "Scrapes") -> "Scrapes":
        """What was added."""
        return Scrapes(self.ingest.since(before.ingest), self.analytics.since(before.analytics))


def scrape_both(ingest_url: str, analytics_url: str) -> Scrapes:
    """Looks at analytics first, so that it never seems to have applied more than ingest has accepted.

    Raises:
        AwayError: one of them does not answer.
    """
    analytics = Scrape.parse(get(f"{analytics_url}/metrics"))
    return Scrapes(Scrape.parse(get(f"{ingest_url}/metrics")), analytics)
