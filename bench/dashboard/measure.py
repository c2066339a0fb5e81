"""Asks the dashboard as a signed-in user does, eleven times each, exports a million calls, and writes what that took into the section of the file given."""

import http.client
import os
import re
import statistics
import sys
import time
import urllib.parse

WEEK = "from=2026-10-27&to=2026-11-02"
# What is asked for, its goal in milliseconds, and the address.
REQUESTS = [
    ("KPI", 500, "/api/kpi"), ("months", 500, "/api/monthly"),
    ("calls of a week, first 100", 1000, f"/api/calls?{WEEK}"), ("calls of two years, first 100", 1000, "/api/calls?from=2024-11-01&to=2026-11-02"),
    ("calls of two years that were completed", 1000, "/api/calls?from=2024-11-01&to=2026-11-02&status=completed"),
    ("calls of a year ago, first 100", 1000, "/api/calls?from=2025-10-27&to=2025-11-02"),
    ("calls of a week by an agent that failed", 1000, f"/api/calls?{WEEK}&agent=Agent.7&status=failed"),
    ("calls of a campaign in a week", 1000, f"/api/calls?{WEEK}&campaign=K3"), ("calls of a week by part of a number", 1000, f"/api/calls?{WEEK}&search=33331"),
    ("runs", 1000, "/api/runs"), ("runs that were partial", 1000, "/api/runs?status=partial"), ("errors", 1000, "/api/errors"),
    ("agents, 90 days", 1000, "/api/agents?days=90"), ("campaigns, 90 days", 1000, "/api/campaigns?days=90"), ("coverage", 1000, "/api/coverage"),
    ("quarantine", 1000, "/api/rejects"), ("alerts", 1000, "/api/alerts"), ("what needs attention", 1000, "/api/attention"),
    ("10,000 calls as JSON", 10000, "/api/calls?from=2024-11-01&to=2026-11-02&limit=10000"), ("calls of three days as CSV", 10000, "/api/calls?from=2026-10-26&to=2026-10-28&format=csv"),
    ("page: overview", 1000, "/"), ("page: ingestion", 1000, "/ingestion"), ("page: a run", 1000, "/run?run=50"), ("page: coverage", 1000, "/coverage"),
    ("page: a day", 1000, "/day?day=2026-10-28"), ("page: calls of a week", 1000, f"/calls?{WEEK}"), ("page: calls, searched by a number", 1000, f"/calls?{WEEK}&search=33331"),
    ("page: one call", 1000, "/call?call="), ("page: agents, 90 days", 1000, "/agents?days=90"), ("page: campaigns, 90 days", 1000, "/campaigns?days=90"),
    ("page: monthly", 1000, "/monthly"), ("page: quarantine", 1000, "/rejects"), ("page: alerts", 1000, "/alerts"),
]
# A tenant's calls of these eight months are over a million.
MILLION = "/api/calls?from=2026-03-04&to=2026-11-02"
# Memory that the rows after the first 100,000 may add, in MiB: as much as a diagnosis may.
GROWTH = 16


def ask(method, path, body=None, **headers):
    connection = http.client.HTTPConnection(os.environ["BASE"], timeout=600)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer, answer.read().decode()


def private(pids):
    """What these processes hold for themselves alone, in MiB: without shared buffers, which fill up as any query reads."""
    held = 0
    for pid in pids:
        try:
            held += int(re.search(r"RssAnon:\s+(\d+)", open(f"/proc/{pid}/status", encoding="utf-8").read())[1])
        except (FileNotFoundError, ProcessLookupError, TypeError):
            pass  # Ended meanwhile.
    return held / 1024


def export(kind, query, cookie):
    """A million calls as a browser downloads them: a line of the table."""
    postmaster, sqlpage = os.environ["POSTMASTER"], os.environ["SQLPAGE"]
    connection = http.client.HTTPConnection(os.environ["BASE"], timeout=600)
    began = time.perf_counter()
    connection.request("GET", MILLION + query, headers={"Cookie": cookie})
    answer = connection.getresponse()
    assert answer.status == 200, answer.status
    lines = size = 0
    early, peak = [0, 0], [0, 0]
    first = None
    while chunk := answer.read(1 << 20 if first else 1):
        first = first or time.perf_counter() - began
        lines, size = lines + chunk.count(b"\n"), size + len(chunk)
        servers = open(f"/proc/{postmaster}/task/{postmaster}/children", encoding="utf-8").read().split()
        peak = [max(peak[0], private([sqlpage])), max(peak[1], private(servers))]
        early = peak if lines <= 100_000 else early
    took = time.perf_counter() - began
    more = [late - before for late, before in zip(peak, early)]
    row = (f"| {kind} | {lines - 1:,} | {size / 1e6:.0f} | {1000 * first:.0f} | {took:.1f} | {early[0]:.1f} + {more[0]:.1f} | {early[1]:.1f} + {more[1]:.1f} "
           f"| {'met' if lines > 1_000_000 and max(more) < GROWTH else '**missed**'} |")
    print(row, flush=True)
    return row


def main():
    form = urllib.parse.urlencode({"username": "bench", "password": os.environ["BENCH_PASSWORD"]})
    answer, _ = ask("POST", "/signin", form, **{"Content-Type": "application/x-www-form-urlencoded"})
    cookie = answer.getheader("set-cookie").split(";")[0]
    rows = []
    call = re.search('"call_id":"([^"]+)"', ask("GET", f"/api/calls?{WEEK}&limit=1", Cookie=cookie)[1])[1]
    for what, goal, path in REQUESTS:
        path = path.replace("call=", f"call={call}") if path.endswith("call=") else path
        times = []
        for n in range(14):
            began = time.perf_counter()
            answer, text = ask("GET", path, Cookie=cookie)
            took = 1000 * (time.perf_counter() - began)
            assert answer.status == 200 and "An error occurred" not in text, (path, answer.status, text[:300])
            # Three runs fill caches; what takes this long is not asked for that often.
            if n >= 3 or took > 20000:
                times.append(took)
            if sum(times) > 60000:
                break
        lines = len(text.splitlines()) - 1 if "format=csv" in path else text.count("\n{") if path.startswith("/api/") else ""
        median = statistics.median(times)
        rows.append(f"| {what} | {lines:,} | < {goal} ms | {median:.0f} ({min(times):.0f}–{max(times):.0f}) | {'met' if median < goal else '**missed**'} |"
                    if lines != "" else f"| {what} | | < {goal} ms | {median:.0f} ({min(times):.0f}–{max(times):.0f}) | {'met' if median < goal else '**missed**'} |")
        print(rows[-1], flush=True)
    exports = [export("CSV", "&format=csv", cookie), export("JSON", "&limit=all", cookie)]
    section = f"""The dashboard

{os.environ["MACHINE"]}.

{os.environ["CALLS"]} calls of three tenants over 24 months, and a ledger of 100,000 runs and as many failed requests a tenant; asked by a user who may
use one tenant, over HTTP on loopback through SQLPage, from the request to the last byte. Milliseconds: median of eleven, smallest and largest in brackets.

| asked for | rows | goal | ms | |
| --- | --- | --- | --- | --- |
{chr(10).join(rows)}

A million of these calls exported once, read as fast as they come. Memory is what the processes hold for themselves alone (`RssAnon`), SQLPage, and
all of the server's together: its peak over the first 100,000 calls + what all the others added; the bound is {GROWTH} MiB more.

| export | calls | MB | first byte, ms | s | SQLPage, MiB | PostgreSQL, MiB | |
| --- | --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(exports)}
"""
    path = sys.argv[1]
    known = open(path, encoding="utf-8").read() if os.path.exists(path) else "# Results of `make bench-dashboard`\n"
    parts = [part.strip("\n") for part in known.split("\n## ") if not part.startswith("The dashboard\n")]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n\n## ".join([*parts, section]))


main()
