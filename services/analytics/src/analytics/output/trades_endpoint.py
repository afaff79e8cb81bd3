"""`GET /trades`: recent trades of one symbol, for a notebook. Bounded, streamed, and off the pipeline's way."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from aiohttp import web

from analytics.intake.labels import SymbolKey
from analytics.output.export_formats import TYPES, ExportError, chosen_format
from analytics.output.streamed_answers import ANSWER_S, StreamedAnswers, too_many_answers
from analytics.output.trade_export import ExportQuery, TradeRows, encode_rows, parse_query
from analytics.studies.protocol import COLUMNS, Column
from analytics.studies.runner.studies import EngineTrades
from telemetry_runtime import Clock

_SHOWN_SYMBOLS: Final = 20
_ALL_NS: Final = 2**62


class TradesEndpoint:
    """Answers requests from the trades that are kept for studies."""

    def __init__(self, trades: EngineTrades, clock: Clock, *, answer_s: float = ANSWER_S) -> None:
        self._trades, self._clock = trades, clock
        self._answers = StreamedAnswers(answer_s=answer_s)

    @property
    def answers(self) -> int:
        """Answers under way."""
        return self._answers.under_way

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The trades, or 400, 404 or 503 with a line that says why."""
        try:
            query = parse_query(request.query, now_ns=self._clock.now_ns(), max_rows=self._trades.ring.depth)
        except ExportError as error:
            return web.Response(status=400, text=f"{error}\n")
        if self._answers.is_busy:
            # Asked first: a thousand requests at once are a thousand folds otherwise.
            return too_many_answers()
        self._trades.fold()
        slot = self._trades.slot_of(SymbolKey(query.symbol, query.origin))
        if slot is None:
            return web.Response(status=404, text=self._unknown(query))
        wanted = chosen_format(request.headers.get("Accept", ""))
        return await self._answers.send(request, TYPES[wanted], encode_rows(self._rows(slot, query), wanted))

    def _rows(self, slot: int, query: ExportQuery) -> TradeRows:
        ring = self._trades.ring
        places, _ = ring.rows(slot, _ALL_NS)
        columns = {name: np.empty(places.size, dtype) for name, dtype in COLUMNS.items()}
        ring.copy_into(columns, places)
        event_ns = columns["event_ns"]
        wanted = np.flatnonzero((event_ns >= query.since_ns) & (event_ns < query.until_ns))
        wanted = wanted[np.argsort(event_ns[wanted], kind="stable")][-query.limit :]
        sources, accounts = self._trades.names()
        names = ("", *accounts)  # a trade of the market has account 0
        return TradeRows(
            event_ns=event_ns[wanted],
            price=columns["price"][wanted],
            qty=columns["qty"][wanted],
            is_buy=columns["is_buy"][wanted],
            source=_named(columns["source"][wanted], sources),
            account=_named(columns["account"][wanted], names),
            replayed=columns["replayed"][wanted],
        )

    def _unknown(self, query: ExportQuery) -> str:
        known = self._trades.symbols(query.origin)
        shown = ", ".join(known[:_SHOWN_SYMBOLS]) + (" …" if len(known) > _SHOWN_SYMBOLS else "")
        return f"no trades of {query.symbol!r} with origin {query.origin}; known are {shown or 'none yet'}\n"


def _named(codes: Column, names: Sequence[str]) -> list[str]:
    """The name of each code, at once: a list of tens of thousands is no moment's work one by one."""
    found: list[str] = np.array(names, np.object_)[codes].tolist()
    return found
