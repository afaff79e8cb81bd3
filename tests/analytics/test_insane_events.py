"""Well-formed but insane messages about orders: refused or applied, and what is shown and saved stays valid."""

import json
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.cooperative import run
from analytics.engine import Engine
from analytics.output.exposition import text
from analytics.output.metrics import Metrics
from analytics.output.open_orders import open_totals
from analytics.output.order_metrics import OrderMetrics
from analytics.output.snapshots import Snapshots
from telemetry_runtime import Frames
from telemetry_schema import LAST_NS, BatchError, decode_ui, encode
from telemetry_schema.batch import EventBatch, FastHeader, decode_stream_batch, encode_header
from tests.analytics.batches import NOW, T, batch, engine, results, state_of
from tests.analytics.orders.test_checkpoint import saved
from tests.analytics.output.test_exposition import samples
from tests.helpers.examples import examples
from tests.helpers.insane import golden, insane_messages, insane_values, places, put

KINDS = ["order", "quote", "position", "rate_limit"]
EVENTS = ["submit", "accept", "fill", "cancel", "replace", "reject", "bust", "correct", "expire", "trigger"]


@st.composite
def order_messages(draw: st.DrawFn) -> bytes:
    """A message of any kind, of one of few orders; each may have insane values."""
    if draw(st.booleans()):
        return draw(insane_messages(draw(st.sampled_from(KINDS))))
    changes: dict[str, st.SearchStrategy[Any]] = {
        "event": st.sampled_from(EVENTS),
        "order_id": st.sampled_from(["a", "b"]),
        "exec_id": st.sampled_from(["x", "y", None]),
        "ref_exec_id": st.sampled_from(["x", "y", None]),
        "alias": st.sampled_from(["a", "b", None]),
        "event_ns": st.sampled_from([10**17, NOW, NOW + 10**9, LAST_NS]),
        "sent_ns": st.sampled_from([10**17, NOW, NOW + 10**9, LAST_NS]),
        **dict.fromkeys(
            ("qty", "price", "last_qty", "last_price", "cum_qty", "fee", "decision_price"),
            st.sampled_from([None, 0, -1.0, 1e-300, 1e308, 1.0, 5.0, -1e308]),
        ),
    }
    return json.dumps(golden("order") | {key: draw(value) for key, value in changes.items()}).encode()


@st.composite
def insane_batches(draw: st.DrawFn) -> Frames:
    """A batch of messages about orders, in which little need fit."""
    lines = draw(st.lists(order_messages(), max_size=6))
    received = draw(st.sampled_from([b"0", b"%d" % NOW, b"%d" % LAST_NS, b"9" * 30, b"-1", b"", b"1.5"]))
    count = draw(st.sampled_from([len(lines)] * 4 + [0, 1, 65_535]))
    header = json.loads(
        encode_header(
            FastHeader(
                stream="x",
                kind="events",
                first_seq=draw(st.integers(0, 9)),
                count=count,
                symbols=[],
                sources=[],
                sent_ns=NOW,
            )
        )
    )
    for path in draw(st.lists(st.sampled_from(places(header)), max_size=1)):
        put(header, path, draw(insane_values()))
    good = draw(st.sampled_from([b"%d" % NOW, received]))
    return json.dumps(header).encode(), b"".join(good + b" " + line + b"\n" for line in lines)


def give(made: Engine, frames: Frames) -> bool:
    """As the app does; whether it was a batch."""
    try:
        decoded = decode_stream_batch(frames)
    except BatchError:
        made.refuse()
        return False
    if isinstance(decoded, EventBatch):
        made.apply_events(decoded, monotonic_ns=0)
    else:
        made.apply(decoded, now_ns=NOW, monotonic_ns=NOW)
    return True


@settings(max_examples=examples(40))
@given(batches=st.lists(insane_batches(), max_size=8))
def test_trades_go_on_and_all_that_is_shown_and_saved_stays_valid(batches: list[Frames]) -> None:
    made, shown = engine(), OrderMetrics()
    for number, frames in enumerate(batches):
        give(made, frames)
        made.apply(batch([T(symbol="GOOD", qty=2)], first_seq=number), now_ns=NOW, monotonic_ns=NOW)
    run(made.orders.tick(NOW))
    state = state_of(made)
    assert state.totals.trades.sum() == len(batches)
    snapshot = run(Snapshots(made, run="r", started_ns=1).steps(results(made)))
    assert decode_ui(encode(snapshot)) == snapshot
    families = [*Metrics().families(results(made)), *shown.families(made.orders, NOW, run(open_totals(made.orders)))]
    exposed = samples("".join(map(text, families)))
    counted = [value for (name, _), value in exposed.items() if name.endswith(("_total", "_sum", "_count"))]
    assert all(np.isfinite(counted))
    fresh = engine()
    fresh.orders.restore(saved(made.orders.state()))
    assert str(shown_of(fresh)) == str(shown_of(made))


def shown_of(made: Engine) -> dict[Any, float]:
    """What the metrics say of orders."""
    return samples("".join(map(text, OrderMetrics().families(made.orders, NOW, run(open_totals(made.orders))))))


@settings(max_examples=examples(40))
@given(batches=st.lists(insane_batches(), min_size=1, max_size=8))
def test_counters_of_orders_never_fall(batches: list[Frames]) -> None:
    made, shown = engine(), OrderMetrics()
    seen: list[dict[Any, float]] = []
    for frames in batches:
        give(made, frames)
        exposed = samples("".join(map(text, shown.families(made.orders, NOW, run(open_totals(made.orders))))))
        seen.append({key: value for key, value in exposed.items() if key[0].endswith(("_total", "_count"))})
    for before, after in pairwise(seen):
        assert all(after.get(key, 0.0) >= value for key, value in before.items())
