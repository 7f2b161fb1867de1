"""The tables, and whether the targets are met."""

import statistics

VERIFIED = "form, JSON, ES256 verified"

# Our operation, the floor's and the peers', at most so many times the floor, at least so many times
# cheaper than oidc-provider. The target of the introspection of a new token is one verification and
# twice the floor without one.
ROWS = [
    ("client credentials", "form, JSON, ES256", "client credentials", 2, 5),
    ("pending poll", "form, JSON", "pending poll", 2, 5),
    ("poll too early", "form, JSON", None, None, None),
    ("device authorization", "form, JSON", "device authorization", None, 5),
    ("refresh", "form, JSON, ES256", "refresh", None, 5),
    ("introspection, new token", VERIFIED, "introspection", None, 4),
    ("introspection, token just issued", "form, JSON", "introspection", None, 4),
    ("introspection, known token", "form, JSON", "introspection", None, 5),
    ("userinfo", "JSON", "userinfo", None, 5),
    ("JWKS", "JSON", "JWKS", 2, 5),
    ("discovery", "JSON", "discovery", None, 5),
]


def render(machine, plan, starts, memory, loads, people):
    median = {key: {name: statistics.median(row[name] for row in rows) for name in rows[0]} for key, rows in loads.items()}
    cpu = lambda server, name: median.get((server, name), {}).get("cpu_ms")
    lines = [f"{machine}. {plan.rounds} rounds of {plan.seconds:g} s, 16 connections."]
    lines += ["", "Server CPU for 1,000 requests, in seconds, and what it is of others':", ""]
    lines += table(
        ["operation", "hallpass", "floor (hyper)", "× floor", "oidc-provider", "cheaper by", "mock-oauth2-server", "cheaper by", "target"],
        [cpu_row(cpu, *row) for row in ROWS if cpu("hallpass", row[0])],
    )
    if cpu("bare axum", "JSON"):
        lines += ["", "The floor with axum: " + ", ".join(f"{name} {figure(cpu('bare axum', name))}" for name in ["JSON", "form, JSON", "form, JSON, ES256", VERIFIED]) + "."]
    lines += ["", "Requests a second, and milliseconds until the answer (the generator takes its share of the cores):", ""]
    rows = []
    for (server, name), values in median.items():
        spread = [round(row["cpu_ms"], 3) for row in loads[server, name]]
        rows.append([server, name, f"{values['rate']:.0f}", f"{values['p50']:.2f}", f"{values['p99']:.2f}", figure(values["cpu_ms"]), f"{min(spread):.3f} to {max(spread):.3f}", f"{values['generator']:.2f}"])
    lines += table(["server", "operation", "a second", "p50", "p99", "CPU", "CPU, all rounds", "generator's cores"], rows)
    lines += ["", f"Start (process to the first 200 of its discovery document, {plan.starts} starts) and memory:", ""]
    rows = []
    for server, times in starts.items():
        millis = [one for one, _ in times]
        rows.append([server, f"{statistics.median(millis):.1f} ms", f"{min(millis):.1f} to {max(millis):.1f}", *(f"{mib:.1f} MiB" for mib in memory[server])])
    lines += table(["server", "start, median", "all starts", "memory at the start", "memory after the load"], rows)
    count, before, after = people
    lines += ["", f"{count} sign-ins of {count} people take `hallpass serve --dev` from {before:.1f} to {after:.1f} MiB."]
    return "\n".join(lines)


def cpu_row(cpu, ours, floor, peer, most, least):
    mine, under = cpu("hallpass", ours), cpu("bare hyper", floor)
    oidc, mock = cpu("oidc-provider", peer), cpu("mock-oauth2-server", peer)
    checks = []
    if most:
        checks.append((f"≤ {most} × floor", mine <= most * under))
    if floor == VERIFIED:
        # The floor with a verification holds one floor already.
        checks.append(("≤ one verification and 2 × floor", mine <= under + cpu("bare hyper", "form, JSON")))
    if least and oidc:
        checks.append((f"≥ {least} × cheaper", oidc >= least * mine))
    said = "; ".join(f"{text}: {'met' if is_met else '**not met**'}" for text, is_met in checks)
    times = lambda one, other: f"{one / other:.1f}" if one and other else ""
    return [ours, figure(mine), figure(under), times(mine, under), figure(oidc), times(oidc, mine), figure(mock), times(mock, mine), said]


def figure(value):
    return f"{value:.3f}" if value else ""


def table(head, rows):
    line = lambda cells: "| " + " | ".join(cells) + " |"
    return [line(head), line(["---"] * len(head)), *(line(row) for row in rows)]


def write_into(path, text, script):
    """Puts what a script measured into its place."""
    begin, end = f"<!-- {script} begins -->", f"<!-- {script} ends -->"
    before, rest = path.read_text().split(begin)
    _, after = rest.split(end)
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}")
