"""The README names what there is."""

from scripts.settings_table import README, with_table


def test_the_table_of_settings_is_the_one_in_the_code() -> None:
    text = README.read_text()
    assert text == with_table(text), "run make settings"
