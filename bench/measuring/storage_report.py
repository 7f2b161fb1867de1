"""The tables of `bench/storage`, and whether the targets are met."""

import statistics

from .production import CONNECTIONS_TO_POSTGRES
from .report import table

SQLITE, POSTGRES = "SQLite file", "PostgreSQL"


def render(machine, plan, results, connections, connections_of_table):
    lines = [f"{machine}. {plan.rounds} rounds of {plan.seconds:g} s; {plan.sessions} sessions in turn.", ""]
    lines += [f"Refreshes that survive a power cut, {connections} connections:", ""]
    rows = [refresh_row(engine, figures, connections) for engine, figures in results.items()]
    head = ["engine", "a second", "rounds", "p50", "p99", "server CPU for 1,000", "beside", "target"]
    lines += table(head, rows)
    most = max(figures["rows"][0] for figures in results.values())
    lines += ["", f"The same sessions alone and among {most:,} rows, {connections_of_table} connections; pruning is one batch of 1,000 rows, a sweep 1,000 entries of each lookup table:", ""]
    rows = [table_row(engine, what, *pair) for engine, figures in results.items() for what, pair in pairs(figures)]
    lines += table(["engine", "figure", "alone", f"among {most:,}", "ratio", "target"], rows)
    lines += ["", f"Start on a database whose tables are in place (process to the first 200 of `/readyz`, {plan.starts} starts) and memory:", ""]
    lines += table(
        ["engine", "start, median", "all starts", "memory at the start", "memory after the load", "target"],
        [start_row(engine, figures) for engine, figures in results.items()],
    )
    return "\n".join(lines)


def median(figures, name=None):
    return statistics.median(row[name] if name else row for row in figures)


def refresh_row(engine, figures, connections):
    rate = median(figures["refresh"], "rate")
    rounds = [row["rate"] for row in figures["refresh"]]
    if engine == SQLITE:
        fsyncs, pages = median(figures["fsync"]), median(figures["pages"])
        allowed = fsyncs * connections
        beside = f"the disk confirms {fsyncs:.0f} writes of {pages:.0f} pages a second; with {connections} refreshes in each: {allowed:.0f}"
        target = f"≥ 5,000 or ≥ half of what the disk allows: {met(rate >= 5000 or rate * 2 >= allowed)}"
    else:
        bare = median(figures["pgbench"])
        beside = f"pgbench, {CONNECTIONS_TO_POSTGRES} connections: {bare:.0f}, {bare / rate:.2f} times as many"
        target = f"≤ 1.5 times: {met(bare <= 1.5 * rate)}"
    cpu = f"{median(figures['refresh'], 'cpu_ms'):.3f}"
    spread = f"{min(rounds):.0f} to {max(rounds):.0f}"
    return [engine, f"{rate:.0f}", spread, millis(median(figures["refresh"], "p50")), millis(median(figures["refresh"], "p99")), cpu, beside, target]


def pairs(figures):
    yield "refreshes a second", (*(median(figures[name], "rate") for name in ("small", "large")), False)
    yield "refresh, p50", (*(median(figures[name], "p50") for name in ("small", "large")), False)
    yield "refresh, p99", (*(median(figures[name], "p99") for name in ("small", "large")), True)
    yield "pruning, the oldest", (*(median(figures[f"prune {name}"]) for name in ("small", "large")), True)
    yield "pruning, revoked at any age", (*(median(figures[f"prune revoked {name}"]) for name in ("small", "large")), False)
    if figures["sweep small"]:
        spent, found = ([median([one[place] for one in figures[f"sweep {name}"]]) for name in ("small", "large")] for place in (0, 1))
        yield f"sweep, {found[0]:.0f} and {found[1]:.0f} removed", (*spent, False)


def table_row(engine, what, alone, among, has_target):
    is_rate = what.endswith("second")
    show = (lambda value: f"{value:.0f}") if is_rate else millis
    target = f"≤ 1.5: {met(among <= 1.5 * alone)}" if has_target else ""
    return [engine, what, show(alone), show(among), f"{among / alone:.2f}", target]


def start_row(engine, figures):
    starts = [spent for spent, _ in figures["start"]]
    memory = median([mib for _, mib in figures["start"]])
    loaded = figures["loaded memory"][0]
    middle = median(starts)
    target = f"≤ 200 ms: {met(middle <= 200)}; ≤ 60 MiB idle: {met(memory <= 60)}"
    return [engine, f"{middle:.1f} ms", f"{min(starts):.1f} to {max(starts):.1f}", f"{memory:.1f} MiB", f"{loaded:.1f} MiB", target]


def millis(value):
    return f"{value:.2f} ms"


def met(is_met):
    return "met" if is_met else "**not met**"
