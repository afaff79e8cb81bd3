"""Well-formed but insane batches: refused or applied, counted, and nothing of another stream or symbol is hurt."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analytics.cooperative import run
from analytics.engine import Engine
from analytics.output.exposition import text
from analytics.output.metrics import Metrics
from analytics.output.snapshots import Snapshots
from telemetry_runtime.channels import Frames
from telemetry_schema import BatchError, decode_progress, decode_ui, encode
from telemetry_schema.batch import MAX_BATCH_TRADES, TRADE_DTYPE, FastHeader, decode_batch, encode_header
from tests.analytics.batches import NOW, T, batch, engine, results, state_of
from tests.analytics.output.test_exposition import samples

numbers = st.one_of(st.integers(0, 9), st.sampled_from([2**62, 2**63 - 2, 2**63 - 1, MAX_BATCH_TRADES]))
times = st.sampled_from([0, 1, NOW // 10**9, NOW // 10**6, NOW, NOW + 10**12, 2**63 - 1])
floats = st.floats(allow_nan=True, allow_infinity=True)
names = st.lists(st.sampled_from(["X", "Y", "other", "币安人生USDT", "<b>", "a" * 64]), max_size=4)


@st.composite
def insane(draw: st.DrawFn) -> Frames:
    """A batch of another ingest, in which little need fit."""
    count = draw(st.integers(0, 40))
    records = np.zeros(count, TRADE_DTYPE)
    for column in ("event_ns", "sent_ns", "received_ns"):
        records[column] = draw(st.lists(times, min_size=count, max_size=count))
    for column in ("price", "qty"):
        records[column] = draw(st.lists(st.one_of(st.floats(1e-6, 1e6), floats), min_size=count, max_size=count))
    for column, most in (("symbol", 4), ("source", 4), ("side", 2), ("account", 3)):
        records[column] = draw(st.lists(st.integers(0, most), min_size=count, max_size=count))
    header = FastHeader(
        stream=draw(st.sampled_from(["x", "y"])),
        first_seq=draw(numbers),
        count=draw(st.sampled_from([count, count, count, 0, MAX_BATCH_TRADES, MAX_BATCH_TRADES + 1])),
        symbols=draw(names),
        sources=draw(names),
        accounts=draw(names),
        replayed=draw(st.lists(st.integers(0, 4), max_size=3)),
        sent_ns=draw(times),
        resume=draw(st.booleans()),
        final=draw(st.booleans()),
    )
    return encode_header(header), records.tobytes()


def give(made: Engine, frames: Frames) -> None:
    """As the app does."""
    try:
        decoded = decode_batch(frames)
    except BatchError:
        made.refuse()
        return
    made.apply(decoded, now_ns=NOW, monotonic_ns=NOW)


@given(batches=st.lists(insane(), max_size=8))
def test_another_stream_goes_on_and_all_that_is_sent_stays_valid(batches: list[Frames]) -> None:
    made = engine()
    give_good(made, 0)
    for number, frames in enumerate(batches, start=1):
        give(made, frames)
        give_good(made, number)
    for progress in made.streams.acknowledgements_due():
        decode_progress(encode(progress))
    state = state_of(made)
    slot = [key.symbol for key in state.symbols].index("GOOD")
    assert state.totals.volume[0, slot] == 2 * (len(batches) + 1)
    assert sum(state.ledger.batches.values()) == 2 * len(batches) + 1
    assert state.totals.trades.sum() == state.ledger.applied
    snapshot = run(Snapshots(made, run="r", started_ns=1).steps(results(made)))
    assert decode_ui(encode(snapshot)) == snapshot
    exposed = samples("".join(map(text, Metrics().families(results(made)))))
    finite = [value for (name, _), value in exposed.items() if name.endswith(("_total", "_sum", "_count"))]
    assert all(np.isfinite(finite))


def give_good(made: Engine, number: int) -> None:
    made.apply(batch([T(symbol="GOOD", qty=2)], first_seq=number), now_ns=NOW, monotonic_ns=NOW)
    assert {one.stream: one.next_seq for one in made.streams.acknowledgements_due()}["s"] == number + 1
