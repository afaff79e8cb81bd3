"""Acknowledgements say what is in the log, and nobody who asks for them can do harm."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.checking.sequences import SequenceTracker
from ingest.delivery.acknowledger import ACK_INTERVAL_S, MAX_STREAMS, REQUEST_PAUSE_S, SHOWN_FOR_NS, Acknowledger
from ingest.delivery.request_limit import MOST_AT_ONCE, REQUESTS_PER_S
from telemetry_runtime.fakes import FakeClock, FakePeerChannel
from telemetry_schema import Ack, AckRequest, decode_ack, encode
from tests.helpers.examples import examples
from tests.helpers.insane import insane_messages


class Log:
    """Commits when it is told to."""

    def __init__(self) -> None:
        self.room = asyncio.Event()
        self.room.set()

    async def committed(self) -> None:
        """Waits until it may."""
        await self.room.wait()


def request(**fields: object) -> bytes:
    wanted = {"source": "bot", "run": "r", "kind": "trade", "session": 1, "first_seq": 0} | fields
    return encode(AckRequest.model_validate(wanted))


class Rig:
    """An acknowledger on fakes."""

    def __init__(self) -> None:
        self.channel, self.clock, self.log = FakePeerChannel(), FakeClock(), Log()
        self.trades = SequenceTracker(max_runs=5000, max_sources=10)
        self.events = SequenceTracker(max_runs=5000, max_sources=10)
        self.acks = Acknowledger(
            self.channel, trades=self.trades, events=self.events, recorded=self.log, clock=self.clock
        )

    async def ask(self, *, peer: bytes = b"p", **fields: object) -> None:
        """A request of a peer."""
        self.channel.put(peer, request(**fields))
        await self.clock.advance(REQUEST_PAUSE_S + ACK_INTERVAL_S)

    async def take(self, count: int, *, run: str = "r") -> None:
        """A burst with the next numbers."""
        window = self.trades.strict(("bot", run))
        assert window is not None
        self.trades.observe("bot", run, window.next_seq, count, (1, 1, 1))
        self.acks.note_burst()
        await self.clock.advance(ACK_INTERVAL_S)

    def said(self) -> list[Ack]:
        """What was answered since the last time."""
        answers, self.channel.answers = self.channel.answers, []
        return [decode_ack(frame) for _, frame in answers]


@asynccontextmanager
async def running() -> AsyncIterator[Rig]:
    rig = Rig()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(rig.acks.take_requests()), group.create_task(rig.acks.acknowledge())]
        yield rig
        for task in tasks:
            task.cancel()


async def test_who_asks_hears_where_to_go_on_and_then_all_that_is_committed() -> None:
    async with running() as rig:
        await rig.ask(first_seq=7, session=3)
        await rig.take(5)
        await rig.take(2)
        assert [(ack.next_seq, ack.session, ack.resend) for ack in rig.said()] == [
            (7, 3, False),
            (12, 3, False),
            (14, 3, False),
        ]


async def test_nothing_is_acknowledged_before_it_is_committed() -> None:
    async with running() as rig:
        await rig.ask()
        rig.said()
        rig.log.room.clear()
        await rig.take(5)
        assert rig.said() == []
        # What comes while the first wait lasts is not committed with it.
        await rig.take(3)
        rig.log.room.set()
        await rig.clock.advance(0)
        assert [ack.next_seq for ack in rig.said()] == [5]
        await rig.clock.advance(ACK_INTERVAL_S)
        assert [ack.next_seq for ack in rig.said()] == [8]


async def test_a_missing_number_is_asked_for_once_until_the_next_one_shows_it_again() -> None:
    async with running() as rig:
        await rig.ask()
        rig.said()
        for _ in range(2):
            rig.trades.observe("bot", "r", 5, 1, (1, 1, 1))
            await rig.take(0)
            await rig.take(0)
            assert [(ack.next_seq, ack.resend) for ack in rig.said()] == [(0, True)]
        rig.trades.observe("bot", "r", 5, 1, (1, 1, 1))
        await rig.ask(session=2)  # a new connection: what was missed on the old one does not matter
        assert [(ack.session, ack.resend) for ack in rig.said()] == [(2, False)]


@settings(max_examples=examples(50))
@given(frames=st.lists(st.one_of(insane_messages("ack_request"), st.binary(max_size=5_000)), max_size=20))
async def test_insane_requests_are_counted_or_followed_and_stop_nothing(frames: list[bytes]) -> None:
    async with running() as rig:
        for frame in frames:
            rig.channel.put(b"insane", frame)
            await rig.clock.advance(REQUEST_PAUSE_S + ACK_INTERVAL_S)
        assert rig.acks.refused_requests + len({(ack.source, ack.run, ack.kind) for ack in rig.said()}) <= len(frames)
        await rig.ask(run="sane")
        await rig.take(3, run="sane")
        assert rig.said()[-1].next_seq == 3


async def test_kinds_are_numbered_apart() -> None:
    async with running() as rig:
        await rig.ask()
        await rig.ask(kind="order", first_seq=3)
        await rig.take(2)
        assert [(ack.kind, ack.next_seq) for ack in rig.said()] == [("trade", 0), ("order", 3), ("trade", 2)]


async def test_a_peer_that_is_gone_is_forgotten_and_may_ask_again() -> None:
    async with running() as rig:
        await rig.ask()
        rig.channel.gone.add(b"p")
        await rig.take(1)
        assert rig.acks.streams == 0
        await rig.ask(peer=b"q", session=2)
        assert [(ack.next_seq, ack.session) for ack in rig.said()][-1] == (1, 2)


async def test_nonsense_is_counted_and_answers_nobody() -> None:
    async with running() as rig:
        rig.channel.put(b"p", b"", b"{}", b"\xff", b"[" * 10_000, b'{"type":"ack"}')
        await rig.clock.advance(REQUEST_PAUSE_S)
        rig.trades.observe("plain", "r", 0, 9, (1, 1, 1))
        await rig.ask(source="plain")
        assert rig.acks.refused_requests == 6
        assert all(ack.refused for ack in rig.said())
        await rig.ask()
        assert len(rig.said()) == 1


async def test_any_number_of_runs_is_bounded() -> None:
    async with running() as rig:
        for number in range(MAX_STREAMS + 10):
            rig.channel.put(
                b"%d" % number,
                encode(AckRequest(source="bot", run=f"r{number}", kind="trade", session=1, first_seq=0, held_trades=1)),
            )
        await rig.clock.advance(60)
        assert rig.acks.streams == MAX_STREAMS
        assert rig.acks.reports()["bot"]["held_trades"] == MAX_STREAMS


async def test_what_clients_hold_is_shown_until_they_are_silent_for_long() -> None:
    async with running() as rig:
        await rig.ask(held_trades=5, held_bytes=500)
        await rig.ask(held_trades=3, held_bytes=300, resent_trades=2)
        await rig.ask(peer=b"q", run="s", held_trades=10)
        assert rig.acks.reports() == {"bot": {"held_trades": 13, "held_bytes": 300, "resent_trades": 2}}
        await rig.clock.advance(SHOWN_FOR_NS / 1e9 + 1)
        assert rig.acks.reports() == {}


async def test_who_asks_again_still_hears_that_a_number_was_passed_over() -> None:
    async with running() as rig:
        await rig.ask()
        rig.said()
        rig.trades.observe("bot", "r", 3, 1, (1, 1, 1))
        await rig.ask()
        assert any(ack.resend for ack in rig.said())
        rig.trades.observe("bot", "r", 3, 1, (1, 1, 1))
        await rig.ask(peer=b"new", session=2)
        assert not any(ack.resend for ack in rig.said())


async def test_a_run_that_cannot_be_acknowledged_is_refused_in_words() -> None:
    async with running() as rig:
        rig.trades.observe("plain", "r", 0, 9, (1, 1, 1))
        await rig.ask(source="plain", session=4)
        (ack,) = rig.said()
        assert (ack.source, ack.run, ack.kind, ack.session, ack.refused) == ("plain", "r", "trade", 4, True)
        assert rig.acks.streams == 0


async def test_a_flood_of_requests_is_limited_and_others_are_answered() -> None:
    async with running() as rig:
        rig.channel.put(b"flood", *(request(source="flood", run=f"{number}") for number in range(4_096)))
        await rig.clock.advance(REQUEST_PAUSE_S + ACK_INTERVAL_S)
        rig.said()
        assert rig.acks.refused_requests == 4_096 - MOST_AT_ONCE
        await rig.ask()
        assert [ack.run for ack in rig.said()] == ["r"]
        # Whoever waits a moment may ask again.
        await rig.clock.advance(2 / REQUESTS_PER_S)
        await rig.ask(peer=b"flood", source="flood", run="again")
        assert [ack.run for ack in rig.said()] == ["again"]


async def test_a_client_that_connects_again_is_counted_once() -> None:
    async with running() as rig:
        for number in range(5):
            await rig.ask(peer=b"%d" % number, session=number, held_trades=100)
        assert rig.acks.reports()["bot"]["held_trades"] == 100
        rig.channel.gone.add(b"4")
        await rig.take(1)
        assert rig.acks.reports() == {}
