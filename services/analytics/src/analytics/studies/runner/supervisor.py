"""Feeds the worker what is due, takes its results, and starts it again when it dies, hangs or grows.

Nothing that a study does reaches the pipeline: this task only ever copies trades into memory and waits for messages.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from analytics.intake.labels import SymbolKey
from analytics.studies.protocol import Done, FrameRef, Loaded, Run, WorkerMessage, columns_at, frame_bytes
from analytics.studies.results import StudyResults
from analytics.studies.ring import TradeRing
from analytics.studies.runner.process import WorkerDiedError, WorkerOptions, WorkerProcess
from analytics.studies.schedule import Due, Schedule, Subject
from telemetry_runtime import Clock

START_S: Final = 60.0
"""How long the worker may take to import pandas and the studies."""

POLL_S: Final = 0.05
"""How often it is looked for symbols with new trades while nothing is due."""

FIRST_BACKOFF_S: Final = 0.5
MAX_BACKOFF_S: Final = 30.0
STEADY_AFTER_NS: Final = 30_000_000_000
"""A worker that lived this long did not die of its start."""

_GROWN_SHARE: Final = 0.8
"""Of the memory limit: a worker that has grown by so much is started anew before the limit hits whoever comes next."""


class Trading(Protocol):
    """What the supervisor needs of the engine."""

    @property
    def ring(self) -> TradeRing:
        """The trades for studies."""
        ...

    def fold(self) -> None:
        """Makes all trades that were applied visible."""
        ...

    def key_of(self, slot: int) -> SymbolKey:
        """Whose trades are in a slot of the ring."""
        ...

    def slot_of(self, key: SymbolKey) -> int | None:
        """The slot of a symbol, if it has one."""
        ...

    def names(self) -> tuple[Sequence[str], Sequence[str]]:
        """Sources and accounts by slot."""
        ...


@dataclass(frozen=True, slots=True)
class StudyLimits:
    """Bounds of one study: seconds a run, failures in a row."""

    budget_s: float
    max_failures: int


class StudySupervisor:
    """Keeps the studies running while `run` runs."""

    def __init__(
        self, trading: Trading, results: StudyResults, options: WorkerOptions, limits: StudyLimits, clock: Clock
    ) -> None:
        self._trading, self._results, self._options, self._limits = trading, results, options, limits
        self._clock = clock
        self._log = structlog.get_logger("studies")
        self._schedule: Schedule | None = None
        self._running: tuple[Subject, list[str]] | None = None
        self._grown: dict[str, int] = defaultdict(int)
        self._names_sent: tuple[Sequence[str], Sequence[str]] = ((), ())
        self.starts = 0

    @property
    def schedule(self) -> Schedule | None:
        """The timetable; None until the studies have been loaded."""
        return self._schedule

    async def run(self) -> None:
        """Runs until it is cancelled; the worker ends with it."""
        backoff_s = FIRST_BACKOFF_S
        while True:
            began_ns = self._clock.monotonic_ns()
            try:
                async with WorkerProcess(self._options) as worker:
                    self.starts += 1
                    await self._serve(worker)
            except WorkerDiedError as error:
                self._note_death(str(error))
            if self._clock.monotonic_ns() - began_ns >= STEADY_AFTER_NS:
                backoff_s = FIRST_BACKOFF_S
            await self._clock.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, MAX_BACKOFF_S)

    async def _serve(self, worker: WorkerProcess) -> None:
        """Feeds one worker until it dies, hangs or has grown too much."""
        self._grown.clear()
        self._names_sent = ((), ())
        schedule = await self._load(worker)
        number = 0
        while True:
            self._trigger(schedule)
            due = schedule.next_due(self._clock.monotonic_ns())
            if due is None:
                await self._clock.sleep(POLL_S)
                continue
            number += 1
            if not await self._run_due(worker, schedule, due, number):
                return

    async def _load(self, worker: WorkerProcess) -> Schedule:
        loaded = await _within(START_S, worker.receive)
        if not isinstance(loaded, Loaded):
            raise WorkerDiedError("it did not say which studies it has")
        if self._schedule is None:
            for problem in loaded.problems:
                self._log.error("study_unusable", where=problem.where, problem=problem.text)
                self._results.note_failure(problem.where, "load", problem.text)
            self._log.info("studies_loaded", studies=[each.name for each in loaded.studies])
            self._schedule = Schedule(loaded.studies, max_failures=self._limits.max_failures)
            self._results.load(loaded.studies, loaded.problems)
        return self._schedule

    def _trigger(self, schedule: Schedule) -> None:
        self._trading.fold()
        now_ns = self._clock.monotonic_ns()
        for slot in self._trading.ring.take_touched():
            schedule.trigger(*self._trading.key_of(slot), now_ns)

    async def _run_due(self, worker: WorkerProcess, schedule: Schedule, due: Due, number: int) -> bool:
        """Runs what is due on one subject; whether the worker can go on."""
        frames = self._copy(worker, due, schedule)
        if not frames:
            return True
        self._running = (due.subject, list(due.studies))
        await worker.send(Run(number, due.studies, frames, *self._new_names()))
        while True:
            message = await _within(self._limits.budget_s, worker.receive)
            if isinstance(message, Done):
                self._take(message, due.subject, schedule)
            else:
                break
        self._running = None
        return not self._has_grown()

    def _copy(self, worker: WorkerProcess, due: Due, schedule: Schedule) -> list[FrameRef]:
        """Puts the trades of the subject into the memory, one frame a symbol."""
        specs = [schedule.spec(name) for name in due.studies]
        window_ns = max(each.window_ns for each in specs)
        # All studies of a subject look at the same symbols: it is named after them.
        symbols = specs[0].together or [due.subject.symbol]
        frames: list[FrameRef] = []
        begin = 0
        for symbol in symbols:
            ref = self._copy_one(worker, SymbolKey(symbol, due.subject.origin), window_ns, begin)
            if ref is not None:
                frames.append(ref)
                begin += frame_bytes(ref.rows)
        return frames

    def _copy_one(self, worker: WorkerProcess, key: SymbolKey, window_ns: int, begin: int) -> FrameRef | None:
        ring, slot = self._trading.ring, self._trading.slot_of(key)
        if slot is None:
            return None
        rows, end_ns = ring.rows(slot, window_ns)
        if not rows.size or begin + frame_bytes(rows.size) > self._options.memory_bytes:
            return None
        ring.copy_into(columns_at(worker.memory, begin, rows.size), rows)
        bought, sold = ring.volumes(slot)
        return FrameRef(*key, begin, rows.size, end_ns, ring.total(slot) - rows.size, bought, sold)

    def _new_names(self) -> tuple[list[str] | None, list[str] | None]:
        sources, accounts = self._trading.names()
        if (sources, accounts) == self._names_sent:
            return None, None
        self._names_sent = (sources, accounts)
        return list(sources), ["", *accounts]  # a trade of the market has account 0

    def _take(self, done: Done, subject: Subject, schedule: Schedule) -> None:
        if self._running is not None:
            self._running[1].remove(done.study)
        self._grown[done.study] += max(done.grown_bytes, 0)
        self._results.note_cost(done.study, done.took_s)
        if done.output:
            self._log.debug("study_printed", study=done.study, text=done.output)
        if done.reason is not None:
            self._fail(done.study, done.reason, done.text)
            return
        if not self._results.put(done.study, subject, done.values, self._clock.monotonic_ns()):
            self._fail(done.study, "over_budget", "its series are more than ANALYTICS_STUDY_MAX_SERIES leaves room for")
            return
        schedule.succeeded(done.study)
        self._results.recovered(done.study)

    def _fail(self, study: str, reason: str, text: str) -> None:
        is_new = study not in self._results.last_failure
        self._results.note_failure(study, reason, text)
        if is_new:
            self._log.warning("study_failed", study=study, reason=reason, problem=text)
        if self._schedule is not None and self._schedule.failed(study, self._clock.monotonic_ns()):
            self._log.error("study_disabled", study=study, failures=self._limits.max_failures)

    def _note_death(self, why: str) -> None:
        """Puts the death of the worker down to the study that ran; without one to its start."""
        running, self._running = self._running, None
        if running is not None and running[1]:
            reason = "timeout" if why == _TIMEOUT else "died"
            self._fail(running[1][0], reason, why)
        self._log.warning("study_worker_ended", why=why, starts=self.starts)

    def _has_grown(self) -> bool:
        """Whether the worker holds so much memory that it is started anew; the study that took most has failed."""
        if sum(self._grown.values()) <= _GROWN_SHARE * self._options.limit_bytes:
            return False
        study = max(self._grown, key=self._grown.__getitem__)
        self._fail(study, "memory", f"it has taken {self._grown[study] / 1e6:,.0f} MB and kept them")
        return True


_TIMEOUT: Final = "it gave no answer in its time"


async def _within(seconds: float, receive: Callable[[], Awaitable[WorkerMessage]]) -> WorkerMessage:
    try:
        async with asyncio.timeout(seconds):
            return await receive()
    except TimeoutError as error:
        raise WorkerDiedError(_TIMEOUT) from error
