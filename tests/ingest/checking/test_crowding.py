"""Whether reading is held back: by what was in the bursts, with plain numbers."""

from ingest.checking.chunks import Chunk
from ingest.checking.crowding import HELD_BACK_LIMITED, HELD_BACK_MESSAGES, LARGE_BURST, REMEMBERED_NS, Crowding
from telemetry_schema.batch import RECORD

FLOOD = 1_000


def _burst(**trades: int) -> list[Chunk]:
    """One burst with so many trades of each source."""
    frame = b"".join(
        RECORD.pack(1, 1, 1, 1.0, 1.0, 0, index, 0, 0)
        for index, count in enumerate(trades.values())
        for _ in range(count)
    )
    return [Chunk(frame, ["A"], list(trades), [])]


def _is_seen(crowding: Crowding, at_ns: int = 0, **trades: int) -> bool:
    most = crowding.next_burst(sum(trades.values()), 0, _burst(**trades), at_ns)
    assert most in {0, HELD_BACK_MESSAGES}
    return bool(most)


def test_one_client_alone_is_never_held_back_however_much_it_sends() -> None:
    crowding = Crowding()
    assert not any(_is_seen(crowding, number, flood=16_000) for number in range(100))


def test_a_flood_beside_another_client_is_held_back() -> None:
    assert _is_seen(Crowding(), flood=FLOOD, bot=1)


def test_the_other_client_is_remembered_for_a_while() -> None:
    crowding = Crowding()
    _is_seen(crowding, 0, bot=1, other=1)
    assert _is_seen(crowding, REMEMBERED_NS - 1, flood=FLOOD)
    assert not _is_seen(crowding, REMEMBERED_NS, flood=FLOOD)


def test_clients_that_all_send_much_take_turns_as_they_are() -> None:
    assert not _is_seen(Crowding(), one=FLOOD, two=FLOOD)


def test_small_bursts_hold_up_nobody() -> None:
    assert not _is_seen(Crowding(), bot=LARGE_BURST - 2, other=1)


def test_a_flood_that_is_refused_is_held_back_even_alone() -> None:
    assert Crowding().next_burst(FLOOD, FLOOD // 2, [], 0) == HELD_BACK_LIMITED
    assert not Crowding().next_burst(FLOOD, FLOOD // 2 - 1, [], 0)
    assert not Crowding().next_burst(HELD_BACK_LIMITED // 2 - 1, HELD_BACK_LIMITED // 2 - 1, [], 0)


def test_a_refused_flood_stays_held_back_while_others_have_their_messages_in_its_bursts() -> None:
    crowding, burst = Crowding(), FLOOD
    for _ in range(10):
        burst = crowding.next_burst(burst, burst - burst // 4, _burst(bot=burst // 4), 0)
        assert burst == HELD_BACK_LIMITED
