"""A session's choice against the address that its browser sends: one that was under way is late, however long."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.helpers.views import NOW_NS, S_NS, at

pytestmark = pytest.mark.filterwarnings("default")  # Streamlit's own

Run = Callable[..., str]
"""One run of the page at a time in s, with the symbol that is in its request's address: what is chosen then."""


def _script(step) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - its text is run where no name is known
    import streamlit as st  # noqa: PLC0415

    from ui.page.widgets import chosen  # noqa: PLC0415

    if step["choose"]:
        chosen.choose_symbol(step["choose"], step["now"])
    st.text(chosen.read(step["now"]).symbol)


@pytest.fixture
def run() -> Run:
    step: dict[str, object] = {}
    app = AppTest.from_function(_script, kwargs={"step": step}, default_timeout=20)

    def one(at_s: float, *, address: str, choose: str = "") -> str:
        app.query_params["symbol"] = address
        step.update({"now": at(NOW_NS + round(at_s * S_NS)), "choose": choose})
        text = app.run().text[0].value
        assert app.query_params["symbol"] == text
        return str(text)

    return one


def test_a_request_that_a_line_held_up_does_not_undo_the_choice_made_since(run: Run) -> None:
    assert run(0, address="BTC-USD") == "BTC-USD"
    assert run(1, address="BTC-USD", choose="SOL-USD") == "SOL-USD"
    for at_s in (1.1, 3.9, 6, 12, 20):
        assert run(at_s, address="BTC-USD") == "SOL-USD"
    assert run(21, address="SOL-USD") == "SOL-USD"


def test_an_address_that_goes_on_being_another_one_counts_in_the_end(run: Run) -> None:
    run(0, address="BTC-USD", choose="SOL-USD")
    assert run(60, address="ETH-USD") == "ETH-USD"
