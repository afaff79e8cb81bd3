"""Marks in Grafana."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from loadtest.annotate import annotate
from tests.helpers.ports import held_port


class Grafana(BaseHTTPRequestHandler):
    """Takes annotations, or refuses them as Grafana does for viewers."""

    taken: list[dict[str, object]]
    status: int

    def do_POST(self) -> None:
        self.taken.append({"path": self.path, **json.loads(self.rfile.read(int(self.headers["Content-Length"])))})
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def grafana() -> Iterator[tuple[type[Grafana], str]]:
    handler = type("Handler", (Grafana,), {"taken": [], "status": 200})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield handler, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_mark_has_its_time_and_its_words(grafana: tuple[type[Grafana], str]) -> None:
    handler, url = grafana
    assert annotate(url, "load test begins", at_ns=1_700_000_000_123_000_000)
    assert handler.taken == [
        {"path": "/api/annotations", "time": 1_700_000_000_123, "tags": ["loadtest"], "text": "load test begins"}
    ]


def test_a_grafana_that_refuses_is_no_error(grafana: tuple[type[Grafana], str]) -> None:
    handler, url = grafana
    handler.status = 403
    assert not annotate(url, "load test begins", at_ns=0)


def test_no_grafana_is_no_error() -> None:
    with held_port() as port:
        assert not annotate(f"http://127.0.0.1:{port}", "load test begins", at_ns=0)
