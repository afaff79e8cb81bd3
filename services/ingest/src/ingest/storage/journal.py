"""The runs and the desk, kept in the log: what a burst changes of them is written in the transaction of its trades.

So a restarted ingest knows exactly the numbers of the trades that are in the log: none is accepted twice, and one that
is missing was lost on its way here. The same holds for the desk: a command is answered when its fill is in the log.
Only a power cut may take the end of the log (see `group_commit.SyncMode`). The numbers are then unsure: what is missing
was lost, or was accepted before it.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
import structlog
from pydantic import ValidationError

from ingest.checking.sequences import RunKey, SavedRun, SequenceTracker, is_replay
from ingest.desk.desk import Desk
from ingest.desk.history import KeptCommand
from ingest.desk.open_orders import RestingOrder
from ingest.feeds.bot_orders import SimulatedOrder
from ingest.feeds.replay import ReplayFeed
from ingest.feeds.sim_orders import LeftOrdersFeed, SimOrdersFeed
from ingest.storage.earlier_files import DeskRecord, EarlierFiles
from ingest.storage.log.group_commit import GroupCommit
from telemetry_schema import encode

_RUN: Final = "run "
_EVENT_RUN: Final = "event run "
_DESK: Final = "desk"
_COMMAND: Final = "command "
_ORDER: Final = "order "
_BOT_ORDER: Final = "bot order "
_PROFIT: Final = "profit "
_REPLAY: Final = "replay "
_UNAUDITED: Final = "unaudited"
"""Lines of the audit about what the transaction did, until they are in the audit."""

_SEPARATOR: Final = "\x1f"
_CLEAN: Final = "stopped"
"""Set by a stop in which all was put on disk; until then the boot of the machine that the process runs in."""

_LACKS_RUNS: Final = "lacks runs"
"""Set after a power cut, until a clean stop."""

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")

BotFeed: TypeAlias = SimOrdersFeed | LeftOrdersFeed


class Journal:
    """Writes what a burst has changed, and restores it at the start.

    Args:
        writer: of the log that it is kept in.
        sequences: the runs.
        events: the runs of messages about orders.
        desk: the desk.
        replays: recordings; a restarted ingest goes on in them where it was, unless it was stopped on purpose.
        bots: simulated ones; a restarted ingest ends the orders that they had open.
        boot: differs after each start of the machine; empty where that is not known.
    """

    def __init__(
        self,
        writer: GroupCommit,
        sequences: SequenceTracker,
        desk: Desk,
        *,
        boot: str,
        replays: Sequence[ReplayFeed] = (),
        bots: Sequence[BotFeed] = (),
        events: SequenceTracker | None = None,
    ) -> None:
        self._writer, self._sequences, self._desk, self._boot = writer, sequences, desk, boot
        self._runs = {_RUN: sequences} if events is None else {_RUN: sequences, _EVENT_RUN: events}
        self._replays, self._bots = replays, bots
        self._written_positions = dict.fromkeys((feed.name for feed in replays), 0)
        self._written_desk_changes = desk.changes
        self._logger = structlog.get_logger("journal")
        self._encode = msgspec.msgpack.Encoder().encode
        self._keys: dict[tuple[str, RunKey], str] = {}
        self._on_record: Callable[[], None] | None = None
        self.unaudited: Sequence[bytes] = ()
        """Lines that an earlier process may not have written to its audit before it was killed."""
        self._unaudited: list[bytes] = []
        """Of this process; of two bursts that overlap both are here."""
        self._written_unaudited: list[bytes] = []

    def call_after_record(self, on_record: Callable[[], None]) -> None:
        """From now on calls it whenever numbers may have moved and are recorded."""
        self._on_record = on_record

    def restore(self, earlier: EarlierFiles) -> None:
        """Takes over what an earlier process wrote: into the log, or, before there was one, into files."""
        state = self._writer.log.state()
        if not state and not self._writer.log.was_cut:
            earlier.take_over(self._sequences, self._desk)
        else:
            self._restore_runs(state)
            self._restore_desk(state.get(_DESK))
            self._restore_commands(state)
            self._restore_orders(state)
            self._restore_profit(state)
            self._restore_replays(state)
            self._restore_bot_orders(state)
            self.unaudited = _lines(state.get(_UNAUDITED, b""))
            self._unaudited, self._written_unaudited = [*self.unaudited], [*self.unaudited]
        self._writer.set_state({_CLEAN: self._boot.encode()})
        self._write_desk()
        self.record()
        # After a power cut the next process must find that this one was there. At the start nobody waits for the loop.
        self._writer.log.sync()
        earlier.move_away()

    def _restore_runs(self, state: dict[str, bytes]) -> None:
        stopped = state.get(_CLEAN, b"").decode()
        exact = not self._writer.log.was_cut and stopped in {_CLEAN, self._boot}
        if not exact:
            self._logger.warning("runs_unsure", was_cut=self._writer.log.was_cut)
            self._writer.set_state({_LACKS_RUNS: b"1"})
        for prefix, sequences in self._runs.items():
            values = [value for key, value in state.items() if key.startswith(prefix)]
            sequences.lacks_runs = not exact or _LACKS_RUNS in state
            sequences.load([msgspec.msgpack.decode(value, type=SavedRun) for value in values], exact=exact)

    def _restore_desk(self, value: bytes | None) -> None:
        try:
            record = DeskRecord.model_validate_json(value or b"")
        except ValidationError as error:
            # Nobody knows the positions: no command is to be filled until a person has looked.
            self._logger.error("desk_unreadable", error=str(error))  # noqa: TRY400 - a line for a person
            record = DeskRecord(kill_switch=True, holdings={}, answers=[])
        self._desk.restore(holdings=record.holdings, kill_switch=record.kill_switch, answers=record.answers)

    def _restore_commands(self, state: dict[str, bytes]) -> None:
        kept, unreadable = [], 0
        for value in (value for key, value in state.items() if key.startswith(_COMMAND)):
            try:
                kept.append(KeptCommand.model_validate_json(value))
            except ValidationError:
                unreadable += 1  # only the blotter is poorer: the desk's state says what was traded
        if unreadable:
            self._logger.warning("commands_unreadable", commands=unreadable)
        self._desk.history.restore(kept)

    def _restore_orders(self, state: dict[str, bytes]) -> None:
        orders = []
        for key, value in state.items():
            if key.startswith(_ORDER):
                try:
                    orders.append(RestingOrder.model_validate_json(value))
                except ValidationError as error:
                    # It rests no more: nobody knows at which price it should be filled.
                    self._logger.error("open_order_unreadable", order=key, error=str(error))  # noqa: TRY400 - as above
                    self._writer.set_state({key: None})
        self._desk.open_orders.restore(orders)

    def _restore_profit(self, state: dict[str, bytes]) -> None:
        points, unreadable = [], 0
        for value in (value for key, value in state.items() if key.startswith(_PROFIT)):
            try:
                points.append(msgspec.msgpack.decode(value, type=tuple[int, float]))
            except msgspec.MsgspecError:
                unreadable += 1  # only the curve is poorer
        if unreadable:
            self._logger.warning("profit_unreadable", points=unreadable)
        self._desk.profit_curve.restore(points)

    def _restore_replays(self, state: dict[str, bytes]) -> None:
        for feed in self._replays:
            content, _, frames = state.get(_REPLAY + feed.name, b"").decode().rpartition("/")
            if frames and content == feed.content:
                feed.resume_at(int(frames))
                self._logger.info("replay_resumed", feed=feed.name, frames=int(frames))

    def _restore_bot_orders(self, state: dict[str, bytes]) -> None:
        for bot in self._bots:
            orders, prefix = [], _bot_order(bot, "")
            for key, value in state.items():
                if key.startswith(prefix):
                    try:
                        orders.append(SimulatedOrder.model_validate_json(value))
                    except ValidationError as error:
                        self._logger.warning("bot_order_unreadable", order=key, error=str(error))
                        self._writer.set_state({key: None})
            bot.open_orders.restore(orders)

    def note_unaudited(self, lines: Sequence[bytes]) -> None:
        """Keeps the lines from the next transaction on: a process that is killed before they are written leaves them.

        The caller says with `note_audited` when they are written.
        """
        self._unaudited += lines

    def note_audited(self, lines: Sequence[bytes]) -> None:
        """They are in the audit, or counted as not kept."""
        for line in lines:
            self._unaudited.remove(line)

    def record(self) -> None:
        """Adds what has changed to the transaction of the burst, and appends that to the log."""
        for prefix, sequences in self._runs.items():
            changed = sequences.take_changed()
            if changed:
                runs = {self._key(prefix, key): self._run(sequences, key) for key in changed if not is_replay(key)}
                self._writer.set_state(runs)
        if self._desk.changes != self._written_desk_changes:
            self._write_desk()
        if commands := self._desk.history.take_changed():
            self._writer.set_state({_COMMAND + place: encode(kept) for place, kept in commands.items()})
        if orders := self._desk.open_orders.take_changed():
            encoded = {_ORDER + order_id: encode(order) if order else None for order_id, order in orders.items()}
            self._writer.set_state(encoded)
        if points := self._desk.profit_curve.take_changed():
            kept = {f"{_PROFIT}{place}": self._encode(point) if point else None for place, point in points.items()}
            self._writer.set_state(kept)
        self._record_feeds()
        if self._unaudited != self._written_unaudited:
            self._writer.set_state({_UNAUDITED: b"".join(self._unaudited) or None})
            self._written_unaudited = [*self._unaudited]
        self._writer.append()
        if self._on_record is not None:
            self._on_record()

    def _record_feeds(self) -> None:
        for feed in self._replays:
            if feed.position != self._written_positions[feed.name]:
                self._written_positions[feed.name] = feed.position
                self._writer.set_state({_REPLAY + feed.name: f"{feed.content}/{feed.position}".encode()})
        for bot in self._bots:
            if open_orders := bot.open_orders.take_changed():
                self._writer.set_state(
                    {_bot_order(bot, name): encode(order) if order else None for name, order in open_orders.items()}
                )

    def _key(self, prefix: str, key: RunKey) -> str:
        found = self._keys.get((prefix, key))
        if found is None:
            if len(self._keys) > _MAX_KEYS:
                self._keys.clear()
            # No name holds a control character, and none is empty.
            found = self._keys[prefix, key] = f"{prefix}{key[0]}\x1f{key[1] or ''}"
        return found

    def _run(self, sequences: SequenceTracker, key: RunKey) -> bytes | None:
        run = sequences.saved(key)
        return None if run is None else self._encode(run)

    def _write_desk(self) -> None:
        desk = self._desk
        record = DeskRecord(kill_switch=desk.kill_switch, holdings=desk.book.holdings(), answers=desk.young_answers())
        self._writer.set_state({_DESK: record.model_dump_json().encode()})
        self._written_desk_changes = desk.changes

    @property
    def is_committed(self) -> bool:
        """Whether all that was recorded is committed."""
        return self._writer.is_committed

    async def committed(self) -> None:
        """Returns when what was recorded is committed."""
        await self._writer.committed()

    def close(self) -> None:
        """Writes that the process ends as it should."""
        self.record()
        # Whoever starts ingest again expects recordings from their beginning.
        self._writer.set_state(
            {_CLEAN: _CLEAN.encode(), _LACKS_RUNS: None, **{_REPLAY + feed.name: None for feed in self._replays}}
        )
        self._writer.append()


def _lines(text: bytes) -> list[bytes]:
    return [line + b"\n" for line in text.split(b"\n") if line]


def bots_with_orders(state: Mapping[str, bytes]) -> list[str]:
    """The names of the simulated bots' feeds that have orders in a log's state."""
    keys = (key.removeprefix(_BOT_ORDER) for key in state if key.startswith(_BOT_ORDER))
    return sorted({key.partition(_SEPARATOR)[0] for key in keys})


def _bot_order(bot: BotFeed, order_id: str) -> str:
    # No name holds a control character.
    return f"{_BOT_ORDER}{bot.name}{_SEPARATOR}{order_id}"


_MAX_KEYS: Final = 8_192
"""Keys that are kept encoded."""


def boot_id() -> str:
    """Differs after each start of the machine; empty where the platform does not say."""
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
