"""Feeds the worker what is due, takes its results, and starts it again when it dies, hangs or grows.

Nothing that a study does reaches the pipeline: this task only ever copies trades into memory and waits for messages.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import structlog

from analytics.studies.protocol import (
    Begin,
    CallResult,
    CallResults,
    Loaded,
    Loading,
    LoadProblem,
    Run,
    Work,
    WorkerMessage,
)
from analytics.studies.results import StudyResults
from analytics.studies.runner.errors import WorkerDiedError, WorkerHungError
from analytics.studies.runner.feed import FrameFeed, NewNames, Trading
from analytics.studies.runner.forks import START_S, ForkServer, WorkerOptions
from analytics.studies.runner.process import WorkerProcess
from analytics.studies.runner.watch import CallWatch
from analytics.studies.schedule import Schedule, Subject
from telemetry_runtime import Clock

TURN_S: Final = 0.05
"""A turn runs what is due; at most one in this time, so that a busy machine folds trades in large portions."""

FIRST_BACKOFF_S: Final = 0.5
MAX_BACKOFF_S: Final = 30.0
STEADY_AFTER_NS: Final = 30_000_000_000
"""A worker that lived this long did not die of its start."""

LOAD_S: Final = 10.0
"""How long one file or module may take to be loaded, not counting what it waits for a core."""

MAX_LOAD_FAILURES: Final = 2
"""Once may have been the machine's doing: no memory, a signal."""

_GROWN_SHARE: Final = 0.8
"""Of the memory limit: a worker that has grown by so much is started anew before the limit hits whoever comes next."""


@dataclass(frozen=True, slots=True)
class StudyLimits:
    """Bounds of one study: seconds a run, failures in a row, seconds to load its file."""

    budget_s: float
    max_failures: int
    load_s: float = LOAD_S


class StudySupervisor:
    """Keeps the studies running while `run` runs."""

    def __init__(
        self, trading: Trading, results: StudyResults, options: WorkerOptions, limits: StudyLimits, clock: Clock
    ) -> None:
        self._trading, self._results, self._options, self._limits = trading, results, options, limits
        self._clock = clock
        self._log = structlog.get_logger("studies")
        self._schedule: Schedule | None = None
        self._grown: dict[str, int] = defaultdict(int)
        self._loaded: Loaded | None = None
        self._load_failures: dict[str, int] = defaultdict(int)
        self._unloadable: dict[str, str] = {}
        """Files and modules that are left out, each with why; a handful, as each has cost two workers."""
        self._study_is_to_blame = False
        """Whether the end of the last worker was put down to a study."""
        self.starts = 0

    @property
    def schedule(self) -> Schedule | None:
        """The timetable; None until the studies have been loaded."""
        return self._schedule

    async def run(self) -> None:
        """Runs until it is cancelled; the worker ends with it."""
        async with ForkServer(self._options) as server:
            await self._keep_serving(server)

    async def _keep_serving(self, server: ForkServer) -> None:
        """With one worker after the other."""
        backoff_s = FIRST_BACKOFF_S
        while True:
            began_ns, self._study_is_to_blame = self._clock.monotonic_ns(), False
            try:
                async with WorkerProcess(server) as worker:
                    self.starts += 1
                    await self._serve(worker)
            except WorkerDiedError as error:
                self._log.warning("study_worker_ended", why=str(error), starts=self.starts)
            if self._study_is_to_blame or self._clock.monotonic_ns() - began_ns >= STEADY_AFTER_NS:
                # Where a study is to blame, it is the study that rests.
                backoff_s = FIRST_BACKOFF_S
            await self._clock.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, MAX_BACKOFF_S)

    async def _serve(self, worker: WorkerProcess) -> None:
        """Feeds one worker until it dies, hangs or has grown too much."""
        self._grown.clear()
        schedule, feed = await self._load(worker), FrameFeed(self._trading, worker.memory)
        while True:
            began_ns = self._clock.monotonic_ns()
            if schedule.look(began_ns):
                self._trigger(schedule)
            if work := await self._collect(feed, schedule):
                await self._run(worker, schedule, work, feed.new_names())
            if work := self._suspect(feed, schedule):
                await self._run(worker, schedule, work, feed.new_names())
            if self._has_grown():
                return
            await self._clock.sleep(max(TURN_S - (self._clock.monotonic_ns() - began_ns) / 1e9, 0.0))

    async def _load(self, worker: WorkerProcess) -> Schedule:
        await worker.send(Begin([LoadProblem(where, text) for where, text in self._unloadable.items()]))
        loaded, where = await self._answer(worker, START_S), ""
        while isinstance(loaded, Loading):
            where = loaded.where
            try:
                loaded = await self._answer(worker, self._limits.load_s)
            except WorkerDiedError as error:
                self._blame_file(where, error)
                raise WorkerDiedError(f"{error}, as it loaded {where}") from error
        if not isinstance(loaded, Loaded):
            raise WorkerDiedError("it did not say which studies it has")
        self._load_failures.clear()
        if self._schedule is None or loaded != self._loaded:
            return self._take_over(loaded)
        return self._schedule

    def _take_over(self, loaded: Loaded) -> Schedule:
        """Begins with these studies; files may have changed since the last worker read them."""
        for problem in loaded.problems:
            self._log.error("study_unusable", where=problem.where, problem=problem.text)
            self._results.note_failure(problem.where, "load", problem.text)
        self._log.info("studies_loaded", studies=[each.name for each in loaded.studies])
        schedule = Schedule(loaded.studies, max_failures=self._limits.max_failures)
        if self._schedule is not None:
            schedule.skipped |= {name: n for name, n in self._schedule.skipped.items() if name in schedule.skipped}
        self._results.load(loaded.studies, loaded.problems)
        self._schedule, self._loaded = schedule, loaded
        return schedule

    def _trigger(self, schedule: Schedule) -> None:
        self._trading.fold()
        now_ns = self._clock.monotonic_ns()
        for slot in self._trading.ring.take_touched():
            schedule.trigger(*self._trading.key_of(slot), now_ns)

    async def _collect(self, feed: FrameFeed, schedule: Schedule) -> list[tuple[Subject, Work]]:
        """What is due, with its trades in the memory; what finds no room has its turn next."""
        found: list[tuple[Subject, Work]] = []
        feed.begin()
        while feed.has_room and (due := schedule.next_due(self._clock.monotonic_ns())) is not None:
            frames = feed.copy(due.subject, [schedule.spec(name) for name in due.studies])
            if frames:
                found.append((due.subject, Work(due.studies, frames)))
            await asyncio.sleep(0)  # the pipeline goes first
        return found

    def _suspect(self, feed: FrameFeed, schedule: Schedule) -> list[tuple[Subject, Work]]:
        """A study that failed the last time, alone."""
        feed.begin()
        due = schedule.next_suspect(self._clock.monotonic_ns())
        frames = [] if due is None else feed.copy(due.subject, [schedule.spec(due.studies[0])])
        return [] if due is None or not frames else [(due.subject, Work(due.studies, frames))]

    async def _run(
        self, worker: WorkerProcess, schedule: Schedule, work: list[tuple[Subject, Work]], names: NewNames
    ) -> None:
        """Has it all run and takes what came of it; raises `WorkerDiedError`."""
        calls = [(subject, study) for subject, part in work for study in part.studies]
        worker.begun[0] = 0
        try:
            await worker.send(Run([part for _, part in work], *names))
            await self._take_all(worker, schedule, iter(calls))
        except WorkerDiedError as error:
            self._blame(calls[: worker.begun[0]], error)
            raise

    async def _take_all(self, worker: WorkerProcess, schedule: Schedule, calls: Iterator[tuple[Subject, str]]) -> None:
        is_last, before = False, None
        while not is_last:
            message = await self._answer(worker, self._limits.budget_s)
            if not isinstance(message, CallResults):
                raise WorkerDiedError("it did not say what came of the run")
            for outcome in message.calls:
                subject, study = next(calls, (None, ""))
                if subject is None or study != outcome.study:
                    raise WorkerDiedError(f"it answered for {outcome.study!r}, which was not asked for")
                if subject != before:
                    await asyncio.sleep(0)  # the pipeline goes first
                self._take(outcome, subject, schedule)
                before = subject
            is_last = message.is_last

    async def _answer(self, worker: WorkerProcess, budget_s: float) -> WorkerMessage:
        """The next message.

        Raises:
            WorkerDiedError: there will be none.
            WorkerHungError: one call has taken longer than `budget_s`.
        """
        watch = CallWatch(budget_s, self._clock.monotonic_ns(), worker.cpu_use())
        while True:
            try:
                async with asyncio.timeout(watch.look_s):
                    return await worker.receive()
            except TimeoutError as error:
                if watch.is_overdue(worker.begun[0], self._clock.monotonic_ns(), worker.cpu_use()):
                    raise WorkerHungError("it gave no answer in its time") from error

    def _take(self, outcome: CallResult, subject: Subject, schedule: Schedule) -> None:
        study = outcome.study
        self._grown[study] += max(outcome.grown_bytes, 0)
        self._results.note_cost(study, outcome.took_s)
        if outcome.output:
            self._log.debug("study_printed", study=study, text=outcome.output)
        if outcome.reason is not None:
            self._fail(study, outcome.reason, outcome.text)
            return
        if not self._results.put(study, subject, outcome.values, self._clock.monotonic_ns()):
            self._fail(study, "over_budget", "its series are more than ANALYTICS_STUDY_MAX_SERIES leaves room for")
            return
        schedule.succeeded(study)
        self._results.recovered(study)

    def _fail(self, study: str, reason: str, text: str) -> None:
        is_new = study not in self._results.last_failure
        self._results.note_failure(study, reason, text)
        if is_new:
            self._log.warning("study_failed", study=study, reason=reason, problem=text)
        if self._schedule is not None and self._schedule.failed(study, self._clock.monotonic_ns()):
            self._log.error("study_disabled", study=study, failures=self._limits.max_failures)

    def _blame(self, begun: list[tuple[Subject, str]], error: WorkerDiedError) -> None:
        """Puts the death of the worker down to the call that began last; without one to the worker itself."""
        if begun:
            self._study_is_to_blame = True
            self._fail(begun[-1][1], "timeout" if isinstance(error, WorkerHungError) else "died", str(error))

    def _blame_file(self, where: str, error: WorkerDiedError) -> None:
        """Leaves a file or module out that has ended two workers, or hung in them: no other study would ever run."""
        self._study_is_to_blame = True
        self._load_failures[where] += 1
        if self._load_failures[where] >= MAX_LOAD_FAILURES:
            self._unloadable[where] = f"it is left out until the next start: {error}, as it was loaded"

    def _has_grown(self) -> bool:
        """Whether the worker holds so much memory that it is started anew; the study that took most has failed."""
        if sum(self._grown.values()) <= _GROWN_SHARE * self._options.limit_bytes:
            return False
        study = max(self._grown, key=self._grown.__getitem__)
        self._study_is_to_blame = True
        self._fail(study, "memory", f"it has taken {self._grown[study] / 1e6:,.0f} MB and kept them")
        return True
