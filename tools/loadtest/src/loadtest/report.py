"""The report for a person: tables on the terminal."""

from rich.console import Console
from rich.table import Table

from loadtest.latency import Percentiles
from loadtest.result import STAGES, Result


def print_result(console: Console, result: Result) -> None:
    """Latencies by stage, rates, cost, and the ledger."""
    console.print(_latencies(result))
    console.print(_costs(result))
    console.print(_ledger(result))
    for remark in _remarks(result):
        console.print(f"[yellow]{remark}[/]")
    console.print(_verdict(result))


def _remarks(result: Result) -> list[str]:
    """What a reader has to know about these figures."""
    remarks = []
    if result.interrupted:
        remarks.append(f"Cut short: sent for {result.span_s:.1f} s of {result.load.duration_s:g} s.")
    if result.sender_was_late:
        remarks.append("The sender was late itself: most of p99 had passed before the trades left it.")
    if result.foreign_trades:
        remarks.append(f"The services' latencies are of {result.foreign_trades:,} trades of others too.")
    return remarks


def _latencies(result: Result) -> Table:
    table = Table(title="Latency from the due time, ms", title_justify="left")
    table.add_column("stage")
    for name in ("p50", "p90", "p99", "p99.9", "max", "count"):
        table.add_column(name, justify="right")
    for stage, span in STAGES.items():
        found = Percentiles.of(result.stages[stage])
        if found is None:
            table.add_row(span, *["–"] * 5, "0")
            continue
        shown = (found.p50_ms, found.p90_ms, found.p99_ms, found.p999_ms, found.max_ms)
        table.add_row(span, *(f"{value:,.3f}" for value in shown), f"{found.count:,}")
    table.caption = "Percentiles of the services are interpolated within their histograms' buckets."
    table.caption_justify = "left"
    return table


def _costs(result: Result) -> Table:
    table = Table(title="Rates and cost", title_justify="left")
    table.add_column("what")
    table.add_column("figure", justify="right")
    table.add_row("asked", f"{result.load.rate:,.0f} trades/s for {result.load.duration_s:g} s")
    table.add_row("sent", f"{result.sent_rate:,.0f} trades/s for {result.span_s:.2f} s")
    table.add_row(
        "applied", f"{result.applied_rate:,.0f} trades/s, the last one seen {result.drain_s:.2f} s after sending"
    )
    if result.messages:
        table.add_row("sender", f"{1e6 * result.sender_cpu_s / result.messages:.2f} µs of processor a message")
    for usage in result.usage:
        megabytes = f"{usage.rss_bytes_before / 1e6:.0f} → {usage.rss_bytes_most / 1e6:.0f} MB"
        table.add_row(usage.service, f"{usage.cpu_ratio:.0%} of a core, {megabytes}")
    return table


def _ledger(result: Result) -> Table:
    table = Table(title="LoadLedger, trades", title_justify="left")
    table.add_column("account")
    table.add_column("trades", justify="right")
    ledger = result.ledger
    table.add_row("sent", f"{ledger.sent:,}", end_section=True)
    for name in ("applied", "refused", "duplicate", "lost"):
        table.add_row(name, f"{getattr(ledger, name):,}")
    table.add_row("unexplained", f"{ledger.unexplained:,}")
    return table


def _verdict(result: Result) -> str:
    ledger = result.ledger
    if ledger.good:
        return "[green]The ledger balances, and nothing was lost.[/]"
    if ledger.balances:
        return f"[red]The ledger balances, but {ledger.lost:,} trades were lost.[/]"
    return f"[red]The ledger does not balance: {ledger.unexplained:,} trades are in no account.[/]"
