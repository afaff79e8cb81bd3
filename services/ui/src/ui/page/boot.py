"""Starts Streamlit in this process: `python -m ui.page.boot …`, by the main process only.

Its options are given here, so that nothing in the user's own Streamlit settings changes what this page is. The theme is
in `.streamlit/config.toml` beside the script, where Streamlit looks for it.
"""

import argparse
import ctypes
import os
import secrets
import signal
import sys
from pathlib import Path

from telemetry_runtime import SystemClock
from ui.page.host_guard import HostGuard
from ui.page.login import Gate
from ui.page.model.hub import Hub
from ui.page.plain_paths import PlainPaths
from ui.page.unchanged import Unchanged

SCRIPT = Path(__file__).with_name("main.py")
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Runs until SIGTERM, or until the parent is gone."""
    arguments = _parser().parse_args()
    _die_with(arguments.parent)
    import streamlit as st  # noqa: PLC0415 - takes a second: first the parent must be watched
    from starlette.middleware import Middleware  # noqa: PLC0415 - as above

    _look_up_no_address()
    Hub(arguments.pull_endpoint, arguments.push_endpoint, SystemClock()).start().share()
    Gate(arguments.password_file, SystemClock()).share()
    base = f"{arguments.base_path}/_stcore"
    guard = Middleware(HostGuard, health_path=f"{base}/health")
    unchanged = Middleware(Unchanged, path=f"{base}/bidi-components/", tag=secrets.token_hex(8))
    st.App(SCRIPT, middleware=[guard, Middleware(PlainPaths), unchanged]).run(config=_options(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ui.page.boot")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True, help="process to die with")
    parser.add_argument("--pull-endpoint", required=True)
    parser.add_argument("--push-endpoint", required=True)
    parser.add_argument("--base-path", default="")
    parser.add_argument("--password-file", default="")
    parser.add_argument("--allowed-host", action="append", default=[])
    return parser


def _die_with(parent: int) -> None:
    """Asks the kernel for SIGKILL when the parent dies, however it dies. Linux only; elsewhere an orphan would stay."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we could ask
        sys.exit(1)


def _look_up_no_address() -> None:
    """Streamlit asks the internet for its own address, too, when a browser comes from a page of somebody else's."""
    from streamlit import net_util  # noqa: PLC0415 - as in main

    net_util.get_external_ip = lambda: None


def _options(arguments: argparse.Namespace) -> dict[str, str | int | float | bool | list[str]]:
    return {
        "server.address": arguments.host,
        "server.port": arguments.port,
        # Always given, so that no variable of the environment decides it.
        "server.baseUrlPath": arguments.base_path,
        "server.allowedHosts": arguments.allowed_host,
        "server.headless": True,
        # Without a name of its own Streamlit asks a server on the internet for its address.
        "browser.serverAddress": "localhost",
        "server.fileWatcherType": "none",
        "server.enableStaticServing": True,
        # A closed tab's session is forgotten soon; the page keeps nothing in it that is not elsewhere.
        "server.disconnectedSessionTTL": 30,
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "viewer",
        "client.showErrorDetails": "none",
        "runner.magicEnabled": False,
        # Without it Streamlit collects all garbage after every run, 50 to 80 ms, several times a second for each tab.
        "runner.postScriptGC": False,
        # Streamlit sends a large element once, and then its hash for as long as it believes that the browser has it.
        # Who changes pages quickly makes the two differ, and gets a dialog "Cached ForwardMsg MISS" for a page.
        "global.minCachedMessageSize": 1e12,
        "logger.level": "warning",
    }


if __name__ == "__main__":
    main()
