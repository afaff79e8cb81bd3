"""Finds studies: in files, in folders of files, in modules by name, and in packages that bring some.

Code that a user names here is trusted as the user's own: it runs with the rights of the worker. Nothing that comes over
the network is ever run.
"""

import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, Final, NamedTuple

from analytics.studies.protocol import GaugeSpec, LoadProblem, StudySpec
from analytics.studies.runner.texts import described, sendable
from telemetry_studies import Study

ENTRY_POINTS: Final = "telemetry.studies"
BUILTIN: Final = "analytics.studies.builtin"
_MAX_TEXT: Final = 500


class Found(NamedTuple):
    """A study and where it stands."""

    study: Study
    where: str
    is_builtin: bool


class Library:
    """All studies by name, and what could not be used.

    Args:
        left_out: files and modules that are not loaded, each with why.
        on_load: called with each file or module before it is loaded.
    """

    def __init__(
        self, left_out: Mapping[str, str] = MappingProxyType({}), on_load: Callable[[str], None] | None = None
    ) -> None:
        self._unloadable, self._on_load = left_out, on_load
        self.studies: dict[str, Found] = {}
        self.problems: list[LoadProblem] = []
        self._gauges: dict[str, str] = {}
        self._off: set[str] = set()
        self._left_out: set[str] = set()

    def load(self, places: Sequence[str], *, disabled: Sequence[str] = (), builtin: bool = True) -> None:
        """Loads the built-in studies, those of installed packages and those in `places`, but for the disabled ones."""
        self._off = set(disabled)
        if builtin:
            self._load_module(BUILTIN, is_builtin=True)
        for point in entry_points(group=ENTRY_POINTS):
            self._load_module(point.value.partition(":")[0])
        for place in places:
            try:
                self._load_place(place)
            except OSError as error:  # a folder that may not be looked into, a name that is too long
                self._refuse(place, described(error))
        for name in sorted(self._off - self._left_out):
            self._refuse("ANALYTICS_STUDIES_OFF", f"{name}: there is no such study")

    def _refuse(self, where: str, text: str) -> None:
        self.problems.append(LoadProblem(sendable(where), sendable(text)))

    def _load_place(self, place: str) -> None:
        path = Path(place)
        if path.is_dir():
            for file in sorted(path.glob("*.py")):
                if file.name.startswith(("_", ".")):
                    continue
                if file.is_file():
                    self._load_file(file)
                else:
                    self._refuse(str(file), "it is no file")  # a pipe would be waited for
        elif path.is_file():
            self._load_file(path)
        elif "/" in place or place.endswith(".py"):
            self._refuse(place, "there is no such file or folder")
        else:
            self._load_module(place)

    def _may_load(self, where: str) -> bool:
        """Whether it is to be loaded; says so then, and why not else."""
        where = sendable(where)
        if where in self._unloadable:
            self._refuse(where, self._unloadable[where])
            return False
        if self._on_load is not None:
            self._on_load(where)
        return True

    def _load_module(self, name: str, *, is_builtin: bool = False) -> None:
        if not self._may_load(name):
            return
        try:
            self._collect(importlib.import_module(name), is_builtin=is_builtin)
        except BaseException as error:  # noqa: BLE001 - a user's module may raise anything, SystemExit too
            self._refuse(_place_of(error) or name, _text_of(error))

    def _load_file(self, path: Path) -> None:
        if not self._may_load(str(path)):
            return
        try:
            self._collect(_import_file(path))
        except BaseException as error:  # noqa: BLE001 - as above
            self._refuse(_place_of(error, path) or str(path), _text_of(error))

    def _collect(self, module: ModuleType, *, is_builtin: bool = False) -> None:
        for study in _studies_in(module):
            if study.name in self._off:
                # Its gauges are free for another study.
                self._left_out.add(study.name)
                continue
            where = _where(study)
            if study.name in self.studies:
                text = f"a study {study.name!r} is there already, in {self.studies[study.name].where}"
                self._refuse(where, text)
                continue
            taken = next((each.name for each in study.gauges if each.name in self._gauges), None)
            if taken is not None:
                text = f"the gauge {taken!r} is there already, of the study {self._gauges[taken]!r}"
                self._refuse(where, text)
                continue
            self._gauges.update((each.name, study.name) for each in study.gauges)
            self.studies[study.name] = Found(study, where, is_builtin)

    def specs(self) -> list[StudySpec]:
        """The studies as analytics needs them."""
        return [_spec(found) for found in self.studies.values()]


def _import_file(path: Path) -> ModuleType:
    # A name of its own, so that two files of the same name and the library's modules do not meet.
    name = f"study_{abs(hash(path.resolve())):x}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)  # so that studies may share helpers beside them
    spec.loader.exec_module(module)
    return module


def _studies_in(module: ModuleType) -> Iterator[Study]:
    seen: set[int] = set()
    for value in list(vars(module).values()):
        if isinstance(value, Study) and id(value) not in seen:
            seen.add(id(value))
            yield value


def _where(study: Study) -> str:
    try:
        code: Any = inspect.unwrap(study.function).__code__
    except AttributeError:
        return study.name
    return sendable(f"{code.co_filename}:{code.co_firstlineno}")


def _place_of(error: BaseException, path: Path | None = None) -> str | None:
    """File and line of an error: where a syntax error is, else the innermost line of the user's file."""
    if isinstance(error, SyntaxError) and error.filename is not None:
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if path is not None and Path(frame.filename) == path]
    return f"{own[-1].filename}:{own[-1].lineno}" if own else None


def _text_of(error: BaseException) -> str:
    return described(error)[:_MAX_TEXT]


def _spec(found: Found) -> StudySpec:
    study = found.study
    return StudySpec(
        name=study.name,
        where=found.where,
        window_ns=study.window_ns,
        every_ns=study.every_ns,
        gauges=[GaugeSpec(each.name, each.help, each.label, each.max_values) for each in study.gauges],
        origins=list(study.origins),
        symbols=list(study.symbols),
        together=list(study.together),
        is_builtin=found.is_builtin,
    )
