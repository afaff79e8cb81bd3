"""The containers as a user gets them: built, started, hardened, fed, broken and stopped."""

import json
import os
import re
import signal
import time
import urllib.parse

import pytest
import zmq

from tests.helpers.compose import ROOT, Stack, docker, eventually, get

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]
OURS = ("ingest", "analytics", "ui")
MB = 1_000_000


def send_trades(stack: Stack, source: str, count: int) -> None:
    now_ns = time.time_ns()
    trade = {
        "type": "trade",
        "source": source,
        "run": "1",
        "symbol": "TEST-USD",
        "side": "buy",
        "qty": 0.5,
        "price": 100.0,
    }
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.connect(f"tcp://127.0.0.1:{stack.ports['TRADES_PORT']}")
        push.linger = 5000
        for seq in range(count):
            push.send(json.dumps(trade | {"seq": seq, "event_ns": now_ns, "sent_ns": now_ns}).encode())


def wait_until_applied(stack: Stack, source: str, count: int) -> None:
    def applied() -> bool | None:
        seen = stack.metric("ANALYTICS_METRICS_PORT", "telemetry_source_trades_total", source=source)
        return True if seen == count else None

    eventually(applied, f"{count} trades of {source} in analytics")


def prometheus_value(stack: Stack, query: str) -> float | None:
    url = f"http://127.0.0.1:{stack.ports['PROMETHEUS_PORT']}/api/v1/query?" + urllib.parse.urlencode({"query": query})
    result = json.loads(get(url))["data"]["result"]
    return float(result[0]["value"][1]) if result else None


def test_trades_reach_prometheus_through_the_containers(stack: Stack) -> None:
    send_trades(stack, "stack-test", 500)
    wait_until_applied(stack, "stack-test", 500)
    query = 'trading_volume_total{symbol="TEST-USD",side="buy"}'
    assert eventually(lambda: prometheus_value(stack, query), "the volume in Prometheus") == 250.0


def test_prometheus_reaches_every_target(stack: Stack) -> None:
    eventually(lambda: True if prometheus_value(stack, "sum(up) == bool 4") == 1.0 else None, "four targets up")


def test_the_page_is_published_and_follows_the_backend(stack: Stack) -> None:
    assert get(f"http://127.0.0.1:{stack.ports['PAGE_PORT']}/_stcore/health") == "ok"

    def hears_both() -> bool | None:
        silences = [
            stack.metric("UI_METRICS_PORT", "telemetry_ui_silence_seconds", service=name)
            for name in ("ingest", "analytics")
        ]
        return True if max(silences) < 1 else None

    eventually(hears_both, "statuses and snapshots at the page")


@pytest.mark.parametrize("service", OURS)
def test_a_service_runs_as_a_nobody_on_a_read_only_root(stack: Stack, service: str) -> None:
    probe = "import os; print(os.getuid(), os.access('/data', os.W_OK), os.access('/opt/app', os.W_OK))"
    assert stack.compose("exec", "-T", service, "/opt/venv/bin/python", "-c", probe).split() == [
        "10001",
        "True",
        "False",
    ]
    host = stack.inspect(service)["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in host["SecurityOpt"]


@pytest.mark.parametrize(("service", "most_mb"), [("ingest", 100), ("analytics", 220), ("ui", 480)])
def test_an_image_holds_the_service_and_nothing_that_built_it(stack: Stack, service: str, most_mb: int) -> None:
    image = stack.inspect(service)["Config"]["Image"]
    base = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert base is not None
    sizes = [int(docker("image", "inspect", "--format", "{{.Size}}", name).stdout) for name in (image, base[1])]
    assert sizes[0] - sizes[1] < most_mb * MB
    find = "import shutil, importlib.util as u; print(shutil.which('uv'), shutil.which('gcc'), u.find_spec('uv_build'))"
    assert stack.compose("exec", "-T", service, "/opt/venv/bin/python", "-c", find).split() == ["None"] * 3


def test_alert_rules_pass_their_own_tests() -> None:
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    image = re.search(r"image: (prom/prometheus:\S+)", compose)
    assert image is not None
    mount = ["--volume", f"{ROOT}/prometheus:/rules:ro", "--workdir", "/rules/tests", "--entrypoint", "promtool"]
    docker("run", "--rm", *mount, image[1], "test", "rules", "alerts_test.yml")


def test_a_killed_analytics_comes_back_and_ingest_goes_on(stack: Stack) -> None:
    before = stack.inspect("analytics")
    os.kill(before["State"]["Pid"], signal.SIGKILL)
    eventually(
        lambda: True if stack.inspect("analytics")["RestartCount"] > before["RestartCount"] else None, "a restart"
    )
    eventually(lambda: True if stack.health("analytics") == "healthy" else None, "analytics healthy again")
    send_trades(stack, "after-the-kill", 100)
    wait_until_applied(stack, "after-the-kill", 100)
    assert stack.inspect("ingest")["RestartCount"] == 0


def test_a_stop_is_clean_and_well_within_the_grace_time(stack: Stack) -> None:
    began_s = time.monotonic()
    stack.compose("stop", *OURS)
    assert time.monotonic() - began_s < 15
    assert [stack.inspect(service)["State"]["ExitCode"] for service in OURS] == [0, 0, 0]
