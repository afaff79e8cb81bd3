"""What a request for /metrics accepts."""

import pytest

from telemetry_runtime.accept import TextFormat, format_asked, takes_gzip

PLAIN, OPEN = TextFormat.PROMETHEUS, TextFormat.OPENMETRICS
NAME = "application/openmetrics-text"


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        ("", PLAIN),
        ("*/*", PLAIN),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", PLAIN),
        ("text/plain;version=0.0.4", PLAIN),
        (NAME, OPEN),
        (f"{NAME}; version=1.0.0; charset=utf-8", OPEN),
        (
            f"{NAME};version=1.0.0;escaping=allow-utf-8;q=0.5,{NAME};version=0.0.1;q=0.4,text/plain;q=0.3,*/*;q=0.1",
            OPEN,
        ),
        (f"{NAME};version=2.0.0", PLAIN),
        (f"{NAME};version=2.0.0;q=0.6,{NAME};version=1.0.0;q=0.5,*/*;q=0.1", OPEN),
        (f"{NAME};q=0", PLAIN),
        (f"{NAME};q=0,*/*;q=1", PLAIN),
        (f"{NAME};q=0.3,text/plain;q=0.5", PLAIN),
        (f"{NAME};q=0.5,text/plain;q=0.5", OPEN),
        (f"{NAME};q=0.5,text/*;q=0.6", PLAIN),
        (f"{NAME};q=0.5,text/plain;q=0.2,*/*;q=0.9", OPEN),
        (f"{NAME.upper()} ; Q=0.5", OPEN),
        (f"{NAME};q=many", PLAIN),
        (f"{NAME};q=nan", PLAIN),
        (f"{NAME};q=7", PLAIN),
        (f'{NAME};version="1.0.0"', OPEN),
        (";;,=;q=,", PLAIN),
    ],
)
def test_openmetrics_is_for_those_who_name_it_and_want_it_at_least_as_much(accept: str, answer: TextFormat) -> None:
    assert format_asked(accept) is answer


@pytest.mark.parametrize(
    ("accept_encoding", "takes"),
    [("", False), ("gzip", True), ("deflate, GZIP;q=0.5", True), ("gzip;q=0.000", False), ("br", False), ("*", False)],
)
def test_an_answer_is_compressed_for_those_who_name_gzip(accept_encoding: str, takes: bool) -> None:  # noqa: FBT001 - a parameter
    assert takes_gzip(accept_encoding) is takes
