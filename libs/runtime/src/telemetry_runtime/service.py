"""How a service's `main` runs: uvloop where there is one, one line for a start that fails, and the exit code."""

import asyncio
import gc
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from telemetry_runtime.errors import StartupError, StopError
from telemetry_runtime.log_writer import LogWriter
from telemetry_runtime.logs import configure_logs
from telemetry_runtime.settings import ServiceSettings

_OPEN_FILES: Final = 65_536

_S = TypeVar("_S", bound=ServiceSettings)


def run_service(name: str, settings_type: type[_S], serve: Callable[[_S], Awaitable[None]]) -> int:
    """Runs `serve(settings)` until it returns.

    Returns:
        The exit code: 0 after a clean stop, 1 if it could not start or crashed.
    """
    # Standard error may be a full disk, a closed pipe or a pipe that nobody reads: see LogWriter.
    writer = LogWriter(_standard_error())
    try:
        return _run(name, settings_type, serve, writer)
    finally:
        writer.close()


def _standard_error() -> int:
    """Its file descriptor; nowhere, if the process was started without one: the number may be a socket's by now."""
    return os.open(os.devnull, os.O_WRONLY) if sys.stderr is None else sys.stderr.fileno()


def _run(name: str, settings_type: type[_S], serve: Callable[[_S], Awaitable[None]], writer: LogWriter) -> int:
    try:
        settings = settings_type.load()
        configure_logs(name, writer, level=settings.log_level, log_format=settings.log_format)
        _tune_collector()
        _raise_open_file_limit()
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_call(serve, settings))
    except StartupError as error:
        writer.write(f"{name}: {error}\n")  # one line for the person who starts it
        return 1
    except StopError as error:
        structlog.get_logger(name).error("service_stopped_early", error=str(error))
        return 1
    except Exception as error:  # noqa: BLE001 - the outermost frame: whatever it is, it is logged and exits 1
        structlog.get_logger(name).exception("service_crashed", error=repr(error))
        return 1
    return 0


async def _call(serve: Callable[[_S], Awaitable[None]], settings: _S) -> None:
    await serve(settings)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - not there on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop


def _tune_collector() -> None:
    # The hot paths make and drop thousands of objects a burst, none of them in cycles; by default the collector would
    # walk them several times a burst (a quarter of ingest's time, measured). What was imported is never garbage.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _raise_open_file_limit() -> None:
    """Allows as many connections as the system does: one port scan uses a shell's 1,024 up for as long as it lasts."""
    try:
        import resource  # noqa: PLC0415 - not there on every platform
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY:
        wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
