"""Calls studies, and says what came of each call."""

import io
import resource
import time
import traceback
from collections.abc import Generator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import pandas as pd

from analytics.studies.protocol import CallResult
from analytics.studies.runner.frames import FrameMaker, window_of
from analytics.studies.runner.loading import Library
from analytics.studies.runner.texts import described, sendable
from telemetry_studies import Study, StudyError, checked_values

MAX_STATES: Final = 10_000
"""States kept, one for each study and subject; the one used longest ago goes first."""

_KEPT_OUTPUT: Final = 2_000
_MAX_TEXT: Final = 500
_PAGE_BYTES: Final = resource.getpagesize()


_Lives: TypeAlias = tuple[int, ...]
"""Of the frames that a state is about."""


class _StateKey(NamedTuple):
    """Whose state it is; a study of several symbols at once has one state."""

    study: str
    symbol: str
    origin: str


class Failure(NamedTuple):
    """Why a call failed, and where."""

    reason: str
    text: str


class Output(io.TextIOBase):
    """Takes what a study prints: the beginning is kept, the rest is dropped."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._room = _KEPT_OUTPUT

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Keeps what there is room for."""
        if self._room > 0:
            self._kept.append(text[: self._room])
            self._room -= len(text)
        return len(text)

    @property
    def text(self) -> str:
        """What was kept."""
        return "".join(self._kept)


class Caller:
    """Runs studies of a library on frames."""

    def __init__(self, library: Library, frames: FrameMaker, parameters: Mapping[str, Mapping[str, Any]]) -> None:
        self._library, self.frames = library, frames
        self._parameters = parameters
        self._states: dict[_StateKey, tuple[_Lives, Any]] = {}

    def run(self, study_name: str, frames: dict[str, pd.DataFrame]) -> CallResult:
        """Runs one study on a subject's frames, by symbol."""
        study = self._library.studies[study_name].study
        output, before, began = Output(), resident_bytes(), time.perf_counter()
        failure: Failure | None = None
        values: list[tuple[str, str, float]] = []
        try:
            with redirect_stdout(output), redirect_stderr(output):
                returned = self._call(study, frames)
            values = [(each.gauge, sendable(each.label), each.value) for each in checked_values(study.gauges, returned)]
        except StudyError as error:
            failure = Failure(error.reason, str(error))
        except MemoryError as error:
            failure = Failure("memory", _located(error, study))
        except BaseException as error:  # noqa: BLE001 - a study may raise anything, SystemExit and KeyboardInterrupt too
            failure = Failure("raised", _located(error, study))
        took_s = time.perf_counter() - began
        reason, text = failure or (None, "")
        grown = resident_bytes() - before
        return CallResult(study_name, took_s, values, reason, sendable(text[:_MAX_TEXT]), sendable(output.text), grown)

    def _call(self, study: Study, frames: dict[str, pd.DataFrame]) -> object:
        # Copies, whose columns are copied only when they are written to: what a study does to its frame, no other sees.
        given: Any = {symbol: window_of(frame, study.window_ns).copy(deep=False) for symbol, frame in frames.items()}
        lives = tuple(frame.attrs["life"] for frame in frames.values())
        origin: str = next(iter(frames.values())).attrs["origin"]
        key = _StateKey(study.name, "", origin)
        if not study.together:
            ((symbol, given),) = given.items()
            key = _StateKey(study.name, symbol, origin)
        parameters = {**study.parameters, **self._parameters.get(study.name, {})}
        if study.is_generator:
            return self._send(study, key, lives, given, parameters)
        if study.keeps_state:
            returned = study.function(given, state=self._recall(key, lives), **parameters)
            return self._keep(key, lives, returned)
        return study.function(given, **parameters)

    def _keep(self, key: _StateKey, lives: _Lives, returned: object) -> object:
        if not isinstance(returned, tuple) or len(returned) != 2:  # noqa: PLR2004 - values and the next state
            raise StudyError("with state, return a pair: values and the next state", reason="not_a_dict")
        values, state = returned
        self._remember(key, lives, state)
        return values

    def _send(self, study: Study, key: _StateKey, lives: _Lives, given: object, parameters: dict[str, Any]) -> object:
        running: Generator[Any, Any, Any] | None = self._recall(key, lives)
        # Not put back when it raises: it has ended, and starts anew next time.
        self._states.pop(key, None)
        if running is None:
            running = study.function(**parameters)
            next(running)
        values = running.send(given)
        self._remember(key, lives, running)
        return values

    def _recall(self, key: _StateKey, lives: _Lives) -> Any:  # noqa: ANN401 - it is the user's
        """What the study kept, if it is about the same trades."""
        kept_lives, state = self._states.get(key, (lives, None))
        return state if kept_lives == lives else None

    def _remember(self, key: _StateKey, lives: _Lives, state: object) -> None:
        self._states.pop(key, None)
        self._states[key] = (lives, state)
        if len(self._states) > MAX_STATES:
            del self._states[next(iter(self._states))]


def resident_bytes() -> int:
    """Memory of this process."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def data_bytes() -> int | None:
    """Private writable memory of this process, resident or not, which is what RLIMIT_DATA bounds; None if not known."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return None
    lines = [line for line in status.splitlines() if line.startswith("VmData:")]
    return int(lines[0].split()[1]) * 1024 if lines else None


def _located(error: BaseException, study: Study) -> str:
    """The error with the line of the study's file at which it happened."""
    file = study.function.__code__.co_filename
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    where = f" ({Path(file).name}:{lines[-1]})" if lines else ""
    return f"{described(error)}{where}"
