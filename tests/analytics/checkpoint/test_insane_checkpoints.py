"""Checkpoints whose checksum is right and whose content is not: put aside or taken over, never the end of analytics."""

from copy import deepcopy
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from analytics.checkpoint.codec import MAGIC, UnreadableError, decode_state, encode_state
from analytics.checkpoint.store import CheckpointStore
from tests.analytics.batches import NOW, T, batch, engine
from tests.analytics.checkpoint.test_store import restore, save
from tests.analytics.output.test_metrics import exported
from tests.helpers.examples import examples
from tests.helpers.insane import insane_values, places, put

ARRAYS = st.sampled_from(
    [
        np.zeros(0),
        np.zeros(3, np.int8),
        np.full(7, np.nan),
        np.full((2, 7), np.inf),
        np.full(9, -1),
        np.array(["a", "b"]),
        np.zeros((3, 3, 3)),
    ]
)


def saved(directory: Path) -> Path:
    """A good checkpoint of an engine with a few trades."""
    made = engine()
    made.apply(batch([T(), T(side="sell", symbol="B"), T(account="paper")]), now_ns=NOW, monotonic_ns=NOW)
    save(made, CheckpointStore(directory))
    (path,) = directory.glob("checkpoint-*.state")
    return path


@settings(max_examples=examples(60))
@given(data=st.data())
def test_an_insane_value_anywhere_does_not_keep_analytics_from_starting_and_counting(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("insane")
    path = saved(directory)
    state = deepcopy(decode_state(path.read_bytes()))
    for place in data.draw(st.lists(st.sampled_from(places(state)), min_size=1, max_size=2)):
        put(state, place, data.draw(st.one_of(insane_values(), ARRAYS)))
    try:
        path.write_bytes(encode_state(state))
    except (TypeError, OverflowError, RecursionError, ValueError):
        return  # no state that anybody could have written

    with capture_logs() as logs:
        made = restore(directory)
    aside = list(directory.glob("*.unreadable"))
    expected = ["checkpoint_unreadable", "no_checkpoint_left"] if aside else ["checkpoint_restored"]
    assert [line["event"] for line in logs] == expected
    if aside:
        made.apply(batch([T(qty=1)]), now_ns=NOW, monotonic_ns=NOW)
        assert made.ledger.applied == 1
        exported(made)


@given(st.binary(max_size=200))
def test_any_header_under_a_right_checksum_is_a_state_or_unreadable(header: bytes) -> None:
    content = len(header).to_bytes(4, "little") + header
    checksum = crc32(content).to_bytes(4, "little")
    with pytest.raises(UnreadableError):
        decode_state(MAGIC + checksum + content)


@pytest.mark.parametrize(
    "header",
    [
        b'{"state":{"a":{"$array":7}},"arrays":[]}',
        b'{"state":{"a":{"$array":"x"}},"arrays":[]}',
        b'{"state":{"a":{"$array":-1}},"arrays":[]}',
        b'{"state":{},"arrays":[{"dtype":"|O","shape":[1]}]}',
        b'{"state":{},"arrays":[{"dtype":"no","shape":[1]}]}',
        b'{"state":{},"arrays":[{"dtype":"<f8","shape":[9223372036854775807,9]}]}',
        b'{"state":{},"arrays":[{"dtype":"<f8","shape":[-1]}]}',
        b'{"state":' + b'{"a":' * 2_000 + b"1" + b"}" * 2_000 + b',"arrays":[]}',
    ],
)
def test_a_header_that_promises_what_is_not_there_is_unreadable(header: bytes) -> None:
    content = len(header).to_bytes(4, "little") + header
    with pytest.raises(UnreadableError):
        decode_state(MAGIC + crc32(content).to_bytes(4, "little") + content)
