"""Well-formed but insane messages on the UI's port and the page's link end nothing, and the next good one counts."""

import asyncio
import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC
from typing import Any, TypeAlias
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from telemetry_runtime import AsyncTaskManager
from telemetry_schema import IngestStatus, Snapshot, TradeCommand, encode
from tests.helpers.examples import examples
from tests.helpers.views import NOW_NS, at, book, bot, bots_state, life, moment, order, snapshot, status
from tests.ui.test_app import World
from ui.page.model.selection import Selection
from ui.page.model.view import PageModel
from ui.page.views.bots import parts
from ui.wire import Hello, PageState, decode_to_page

Path: TypeAlias = tuple[str | int, ...]

INSANE: list[Any] = [
    *(0, -1, 2**63 - 1, -(2**63), 2**64, 10**30, 1e308, -1e308, 5e-324, 0.1, True, None),
    *("", "x" * 200, "\u202e", "<b>", [], {}, [1], {"a": 1}, [[]] * 50),
]


def _leaves(value: Any, path: Path = ()) -> Iterator[Path]:  # noqa: ANN401 - any JSON
    """Where numbers, texts, lists and objects stand."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield from _leaves(each, (*path, key))


BOTS = bots_state(
    bot(), books=[book()], open_orders=[order()], ended_orders=[order("o-2")], lives=[life("o-1", moment("submit"))]
)
GOOD = [json.loads(encode(message)) for message in (snapshot(), status(), BOTS)]
PLACES = [(number, path) for number, message in enumerate(GOOD) for path in _leaves(message) if path != ("type",)]


def _changed(number: int, version: int, changes: list[tuple[Path, Any]]) -> bytes:
    message = json.loads(json.dumps(GOOD[number]))
    if "version" in message:
        message["version"] = version
    for path, value in changes:
        parent = message
        try:
            for key in path[:-1]:
                parent = parent[key]
            parent[path[-1]] = deepcopy(value)  # a change within one that came before must not change the list
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    return json.dumps(message).encode()


@st.composite
def insane(draw: st.DrawFn) -> bytes:
    """A good message with one to four places changed."""
    number = draw(st.integers(0, len(GOOD) - 1))
    paths = st.sampled_from([path for which, path in PLACES if which == number])
    return _changed(
        number,
        draw(st.integers(2, 20)),
        draw(st.lists(st.tuples(paths, st.sampled_from(INSANE)), min_size=1, max_size=4)),
    )


async def _shown(messages: list[bytes]) -> tuple[World, PageModel]:
    """The app after these messages and two good ones of new runs, and a page that got all that it sent."""
    world, model = World(), PageModel()
    async with AsyncTaskManager() as tasks:
        tasks.start("tick", world.app.tick())
        tasks.start("page", world.app.follow_page(world.page_source))
        tasks.start("backend", world.app.follow_backend(world.backend_source))
        await world.click(Hello(pid=1))
        await world.hear(snapshot(), status())
        for message in messages:
            await world.hear(message)
            await world.clock.advance(0.5)
        await world.hear(snapshot(version=1, run="after"), status(version=1, stream="after"))
        await world.clock.advance(0.5)
    for frames in world.page.sent:
        model.apply(decode_to_page(bytes(frames[0])), at(world.clock.now_ns()))
    return world, model


@settings(deadline=None, max_examples=examples(150))
@given(st.lists(insane(), max_size=4))
def test_an_insane_view_ends_nothing_and_the_next_good_one_is_shown(messages: list[bytes]) -> None:
    world, model = asyncio.run(_shown(messages))
    (last,) = world.received(Snapshot)[-1:]
    assert last.run == "after"
    assert world.received(IngestStatus)[-1].stream == "after"
    assert world.received(PageState)
    assert model.view.snapshot == last
    good = snapshot().recent_bars[0].second
    assert {bar.second for bar in model.view.bars.last("BTC-USD", 3_600)} >= {*good}
    tally = world.tally.messages
    assert tally.accepted + tally.refused + tally.duplicate + tally.ignored == 4 + len(messages)


COMMAND = json.loads(
    encode(TradeCommand(command_id=UUID(int=7), source="ui", symbol="BTC-USD", side="buy", qty=0.5, sent_ns=NOW_NS))
)


@st.composite
def insane_commands(draw: st.DrawFn) -> bytes:
    """What the page might send if it were wrong: a command with some fields changed, or no message at all."""
    changes = draw(st.dictionaries(st.sampled_from([*COMMAND, "pid"]), st.sampled_from(INSANE), max_size=3))
    kind = draw(st.sampled_from(["command", "kill_switch", "hello", "trade", None]))
    return draw(st.just(json.dumps(COMMAND | {"type": kind} | changes).encode()) | st.binary(max_size=60))


async def _sent(messages: list[bytes]) -> list[bytes]:
    """What ingest got of these messages of the page and a good order after them."""
    world = World()
    async with AsyncTaskManager() as tasks:
        tasks.start("page", world.app.follow_page(world.page_source))
        tasks.start("backend", world.app.follow_backend(world.backend_source))
        await world.hear(snapshot(), status())
        await world.click(*messages, json.dumps(COMMAND | {"command_id": str(UUID(int=8))}).encode())
    return [bytes(frames[0]) for frames in world.ingest.sent]


@settings(deadline=None)
@given(st.lists(insane_commands(), max_size=6))
def test_whatever_the_page_sends_the_next_order_goes_out(messages: list[bytes]) -> None:
    *_, last = asyncio.run(_sent(messages))
    assert json.loads(last)["command_id"] == str(UUID(int=8))


BOT_PLACES = [path for number, path in PLACES if GOOD[number]["type"] == "bots"]


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(BOT_PLACES), st.sampled_from(INSANE)), min_size=1, max_size=3))
def test_bots_of_insane_numbers_are_drawn(changes: list[tuple[Path, Any]]) -> None:
    model = PageModel()
    model.apply(snapshot(), at(NOW_NS))
    try:
        state = decode_to_page(_changed(len(GOOD) - 1, 1, changes))
    except ValidationError:
        return
    for _ in range(2):
        model.apply(state, at(NOW_NS))
        for order_id in ("", "bot-1\to-1", "bot-1\to-2"):
            json.dumps(parts(model.view, Selection(bot_order=order_id, bot="bot-1\tbot-1\tmaker"), at(NOW_NS), UTC))
