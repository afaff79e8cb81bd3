"""Asks a Prometheus over its HTTP API."""

import json
import math
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any, Final, Protocol

TIMEOUT_S: Final = 10.0


class QueryError(Exception):
    """Prometheus would not answer an expression; carries what it said."""


@dataclass(frozen=True, slots=True)
class Line:
    """One series: its labels, and its values with their times in epoch seconds, NaN where it has none."""

    labels: dict[str, str]
    times_s: list[float]
    values: list[float]

    @property
    def last(self) -> float:
        """The newest value that is a number, or NaN."""
        return next((value for value in reversed(self.values) if not math.isnan(value)), math.nan)


class Queries(Protocol):
    """What can be asked."""

    def at(self, expr: str, time_s: float | None = None) -> list[Line]:
        """An instant query: one value a series."""
        ...

    def over(self, expr: str, start_s: float, end_s: float, step_s: float) -> list[Line]:
        """A range query."""
        ...


class Prometheus:
    """The queries of `url`, such as http://127.0.0.1:9090."""

    def __init__(self, url: str) -> None:
        self._url = url

    def at(self, expr: str, time_s: float | None = None) -> list[Line]:
        """An instant query: one value a series.

        Raises:
            QueryError: the expression is wrong, or there is no answer.
        """
        when = {} if time_s is None else {"time": f"{time_s:.3f}"}
        return [_line(series["metric"], [series["value"]]) for series in self._ask("query", query=expr, **when)]

    def over(self, expr: str, start_s: float, end_s: float, step_s: float) -> list[Line]:
        """A range query.

        Raises:
            QueryError: the expression is wrong, or there is no answer.
        """
        window = {"start": f"{start_s:.3f}", "end": f"{end_s:.3f}", "step": f"{step_s:.3f}"}
        return [_line(series["metric"], series["values"]) for series in self._ask("query_range", query=expr, **window)]

    def _ask(self, what: str, **parameters: str) -> list[dict[str, Any]]:
        url, body = f"{self._url}/api/v1/{what}", urllib.parse.urlencode(parameters).encode()
        try:
            response: HTTPResponse
            with urllib.request.urlopen(url, body, TIMEOUT_S) as response:  # noqa: S310 - the address is the caller's own
                answer: dict[str, Any] = json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                said = error.read().decode(errors="replace")
            raise QueryError(f"{parameters['query']}: {said}") from error
        found: list[dict[str, Any]] = _series(answer["data"])
        return found


def _series(data: dict[str, Any]) -> list[dict[str, Any]]:
    if data["resultType"] == "scalar":
        return [{"metric": {}, "value": data["result"]}]
    found: list[dict[str, Any]] = data["result"]
    return found


def _line(labels: dict[str, str], samples: list[tuple[float, str]]) -> Line:
    return Line(labels, [float(time) for time, _ in samples], [float(value) for _, value in samples])
