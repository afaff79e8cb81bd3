"""Numbers as people type them: the cases are those of the browser, in numbers.json."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_ticket import UnreadableNumberError, read_number

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("numbers.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case["typed"]))
def test_a_typed_number_is_read_as_in_the_browser(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(UnreadableNumberError) as raised:
            read_number(case["typed"])
        assert raised.value.why == case["error"]
    else:
        assert read_number(case["typed"]) == case["value"]


@given(st.integers(1, 10**15 - 1), st.integers(0, 12), st.sampled_from(".,"))
def test_what_is_typed_is_what_is_sent_to_the_last_digit(digits: int, places: int, mark: str) -> None:
    exact = Decimal(digits).scaleb(-places)
    typed = f"{exact:f}".replace(".", mark)
    value, why = _read(typed)
    assert why == "ambiguous" or Decimal(repr(value)) == exact


@given(st.text(max_size=60))
def test_any_text_is_a_number_above_0_or_refused(typed: str) -> None:
    value, why = _read(typed)
    assert why or value > 0


def _read(typed: str) -> tuple[float, str]:
    """The number and nothing, or 0 and why it is none."""
    try:
        return read_number(typed), ""
    except UnreadableNumberError as error:
        return 0.0, error.why
