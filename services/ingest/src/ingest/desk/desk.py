"""The paper desk: checks commands of the UI against limits and fills them at the last price. Pure.

A market order fills at the last live price of its symbol, a limit order at its own price, whole and at once: it is an
exercise, not a market model. Nothing leaves the desk but a trade of the paper account.

Intervals are in monotonic time. Wall time only says how long a command was on its way, by its sender's clock.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from ingest.checking.outcomes import Command
from ingest.desk.history import AnsweredCommands
from ingest.desk.last_prices import LastPrices
from ingest.desk.limits import DeskLimits, Rejection
from ingest.desk.order_events import order_events
from ingest.desk.outcome import Decision, DeskOutcome, PaperTrade
from ingest.desk.positions import Book
from telemetry_schema import CommandResult, DeskState, KillSwitch, TradeCommand

MAX_ANSWERS = 10_000
"""Answers that are remembered, so that a repeated command is answered and not filled again."""

_SHOWN_SYMBOLS = 500
_SECOND_NS = 1_000_000_000


_KILL_SWITCH = Rejection("kill_switch", "The kill switch is engaged: release it to trade.")


class Desk:
    """The desk, its kill switch and its account."""

    def __init__(self, limits: DeskLimits, *, account: str, kill_switch: bool = False) -> None:
        self._limits = limits
        self._account = account
        self._kill_switch = kill_switch
        self.last_prices = LastPrices()
        # Apart, so that a flood of refused commands cannot push a fill's answer out.
        self._answers: OrderedDict[UUID, CommandResult] = OrderedDict()
        self._refusals: OrderedDict[UUID, CommandResult] = OrderedDict()
        self._recent_ns: deque[int] = deque()
        self.book = Book()
        self.history = AnsweredCommands()
        self.changes = 0

    @property
    def kill_switch(self) -> bool:
        """Whether every command is refused."""
        return self._kill_switch

    def young_answers(self) -> list[CommandResult]:
        """The answers to fills that might still be asked for again, oldest first: later the age limit refuses them."""
        answers = list(self._answers.values())
        oldest_ns = answers[-1].received_ns - 2 * round(self._limits.max_age_s * _SECOND_NS) if answers else 0
        return [answer for answer in answers if answer.received_ns >= oldest_ns]

    def restore(
        self,
        *,
        holdings: Mapping[str, tuple[float, float, float]],
        kill_switch: bool,
        answers: Iterable[CommandResult],
    ) -> None:
        """Restores the state of an earlier process. A kill switch that the settings engage stays engaged."""
        self.book.restore(holdings)
        self._kill_switch = self._kill_switch or kill_switch
        self._answers.update((answer.command_id, answer) for answer in answers)

    def execute(self, commands: Sequence[Command], now_ns: int, monotonic_ns: int) -> DeskOutcome:
        """Decides about the commands of a burst, one after the other."""
        outcome = DeskOutcome()
        for command in commands:
            decision = self.decide(command, now_ns, monotonic_ns)
            outcome.add(command, decision)
            if isinstance(command, TradeCommand):
                outcome.events += order_events(command, decision, account=self._account, now_ns=now_ns)
        return outcome

    def decide(self, command: Command, now_ns: int, monotonic_ns: int) -> Decision:
        """Answers a command. Idempotent: one whose id was answered before gets the same answer, and nothing happens."""
        earlier = self._answers.get(command.command_id) or self._refusals.get(command.command_id)
        if earlier is not None:
            return Decision(earlier, "duplicate")
        if isinstance(command, KillSwitch):
            decision = self._switch(command, now_ns, monotonic_ns)
        else:
            decision = self._trade(command, now_ns, monotonic_ns)
        answers = self._refusals if decision.outcome == "refused" else self._answers
        answers[command.command_id] = decision.result
        if len(answers) > MAX_ANSWERS:
            answers.popitem(last=False)
        if decision.outcome == "accepted":
            self.changes += 1
        return decision

    def _switch(self, command: KillSwitch, now_ns: int, monotonic_ns: int) -> Decision:
        # Whatever comes before it, the message that engages is obeyed. All others are limited, as each is kept.
        if not command.engaged or self._kill_switch:
            rejection = None if command.engaged else self._limits.age_rejection(command, now_ns)
            if rejection := rejection or self._rate_rejection(monotonic_ns):
                return _refused(command, rejection, now_ns)
        self._kill_switch = command.engaged
        return Decision(CommandResult(command_id=command.command_id, status="accepted", received_ns=now_ns), "accepted")

    def _trade(self, command: TradeCommand, now_ns: int, monotonic_ns: int) -> Decision:
        last = self.last_prices.read().get(command.symbol)
        if self._kill_switch:
            return _refused(command, _KILL_SWITCH, now_ns)
        if last is None:
            text = f"No live price of {command.symbol} has come yet: choose one that trades."
            return _refused(command, Rejection("unknown_symbol", text), now_ns)
        rejection = (
            self._limits.age_rejection(command, now_ns)
            or self._limits.price_rejection(command, last, monotonic_ns)
            or self._limits.size_rejection(command, last.price)
            or self._rate_rejection(monotonic_ns)
        )
        return _refused(command, rejection, now_ns) if rejection else self._filled(command, last.price, now_ns)

    def _filled(self, command: TradeCommand, last: float, now_ns: int) -> Decision:
        price = last if command.price is None else command.price
        self.book.fill(command.symbol, command.side, command.qty, price)
        fill = PaperTrade(
            source=command.source,
            symbol=command.symbol,
            side=command.side,
            qty=command.qty,
            price=price,
            event_ns=now_ns,
            sent_ns=command.sent_ns,
            account=self._account,
            id=str(command.command_id),
        )
        result = CommandResult(command_id=command.command_id, status="accepted", price=price, received_ns=now_ns)
        return Decision(result, "accepted", fill=fill)

    def _rate_rejection(self, monotonic_ns: int) -> Rejection | None:
        recent, limit = self._recent_ns, self._limits.max_commands_per_s
        while recent and recent[0] <= monotonic_ns - _SECOND_NS:
            recent.popleft()
        if len(recent) >= limit:
            return Rejection("rate", f"More than {limit:g} commands in a second: wait a moment.")
        recent.append(monotonic_ns)
        return None

    def state(self) -> DeskState:
        """The desk as the UI shows it."""
        last_prices = {symbol: last.price for symbol, last in self.last_prices.read().items()}
        return DeskState(
            account=self._account,
            kill_switch=self._kill_switch,
            max_qty=self._limits.max_qty,
            max_notional=self._limits.max_notional,
            price_band_ratio=self._limits.price_band_ratio,
            max_commands_per_s=self._limits.max_commands_per_s,
            symbols=sorted(last_prices)[:_SHOWN_SYMBOLS],
            positions=self.book.positions(last_prices),
        )


def _refused(command: Command, rejection: Rejection, now_ns: int) -> Decision:
    result = CommandResult(
        command_id=command.command_id,
        status="refused",
        code=rejection.code,
        reason=rejection.text,
        received_ns=now_ns,
    )
    return Decision(result, "refused", rejection.code)
