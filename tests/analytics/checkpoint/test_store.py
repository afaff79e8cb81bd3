"""Checkpoints on disk: restored as they were, or put aside in one line."""

import asyncio
import errno
import os
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from analytics.checkpoint.checkpointer import Checkpointer, restored_engine
from analytics.checkpoint.store import KEPT, Capture, CheckpointStore
from analytics.cooperative import run
from analytics.engine import Engine
from telemetry_runtime.fakes import FakeClock
from tests.analytics.batches import NOW, SECOND, T, batch, engine, results
from tests.analytics.output.test_metrics import exported

SIZES = {"max_symbols": 5, "max_sources": 5, "recent_trades": 16}


def restore(directory: Path, **sizes: int) -> Engine:
    all_sizes = {**SIZES, **sizes}

    def make(max_symbols: int, max_sources: int) -> Engine:
        return engine(max_symbols=max_symbols, max_sources=max_sources, recent_trades=all_sizes["recent_trades"])

    limits = all_sizes["max_symbols"], all_sizes["max_sources"]
    return restored_engine(CheckpointStore(directory), make, *limits, now_ns=NOW, monotonic_ns=NOW)


def save(made: Engine, store: CheckpointStore) -> None:
    store.save(run(made.capture(store)))


def shown(made: Engine) -> dict[str, str]:
    """All metrics; as text, where nothing known is the same as nothing known."""
    return {str(key): str(value) for key, value in exported(made).items()}


def apply(made: Engine, trades: Sequence[T]) -> None:
    ((_, next_seq),) = made.streams.positions().values() or [(0, 0)]
    made.apply(batch(trades, first_seq=next_seq), now_ns=NOW, monotonic_ns=NOW)


TRADES = st.lists(
    st.builds(
        T,
        qty=st.floats(0.001, 1e6),
        price=st.floats(0.001, 1e6),
        at_ns=st.integers(-3_700 * SECOND, 50 * SECOND),
        side=st.sampled_from(["buy", "sell"]),
        symbol=st.sampled_from("ABCDEFGH"),
        source=st.sampled_from(["bot", "ui", "x", "y", "z", "too-many", "more"]),
        account=st.sampled_from([None, None, "paper"]),
    ),
    min_size=1,
    max_size=60,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(st.lists(TRADES, min_size=1, max_size=4), TRADES)
def test_a_restored_engine_shows_the_same_and_goes_on_in_the_same_way(
    tmp_path_factory: pytest.TempPathFactory, before: list[list[T]], after: list[T]
) -> None:
    directory = tmp_path_factory.mktemp("checkpoints")
    made, store = engine(), CheckpointStore(directory)
    for trades in before:
        apply(made, trades)
        save(made, store)
    again = restore(directory)
    assert shown(again) == shown(made)
    for each in (made, again):
        apply(each, after)
    assert shown(again) == shown(made)
    assert again.aggregates.tape.rows == made.aggregates.tape.rows
    assert again.aggregates.own_tape.rows == made.aggregates.own_tape.rows


def test_what_was_applied_before_is_a_duplicate_after_a_restart(tmp_path: Path) -> None:
    made = engine()
    apply(made, [T(), T()])
    save(made, CheckpointStore(tmp_path))
    again = restore(tmp_path)
    again.apply(batch([T(), T(), T()], first_seq=0), now_ns=NOW, monotonic_ns=NOW)
    assert (again.ledger.applied, again.ledger.duplicate) == (3, 2)


def test_without_a_checkpoint_it_begins_empty(tmp_path: Path) -> None:
    with capture_logs() as logs:
        assert restore(tmp_path / "new").ledger.applied == 0
    assert logs == []


def test_only_what_has_changed_is_written_again_and_what_is_not_needed_goes(tmp_path: Path) -> None:
    made, store = engine(), CheckpointStore(tmp_path)
    for minute in range(10):
        apply(made, [T(at_ns=minute * 60 * SECOND - 1_000 * SECOND)])
        capture = run(made.capture(store))
        assert len([name for name in capture.parts if "minutes" in name]) == 1
        store.save(capture)
    minutes = [path for path in tmp_path.iterdir() if "minutes" in path.name]
    assert len(minutes) == 10
    assert len(list(tmp_path.glob("checkpoint-*.state"))) == KEPT
    again, store = engine(), CheckpointStore(tmp_path)
    assert store.load(partial(again.restore, now_ns=NOW, monotonic_ns=NOW))
    assert not run(again.capture(store)).parts
    apply(again, [T(at_ns=0)])
    assert len([name for name in run(again.capture(store)).parts if "minutes" in name]) == 1


def _damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


@pytest.mark.parametrize("what", ["checkpoint", "part", "missing part", "cut", "empty"])
def test_a_damaged_checkpoint_is_put_aside_and_the_one_before_it_is_restored(tmp_path: Path, what: str) -> None:
    made, store = engine(), CheckpointStore(tmp_path)
    for _ in range(2):
        apply(made, [T()])
        save(made, store)
    newest = max(tmp_path.glob("checkpoint-*.state"))
    part = max(tmp_path.glob("part-timelines-live-*.state"), key=lambda path: path.name[-26:])
    match what:
        case "checkpoint":
            _damage(newest)
        case "part":
            _damage(part)
        case "missing part":
            part.unlink()
        case "cut":
            newest.write_bytes(newest.read_bytes()[:-9])
        case _:
            newest.write_bytes(b"")
    with capture_logs() as logs:
        again = restore(tmp_path)
    assert again.ledger.applied == 1
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["checkpoint_unreadable"]
    assert newest.with_suffix(".unreadable").exists()
    apply(again, [T(), T()])
    store = CheckpointStore(tmp_path)
    store.load(lambda _: None)
    save(again, store)
    assert restore(tmp_path).ledger.applied == 3


def test_a_checkpoint_with_other_contents_is_put_aside_not_half_restored(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    state = engine().state()
    del state["skews"]
    store.save(run(store.capture(state)))
    with capture_logs() as logs:
        again = restore(tmp_path)
    assert again.ledger.applied == 0
    assert [line["event"] for line in logs] == ["checkpoint_unreadable", "no_checkpoint_left"]


def test_names_keep_their_labels_when_less_of_them_are_allowed_and_more_get_one_when_more_are(tmp_path: Path) -> None:
    made = engine(max_symbols=4)
    apply(made, [T(symbol=symbol, source=symbol) for symbol in "ABCD"])
    save(made, CheckpointStore(tmp_path))
    expected = shown(made)
    for symbols in (1, 9):
        again = restore(tmp_path, max_symbols=symbols, max_sources=symbols)
        assert shown(again) == expected
        apply(again, [T(symbol="E")])
        assert ("E" in {key.symbol for key in again.symbols.names}) == (symbols == 9)


@pytest.mark.parametrize("depth", [4, 16, 64])
def test_another_number_of_recent_trades_keeps_the_last_ones(tmp_path: Path, depth: int) -> None:
    trades = [T(qty=1.0 + i, at_ns=i) for i in range(40)]
    made, wanted = engine(), engine(recent_trades=min(depth, 16))
    for each in (made, wanted):
        apply(each, trades)
    save(made, CheckpointStore(tmp_path))
    again = restore(tmp_path, recent_trades=depth)
    found, expected = results(again), results(wanted)
    assert np.array_equal(found.qty_quantiles[:, 1], expected.qty_quantiles[:, 1]) or depth == 64
    apply(again, [T(qty=100.0)])
    results(again)


class _FailingStore(CheckpointStore):
    failing = True

    def save(self, capture: Capture) -> None:
        if self.failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().save(capture)


async def test_it_is_saved_at_intervals_and_ingest_learns_of_the_older_of_the_two_that_are_kept(tmp_path: Path) -> None:
    made, clock, told_ingest = engine(), FakeClock(NOW), []
    checkpointer = Checkpointer(
        made,
        CheckpointStore(tmp_path),
        clock=clock,
        reading=asyncio.Lock(),
        on_saved=lambda: told_ingest.append([each.checkpointed_seq for each in made.streams.acknowledgements_due()]),
    )
    for _ in range(3):
        apply(made, [T()])
        await checkpointer.save()
    assert told_ingest == [[1], [2]]
    await checkpointer.save()
    assert told_ingest[-1] == [3]
    await checkpointer.save()
    assert len(told_ingest) == 3
    assert restore(tmp_path).ledger.checkpoints == 3


async def test_a_disk_that_takes_nothing_is_logged_once_each_time_and_tried_again(tmp_path: Path) -> None:
    made, store = engine(), _FailingStore(tmp_path)
    store.load(partial(made.restore, now_ns=NOW, monotonic_ns=NOW))
    checkpointer = Checkpointer(
        made, store, clock=FakeClock(NOW), reading=asyncio.Lock(), on_saved=lambda: pytest.fail("nothing is saved")
    )
    apply(made, [T()])
    with capture_logs() as logs:
        for _ in range(3):
            await checkpointer.save()
    assert [line["event"] for line in logs] == ["checkpoint_unwritable"]
    assert made.ledger.checkpoints_failed == 3
    store.failing = False
    await checkpointer.save()
    assert restore(tmp_path).ledger.applied == 1
    # The next time too, weeks later.
    apply(made, [T()])
    store.failing = True
    with capture_logs() as logs:
        await checkpointer.save()
    assert [line["event"] for line in logs] == ["checkpoint_unwritable"]


def test_a_full_hour_of_200_symbols_is_restored_within_2_s(tmp_path: Path) -> None:
    made, store = engine(max_symbols=200, recent_trades=512), CheckpointStore(tmp_path)
    for second in range(0, 3_600, 4):
        apply(made, [T(symbol=f"S{symbol}", at_ns=(second - 3_600) * SECOND) for symbol in range(200)])
    save(made, store)
    # Of the processor: what else runs on the machine meanwhile takes none of the restoring's own time.
    begin_s = time.process_time()
    again = restore(tmp_path, max_symbols=200, recent_trades=512)
    took_s = time.process_time() - begin_s
    assert again.ledger.applied == 900 * 200
    assert took_s < 2.0
