"""A real alert calls a real webhook: soon, once, and again when it is over."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.helpers.compose import COMPOSE_FILE, Stack, docker, eventually
from tests.helpers.market import Flow

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

CALL_LIMIT_S = 30
OVER_LIMIT_S = 90
RECEIVER = """
from http.server import BaseHTTPRequestHandler, HTTPServer

class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        print(self.path, self.rfile.read(int(self.headers["Content-Length"])).decode(), flush=True)
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass

HTTPServer(("0.0.0.0", 9999), Receiver).serve_forever()
"""


@dataclass(frozen=True)
class Webhook:
    """Who is called, in the network of the stack."""

    container: str

    def calls(self, path: str) -> list[dict[str, Any]]:
        lines = [line.partition(" ") for line in docker("logs", self.container).stdout.splitlines()]
        return [json.loads(body) for called, _, body in lines if called == path]

    def notified(self) -> list[tuple[str, str, str]]:
        """The alerts of all notifications: status, name, and whom they are about."""
        return [alert for call in self.calls("/people") for alert in alerts_of(call)]


def alerts_of(call: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The alerts of one notification: status, name, and whom they are about."""
    return [(alert["status"], alert["labels"]["alertname"], alert["labels"].get("job", "")) for alert in call["alerts"]]


def about_analytics(webhook: Webhook) -> list[tuple[str, str, str]]:
    """What people were told about analytics being down or back; whatever else is wrong is another test's."""
    return [alert for alert in webhook.notified() if alert[1:] == ("TargetDown", "analytics")]


@pytest.fixture
def webhook(stack: Stack) -> Iterator[Webhook]:
    image = stack.inspect("ingest")["Config"]["Image"]
    name = f"{stack.project}-receiver"
    place = ["--network", f"{stack.project}_telemetry", "--network-alias", "receiver"]
    run = ["--name", name, "--entrypoint", "/opt/venv/bin/python", image, "-u", "-c", RECEIVER]
    docker("run", "--detach", "--rm", *place, *run)
    try:
        yield Webhook(name)
    finally:
        docker("rm", "--force", name, check=False)


def test_a_dead_analytics_calls_the_webhook_once_within_30_s_and_once_when_it_is_back(
    stack: Stack, webhook: Webhook
) -> None:
    away, back = (status_of(status) for status in ("firing", "resolved"))
    # The watchdog proves that the way is open before anything happens.
    eventually(lambda: webhook.calls("/watchdog") or None, "the watchdog's call", 75)
    # Other tests may have left alerts of other causes, which hold for minutes; they are not waited for.
    quiet = 'absent(ALERTS{job="analytics",alertstate="firing"})'
    eventually(lambda: stack.prometheus.at(quiet) or None, "no word of analytics before the test", 60)
    already = len(about_analytics(webhook))
    with Flow(stack.trades_endpoint):
        began_s = time.monotonic()
        stack.compose("kill", "analytics")
        eventually(lambda: True if away in webhook.notified() else None, "the call", CALL_LIMIT_S + 10)
        assert time.monotonic() - began_s < CALL_LIMIT_S
        stack.compose("up", "--detach", "--wait", "--no-recreate", "analytics")
        eventually(lambda: True if back in webhook.notified() else None, "the call that it is over", OVER_LIMIT_S)
    told = about_analytics(webhook)[already:]
    assert told[told.index(away) :] == [away, back]  # before it may come the end of what an earlier test has done
    (call,) = [call for call in webhook.calls("/people") if away in alerts_of(call)][-1:]
    alert = call["alerts"][alerts_of(call).index(away)]
    assert alert["annotations"]["summary"] == "analytics has not answered on /metrics for 15 s"
    ports = stack.ports
    panel = alert["annotations"]["panel"]
    assert re.fullmatch(rf"http://127\.0\.0\.1:{ports['GRAFANA_PORT']}/d/pipeline\?viewPanel=panel-\d+", panel)
    assert alert["generatorURL"].startswith(f"http://127.0.0.1:{ports['PROMETHEUS_PORT']}/")
    assert call["externalURL"] == f"http://127.0.0.1:{ports['ALERTMANAGER_PORT']}"
    assert set(alert["labels"]) == {"alertname", "cause", "instance", "job", "severity"}


def status_of(status: str) -> tuple[str, str, str]:
    return (status, "TargetDown", "analytics")


@pytest.mark.parametrize(
    ("settings", "receivers"),
    [
        ({}, 0),
        ({"ALERT_WEBHOOK_URL": "http://it's/quoted"}, 1),
        ({"ALERT_SLACK_URL": "https://h/x", "ALERT_SLACK_CHANNEL": "#desk"}, 1),
        ({"ALERT_TELEGRAM_TOKEN": "1:a", "ALERT_TELEGRAM_CHAT_ID": "-12"}, 1),
        ({"ALERT_EMAIL_TO": "a@b.c", "ALERT_EMAIL_FROM": "d@e.f", "ALERT_SMTP_HOST": "h:25"}, 1),
        ({"ALERT_WATCHDOG_URL": "http://w/"}, 1),
    ],
)
def test_amtool_takes_the_configuration_of_every_receiver(settings: dict[str, str], receivers: int) -> None:
    configuration = in_alertmanager(settings, "cat /tmp/alertmanager.yml")
    assert len(re.findall(r"^      - (?:url|api_url|bot_token|to): ", configuration, re.MULTILINE)) == receivers
    assert "SUCCESS" in in_alertmanager(settings, "amtool check-config /tmp/alertmanager.yml")


@pytest.mark.parametrize("settings", [{"ALERT_TELEGRAM_TOKEN": "1:a"}, {"ALERT_EMAIL_TO": "a@b.c"}])
def test_half_of_a_receiver_is_one_line_and_no_start(settings: dict[str, str]) -> None:
    assert re.search(r"alertmanager: \w+ needs \w+", in_alertmanager(settings, "true", check=False))


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=Watchdog severity=none", "watchdog"),
        ("alertname=TargetDown severity=critical cause=service job=ingest", "people"),
        ("alertname=MessagesRefused severity=warning cause=refusal", "people"),
    ],
)
def test_an_alert_goes_to_its_receiver(labels: str, receiver: str) -> None:
    routed = in_alertmanager({}, f"amtool config routes test --config.file=/tmp/alertmanager.yml {labels}")
    assert routed.split("Warning")[0].strip() == receiver


def in_alertmanager(settings: dict[str, str], command: str, *, check: bool = True) -> str:
    """What a command prints after the start script has written its configuration, in the image of the compose file."""
    image = re.search(r"image: (prom/alertmanager:\S+)", COMPOSE_FILE.read_text(encoding="utf-8"))
    assert image is not None
    script = f"{COMPOSE_FILE.parent}/alertmanager/start.sh:/start.sh:ro"
    options = [word for name, value in settings.items() for word in ("--env", f"{name}={value}")]
    words = ["--rm", "--network", "none", "--volume", script, *options, "--entrypoint", "/bin/sh", image[1]]
    done = docker("run", *words, "-c", f"/bin/sh /start.sh && {command}", check=check)
    return done.stdout + done.stderr
