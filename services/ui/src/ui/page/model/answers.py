"""A command's state in words. Pure."""

from telemetry_ticket import Answer, Tone
from ui.page.model import formats
from ui.wire import CommandView


def for_ticket(command: CommandView) -> Answer:
    """How far a command has come, as the rest of a sentence that begins with its name."""
    match command.status:
        case "sent":
            return _open("sent, waiting for the answer", "wait")
        case "no_answer":
            return _open(
                "no answer. It may still be carried out: look at the blotter before you send it again.", "warn"
            )
        case "refused":
            return Answer(text=f"refused. {command.reason or ''}".rstrip(), tone="bad", final=True)
        case "resting" | "cancelled":
            return _rested(command)
        case "accepted" if command.kind != "trade":
            return Answer(text=f"done in {formats.latency(command.answered_after_ns)} ms", tone="good", final=True)
        case "accepted" | "applied":
            return _traded(command)


def _traded(command: CommandView) -> Answer:
    at = formats.price(command.filled_price)
    if command.status == "accepted":
        return _open(f"filled at {at}, not applied by analytics yet", "good")
    return Answer(text=f"applied at {at} in {formats.latency(command.applied_after_ns)} ms", tone="good", final=True)


def _rested(command: CommandView) -> Answer:
    """Final for the ticket: the blotter and the open orders show what becomes of it."""
    if command.status == "resting":
        text = f"rests at {formats.price(command.price)}{_part(command)}: it fills when a trade goes through its price"
        return Answer(text=text, tone="wait", final=True)
    return Answer(text=f"cancelled{_part(command)}. {command.reason or ''}".rstrip(), tone="warn", final=True)


def _part(command: CommandView) -> str:
    return f", {command.filled_qty:,.10g} of {command.qty:,.10g} filled" if command.filled_qty and command.qty else ""


def is_final(command: CommandView | None) -> bool:
    """Whether nothing more will be said about it."""
    return command is not None and for_ticket(command)["final"]


def _open(text: str, tone: Tone) -> Answer:
    return Answer(text=text, tone=tone, final=False)
