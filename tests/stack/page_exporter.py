"""A page's service whose every number is known: what Prometheus scrapes as the job `ui`."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

ROUND_TRIPS: Final = 40
"""Orders of the page, each answered within 5 to 10 ms."""

STEPPED: Final = {
    'telemetry_ui_command_seconds_bucket{until="answer",le="0.005"}': 0,
    'telemetry_ui_command_seconds_bucket{until="answer",le="0.01"}': ROUND_TRIPS,
    'telemetry_ui_command_seconds_bucket{until="answer",le="1.0"}': ROUND_TRIPS,
    'telemetry_ui_command_seconds_bucket{until="answer",le="+Inf"}': ROUND_TRIPS,
    'telemetry_ui_command_seconds_count{until="answer"}': ROUND_TRIPS,
    'telemetry_ui_commands_total{status="accepted"}': ROUND_TRIPS,
    "telemetry_ui_page_skipped_messages_total": 30,
    'telemetry_messages_total{service="ui",outcome="accepted"}': 500,
}
"""Counters, and by how much they rise at once when the page is used."""

SLOW: Final = {
    'telemetry_ui_command_seconds_bucket{until="answer",le="+Inf"}',
    'telemetry_ui_command_seconds_count{until="answer"}',
}
"""What rises with every order that takes longer than the highest bound but one."""

STARTS: Final = 8

STEADY: Final = {
    "telemetry_ui_page_starts_total": 1,
    'telemetry_ui_silence_seconds{service="ingest"}': 0.25,
    'telemetry_ui_silence_seconds{service="analytics"}': 0.5,
}


class PlantedPage:
    """Its metrics; they rise when it is used."""

    def __init__(self) -> None:
        self._used = self._failing = False
        self._scrapes = 0
        self._started_s = time.time()
        self.port = 0

    def use(self) -> None:
        """Orders, messages and skipped ones, all at once."""
        self._used = True

    def fail(self) -> None:
        """From now on every scrape finds another process, the page is started again and again, and answers are slow."""
        self._failing = True

    def text(self) -> str:
        """What /metrics says."""
        stepped = {name: value * self._used for name, value in STEPPED.items()}
        values = {**STEADY, **stepped, "process_start_time_seconds": self._started_s}
        if self._failing:
            self._scrapes += 1
            values |= {name: value + self._scrapes for name, value in values.items() if name in SLOW}
            values["process_start_time_seconds"] += min(self._scrapes, STARTS)
            values["telemetry_ui_page_starts_total"] += min(self._scrapes, STARTS)
        return "".join(f"{name} {value}\n" for name, value in values.items())


@contextmanager
def planted_page() -> Iterator[PlantedPage]:
    """The page's service on a port of its own, gone afterwards."""
    page = PlantedPage()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = page.text().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            with suppress(BrokenPipeError):  # Prometheus has given up waiting
                self.wfile.write(body)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the parent's name
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        page.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, name="planted page")
        thread.start()
        try:
            yield page
        finally:
            server.shutdown()
            thread.join()
