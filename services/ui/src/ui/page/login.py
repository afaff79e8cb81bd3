"""Who uses the page: asks for name and password where there is a password file, and signs what is sent."""

import secrets
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Final
from uuid import UUID

import streamlit as st
import structlog

from telemetry_runtime import Clock
from telemetry_schema import DeskCommand
from ui.instant import Instant
from ui.page.model.hub import DataLink
from ui.page.model.registry import OrderRegistry
from ui.page.model.view import PageView
from ui.passwords import is_user, read_users

MAX_TRIES: Final = 5
TRIES_IN_S: Final = 60.0
"""An address that was wrong so often within this time waits; so do all others while many are wrong."""

MAX_TRIES_OF_ALL: Final = 50
MAX_ADDRESSES: Final = 1_000

_USER = "user"


class Gate:
    """Checks passwords, one at a time, and only so many wrong ones a minute.

    Args:
        password_file: see `ui.passwords`; read at each try, so that a change counts at once. Empty: nobody is asked.
    """

    def __init__(self, password_file: str, clock: Clock) -> None:
        self._path = Path(password_file) if password_file else None
        self._clock = clock
        self._wrong: OrderedDict[str, list[int]] = OrderedDict()
        # A hash takes 32 MiB: many at once would take the page's memory.
        self._lock = Lock()
        self._log = structlog.get_logger("login")

    @property
    def asks(self) -> bool:
        """Whether anybody is asked."""
        return self._path is not None

    def share(self) -> None:
        """Makes it the one of this process."""
        _shared.append(self)

    def fault(self, name: str, password: str, address: str) -> str | None:
        """Why this visitor does not get in, for the visitor; None if he does."""
        with self._lock:
            if self._is_limited(address):
                return "Too many wrong passwords: wait a minute."
            try:
                users = {} if self._path is None else read_users(self._path)
            except (OSError, ValueError) as error:
                self._log.error("password_file_unusable", error=str(error))
                return "The password file cannot be read: the service's log says why."
            if is_user(users, name, password):
                self._wrong.pop(address, None)
                self._log.info("logged_in", user=name, address=address)
                return None
            self._note_wrong(address)
            self._log.warning("login_refused", address=address)
            return "Name or password is wrong."

    def _is_limited(self, address: str) -> bool:
        oldest_ns = self._clock.monotonic_ns() - round(TRIES_IN_S * 1e9)
        for one in list(self._wrong):
            self._wrong[one] = [at_ns for at_ns in self._wrong[one] if at_ns > oldest_ns]
            if not self._wrong[one]:
                del self._wrong[one]
        of_all = sum(map(len, self._wrong.values()))
        return len(self._wrong.get(address, ())) >= MAX_TRIES or of_all >= MAX_TRIES_OF_ALL

    def _note_wrong(self, address: str) -> None:
        # Bounded twice over: by the tries of all in a minute, and by this.
        while len(self._wrong) >= MAX_ADDRESSES:
            self._wrong.popitem(last=False)
        self._wrong.setdefault(address, []).append(self._clock.monotonic_ns())


_shared: list[Gate] = []


def shared() -> Gate:
    """The gate of this process."""
    return _shared[-1]


def ask(gate: Gate) -> str:
    """Who uses this session: the name, once the password was right; without passwords, the session itself.

    Until then a form is all that is drawn, and nothing after this call is run.
    """
    if _USER not in st.session_state and not gate.asks:
        st.session_state[_USER] = f"session-{secrets.token_hex(4)}"
    if _USER not in st.session_state:
        _draw_form(gate)
    return str(st.session_state[_USER])


def _draw_form(gate: Gate) -> None:
    with st.form("login", width=360):
        st.subheader("Trading telemetry")
        name = st.text_input("Name", autocomplete="username")
        password = st.text_input("Password", type="password", autocomplete="current-password")
        sent = st.form_submit_button("Log in", type="primary")
    if sent:
        if fault := gate.fault(name, password, st.context.ip_address or "this machine"):
            st.error(fault)
        else:
            st.session_state[_USER] = name
            st.rerun()
    st.stop()


class SignedLink:
    """The link of one session: its commands say who sent them."""

    def __init__(self, link: DataLink, user: str) -> None:
        self._link, self._user = link, user

    @property
    def view(self) -> PageView:
        """The newest view."""
        return self._link.view

    @property
    def orders(self) -> OrderRegistry:
        """Orders that this process has dealt with."""
        return self._link.orders

    def submit(self, command: DeskCommand) -> bool:
        """Whether the command, signed, is on its way to the main process."""
        return self._link.submit(command.model_copy(update={"sent_by": self._user}))

    def wait_for(self, command_ids: Sequence[UUID], timeout_s: float) -> None:
        """Returns once all these commands have their last answer, or after the time."""
        self._link.wait_for(command_ids, timeout_s)

    def now_ns(self) -> int:
        """UTC epoch nanoseconds."""
        return self._link.now_ns()

    def now(self) -> Instant:
        """The moment on both clocks."""
        return self._link.now()
