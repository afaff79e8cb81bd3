"""The table of `docs/performance.md`, from the figures of a run."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

NOTES = "<!-- below: written by people, kept when the figures are renewed -->\n"

_HEAD = """# Performance

Measured by `{command}` on {date}; written by the same program, not by hand. Each figure is the median of its
repeats, taken alternately with what limits it, on the same machine in the same minutes. Ratios carry over to other
machines better than rates do.

| machine | |
|---|---|
{machine}
"""


def table(found: dict[str, Any]) -> str:
    """All of it, as Markdown."""
    machine = found["machine"]
    rows = [f"| {name.replace('_', ' ')} | {value} |" for name, value in machine.items() if name != "date"]
    parts = [_HEAD.format(command=found["command"], date=machine["date"], machine="\n".join(rows))]
    parts += [
        f"Measured by `{later['command']}` on {later['date']}, load before {later['load_before']}.\n"
        for later in found.get("later", [])
    ]
    parts.append(_section("Targets", ("target", "asked", "measured", ""), _targets(found["targets"])))
    for name, write in _SECTIONS.items():
        if name in found:
            parts.append(write(found[name]))
    return "\n".join(parts)


def with_notes(text: str, path: Path) -> str:
    """The text, and below it what people have written under `NOTES` in the file that it replaces."""
    old = path.read_text() if path.exists() else ""
    return f"{text}\n{NOTES}\n{old.partition(NOTES)[2].lstrip() or ''}".rstrip() + "\n"


def _section(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], text: str = "") -> str:
    lines = [f"## {title}", ""]
    if text:
        lines += [text, ""]
    lines += [f"| {' | '.join(columns)} |", "|---" + "|---:" * (len(columns) - 1) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows), ""])


def _targets(targets: list[dict[str, Any]]) -> Iterable[Sequence[str]]:
    for each in targets:
        yield each["what"], each["target"], each["measured"], "hit" if each["is_hit"] else "**missed**"


def _macro(forms: list[dict[str, Any]]) -> str:
    rows = [
        (
            {"single": "one JSON trade a message", "columns": "columns of 256"}[each["name"]],
            f"{each['median_ours']:,.0f}",
            f"{each['median_limit']:,.0f}",
            f"{each['median_ratio']:.2f}",
            ", ".join(f"{ours / limit:.2f}" for ours, limit in zip(each["ours"], each["limit"], strict=True)),
        )
        for each in forms
    ]
    text = (
        "From the first send of one client process until all trades are visible in analytics' `/metrics`: checked, "
        "numbered, folded. The limit is bare pyzmq, one PUSH to one PULL, with the same messages from the same process."
    )
    return _section("The whole pipeline", ("form", "trades/s", "bare trades/s", "ratio", "each repeat"), rows, text)


def _symbols(costs: dict[str, list[float]]) -> str:
    rows = [(symbols, f"{median(each):.2f}") for symbols, each in costs.items()]
    text = "Processor time of ingest and analytics together, one JSON trade a message, flat out."
    return _section("Cost of a trade by number of symbols", ("symbols", "µs a trade"), rows, text)


def _paced(rates: list[dict[str, Any]]) -> str:
    rows = [
        (
            each["name"],
            *(_core(each["ours"], service) for service in ("ingest", "analytics")),
            _core(each["bare"], "bare"),
            *(cell for rank in ("p50", "p99") for cell in _beside_bare(each, rank)),
        )
        for each in rates
    ]
    text = (
        "Trades a second, one JSON message each; processor in percent of a core, with log, snapshots and checkpoints; "
        "latency from sending until applied by analytics (to within 10 %), in µs. In brackets two bare hops, PUSH → "
        "PULL, PUSH → PULL, in processes of their own: what they take, and how many times that the pipeline takes."
    )
    columns = ("rate", "ingest, %", "analytics, %", "(bare, %)", "p50, µs", "(bare)", "p99, µs", "(bare)")
    return _section("Processor and latency by rate", columns, rows, text)


def _core(runs: list[dict[str, Any]], process: str) -> str:
    return f"{median(run['core_percent'][process] for run in runs):.1f}"


def _beside_bare(paced: dict[str, Any], rank: str) -> tuple[str, str]:
    ours, bare = (median(run[f"{rank}_us"] for run in paced[who]) for who in ("ours", "bare"))
    return f"{ours:,.0f}", f"({bare:,.0f}: {paced[f'{rank}_ratio']:.1f})"


def _micro(steps: list[dict[str, Any]]) -> str:
    rows = []
    for each in steps:
        name, _, limit = each["name"].partition(" | ")
        figures = (f"{each['median_ours']:.2f}", f"{each['median_limit']:.2f}", f"{each['median_ratio']:.1f}")
        rows.append((name, figures[0], limit, figures[1], figures[2]))
    return _section("Single steps", ("step", "µs", "its limit", "µs", "ratio"), rows)


def _scrapes(looks: list[dict[str, Any]]) -> str:
    rows = [
        (
            f"{each['symbols']}" + (f" and {each['books']} books" if each.get("books") else ""),
            f"{each['series']:,}",
            f"{each['metrics_ms']:.1f}",
            f"{each['limit_ms']:.1f}",
            f"{each['blocked_ms']:.1f}",
            f"{each['snapshot_ms']:.1f}",
        )
        for each in looks
    ]
    columns = ("symbols", "series", "/metrics, ms", "generate_latest, ms", "longest step, ms", "UI snapshot, ms")
    text = "Every symbol has new trades before each look. generate_latest is given as many series."
    return _section("Looks at analytics", columns, rows, text)


def _orders(found: dict[str, Any]) -> str:
    rows = [
        ("check an event, ingest, µs", f"{found['check_us']:.1f}"),
        ("decode an event, analytics, µs", f"{found['decode_us']:.1f}"),
        ("apply an event, analytics, µs", f"{found['apply_us']:.1f}"),
        (f"/metrics, {found['series']:,} series, ms", f"{found['metrics_ms']:.1f}"),
        ("its longest step, ms", f"{found['metrics_step_ms']:.1f}"),
        (f"checkpoint, {found['orders']:,} orders, on the loop, ms", f"{found['capture_ms']:.1f}"),
        ("its longest step, ms", f"{found['capture_step_ms']:.1f}"),
    ]
    text = (
        f"{found['events']:,} events of orders in 200 books. CPU time of the thread; markouts, ticks and the packing "
        "of orders that ended are in *apply*."
    )
    return "\n".join([_section("Orders", ("step", "CPU"), rows, text), *_order_rate(found.get("rate"))])


def _order_rate(found: dict[str, Any] | None) -> Iterable[str]:
    if found is None:
        return
    cores = ", ".join(f"{name} {percent:.0f} %" for name, percent in found["core_percent"].items())
    rows = [
        ("order events sent and applied, /s", f"{found['events_per_s']:,.0f}"),
        ("trades beside them, /s", f"{found['trades_per_s']:,.0f}"),
        ("most that was not applied at a scrape, s of the rate", f"{found['most_behind_s']:.2f}"),
        ("until all was applied after the last one was sent, s", f"{found['drained_s']:.2f}"),
        ("a scrape of both services meanwhile, s", f"{found['scrape_s']:.2f}"),
        ("order events lost", f"{found['lost']:,.0f}"),
    ]
    text = (
        f"{found['seconds']:.0f} s, one JSON message each, numbered; 10 bots in 200 books, trades of 200 symbols; both "
        f"services scraped once a second. Of a core: {cores}."
    )
    yield _section("Order events beside trades", ("figure", "value"), rows, text)


def _neighbours(found: dict[str, Any]) -> str:
    rows = [
        (name, f"{median(found[key]):.2f}", f"{median(found[key]) / median(found['alone_ms']):.2f}")
        for name, key in (
            ("alone", "alone_ms"),
            ("a silent and a slow one", "quiet_ms"),
            ("one that floods", "flood_ms"),
            ("alone, with a limit for each source", "limited_alone_ms"),
            ("one that floods and is limited", "limited_flood_ms"),
            ("none, but a program that uses a core", "busy_ms"),
        )
        if key in found  # a file of before there were limits, or of before the last one
    ]
    text = (
        "p99 from sent to applied of one client at 1,000 trades/s, in ms, interpolated within the buckets of "
        f"`/metrics`. The flood got {found['flood_rate']:,.0f} trades/s through beside it."
    )
    return _section("Beside other clients", ("others", "p99, ms", "ratio to alone"), rows, text)


def _studies(found: dict[str, Any]) -> str:
    shown = (
        ("rate flat out, trades/s", "rate", "{:,.0f}"),
        ("processor time a trade, flat out, µs", "cpu_us", "{:.2f}"),
        ("rate of 50,000 trades/s", "paced_rate", "{:,.0f}"),
        ("processor time a trade at 50,000 trades/s, µs", "paced_cpu_us", "{:.2f}"),
        ("p99 at 50,000 trades/s from due to applied, ms", "paced_p99_ms", "{:.1f}"),
        ("p99 at 1,000 trades/s beside hostile studies, ms", "p99_ms", "{:.2f}"),
    )
    off, on = found["off"], found["on"]
    rows = [(text, *_compared(off[name], on[name], form)) for text, name, form in shown]
    text = (
        f"All built-in studies, 200 symbols; processor time of ingest and analytics. The worker took "
        f"{median(found['worker_cores']):.2f} cores at 50,000 trades/s for {found['runs']:,.0f} runs, "
        f"{found['skipped']:,.0f} were skipped; the hostile studies failed {found['failures']:,.0f} times. "
        f"Memory after each repeat, MB: analytics {_listed(found['analytics_mb'])}; "
        f"worker {_listed(found['worker_mb'])}."
    )
    return _section("Beside studies", ("figure", "without", "with", "ratio", "each repeat"), rows, text)


def _compared(off: list[float], on: list[float], form: str) -> tuple[str, str, str, str]:
    """Both medians, the median of the ratios, and each of these."""
    ratios = [ours / theirs for ours, theirs in zip(on, off, strict=True)]
    each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    return form.format(median(off)), form.format(median(on)), f"{median(ratios):.2f}", each


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:.0f}" for value in values)


def _durability(found: dict[str, Any]) -> str:
    rows = []
    for what, key in (("ingest's log on disk against memory", "log"), ("durable publisher against plain", "publisher")):
        for each in found[key]:
            figures = f"{each['median_ours']:,.0f}", f"{each['median_limit']:,.0f}", f"{each['median_ratio']:.2f}"
            rows.append((f"{what}, {each['name']}", *figures))
    text = (
        "From the first call until all trades are visible in analytics' `/metrics`, alternately with and without. The "
        "log's messages are encoded ahead; a publisher checks, numbers and encodes each call's trades (256 in columns)."
    )
    return _section("What durability costs", ("what", "trades/s", "without", "ratio"), rows, text)


def _endurance(found: dict[str, Any]) -> str:
    ledger = found["ledger"]
    rows = [(name, f"{ledger[name]:,}") for name in ("sent", "applied", "refused", "duplicate", "lost", "unexplained")]
    memory = ", ".join(f"{service} {mb:.0f} MB" for service, mb in found["rss_mb"].items())
    rate = f"{found['trades_per_s']:,.0f} trades/s"
    text = f"One JSON trade a message, 200 symbols, flat out, at {rate}. Memory after it: {memory}."
    return _section("Five million trades", ("account", "trades"), rows, text)


def _soak(found: dict[str, Any]) -> str:
    rows = [(service, ", ".join(f"{mb:.1f}" for mb in each)) for service, each in found["rss_mb"].items()]
    text = "One JSON trade a message, 50,000 trades/s, 200 symbols, one pipeline."
    return _section("Memory over minutes", ("service", "MB after each minute"), rows, text)


_SECTIONS: dict[str, Callable[[Any], str]] = {
    "macro": _macro,
    "symbols": _symbols,
    "paced": _paced,
    "neighbours": _neighbours,
    "studies": _studies,
    "durability": _durability,
    "endurance": _endurance,
    "soak": _soak,
    "micro": _micro,
    "scrapes": _scrapes,
    "orders": _orders,
}
