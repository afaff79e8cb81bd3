"""Keys in files: which line it is, and what is none."""

import pytest

from telemetry_schema import curve_key_in

KEY = "#bcdefghijklmnopqrstuvwxyz0123456789.-:+"


@pytest.mark.parametrize("text", [KEY, f"{KEY}\n", f"\n# of bot-1\r\n  {KEY}\r\n\n", f"{KEY}\nsecret of bot-1"])
def test_the_key_is_the_one_line_without_a_blank(text: str) -> None:
    assert curve_key_in(text) == KEY


@pytest.mark.parametrize("text", ["", KEY[1:], f"{KEY}x", f"{KEY}\n{KEY}", KEY[:-1] + "ü", KEY[:-1] + ",", "\0" * 40])
def test_anything_else_is_no_key_and_is_not_shown(text: str) -> None:
    with pytest.raises(ValueError, match="holds no key") as caught:
        curve_key_in(text)
    assert not text or text not in str(caught.value)
