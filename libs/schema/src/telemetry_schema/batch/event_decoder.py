"""The fast way from frames about orders to values; like `TradeDecoder` it only ever says yes.

What it does not accept, for whatever reason, is judged by `codec.decode_edge`. A property test holds that both accept
the same frames, with the same values.
"""

from collections.abc import Callable
from functools import reduce
from operator import attrgetter, or_
from typing import Any, Final, cast

import msgspec

from telemetry_schema.batch.structs import KnownNames, struct_of
from telemetry_schema.fields import MAX_FRAME_BYTES
from telemetry_schema.names import MAX_NAME_BYTES
from telemetry_schema.orders import BOT_MESSAGES, NEEDED_FIELDS, REJECT_REASONS, BotMessage, OrderEvent

FAST_STRUCTS: Final = {kind: struct_of(model, tag=kind) for kind, model in BOT_MESSAGES.items()}
"""By kind the struct of its messages."""

_ORDER, _QUOTE = FAST_STRUCTS["order"], FAST_STRUCTS["quote"]
_IDS: Final = attrgetter("order_id", "venue_order_id", "alias", "exec_id", "ref_exec_id")
_NAMES: Final[dict[type[msgspec.Struct], Callable[[Any], tuple[str | None, ...]]]] = {
    _ORDER: attrgetter("source", "run", "symbol", "account", "strategy", "venue", "fee_currency"),
    _QUOTE: attrgetter("source", "run", "symbol"),
    FAST_STRUCTS["position"]: attrgetter("source", "run", "symbol", "account", "strategy", "currency"),
    FAST_STRUCTS["rate_limit"]: attrgetter("source", "run", "account", "venue", "limit"),
}
"""The fields that hold names of which there are few."""

_KNOWN_REASONS: Final = frozenset({None, *REJECT_REASONS})


_KINDS: Final = {struct: kind for kind, struct in FAST_STRUCTS.items()}


def kind_of(message: BotMessage) -> str:
    """The kind of a message that was decoded here, which has no field `type`."""
    return _KINDS[type(cast("Any", message))]


class EventDecoder:
    """Decodes frames that hold a message about orders; anything else gives None."""

    def __init__(self) -> None:
        self._decode = msgspec.json.Decoder(reduce(or_, FAST_STRUCTS.values())).decode
        self._names = KnownNames()

    def decode(self, frame: bytes) -> BotMessage | None:
        """The decoded message, or None if the frame is not certainly valid."""
        if len(frame) > MAX_FRAME_BYTES:
            return None
        try:
            message: Any = self._decode(frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return cast("BotMessage", message) if self._is_good(message) else None

    def _is_good(self, message: Any) -> bool:  # noqa: ANN401 - a struct made at run time
        """Whether all holds that the struct does not say."""
        struct = type(message)
        if message.run is None and message.seq is not None:
            return False
        if not self._names.are_good(_NAMES[struct](message)):
            return False
        if struct is _ORDER:
            return _is_good_event(message)
        return struct is not _QUOTE or message.bid <= message.ask


_NEEDED: Final = {event: attrgetter(*names, names[0]) for event, names in NEEDED_FIELDS.items()}
"""By event what gives a tuple of all that it must have."""


def is_whole(event: OrderEvent) -> bool:
    """Whether an event has all that `missing_fields` looks for, several times as fast."""
    needed = _NEEDED.get(event.event)
    if needed is not None and None in needed(event):
        return False
    if (event.seen_ns is None) != (event.seen_by is None):
        return False
    return event.fee is None or event.fee_currency is not None


def _is_good_event(event: OrderEvent) -> bool:
    # Almost every order has ids of its own: remembering them would push the other names out.
    if not all(one is None or _is_plain(one) for one in _IDS(event)) or event.reason not in _KNOWN_REASONS:
        return False
    return is_whole(event)


def _is_plain(name: str) -> bool:
    """Whether a name is certainly good: printable ASCII without blanks at its ends."""
    return name.isascii() and name.isprintable() and 0 < len(name) <= MAX_NAME_BYTES and " " not in {name[0], name[-1]}
