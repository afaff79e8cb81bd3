"""Group commit: gathers what a burst changes, appends it to the log in one transaction, and says what may be delivered.

    accepted ──add()──▶ PENDING ──append()──▶ APPENDED ──sync()──▶ ON DISK
                        the disk is full:     a killed process     a power cut
                        tried again           loses none of it     loses none of it

What is not pending any more is *committed*, and may be delivered: as soon as it is appended, or with `burst` as soon as
it is on disk. So analytics never has a trade that a restarted ingest does not know of, but for power cuts without
`burst`; the log's epoch then shows it.
"""

import asyncio
from typing import Final, Literal

import structlog

from ingest.storage.log.batch_log import BatchLog, LogBatch, LogFullError, Transaction
from telemetry_runtime import Clock

SyncMode = Literal["os", "interval", "burst"]
"""When the log is put on disk: when the kernel likes (in about 30 s), at intervals, or before a batch is delivered."""

RETRY_S: Final = 0.1
"""How soon it is tried again after the disk was full."""


class GroupCommit:
    """The one writer of a log.

    Args:
        log: the log; closed by whoever opened it.
        clock: to wait with.
        sync: when it is put on disk.
        sync_interval_s: the interval, for `interval`.
    """

    def __init__(self, log: BatchLog, *, clock: Clock, sync: SyncMode = "os", sync_interval_s: float = 1.0) -> None:
        self.log = log
        self._clock, self._sync, self._sync_interval_s = clock, sync, sync_interval_s
        self._pending = Transaction()
        self._next_seq = self._committed_seq = log.next_seq
        self._trimmed_seq, self._is_untrimmable = 0, False
        self._moved = asyncio.Event()
        self._failed, self._unsynced = asyncio.Event(), asyncio.Event()
        self._logger = structlog.get_logger("log")
        self.write_failures = 0
        """Times the disk would not take a transaction; it was tried again."""
        self.full_waits = 0
        """Times the log had no room for a transaction."""

    @property
    def next_seq(self) -> int:
        """The offset that the next batch gets, behind those that are pending."""
        return self._next_seq

    @property
    def committed_seq(self) -> int:
        """The offset up to which batches may be delivered."""
        return self._committed_seq

    @property
    def is_committed(self) -> bool:
        """Whether nothing is pending."""
        return not self._pending and self._committed_seq == self._next_seq

    def add(self, batch: LogBatch) -> None:
        """Adds a batch, which must begin at `next_seq`, to what is pending."""
        self._pending.batches.append(batch)
        self._next_seq = batch.end_seq

    def set_state(self, changes: dict[str, bytes | None]) -> None:
        """Adds changes of the state to what is pending."""
        self._pending.state.update(changes)

    def append(self) -> None:
        """Appends what is pending. Where there is no room it stays pending, and is tried again."""
        if not self._pending:
            return
        try:
            self.log.append(self._pending)
        except LogFullError:
            self.full_waits += not self._failed.is_set()
            self._failed.set()
        except OSError as error:
            if not self._failed.is_set():
                self._logger.error("log_unwritable", error=str(error))  # noqa: TRY400 - expected: a full disk
            self.write_failures += 1
            self._failed.set()
        else:
            self._pending = Transaction()
            self._note_unsynced()
            if self._sync != "burst":
                self._commit(self.log.next_seq)

    def _note_unsynced(self) -> None:
        if self._sync != "os" or self.log.is_sync_due:
            self._unsynced.set()

    def _commit(self, seq: int) -> None:
        self._committed_seq = seq
        self._moved.set()

    async def committed(self) -> None:
        """Returns when all that was added before is committed. Cancelled here nothing is lost: it stays pending."""
        seq = self._next_seq
        while self._pending or self._committed_seq < seq:
            self._moved.clear()
            await self._moved.wait()

    def trim(self, seq: int) -> None:
        """Drops what is before that offset; what waits for room may have it now."""
        self._trimmed_seq = seq
        self._trim_log()
        if self._failed.is_set():
            self.append()

    def _trim_log(self) -> None:
        """Drops what may be dropped; what the disk does not let go stays, and is tried again with what comes next."""
        try:
            self.log.trim(self._trimmed_seq)
        except OSError as error:
            if not self._is_untrimmable:
                self._logger.error("log_untrimmable", error=str(error))  # noqa: TRY400 - expected: a disk that fails
            self.write_failures += 1
            self._is_untrimmable = True
        else:
            self._is_untrimmable = False

    async def retry(self) -> None:
        """Tries again what the log had no room for; for ever."""
        while True:
            await self._failed.wait()
            self.append()
            if self._pending:
                await self._clock.sleep(RETRY_S)
            else:
                self._failed.clear()

    async def keep_young(self, max_age_s: float) -> None:
        """Drops what may be trimmed before it is that old, however quiet the market is; for ever."""
        while True:
            await self._clock.sleep(max_age_s / 2)
            try:
                self.log.roll()
            except OSError:
                self.write_failures += 1  # a full disk: tried again the next time
            self._note_unsynced()
            self._trim_log()

    async def keep_synced(self) -> None:
        """Puts the log on disk in a thread, as the mode says, and whenever the log asks for it; for ever.

        Raises:
            OSError: the disk failed: nobody knows what is on it, so the service must end.
        """
        while True:
            await self._unsynced.wait()
            if self._sync == "interval":
                await self._clock.sleep(self._sync_interval_s)
            # Cleared before: what is appended meanwhile is for the next time.
            self._unsynced.clear()
            if self._sync == "os":
                await asyncio.to_thread(self.log.sync_head)
            else:
                seq = await asyncio.to_thread(self.log.sync)
                if self._sync == "burst":
                    self._commit(seq)
            # What is dropped must not be missed after a power cut, so it may have waited for the sync.
            self.trim(self._trimmed_seq)
