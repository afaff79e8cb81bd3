"""No service opens a connection that its settings do not name: this machine reports to nobody that it runs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.helpers.desk import Desk
from tests.helpers.services import BIN, eventually

LOOPBACK = ("127.", "('127.", "('::1'", "('localhost'", "localhost", "/")
ASKED = 4
AUDIT = """
import os, sys

log = os.open(os.environ["CONNECTIONS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def look(event, arguments):
    if event == "socket.connect":
        os.write(log, f"{arguments[1]!s}\\n".encode())
    elif event == "socket.getaddrinfo":
        os.write(log, f"{arguments[0]!s}\\n".encode())

sys.addaudithook(look)
"""


def audited(folder: Path) -> dict[str, str]:
    """Settings with which every Python process writes down whom it calls."""
    (folder / "audit").mkdir()
    (folder / "audit" / "sitecustomize.py").write_text(AUDIT, encoding="utf-8")
    return {"PYTHONPATH": str(folder / "audit"), "CONNECTIONS": str(folder / "connections")}


def asked(folder: Path) -> int:
    """How often the service has asked its page whether it is well."""
    connections = folder / "connections"
    return connections.read_text(encoding="utf-8").count("8501") if connections.exists() else 0


def called(folder: Path) -> list[str]:
    """Whom the processes called beyond this machine."""
    lines = (folder / "connections").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line != "None" and not line.startswith(LOOPBACK)]


def test_services_call_nobody_beyond_this_machine(tmp_path: Path) -> None:
    with Desk(tmp_path, **audited(tmp_path)) as desk:
        desk.start()
        eventually(lambda: desk.ui.events("page_linked") or "page_linked" in desk.ui.log(), what="the page")
    assert called(tmp_path) == []


def has_network_of_its_own() -> bool:
    """Root inside a container has `unshare` and may not use it."""
    command = ["unshare", "--net", "ip", "link", "set", "lo", "up"]
    return bool(shutil.which("ip") and shutil.which("unshare")) and subprocess.run(command, check=False).returncode == 0


@pytest.mark.skipif(not has_network_of_its_own(), reason="needs a network of its own")
def test_a_page_for_the_whole_network_asks_nobody_for_its_own_address(tmp_path: Path) -> None:
    # In a network of its own, in which every address is this machine and there is no way out.
    settings = {
        "UI_PAGE_HOST": "0.0.0.0",
        "UI_ALLOW_ANYONE": "true",
        "UI_PAGE_ALLOWED_HOSTS": "*",
        "UI_LOG_FORMAT": "json",
    }
    log = tmp_path / "ui.log"
    command = ["unshare", "--net", "sh", "-c", f"ip link set lo up && exec {BIN}/run-ui"]
    with log.open("wb") as output:
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **settings, **audited(tmp_path)}
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        # It links first, and announces its address later; the service asks it each second whether it is well.
        eventually(lambda: asked(tmp_path) > ASKED or None, within_s=40, what="a page that runs for seconds")
        assert called(tmp_path) == []
    finally:
        process.terminate()
        process.wait(20)
