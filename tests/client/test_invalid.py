"""What a publisher refuses: at once, by name, without using a number."""

import copy
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from telemetry_client import ClientError, CurveKeys, InvalidSettingError, InvalidTradeError, Publisher
from tests.client.conftest import Receiver

GOOD: dict[str, Any] = {"symbol": "BTC-USD", "side": "buy", "qty": 1.0, "price": 1.0}

BAD_VALUES: list[tuple[str, Any]] = [
    *[("symbol", bad) for bad in ("", " a", "a\n", "x" * 129, "é" * 65, "\ud800", "e\u0301", None, 1, b"BTC", ["BTC"])],
    *[("side", bad) for bad in ("BUY", "short", "", None, 1, b"buy")],
    *[("qty", bad) for bad in (0, -1.0, -0.0, Decimal(0))],
    *[
        (name, bad)
        for name in ("qty", "price")
        for bad in (float("nan"), float("inf"), "1", None, True, Decimal("sNaN"), 10**400, 1j, [1.0])
    ],
    *[
        ("event_ns", bad)
        for bad in (
            -1,
            1_700_000_000,
            1_700_000_000_000,
            1_700_000_000_000_000,
            2**63,
            1.5,
            1.0,
            "1",
            True,
            np.int64(1),
            float("nan"),
        )
    ],
    *[("id", bad) for bad in ("", "a ", "x" * 129, 7)],
]


@pytest.mark.parametrize(("name", "bad"), BAD_VALUES, ids=lambda value: ascii(value)[:20])
def test_an_invalid_value_is_named_and_uses_no_number(
    ingest: Receiver, publisher: Publisher, name: str, bad: object
) -> None:
    with pytest.raises(InvalidTradeError, match=f"^{name}: ") as caught:
        publisher.trade(**GOOD | {name: bad})
    assert isinstance(caught.value.__cause__, ValidationError)
    assert isinstance(caught.value, ClientError)
    assert isinstance(caught.value, ValueError)
    assert len(str(caught.value)) < 300
    publisher.trade(**GOOD)
    assert ingest.trade().seq == 0


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 31, tzinfo=UTC),
        1.7e18,
        "2026-01-31",
        np.datetime64("2026-01-31"),
        Decimal(1_700_000_000_000_000_000),
    ],
    ids=repr,
)
def test_a_time_that_is_no_whole_number_says_how_to_make_one(publisher: Publisher, moment: Any) -> None:  # noqa: ANN401
    with pytest.raises(
        InvalidTradeError, match=r"time\.time_ns\(\).*int\(moment\.timestamp\(\) \* 1_000_000\) \* 1_000$"
    ):
        publisher.trade(**GOOD, event_ns=moment)
    with pytest.raises(InvalidTradeError, match=r"^event_ns\[0\]: .*time\.time_ns\(\)"):
        publisher.trades(symbol="A", side="buy", qty=[1.0], price=[1.0], event_ns=[moment])


def test_whole_numbers_of_numpy_are_taken(ingest: Receiver, publisher: Publisher) -> None:
    moment = np.int64(1_700_000_000_123_456_789)
    publisher.trade(**GOOD, event_ns=moment)  # type: ignore[arg-type] # as NumPy users do
    publisher.trades(symbol="A", side="buy", qty=[np.int32(1)], price=[np.float32(1)], event_ns=[moment])  # type: ignore[list-item] # as above
    publisher.trades(symbol="A", side="buy", qty=[1.0], price=[1.0], event_ns=moment)  # type: ignore[arg-type] # as above
    assert ingest.trade().event_ns == moment
    assert [ingest.columns().event_ns for _ in range(2)] == [[moment]] * 2


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_publisher_is_neither_copied_nor_sent_to_another_process(
    publisher: Publisher, copied: Callable[[Publisher], object]
) -> None:
    with pytest.raises(TypeError, match="a publisher cannot be copied or sent to another process: make one there"):
        copied(publisher)


@pytest.mark.parametrize(("name", "bad"), [pair for pair in BAD_VALUES if pair[0] != "id"], ids=ascii)
def test_one_invalid_value_in_a_column_is_named_with_its_index_and_none_is_sent(
    ingest: Receiver, publisher: Publisher, name: str, bad: object
) -> None:
    count = 3000
    columns = {field: [value] * count for field, value in (GOOD | {"event_ns": 10**18}).items()}
    columns[name][2500] = bad
    with pytest.raises(InvalidTradeError, match=rf"^{name}\[2500\]: "):
        publisher.trades(**columns)
    publisher.trade(**GOOD)
    assert ingest.trade().seq == 0


@pytest.mark.parametrize("bad", [3.0, None, 7, np.float64(1), np.array(1.0), [[1.0], [1.0]], np.ones((2, 2))])
def test_what_is_no_column_is_refused(publisher: Publisher, bad: Any) -> None:  # noqa: ANN401 - it is anything
    with pytest.raises(InvalidTradeError, match=r"^qty"):
        publisher.trades(symbol="A", side="buy", qty=bad, price=[1.0, 1.0])


def test_columns_of_different_lengths_are_refused(publisher: Publisher) -> None:
    with pytest.raises(InvalidTradeError, match=r"differ in length: .*'qty': 2, 'price': 1"):
        publisher.trades(symbol="A", side="buy", qty=[1, 2], price=[1])


def test_an_invalid_trade_of_an_account_is_named_with_its_index(ingest: Receiver) -> None:
    with Publisher(ingest.endpoint, account="desk-1") as publisher:
        with pytest.raises(InvalidTradeError, match=r"^qty\[1\]: .*greater than 0"):
            publisher.trades(symbol="A", side="buy", qty=[1, 0], price=[1, 1])
        assert publisher.stats().sent_trades == 0


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"source": "my bot "}, "source"),
        ({"source": None}, "source"),
        ({"run": ""}, "run"),
        ({"account": "x" * 129}, "account"),
        ({"endpoint": "nowhere"}, "nowhere"),
        ({"endpoint": "tcp://127.0.0.1"}, "127.0.0.1"),
        ({"endpoint": "tcp://\ud800:1"}, "cannot connect"),
        ({"endpoint": ""}, "cannot connect"),
        ({"endpoint": None}, "None"),
        ({"endpoint": b"tcp://127.0.0.1:5555"}, "cannot connect"),
        ({"endpoint": "tcp://127.0.0.1:70000"}, "'70000' is no port"),
        ({"endpoint": "tcp://127.0.0.1:5e3"}, "'5e3' is no port"),
        ({"endpoint": "tcp://::1:5555"}, r"tcp://\[::1\]:5555"),
        ({"block_s": -1}, "block_s"),
        ({"block_s": float("nan")}, "block_s"),
        ({"block_s": float("inf")}, "block_s"),
        ({"block_s": "1"}, "block_s"),
        ({"linger_s": -0.1}, "linger_s"),
        ({"linger_s": None}, "linger_s"),
        ({"linger_s": True}, "linger_s"),
        ({"max_queued_messages": 0}, "max_queued_messages"),
        ({"max_queued_messages": -1}, "max_queued_messages"),
        ({"max_queued_messages": 1.5}, "max_queued_messages"),
        ({"max_queued_messages": 2**31}, "max_queued_messages"),
        ({"curve": CurveKeys("no key")}, "cannot connect"),
        ({"curve": CurveKeys("é" * 40)}, "cannot connect"),
    ],
    ids=ascii,
)
def test_no_publisher_is_made_of_a_wrong_setting(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidSettingError, match=named):
        Publisher(**settings)


def test_half_a_pair_of_keys_is_refused() -> None:
    with pytest.raises(InvalidSettingError, match="both"):
        CurveKeys("s" * 40, public="p" * 40)


def test_a_secret_key_is_not_shown() -> None:
    assert "secret-key" not in repr(CurveKeys("s" * 40, public="p" * 40, secret="secret-key"))  # noqa: S106 - no real one


@pytest.mark.parametrize("factor", [10**9, 10**6, 10**3], ids=["s", "ms", "µs"])
def test_a_time_in_another_unit_is_refused_at_once_with_the_hint(publisher: Publisher, factor: int) -> None:
    with pytest.raises(InvalidTradeError, match="UTC epoch nanoseconds: is this one in seconds, milliseconds"):
        publisher.trade(**GOOD, event_ns=1_700_000_000_000_000_000 // factor)
