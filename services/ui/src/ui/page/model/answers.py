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
        case "accepted" if command.kind == "kill_switch":
            return Answer(text=f"done in {formats.latency(command.answered_after_ns)} ms", tone="good", final=True)
        case "accepted":
            return _open(f"filled at {formats.price(command.filled_price)}, not applied by analytics yet", "good")
        case "applied":
            at, took = formats.price(command.filled_price), formats.latency(command.applied_after_ns)
            return Answer(text=f"applied at {at} in {took} ms", tone="good", final=True)


def is_final(command: CommandView | None) -> bool:
    """Whether nothing more will be said about it."""
    return command is not None and for_ticket(command)["final"]


def _open(text: str, tone: Tone) -> Answer:
    return Answer(text=text, tone=tone, final=False)
