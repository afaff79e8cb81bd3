"""Metrics of bots' own orders: what happened, latency, quality of execution, money. Names and labels are a contract.

Money has a sign and a counter has none, so paid and gained are two counters; both are there from the first event on.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, product
from typing import Any, Final, Literal, TypeAlias

from analytics.orders.books import Valued
from analytics.orders.clocks import Unmeasured
from analytics.orders.latency import BOUNDS_S, STAGES
from analytics.orders.order_states import Outcome
from analytics.orders.quality import HORIZONS_S, SLIPPAGE_BOUNDS_BPS
from analytics.orders.tracker import OrderTracker
from analytics.output.exposition import Family, LabelledSeries, SampleExemplar, histogram_series
from analytics.output.open_orders import OpenTotals

_Kind: TypeAlias = Literal["counter", "gauge"]
_Values: TypeAlias = Mapping[Any, float]
"""By the values of the labels, a tuple of texts."""

_BOOK: Final = ("account", "strategy", "symbol")
_FILL: Final = (*_BOOK, "side", "liquidity")
_MARKOUT: Final = (*_BOOK, "currency", "horizon", "liquidity")
_MISSED: Final = ("no_mid", "gap", "stopped")


class OrderMetrics:
    """Turns the state of orders into families; keeps the labels of series, which rarely change."""

    def __init__(self) -> None:
        self._series: dict[str, tuple[tuple[tuple[str, ...], ...], LabelledSeries]] = {}

    def families(self, orders: OrderTracker, now_ns: int, open_now: OpenTotals) -> Iterator[Family]:
        """All families, each a step small enough to be done without a break."""
        yield from self._events(orders)
        yield from self._open(open_now)
        yield from self._ends(orders)
        yield from self._fills(orders)
        yield from self._slippage(orders)
        yield from self._markouts(orders)
        yield self._latency(orders)
        yield from self._money(orders, now_ns)
        yield from self._fees(orders)
        yield from self._health(orders)
        yield self._second_source(orders)

    def _events(self, orders: OrderTracker) -> Iterator[Family]:
        help_text = "Events of own orders, by what happened."
        yield self._of("trading_order_events_total", "counter", help_text, (*_BOOK, "side", "event"), orders.events)
        yield self._rejects(orders)
        for what, values, help_text in (
            ("messages", orders.quality.otr_messages, "Messages to the venue"),
            ("volume", orders.quality.otr_volume, "Volume of messages to the venue, base"),
        ):
            weighted = f"{help_text}, by the weights of RTS 9 (Regulation (EU) 2017/566)."
            yield self._of(f"trading_otr_{what}_total", "counter", weighted, ("account", "symbol"), values)

    def _rejects(self, orders: OrderTracker) -> Family:
        labels = ("account", "strategy", "venue", "reason", "kind")
        help_text = "Rejections: of an order, a cancel, a replace, or (local) before it was sent."
        family = self._of("trading_order_rejects_total", "counter", help_text, labels, orders.quality.rejects)
        last = orders.quality.last_rejects
        found = {place: last[key] for place, key in enumerate(orders.quality.rejects) if key in last}
        exemplars = {place: SampleExemplar(one.order_id, 1.0, one.at_ns) for place, one in found.items()}
        return replace(family, exemplars=exemplars)

    def _open(self, totals: OpenTotals) -> Iterator[Family]:
        labels = (*_BOOK, "side")
        yield self._of("trading_open_orders", "gauge", "Orders that have not ended.", labels, totals.number)
        name, help_text = "trading_open_orders_notional", "What may still be filled at the orders' own prices, quote."
        yield self._of(name, "gauge", help_text, (*labels, "currency"), totals.notional)
        name, help_text = "trading_oldest_open_order_timestamp_seconds", "First event of the oldest open order."
        yield self._of(name, "gauge", help_text, ("account", "symbol"), totals.begun_s)
        help_text = "Open orders whose state is not known: a timeout or a disconnect was the last word."
        yield self._of("trading_orders_in_doubt", "gauge", help_text, ("account", "reason"), totals.in_doubt)

    def _ends(self, orders: OrderTracker) -> Iterator[Family]:
        quality, labels = orders.quality, (*_BOOK, "side")
        help_text = "Ordered quantity of orders that have ended, base."
        yield self._of("trading_ordered_qty_total", "counter", help_text, labels, quality.ordered_qty)
        help_text = "Filled quantity of orders that have ended, base."
        yield self._of("trading_filled_qty_total", "counter", help_text, labels, quality.filled_qty)
        help_text = "Orders that have ended, by how far they were filled."
        yield self._of("trading_orders_ended_total", "counter", help_text, (*_BOOK, "how"), quality.ended)

    def _fills(self, orders: OrderTracker) -> Iterator[Family]:
        quality = orders.quality
        yield self._of("trading_own_fills_total", "counter", "Executions.", _FILL, quality.own_fills)
        yield self._of("trading_own_volume_total", "counter", "Executed quantity, base.", _FILL, quality.own_volume)
        name, labels = "trading_own_notional_total", (*_FILL, "currency")
        yield self._of(name, "counter", "Executed value, quote, without sign.", labels, quality.own_notional)

    def _slippage(self, orders: OrderTracker) -> Iterator[Family]:
        quality, labels = orders.quality, (*_BOOK, "currency", "reference")
        for what, values, help_text in (
            ("paid", quality.slippage_paid, "Paid more than the reference price (arrival, decision, last), quote."),
            ("gained", quality.slippage_gained, "Paid less than the reference price, quote."),
            ("notional", quality.slippage_notional, "Fills at the reference price, quote: what bps refer to."),
        ):
            yield self._of(f"trading_slippage_{what}_total", "counter", help_text, labels, values)
        help_text = "Slippage against arrival, bps; above 0 is paid. It has no sum: that could fall."
        yield self._histogram(
            "trading_slippage_bps", help_text, ("account", "strategy"), quality.slippage_bps, SLIPPAGE_BOUNDS_BPS
        )

    def _markouts(self, orders: OrderTracker) -> Iterator[Family]:
        quality = orders.quality
        for what, values, help_text in (
            ("gained", quality.markout_gained, "Gained by the mid's move after fills, quote."),
            ("lost", quality.markout_lost, "Lost by the mid's move after fills, quote."),
            ("notional", quality.markout_notional, "Value of these fills, quote: what bps refer to."),
        ):
            yield self._of(f"trading_markout_{what}_total", "counter", help_text, _MARKOUT, values)
        missed = {pair: quality.markout_missed.get(pair, 0.0) for pair in product(HORIZONS_S, _MISSED)}
        help_text = "Markouts that could not be taken."
        yield self._of("trading_markout_missed_total", "counter", help_text, ("horizon", "reason"), missed)

    def _latency(self, orders: OrderTracker) -> Family:
        found = orders.latencies.histograms
        sums = {labels: each.sum_ns / 1e9 for labels, each in found.items()}
        family = self._histogram(
            "trading_order_latency_seconds",
            "Time from one event of an order to another, by one clock.",
            ("account", "venue", "stage", "clock"),
            {labels: each.counts for labels, each in found.items()},
            BOUNDS_S,
            sums,
        )
        size = len(BOUNDS_S) + 3  # the bounds, +Inf, count and sum
        exemplars = {
            index * size + bucket: SampleExemplar(one.order_id, one.span_ns / 1e9, one.at_ns)
            for index, each in enumerate(found.values())
            for bucket, one in each.exemplars.items()
        }
        return replace(family, exemplars=exemplars)

    def _money(self, orders: OrderTracker, now_ns: int) -> Iterator[Family]:
        valued = orders.books.value(orders.marks, now_ns)
        position = {each.key: each.book.holding.qty for each in valued}
        yield self._of("trading_position", "gauge", "Position, base; negative is short.", _BOOK, position)
        average = {each.key: each.book.holding.average_price for each in valued if each.book.holding.qty}
        name, help_text = "trading_position_average_price", "Average price at which the position was opened, quote."
        yield self._of(name, "gauge", help_text, _BOOK, average)
        labels = (*_BOOK, "currency")
        realised = {_with_currency(each): each.book.holding.realised for each in valued}
        help_text = "Realised profit at average cost, without fees, quote."
        yield self._of("trading_realised_profit", "gauge", help_text, labels, realised)
        unrealised = {_with_currency(each): each.unrealised for each in valued if each.unrealised is not None}
        help_text = "Profit if the position were closed at its mark, quote; none without a mark."
        yield self._of("trading_unrealised_profit", "gauge", help_text, labels, unrealised)
        age_s = {each.key: each.mark_age_ns / 1e9 for each in valued if each.mark_age_ns is not None}
        yield self._of("trading_mark_age_seconds", "gauge", "Age of the price a position is valued at.", _BOOK, age_s)
        accounts = {(account, currency): equity for account, currency, equity in orders.books.equity()}
        for what, field, help_text in (
            ("equity", "value", "Realised and unrealised profit less fees, quote."),
            ("drawdown", "drawdown", "How far the equity is below its highest, quote."),
            ("drawdown_max", "deepest", "The largest drawdown so far, quote."),
        ):
            values = {key: float(getattr(equity, field)) for key, equity in accounts.items()}
            yield self._of(f"trading_{what}", "gauge", help_text, ("account", "currency"), values)
        help_text = "Position that the peer reports less ours, base."
        yield self._of(
            "trading_position_mismatch", "gauge", help_text, ("account", "symbol"), orders.peers.mismatches()
        )

    def _fees(self, orders: OrderTracker) -> Iterator[Family]:
        labels, keys = ("account", "strategy", "currency"), {**orders.bookkeeper.fees_paid, **orders.bookkeeper.rebates}
        for name, values, help_text in (
            ("trading_fees_paid_total", orders.bookkeeper.fees_paid, "Fees paid, in their currency."),
            ("trading_rebates_total", orders.bookkeeper.rebates, "Rebates received, in their currency."),
        ):
            yield self._of(name, "counter", help_text, labels, {key: values.get(key, 0.0) for key in keys})
        unpriced = {(currency,): fee for currency, fee in orders.books.unpriced_fees.items()}
        help_text = "Fees in a currency without a price in the book's: they are not in its profit."
        yield self._of("telemetry_unpriced_fees_total", "counter", help_text, ("currency",), unpriced)
        labels = ("account", "venue", "limit")
        yield self._of(
            "trading_rate_limit_used_ratio", "gauge", "Use of a venue's limit, of 1.", labels, orders.peers.rate_limits
        )

    def _health(self, orders: OrderTracker) -> Iterator[Family]:
        sources = sorted({source for source, _ in orders.outcomes})
        outcomes = {pair: orders.outcomes.get(pair, 0.0) for pair in product(sources, map(str, Outcome))}
        help_text = "Order events by outcome; their sum is what was received."
        yield self._of("telemetry_order_events_total", "counter", help_text, ("source", "outcome"), outcomes)
        unmeasured = dict.fromkeys(product(STAGES, map(str, Unmeasured)), 0.0)
        unmeasured |= {(stage, str(why)): float(n) for (stage, why), n in orders.latencies.unmeasured.items()}
        help_text = "Latencies that could not be measured, by reason."
        name = "telemetry_order_latency_unmeasured_total"
        yield self._of(name, "counter", help_text, ("stage", "reason"), unmeasured)
        for what, values, help_text in (
            ("inferred_fills", orders.bookkeeper.inferred_fills, "Fills known by a cumulative quantity alone."),
            ("overfills", orders.overfills, "Fills beyond the ordered quantity."),
            (
                "fills_after_end",
                orders.fills_after_end,
                "Fills of orders that had been cancelled, expired or rejected.",
            ),
        ):
            by_source = {(source,): values.get((source,), 0.0) for source in sources}
            yield self._of(f"telemetry_order_{what}_total", "counter", help_text, ("source",), by_source)
        help_text = "Open orders that were given up: too many were known at once."
        forgotten = {(): float(orders.registry.forgotten_open)}
        yield self._of("telemetry_forgotten_open_orders_total", "counter", help_text, (), forgotten)
        help_text = "Quantity that is filled by a peer's word alone, base."
        yield self._of(
            "telemetry_order_inferred_qty", "gauge", help_text, ("account", "symbol"), orders.bookkeeper.inferred_qty
        )

    def _second_source(self, orders: OrderTracker) -> Family:
        sources = dict.fromkeys(source for source, _ in orders.authorities.second_fills)
        values = {
            pair: orders.authorities.second_fills.get(pair, 0.0)
            for pair in product(sources, ("matched", "different", "first"))
        }
        help_text = "Fills of a second source of an account, by how they stand to those of its authority."
        name = "telemetry_second_source_fills_total"
        return self._of(name, "counter", help_text, ("source", "outcome"), values)

    def _of(self, name: str, kind: _Kind, help_text: str, labels: Sequence[str], values: _Values) -> Family:
        """A family with one series for each key of `values`, whose parts are the values of the labels."""
        keys = tuple(values)
        series = self._keep(name, keys, labels)
        return Family(name, kind, help_text, series, list(values.values()))

    def _histogram(
        self,
        name: str,
        help_text: str,
        labels: Sequence[str],
        found: Mapping[Any, Sequence[int]],
        bounds: Sequence[float],
        sums: _Values | None = None,
    ) -> Family:
        keys, values = tuple(found), []
        for key in keys:
            cumulative = list(map(float, accumulate(found[key])))
            values += cumulative
            values.append(cumulative[-1])
            if sums is not None:
                values.append(sums[key])
        kept = self._series.get(name)
        if kept is None or kept[0] != keys:
            named = [tuple(zip(labels, key, strict=True)) for key in keys]
            kept = self._series[name] = (keys, histogram_series(name, named, bounds, has_sum=sums is not None))
        return Family(name, "histogram", help_text, kept[1], values)

    def _keep(self, name: str, keys: tuple[tuple[str, ...], ...], labels: Sequence[str]) -> LabelledSeries:
        kept = self._series.get(name)
        if kept is None or kept[0] != keys:
            series = LabelledSeries(name, lambda: (("", tuple(zip(labels, key, strict=True))) for key in keys))
            kept = self._series[name] = (keys, series)
        return kept[1]


def _with_currency(each: Valued) -> tuple[str, ...]:
    return (*each.key, each.book.currency)
