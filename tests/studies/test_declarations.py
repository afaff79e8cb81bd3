"""A wrong declaration and a wrong return value each say what is wrong."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from telemetry_studies import Gauge, Study, StudyError, checked_values, gauge, span_ns, study

G = gauge("share_ratio", "A share.")
BY_BAR = gauge("close", "A price.", label="bar", max_values=2)


@pytest.mark.parametrize(
    ("text", "expected"), [("1s", 10**9), ("500ms", 5 * 10**8), ("5m", 300 * 10**9), ("1.5h", 5_400 * 10**9)]
)
def test_spans_are_read(text: str, expected: int) -> None:
    assert span_ns(text) == expected


@pytest.mark.parametrize("text", ["", "5", "5 minutes", "0s", "-1s", "1d", "s", "\u0665m", "1e3s"])
def test_what_is_no_span_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(StudyError, match="as in '500ms'"):
        span_ns(text)


@pytest.mark.parametrize("name", ["", "Share", "share-ratio", "1share", "a" * 101, "x_total", "share ratio"])
def test_a_name_that_cannot_be_exported_is_refused(name: str) -> None:
    with pytest.raises(StudyError, match="gauge name"):
        gauge(name, "A share.")


def test_a_gauge_needs_a_text_and_a_label_of_its_own() -> None:
    with pytest.raises(StudyError, match="say in one sentence"):
        gauge("a", " ")
    with pytest.raises(StudyError, match="cannot be its label"):
        gauge("a", "text", label="symbol")
    with pytest.raises(StudyError, match="not between"):
        gauge("a", "text", label="bar", max_values=0)


def declared(function: Callable[..., Any], **fields: Any) -> Study:  # noqa: ANN401 - arguments of the decorator
    values: dict[str, Any] = {"window": "5m", "gauges": [G], **fields}
    return study(**values)(function)


def test_a_study_is_still_the_function() -> None:
    made = declared(lambda trades: {"share_ratio": trades * 2})
    assert made(21) == {"share_ratio": 42}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"every": "10ms"}, "below 100ms"),
        ({"gauges": []}, "at least one"),
        ({"gauges": [G, G]}, "named twice"),
        ({"origin": "mine"}, "origin is"),
        ({"window": "soon"}, "no span"),
        ({"window": "9" * 400 + "h"}, "up to a year"),
        ({"window": "8761h"}, "up to a year"),
        ({"window": "0.0000001ms"}, "no span"),
        ({"together": [f"S{number}" for number in range(17)]}, "at most 16"),
        ({"together": ["A", "A"]}, "different symbols"),
        ({"together": "BTC-USD"}, "together is a list"),
        ({"gauges": [gauge(f"g{number}", "A.", label="x", max_values=100) for number in range(11)]}, "1,100 values"),
    ],
)
def test_a_declaration_that_cannot_be_used_says_why(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(StudyError, match=text):
        declared(lambda trades: trades, **fields)


def test_a_function_that_nothing_would_await_or_send_its_trades_to_is_refused() -> None:
    async def later(trades: object) -> dict[str, float]:
        return {"g": float(trades is None)}

    def generated(trades: object) -> Iterator[dict[str, float]]:
        yield {"g": float(trades is None)}

    declare = study(window="1m", gauges=[gauge("g", "A value.")])
    with pytest.raises(StudyError, match="study later: it is `async`"):
        declare(later)
    with pytest.raises(StudyError, match="study generated: a generator has no argument for the trades"):
        declare(generated)


def test_one_pattern_of_symbols_is_not_taken_apart() -> None:
    assert declared(lambda trades: trades, symbols="BTC-*").symbols == ("BTC-*",)


def test_parameters_are_the_arguments_with_defaults() -> None:
    def one(trades: object, state: object = None, *, above: float = 1.0) -> object:
        return trades, state, above

    made = declared(one)
    assert (dict(made.parameters), made.keeps_state) == ({"above": 1.0}, True)
    with pytest.raises(StudyError, match="above needs a default"):
        declared(lambda trades, above: (trades, above))


@pytest.mark.parametrize(
    ("gauges", "returned", "reason"),
    [
        ([G], [("share_ratio", 1)], "not_a_dict"),
        ([G], {"other": 1}, "unknown_gauge"),
        ([G], {1: 1}, "unknown_gauge"),
        ([G], {"share_ratio": "high"}, "not_a_number"),
        ([G], {"share_ratio": "1.5"}, "not_a_number"),
        ([G], {"share_ratio": "nan"}, "not_a_number"),
        ([G], {"share_ratio": b"1"}, "not_a_number"),
        ([G], {"share_ratio": 1j}, "not_a_number"),
        ([G], {"share_ratio": [1]}, "not_a_number"),
        ([G], {"share_ratio": float("-inf")}, "infinite"),
        ([G], {"share_ratio": 10**400}, "not_a_number"),
        ([BY_BAR], {"close": 1.0}, "not_a_dict"),
        ([BY_BAR], {"close": {"1s": 1, "1m": 2, "5m": 3}}, "too_many_labels"),
    ],
)
def test_what_is_no_set_of_its_values_is_refused_by_reason(
    gauges: Sequence[Gauge], returned: object, reason: str
) -> None:
    with pytest.raises(StudyError) as caught:
        checked_values(gauges, returned)
    assert caught.value.reason == reason


def test_nan_and_none_are_left_out_and_numbers_of_any_kind_are_taken() -> None:
    import numpy as np  # noqa: PLC0415 - only here, to give one of its numbers

    given = {"share_ratio": np.float32(0.5), "close": {"1s": float("nan"), "1m": None}}
    assert checked_values([G, BY_BAR], given) == [("share_ratio", "", 0.5)]


def test_what_pandas_calls_missing_is_left_out() -> None:
    import pandas as pd  # noqa: PLC0415 - as above

    assert checked_values([G], {"share_ratio": pd.NA}) == []
    with pytest.raises(StudyError, match="NaTType, not a number"):  # a time, of which no value was missing
        checked_values([G], {"share_ratio": pd.NaT})
