"""Marks on Grafana's dashboards where a load test began and ended; where no Grafana answers, nothing happens."""

import http.client
import json
from urllib.parse import urlsplit

TIMEOUT_S = 1.0
"""A load test does not wait for a dashboard."""


def annotate(grafana_url: str, text: str, *, at_ns: int) -> bool:
    """Whether Grafana took the mark at that time (epoch ns)."""
    parts = urlsplit(grafana_url)
    body = json.dumps({"time": at_ns // 1_000_000, "tags": ["loadtest"], "text": text})
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
    try:
        connection.request("POST", "/api/annotations", body, {"Content-Type": "application/json"})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
