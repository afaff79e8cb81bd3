"""How a service starts, answers over HTTP, is asked to stop, and what its exit code says."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Counter

from telemetry_runtime import Directory, Endpoints, ServiceSettings, StartupError
from telemetry_runtime.fakes import FakeClock
from telemetry_runtime.http import HttpServer, Readiness, render_registry
from telemetry_runtime.metrics import service_registry
from tests.helpers.openmetrics import families_of

PROGRAM = """
import asyncio, resource, sys
from telemetry_runtime import StartupError, StopError
from telemetry_runtime import ExitHandler
from telemetry_runtime import run_service
from telemetry_runtime import ServiceSettings

async def serve(settings):
    what = sys.argv[1]
    if what == "startup": raise StartupError("cannot listen on port 1: taken; set X")
    if what == "stop": raise StopError("3 trades lost")
    if what == "crash": raise LookupError("no such room")
    if what == "files": print(resource.getrlimit(resource.RLIMIT_NOFILE), flush=True)
    with ExitHandler() as handler:
        print("ready", flush=True)
        await (handler.asked.wait() if what == "wait" else asyncio.Event().wait())

if sys.argv[1] == "files":
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
sys.exit(run_service("probe", ServiceSettings, serve))
"""


def _start(what: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, what], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_first_signal_asks_and_a_clean_stop_is_exit_code_0(number: signal.Signals) -> None:
    with _start("wait") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.wait(10) == 0


def test_the_second_signal_kills() -> None:
    with _start("deaf") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert "exit_asked" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == -signal.SIGTERM


def test_a_low_limit_of_open_files_is_raised_as_far_as_the_system_allows() -> None:
    with _start("files") as process:
        assert process.stdout is not None
        soft, hard = (int(word) for word in process.stdout.readline().strip("()\n").split(","))
        process.kill()
    assert soft == min(hard if hard > 0 else 65_536, 65_536)


def test_a_closing_terminal_may_say_so_twice() -> None:
    with _start("deaf") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGHUP)
        assert "exit_asked" in process.stderr.readline()
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.2)
        process.kill()


def test_under_nohup_a_closing_terminal_ends_nothing() -> None:
    command = ["sh", "-c", 'trap "" HUP; exec "$0" "$@"', sys.executable, "-c", PROGRAM, "wait"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert "SIGHUP" not in process.stderr.read()


def test_a_start_that_fails_is_one_line_and_exit_code_1() -> None:
    with _start("startup") as process:
        _, error = process.communicate(timeout=10)
    assert error == "probe: cannot listen on port 1: taken; set X\n"
    assert process.returncode == 1


def test_an_early_stop_is_exit_code_1_and_says_what_it_costs() -> None:
    with _start("stop") as process:
        _, error = process.communicate(timeout=10)
    assert json.loads(error)["error"] == "3 trades lost"
    assert process.returncode == 1


def test_a_crash_is_exit_code_1_and_a_log_line_that_says_why_without_local_variables() -> None:
    with _start("crash") as process:
        _, error = process.communicate(timeout=10)
    line = json.loads(error)
    assert line["error"] == "LookupError('no such room')"
    assert "locals" not in line["exception"][0]["frames"][0]
    assert process.returncode == 1


def test_a_wrong_setting_is_one_line_that_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    class Settings(ServiceSettings, env_prefix="PROBE_"):
        http_port: int = 1

    monkeypatch.setenv("PROBE_HTTP_PORT", "many")
    with pytest.raises(StartupError, match="PROBE_HTTP_PORT='many'"):
        Settings.load()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("PROBE_HTTP_PROT", "PROBE_HTTP_PROT is not a setting; the nearest one is PROBE_HTTP_PORT"),
        ("PROBE_GRACE", "PROBE_GRACE is not a setting; the nearest one is PROBE_GRACE_S"),
        ("PROBE_XYZZY", "PROBE_XYZZY is not a setting"),
        ("probe_http_prot", "PROBE_HTTP_PROT is not a setting; the nearest one is PROBE_HTTP_PORT"),
    ],
)
def test_a_setting_that_is_not_known_is_refused_with_the_nearest_one(
    monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    class Settings(ServiceSettings, env_prefix="PROBE_"):
        http_port: int = 1

    monkeypatch.setenv(name, "1")
    with pytest.raises(StartupError) as refused:
        Settings.load()
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PROBE_METRICS_PORT", "8000"),
        ("PROBE_SERVICE_HOST", "10.0.0.1"),
        ("PROBE_SERVICE_PORT_TRADES", "5555"),
        ("PROBE_PORT", "tcp://10.0.0.1:5555"),
        ("PROBE_PORT_5555_TCP_ADDR", "10.0.0.1"),
        ("PROBER_HTTP_PROT", "1"),
        ("OTHER_HTTP_PROT", "1"),
    ],
)
def test_variables_of_compose_and_kubernetes_and_of_others_are_let_be(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    class Settings(ServiceSettings, env_prefix="PROBE_"):
        http_port: int = 1

    monkeypatch.setenv(name, value)
    assert Settings.load().http_port == 1


@pytest.mark.parametrize(
    ("text", "endpoints"), [("", ()), (" ", ()), ("tcp://a:1", ("tcp://a:1",)), ("a  b\tc", ("a", "b", "c"))]
)
def test_several_endpoints_are_separated_by_blanks(
    monkeypatch: pytest.MonkeyPatch, text: str, endpoints: tuple[str, ...]
) -> None:
    class Settings(ServiceSettings, env_prefix="PROBE_"):
        endpoints: Endpoints = ("default",)

    monkeypatch.setenv("PROBE_ENDPOINTS", text)
    assert Settings.load().endpoints == endpoints


async def test_http_serves_metrics_health_and_readiness() -> None:
    registry = CollectorRegistry()
    Counter("probe", "A probe.", registry=registry).inc(3)
    readiness = Readiness("sockets_bound", "tasks_running")
    server = HttpServer("127.0.0.1", 0, render=render_registry(registry), readiness=readiness, setting="X")
    async with server, aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
        async with session.get("/metrics") as answer:
            assert "probe_total 3.0" in await answer.text()
        async with session.get("/healthz") as answer:
            assert answer.status == 200
        readiness.set("sockets_bound")
        async with session.get("/readyz") as answer:
            assert (answer.status, await answer.json()) == (503, {"ready": False, "missing": ["tasks_running"]})
        readiness.set("tasks_running")
        async with session.get("/readyz") as answer:
            assert (answer.status, await answer.json()) == (200, {"ready": True, "missing": []})


async def test_a_taken_http_port_names_the_setting() -> None:
    arguments = {"render": render_registry(CollectorRegistry()), "readiness": Readiness(), "setting": "PROBE_HTTP_PORT"}
    async with HttpServer("127.0.0.1", 0, **arguments) as server:  # type: ignore[arg-type] # one dict for both
        with pytest.raises(StartupError, match="set PROBE_HTTP_PORT to another port"):
            async with HttpServer("127.0.0.1", server.port, **arguments):  # type: ignore[arg-type] # as above
                pass


async def test_an_http_address_that_is_not_ours_names_the_setting_of_the_address() -> None:
    arguments = {"render": render_registry(CollectorRegistry()), "readiness": Readiness(), "setting": "PROBE_HTTP_PORT"}
    with pytest.raises(StartupError, match=r"192\.0\.2\.1.*; check PROBE_HTTP_HOST$"):
        async with HttpServer("192.0.2.1", 0, **arguments):  # type: ignore[arg-type] # one dict for both
            pass


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PROBE_HTTP_HOST", "", "PROBE_HTTP_HOST=''"),
        ("PROBE_HTTP_HOST", " ", "PROBE_HTTP_HOST=' '"),
        ("PROBE_GRACE_S", "1e300", "PROBE_GRACE_S='1e300': Input should be less than or equal to 1000000000"),
        ("PROBE_GRACE_S", "\u0663", "PROBE_GRACE_S='\u0663'"),
        ("PROBE_DATA_DIR", "", "PROBE_DATA_DIR='': Value error, a directory is missing"),
        ("PROBE_DATA_DIR", " ", "PROBE_DATA_DIR=' ': Value error, a directory is missing"),
    ],
)
def test_a_setting_that_is_empty_or_beyond_all_reason_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    class Settings(ServiceSettings, env_prefix="PROBE_"):
        data_dir: Directory = Path("x")

    monkeypatch.setenv(name, value)
    with pytest.raises(StartupError) as refused:
        Settings.load()
    assert str(refused.value).startswith(message)


def test_an_ipv6_address_may_have_its_brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE_HTTP_HOST", "[::1]")

    class Settings(ServiceSettings, env_prefix="PROBE_"):
        pass

    assert Settings.load().http_host == "::1"


async def test_sleepers_of_a_fake_clock_wake_in_the_order_of_their_times() -> None:
    clock = FakeClock(now_ns=0)
    woken: list[tuple[str, int]] = []

    async def sleep(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.now_ns()))

    sleepers = [asyncio.ensure_future(sleep("late", 2)), asyncio.ensure_future(sleep("early", 1))]
    await clock.advance(3)
    await asyncio.gather(*sleepers)
    assert woken == [("early", 1_000_000_000), ("late", 2_000_000_000)]
    assert clock.now_ns() == 3_000_000_000


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:{port}", 200),
        ("localhost", 200),
        ("LOCALHOST.:1", 200),
        ("[::1]:{port}", 200),
        ("10.1.2.3:8000", 200),
        ("ingest:8000", 200),
        ("host.docker.internal:8000", 200),
        ("ingest.default.svc.cluster.local", 200),
        ("telemetry.example.com:8000", 200),
        ("evil.example.com", 403),
        ("127.0.0.1.example.com:8000", 403),
        ("localhost.example.com", 403),
        ("x.internal.example.com", 403),
    ],
)
async def test_only_a_name_that_nobody_else_can_own_may_ask(host: str, status: int) -> None:
    server = HttpServer(
        "127.0.0.1",
        0,
        render=render_registry(CollectorRegistry()),
        readiness=Readiness(),
        setting="PROBE_HTTP_PORT",
        allowed_hosts=("Telemetry.example.com",),
    )
    async with server, aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
        for path in ("/metrics", "/healthz", "/readyz"):
            async with session.get(path, headers={"Host": host.format(port=server.port)}) as answer:
                assert answer.status == status
                assert status == 200 or "PROBE_HTTP_ALLOWED_HOSTS" in await answer.text()


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip", "gzip"),
        ("deflate, GZIP;q=0.5", "gzip"),
        ("identity", None),
        ("gzip;q=0", None),
        ("br", None),
        ("", None),
    ],
)
async def test_metrics_are_compressed_when_asked(accepted: str, encoding: str | None) -> None:
    registry = CollectorRegistry()
    Counter("probe", "A probe.", registry=registry).inc(3)
    server = HttpServer("127.0.0.1", 0, render=render_registry(registry), readiness=Readiness(), setting="X")
    asked = {"Accept-Encoding": accepted}
    async with (
        server,
        aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session,
        session.get("/metrics", headers=asked) as answer,
    ):
        assert answer.headers.get("Content-Encoding") == encoding
        assert "probe_total 3.0" in await answer.text()


@pytest.mark.parametrize("accept_encoding", ["gzip", "identity"])
async def test_metrics_are_openmetrics_with_one_end_mark_when_asked(accept_encoding: str) -> None:
    registry = service_registry("runtime")
    Counter("probe", "A probe.", registry=registry).inc(3)
    server = HttpServer("127.0.0.1", 0, render=render_registry(registry), readiness=Readiness(), setting="X")
    asked = {"Accept": "application/openmetrics-text;q=0.5,*/*;q=0.1", "Accept-Encoding": accept_encoding}
    async with (
        server,
        aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session,
        session.get("/metrics", headers=asked) as answer,
    ):
        exposed = await answer.text()
        assert answer.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        assert "Accept" in answer.headers["Vary"].split(", ")
    assert exposed.count("# EOF") == 1
    families = {metric.name: metric for metric in families_of(exposed)}
    assert (families["probe"].type, families["probe"].samples[0].value) == ("counter", 3.0)
    assert "telemetry_log_lines_lost" in families


async def test_http_works_over_ipv6() -> None:
    server = HttpServer("::1", 0, render=render_registry(CollectorRegistry()), readiness=Readiness(), setting="X")
    async with (
        server,
        aiohttp.ClientSession(f"http://[::1]:{server.port}") as session,
        session.get("/healthz") as answer,
    ):
        assert answer.status == 200
