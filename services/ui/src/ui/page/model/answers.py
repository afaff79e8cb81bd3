"""A command's state in words. Pure."""

from typing import Literal, NamedTuple

from ui.page.model import formats
from ui.wire import CommandView


class Answer(NamedTuple):
    """What to say about a command. Final is what needs no further look."""

    text: str
    tone: Literal["good", "bad", "warn", "wait"]
    is_final: bool


def describe(command: CommandView) -> Answer:
    """The state of a command as a sentence."""
    name = order_name(command)
    match command.status:
        case "sent":
            return Answer(f"{name} sent, waiting for the answer", "wait", is_final=False)
        case "no_answer":
            return Answer(
                f"{name}: no answer. It may still be carried out: look at the blotter before you send it again.",
                "warn",
                is_final=False,
            )
        case "refused":
            return Answer(f"{name} refused. {command.reason or ''}".rstrip(), "bad", is_final=True)
        case "accepted" if command.kind == "kill_switch":
            return Answer(f"{name} in {formats.latency(command.answered_after_ns)} ms", "good", is_final=True)
        case "accepted":
            at = formats.price(command.filled_price)
            return Answer(f"{name} filled at {at}, not applied by analytics yet", "wait", is_final=False)
        case "applied":
            at, took = formats.price(command.filled_price), formats.latency(command.applied_after_ns)
            return Answer(f"{name} applied at {at} in {took} ms", "good", is_final=True)


def order_name(command: CommandView) -> str:
    """The command in a few words."""
    if command.kind == "kill_switch":
        return "Kill switch engaged" if command.engaged else "Kill switch released"
    return f"{(command.side or '').upper()} {formats.exact(command.qty)} {command.symbol}"
