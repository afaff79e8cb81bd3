"""Life cycle of each command: pure, with the times handed in.

sent ──▶ accepted ──▶ applied          a result may come late, twice or in the wrong order;
  ├────▶ refused                        a command only ever moves to the right.
  ├────▶ resting ──▶ accepted           resting again is a part that was filled
  │         └──────▶ cancelled
  └────▶ no_answer ──▶ (any of these)   no answer is what we know, not what happened: a late one corrects it
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, Final
from uuid import UUID

from telemetry_schema import (
    AnsweredCommand,
    CancelAll,
    CancelOrder,
    CommandResult,
    DeskCommand,
    KillSwitch,
    TradeCommand,
)
from ui.wire import CommandStatus, CommandView

MAX_COMMANDS: Final = 500
"""Commands that are kept: the blotter of a busy day; older ones are in the metrics."""

_RANK: Final[dict[CommandStatus, int]] = {
    "sent": 0,
    "no_answer": 1,
    "resting": 2,
    "accepted": 3,
    "applied": 4,
    "refused": 4,
    "cancelled": 4,
}

Finished = Callable[[CommandStatus, int], None]
"""Called with a status that was reached and the nanoseconds it took."""


class CommandBook:
    """The newest commands, in the order in which they were sent."""

    def __init__(self, *, no_answer_after_ns: int, on_status: Finished = lambda _status, _ns: None) -> None:
        self._no_answer_after_ns = no_answer_after_ns
        self._on_status = on_status
        self._commands: OrderedDict[UUID, CommandView] = OrderedDict()
        self._got_ns: dict[UUID, int] = {}
        self._waiting: set[UUID] = set()
        self._last_order_ns = 0

    def add(self, command: DeskCommand, now_ns: int) -> CommandView | None:
        """Notes a command that is about to be sent; None if its id is known."""
        if command.command_id in self._commands:
            return None
        view = self._placed(command_view(command), self._last_order_ns)
        self._commands[view.command_id] = view
        self._got_ns[view.command_id] = now_ns
        self._waiting.add(view.command_id)
        self._on_status("sent", 0)
        self._drop_oldest()
        return view

    def _drop_oldest(self) -> None:
        while len(self._commands) > MAX_COMMANDS:
            oldest, _ = self._commands.popitem(last=False)
            self._got_ns.pop(oldest, None)
            self._waiting.discard(oldest)

    def take_over(self, commands: Iterable[AnsweredCommand], now_ns: int) -> list[CommandView]:
        """Takes in commands that ingest remembers: those of an earlier process, and answers that were missed.

        Returns what is new. Of commands that we have not sent nobody knows how long they took.
        """
        known = len(self._commands)
        changed, behind_ns = list[CommandView](), 0
        for one in commands:
            if view := self._taken_over(one, behind_ns, now_ns):
                changed.append(view)
            behind_ns = self._commands[one.command.command_id].order_ns
        if len(self._commands) > known:
            self._commands = OrderedDict(sorted(self._commands.items(), key=lambda item: item[1].order_ns))
            self._drop_oldest()
        return [view for view in changed if view.command_id in self._commands]

    def _placed(self, view: CommandView, behind_ns: int) -> CommandView:
        """At its place behind those before it: the clock that stamped it may have been set back since."""
        order_ns = max(behind_ns + 1, view.sent_ns)
        self._last_order_ns = max(self._last_order_ns, order_ns)
        return view.model_copy(update={"order_ns": order_ns})

    def _taken_over(self, answered: AnsweredCommand, behind_ns: int, now_ns: int) -> CommandView | None:
        command, result = answered.command, answered.result
        if command.command_id in self._commands:
            return self.apply(result, now_ns)
        view = command_view(command, result.status)
        view = self._placed(view.model_copy(update={"reason": result.reason, **_filled(result)}), behind_ns)
        self._commands[command.command_id] = view
        return view

    def refuse(self, command_id: UUID, reason: str, now_ns: int) -> CommandView | None:
        """Says that a command was not sent at all."""
        return self._move(command_id, "refused", now_ns, reason=reason)

    def apply(self, result: CommandResult, now_ns: int) -> CommandView | None:
        """Takes in a result; None if the command is not ours or nothing changed."""
        return self._move(result.command_id, result.status, now_ns, reason=result.reason, **_filled(result))

    def expire(self, now_ns: int) -> list[CommandView]:
        """Marks the commands that have waited too long."""
        late = [one for one in self._waiting if now_ns - self._got_ns[one] >= self._no_answer_after_ns]
        return [view for one in late if (view := self._move(one, "no_answer", now_ns))]

    def knows(self, command_id: UUID) -> bool:
        """Whether the command is one of ours, and still kept."""
        return command_id in self._commands

    def all(self) -> list[CommandView]:
        """All commands that are kept, oldest first."""
        return list(self._commands.values())

    def _move(self, command_id: UUID, status: CommandStatus, now_ns: int, **more: Any) -> CommandView | None:  # noqa: ANN401 - fields of the view
        before = self._commands.get(command_id)
        if before is None or not (_RANK[status] > _RANK[before.status] or _is_fuller(before, status, more)):
            return None
        self._waiting.discard(command_id)
        if (got_ns := self._got_ns.get(command_id)) is not None:
            more |= self._spans(status, now_ns - got_ns)
            if status == "resting":
                del self._got_ns[command_id]  # what comes now takes as long as the market wants: no round trip
        view = before.model_copy(update={"status": status, **more})
        self._commands[command_id] = view
        return view

    def _spans(self, status: CommandStatus, took_ns: int) -> dict[str, int]:
        self._on_status(status, took_ns)
        if status in {"accepted", "refused", "resting"}:
            return {"answered_after_ns": took_ns}
        return {"applied_after_ns": took_ns} if status == "applied" else {}


def _filled(result: CommandResult) -> dict[str, object]:
    """Without what is None: analytics' confirmation has no price, and must not wipe out ingest's."""
    values = {"filled_price": result.price, "filled_qty": result.filled_qty}
    return {name: value for name, value in values.items() if value is not None}


def _is_fuller(before: CommandView, status: CommandStatus, more: dict[str, Any]) -> bool:
    """Whether another part of a resting order was filled."""
    return status == before.status == "resting" and more.get("filled_qty", 0) > (before.filled_qty or 0)


def command_view(command: DeskCommand, status: CommandStatus = "sent") -> CommandView:
    """A command as the page shows it before any answer."""
    return CommandView(
        command_id=command.command_id,
        source=command.source,
        sent_ns=command.sent_ns,
        status=status,
        **_asked(command),
    )


def _asked(command: DeskCommand) -> dict[str, Any]:
    """What it asks for."""
    match command:
        case KillSwitch():
            return {"kind": "kill_switch", "engaged": command.engaged}
        case CancelOrder():
            return {"kind": "cancel", "order_id": command.order_id}
        case CancelAll():
            return {"kind": "cancel_all", "symbol": command.symbol or ""}
        case TradeCommand():
            fields = {"symbol", "side", "qty", "price", "tif"}
            return {"kind": "trade", **command.model_dump(include=fields)}
