"""`GET /orders`: the known orders of bots, for a notebook. Bounded, streamed, and off the pipeline's way."""

from aiohttp import web

from analytics.orders.registry import MAX_ORDERS, KnownOrders
from analytics.output.export_formats import TYPES, ExportError, chosen_format
from analytics.output.order_export import encode_orders, found_orders, parse_order_query
from analytics.output.streamed_answers import ANSWER_S, StreamedAnswers


class OrdersEndpoint:
    """Answers requests from the orders that are known: the open ones, and those that ended in the last ten minutes."""

    def __init__(self, orders: KnownOrders, *, answer_s: float = ANSWER_S) -> None:
        self._orders = orders
        self.answers = StreamedAnswers(answer_s=answer_s)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The orders, or 400 or 503 with a line that says why."""
        try:
            query = parse_order_query(request.query, max_rows=MAX_ORDERS)
        except ExportError as error:
            return web.Response(status=400, text=f"{error}\n")
        wanted = chosen_format(request.headers.get("Accept", ""))
        return await self.answers.send(request, TYPES[wanted], encode_orders(found_orders(self._orders, query), wanted))
