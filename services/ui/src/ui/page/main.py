"""The page's script: Streamlit runs it from top to bottom for every session and every click."""

from base64 import b64encode
from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from ui.page import login
from ui.page.model import hub
from ui.page.model.hub import DataLink
from ui.page.views import bots, market, pipeline, runbook, studies, trade
from ui.page.widgets import banner, controls, kill_switch, style

_PAGE = "drawn_page"
TITLE = "Trading telemetry"
ICON = Path(__file__).with_name("static") / "icon.png"


def run(link: DataLink, gate: login.Gate) -> None:
    """Asks who it is, draws what all pages share, then the chosen page."""
    st.set_page_config(page_title=TITLE, page_icon=_icon(), layout="wide")
    style.apply()
    link = login.SignedLink(link, login.ask(gate))
    pages = [
        st.Page(
            partial(market.show, link), title="Market", icon=":material/show_chart:", url_path="start", default=True
        ),
        # The first page's address is bare, so this one is for those who write its name.
        st.Page(partial(market.show, link), title="Market ", url_path="market", visibility="hidden"),
        st.Page(partial(trade.show, link), title="Trade", icon=":material/swap_vert:", url_path=trade.ADDRESS),
        st.Page(partial(bots.show, link), title="Bots", icon=":material/smart_toy:", url_path="bots"),
        st.Page(partial(studies.show, link), title="Studies", icon=":material/science:", url_path="studies"),
        st.Page(partial(pipeline.show, link), title="Pipeline", icon=":material/speed:", url_path="pipeline"),
        st.Page(partial(runbook.show, link), title="Runbook", url_path="runbook", visibility="hidden"),
    ]
    chosen = st.navigation(pages, position="top")
    if chosen is pages[1]:
        # Under its own address the navigation would show no page as the one that is open.
        st.switch_page(pages[0], query_params=[(key, st.query_params.get_all(key)) for key in st.query_params])
    st.set_page_config(page_title=f"{chosen.title.strip()} · {TITLE}")
    kill_switch.show(link)
    st.html(banner.SLOT)
    _note_page(chosen)
    chosen.run()
    _phone_navigation(pages)


def _icon() -> str:
    """The tab's icon in the page itself: a file's is away for a moment when a session begins to draw another page."""
    return f"data:image/png;base64,{b64encode(ICON.read_bytes()).decode()}"


def _note_page(page: StreamlitPage) -> None:
    if st.session_state.get(_PAGE) != page.title:
        st.session_state[_PAGE] = page.title
        controls.forget()


def _phone_navigation(pages: list[StreamlitPage]) -> None:
    """The pages at the bottom, where a thumb reaches them; the style sheet shows it on phones only."""
    with st.container(key="phone-nav", horizontal=True):
        for page in pages:
            if page.visibility == "visible":
                st.page_link(page)


if __name__ == "__main__":
    run(hub.shared(), login.shared())
