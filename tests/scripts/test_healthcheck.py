"""The containers' health check against a server that answers as a service would."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class Readiness(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/readyz" else 404)
        self.end_headers()
        self.wfile.write(b"sockets bound")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Silent."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Readiness) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def check(port: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", str(ROOT / "scripts/healthcheck.py")],
        env={"SERVICE": "ingest", "INGEST_HTTP_PORT": str(port)},
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )


@pytest.mark.parametrize(("status", "exit_code"), [(200, 0), (503, 1)])
def test_the_container_is_healthy_when_the_service_is_ready(
    server: HTTPServer, monkeypatch: pytest.MonkeyPatch, status: int, exit_code: int
) -> None:
    monkeypatch.setattr(Readiness, "status", status)
    done = check(server.server_port)
    assert (done.returncode, done.stderr.strip()) == (exit_code, f"{status} sockets bound")


def test_a_service_that_does_not_listen_is_unhealthy_with_one_clear_line(server: HTTPServer) -> None:
    port = server.server_port
    server.server_close()
    done = check(port)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
