"""All three services as real processes on free ports, as `make run` starts them."""

import json
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import zmq

from loadtest.stack import hold_ports
from tests.helpers.services import Pipeline, Service, eventually
from tests.helpers.wall_clock import WallClock


class Desk(Pipeline):
    """Ingest, analytics and the UI, wired to each other."""

    def __init__(self, directory: Path, *, feeds: str = "", **settings: str) -> None:
        self._ui_ports = ExitStack()
        pull, http, page = hold_ports(self._ui_ports, 3)
        self.page_url = f"http://127.0.0.1:{page}"
        endpoint = f"tcp://127.0.0.1:{pull}"
        super().__init__(
            directory, feeds=feeds, INGEST_UI_ENDPOINTS=endpoint, ANALYTICS_UI_ENDPOINTS=endpoint, **settings
        )
        environment = {
            "UI_PULL_ENDPOINT": endpoint,
            "UI_INGEST_ENDPOINT": self.endpoint,
            "UI_HTTP_PORT": str(http),
            "UI_PAGE_PORT": str(page),
            "HOME": str(directory),
            **settings,
        }
        self.ui = Service("run-ui", http, environment, directory / "ui.log")

    def start(self) -> Self:
        """Starts all three and waits until the page answers and has data."""
        self.ui.start()
        super().start()
        eventually(self.ui._is_ready, within_s=60, what="the page")
        return self

    def run_on(self, clock: WallClock) -> Self:
        """All three, and the page, have the clock's wall time from their next start on."""
        self.ui.run_on(clock)
        return super().run_on(clock)

    def page_pids(self) -> list[int]:
        """The Streamlit process; for a moment none while it is started again."""
        return [child.pid for child in psutil.Process(self.ui.process.pid).children()]

    def page_pid(self) -> int:
        """The Streamlit process, which runs."""
        (pid,) = self.page_pids()
        return pid

    def send_trade(self, symbol: str, price: float, now_ns: int | None = None, *, age_s: float = 0.0) -> None:
        """A trade of a client, which gives the symbol a last price, of that age."""
        self._send({"type": "trade", "symbol": symbol, "side": "buy", "qty": 1.0, "price": price}, now_ns, age_s=age_s)

    def send_quote(self, symbol: str, bid: float, ask: float) -> None:
        """A client's best bid and ask."""
        self._send({"type": "quote", "symbol": symbol, "bid": bid, "ask": ask})

    def _send(self, message: dict[str, Any], now_ns: int | None = None, *, age_s: float = 0.0) -> None:
        now_ns = now_ns or time.time_ns()
        stamps = {"source": "loadtest-desk", "event_ns": now_ns - round(age_s * 1e9), "sent_ns": now_ns}
        # A load test's: nobody misses such a source when it is silent again, and the page stays "Live" for other tests.
        with zmq.Context() as context, context.socket(zmq.PUSH) as push:
            push.linger = 5_000
            push.connect(self.endpoint)
            push.send(json.dumps(message | stamps).encode())

    def trades(self, symbol: str, side: str) -> float:
        """`trading_trades_total` at analytics."""
        return self.analytics.metrics().value("trading_trades_total", symbol=symbol, side=side, origin="own")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ui.end()
        self._ui_ports.close()
        super().__exit__(kind, error, trace)
