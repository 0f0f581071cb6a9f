# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The charts of each tier on the page, over the whole fleet: from facts alone, and only what was measured."""

from __future__ import annotations

import typing as t

from ...module_utils._texts.redact import clean
from .._checks.services import GATHERED, TITLES, instances_in
from .._fleet.observed import Instance
from .._fleet.stacks import spots
from .._judge.report import Report
from . import charts
from .charts import Chart, number
from .measured_rows import Places, instances_by_place, part, rows_of, values

Facts = t.Mapping[str, t.Any]


def panels(report: Report) -> list[dict[str, t.Any]]:
    """`[{service, title, charts}]` in the order in which a request passes the tiers; a tier without data has no panel."""
    result = []
    of_visitors = [chart for chart in _visitors(report) if chart is not None]
    if of_visitors:
        result.append({"service": "visitors", "title": TITLES["visitors"], "charts": of_visitors})
    for service in GATHERED:
        draw = PANELS.get(service)
        plots = [chart for chart in draw(report) if chart is not None] if draw else []
        if plots:
            result.append({"service": service, "title": TITLES[service], "charts": plots})
    return result


def _visitors(report: Report) -> t.Iterator[t.Optional[Chart]]:
    """What they get, and where the time of a request goes that the application answers."""
    up: Places = [
        (clean(str(site.get("name")), 120), site) for site in instances_in(report["fleet"], "visitors") if site.get("state") == "up"
    ]
    outcomes = [
        {"label": f"{row['where']} {row.get('outcome')}", "value": number(row.get("p95_seconds"))} for row in rows_of(up, "outcomes")
    ]
    yield charts.bars(
        "Time to the first byte, 95 % of the responses", [row for row in outcomes if row["value"]], "seconds", "by outcome", mark=1
    )
    spent = [
        {"label": f"{row.get('part')}{' ' + str(row['at']) if row.get('at') else ''}", "value": number(row.get("seconds"))}
        for row in rows_of(up, "time_spent")
    ]
    yield charts.bars(
        "Where the time of a request goes",
        [row for row in spent if row["value"]],
        "seconds",
        "of one that the application answers, on average; queues first",
        keep_order=True,
    )
    columns = (
        ("url", "URL", "text"),
        ("visited_from", "visited from", "text"),
        ("status", "status", "text"),
        ("first_byte_seconds", "first byte", "seconds"),
        ("total_seconds", "total", "seconds"),
        ("why", "why it failed", "text"),
    )
    yield charts.table("Visits on new connections", rows_of(up, "probes"), columns)


def _server(report: Report) -> t.Iterator[t.Optional[Chart]]:
    up = instances_by_place(report, "server")
    yield charts.bars(
        "Load per usable core", values(up, "load_ratio"), "count", "one-minute load average; above 1 processes wait for a core", mark=1
    )
    busy = ("cpu_user_ratio", "cpu_system_ratio", "cpu_irq_ratio", "iowait_ratio", "steal_ratio")
    rows: list[dict[str, t.Any]] = []
    for where, instance in up:
        known = [number(instance.get(name)) for name in busy]
        if None not in known[:2]:
            rows.append({"label": where, "values": [*known, max(0.0, 1 - sum(value or 0 for value in known))]})
    rows.sort(key=lambda row: row["values"][-1])
    yield charts.stacked("CPU time", rows, ("user", "system", "interrupts", "waiting for disks", "stolen", "idle"), unit="ratio")
    yield charts.bars(
        "Memory in use",
        values(up, "memory_available_ratio", invert=True),
        "ratio",
        "memory that is not available without swapping",
        mark=0.85,
    )


def _nginx(report: Report) -> t.Iterator[t.Optional[Chart]]:
    up = instances_by_place(report, "nginx")
    yield charts.bars(
        "Connections of the fullest worker",
        values(up, "connections_ratio"),
        "ratio",
        "of worker_connections, upstream ones included",
        mark=0.75,
    )
    yield charts.histogram(
        "Response time",
        [("all requests", 0, charts.merged(part(instance, "response_times") for _where, instance in up))],
        "logarithmic axis",
    )
    columns = (
        ("name", "server", "text"),
        ("group", "group", "text"),
        ("attempts", "requests", "count"),
        ("share_ratio", "share", "ratio"),
        ("failed", "not answered", "count"),
        ("errors", "5xx", "count"),
        ("p95_seconds", "95 % within", "seconds"),
        ("where", "where", "text"),
    )
    yield charts.table("Servers behind nginx", rows_of(up, "upstreams"), columns)
    pages = (
        ("pattern", "URL pattern", "text"),
        ("requests", "requests", "count"),
        ("errors", "5xx", "count"),
        ("mean_seconds", "mean", "seconds"),
    )
    yield charts.table("Pages", rows_of(up, "pages"), pages)


def _haproxy(report: Report) -> t.Iterator[t.Optional[Chart]]:
    up = instances_by_place(report, "haproxy")
    yield charts.bars("Connections", values(up, "connections_ratio"), "ratio", "of maxconn in global", mark=0.75)
    yield charts.bars("Requests that wait for a server", [row for row in values(up, "queue") if row["value"]], "count")
    columns = (
        ("backend", "backend", "text"),
        ("name", "server", "text"),
        ("state", "state", "text"),
        ("check", "check", "text"),
        ("requests", "requests", "count"),
        ("sessions", "sessions", "count"),
        ("queue", "queue", "count"),
        ("connection_errors", "no connection", "count"),
        ("errors", "5xx", "count"),
        ("response_seconds", "mean", "seconds"),
        ("where", "where", "text"),
    )
    yield charts.table("Servers behind HAProxy", rows_of(up, "servers"), columns)


def _varnish(report: Report) -> t.Iterator[t.Optional[Chart]]:
    up = instances_by_place(report, "varnish")
    names = ("hits", "misses", "passes", "pipes", "synths")
    rows = []
    for where, instance in up:
        window = [number(instance.get(name)) for name in names]
        if not any(window):
            window = [number(instance.get("lifetime_" + name)) for name in names]
            where += " (since its start)"
        rows.append({"label": where, "values": window})
    yield charts.stacked(
        "Responses by source", rows, ("hit", "miss", "pass", "pipe", "synth"), "only hits and synthetic responses spare the application"
    )
    storages = [{"label": f"{row['where']} {row.get('name')}", "value": number(row.get("use_ratio"))} for row in rows_of(up, "storage")]
    yield charts.bars("Storage in use", storages, "ratio", "a full storage evicts objects before they expire")


def _traffic(report: Report) -> t.Iterator[t.Optional[Chart]]:
    up = instances_by_place(report, "varnish_traffic")
    kinds = (("hit", "from the cache", 0), ("miss", "fetched (miss)", 1), ("pass", "passed to the backend", 2))
    series = [
        (name, colour, charts.merged(part(instance, f"response_times.{kind}") for _where, instance in up)) for kind, name, colour in kinds
    ]
    yield charts.histogram("Time to the first byte", series, "each scaled to its own height; logarithmic axis")
    columns = (
        ("pattern", "URL pattern", "text"),
        ("count", "requests", "count"),
        ("share", "share", "ratio"),
        ("mean_seconds", "mean", "seconds"),
        ("share_of_backend_time", "share of backend time", "ratio"),
        ("reason", "reason", "text"),
        ("where", "where", "text"),
    )
    for key, title in (
        ("passes", "Pages that bypass the cache"),
        ("misses", "Pages fetched from the backend (misses)"),
        ("redirects", "Permanent redirects computed by the application"),
        ("not_found", "404s that reach the application"),
        ("errors", "Errors"),
    ):
        rows = sorted(rows_of(up, key), key=lambda row: -(number(row.get("count")) or 0))
        yield charts.table(title, rows[:10], columns)


def _uwsgi(report: Report) -> t.Iterator[t.Optional[Chart]]:
    up = instances_by_place(report, "uwsgi")
    yield charts.bars("Busy worker threads", values(up, "busy_ratio"), "ratio", "averaged over the samples", mark=0.75)
    yield charts.bars("Mean response time", values(up, "mean_response_seconds"), "seconds", mark=1)
    yield charts.bars("Requests in the listen queue", [row for row in values(up, "listen_queue") if row["value"]], "count")
    counts: dict[str, float] = {}
    for row in rows_of(up, "in_flight"):
        counts[str(row.get("pattern"))] = counts.get(str(row.get("pattern")), 0) + (number(row.get("count")) or 0)
    yield charts.bars(
        "Requests in flight",
        [{"label": name, "value": count} for name, count in counts.items()],
        "count",
        "threads by URL pattern",
    )
    yield _stacks(up, "uwsgi")


def _stacks(up: Places, service: str) -> t.Optional[Chart]:
    """Where the code of the longest requests is, when that was asked for."""
    rows = [{"where": where, **spot._asdict()} for where, instance in up for spot in spots(Instance("", service, instance))]
    columns = (
        ("where", "where", "text"),
        ("work", "request", "text"),
        ("workers", "workers", "count"),
        ("at", "are at", "text"),
        ("own", "called by", "text"),
    )
    return charts.table("Python stacks of the longest requests", rows, columns)


def _wsgi(report: Report) -> t.Iterator[t.Optional[Chart]]:
    up = instances_by_place(report, "wsgi")
    yield charts.bars("Busy worker threads", values(up, "busy_ratio"), "ratio", "averaged over the samples", mark=0.75)
    yield charts.bars(
        "Requests waiting", [row for row in values(up, "requests_waiting") if row["value"]], "count", "in the queue or a worker"
    )
    yield charts.bars("Oldest request", values(up, "oldest_request_seconds"), "seconds", mark=5)
    yield _stacks(up, "wsgi")


def _django(report: Report) -> t.Iterator[t.Optional[Chart]]:
    columns = (("id", "check", "text"), ("text", "what it says", "text"), ("where", "where", "text"))
    yield charts.table("What check --deploy says", rows_of(instances_by_place(report, "django"), "deploy_checks"), columns)


def _site(report: Report) -> t.Iterator[t.Optional[Chart]]:
    up = instances_by_place(report, "site")
    ways = (("url", "URL", "text"), ("ends_at", "leads to", "text"), ("hops", "redirects", "count"), ("why", "what is wrong", "text"))
    yield charts.table("Ways to the site", rows_of(up, "redirects"), ways)
    names = (("host", "name", "text"), ("days_left", "days of its certificate", "count"), ("why", "what is wrong", "text"))
    yield charts.table("Names of the site", rows_of(up, "names"), names)


def _backup(report: Report) -> t.Iterator[t.Optional[Chart]]:
    rows = [{"where": where, **instance} for where, instance in instances_by_place(report, "backup")]
    columns = (("where", "where", "text"), ("newest_age_seconds", "age", "seconds"), ("newest_bytes", "size", "bytes"))
    yield charts.table("Newest backups", rows, (*columns, ("restore_tested_age_seconds", "restored before", "seconds")))


def _checklist(report: Report) -> t.Iterator[t.Optional[Chart]]:
    columns = (("item", "line", "text"), ("by", "by", "text"), ("day", "day", "text"), ("why", "open", "text"))
    yield charts.table("Ticked by hand", rows_of(instances_by_place(report, "checklist"), "items_to_tick"), columns)


def _memcached(report: Report) -> t.Iterator[t.Optional[Chart]]:
    up = instances_by_place(report, "memcached")
    yield charts.bars(
        "Operations per server",
        values(up, "operations_per_second"),
        "per_second",
        "in a balanced pool all bars have the same length",
        keep_order=True,
    )
    yield charts.bars("Hit ratio", values(up, "hit_ratio"), "ratio", mark=0.9, keep_order=True)
    yield charts.bars("Latency of a get", values(up, "latency_milliseconds.median"), "milliseconds", mark=2, keep_order=True)


def _redis(report: Report) -> t.Iterator[t.Optional[Chart]]:
    up = instances_by_place(report, "redis")
    yield charts.bars("Memory of the limit", values(up, "fill_ratio"), "ratio", "a full cache is healthy, a full broker is not", mark=0.9)
    yield charts.bars("Operations per server", values(up, "operations_per_second"), "per_second")
    yield charts.bars("Its one thread is busy", values(up, "main_thread_busy_ratio"), "ratio", mark=0.75)
    columns = (
        ("name", "command", "text"),
        ("calls_per_second", "calls", "per_second"),
        ("mean_milliseconds", "mean", "milliseconds"),
        ("milliseconds", "time in the window", "milliseconds"),
        ("where", "where", "text"),
    )
    spent = sorted(rows_of(up, "commands"), key=lambda row: -(number(row.get("milliseconds")) or 0))
    yield charts.table("Commands by time", spent[:10], columns)
    slow = sorted(rows_of(up, "slow_commands"), key=lambda row: -(number(row.get("longest_milliseconds")) or 0))
    yield charts.table(
        "Commands that held up all others",
        slow[:10],
        (
            ("name", "command", "text"),
            ("key", "kind of key", "text"),
            ("longest_milliseconds", "longest", "milliseconds"),
            ("calls", "calls", "count"),
            ("client", "client", "text"),
            ("where", "where", "text"),
        ),
    )


def _celery(report: Report) -> t.Iterator[t.Optional[Chart]]:
    up = instances_by_place(report, "celery")
    queues = {str(row.get("name")): row for row in rows_of(up, "queues")}
    waiting, growing = [], []
    for name, row in queues.items():
        growth = number(row.get("growth_per_second"))
        waiting.append({"label": name, "value": number(row.get("ready"))})
        growing.append({"label": name, "value": growth, "series": 2 if growth and growth > 0 else 0})
    yield charts.bars("Messages waiting", waiting, "count")
    yield charts.bars("Queue growth", growing, "per_second", "below zero a queue is draining")
    workers = {str(row.get("name")): row for row in rows_of(up, "workers")}
    busy = []
    for name, row in workers.items():
        active, places = number(row.get("active")), number(row.get("concurrency"))
        if active is not None and places:
            busy.append({"label": name, "value": min(1.0, active / places), "text": f"{active:.0f} of {places:.0f}"})
    yield charts.bars("Busy worker slots", busy, "ratio")
    tasks = [
        {"label": str(row.get("name")), "values": [row.get("succeeded"), row.get("retried"), row.get("failed")]}
        for row in rows_of(up, "tasks")
    ]
    yield charts.stacked("Finished tasks", tasks, ("succeeded", "retried", "failed"))


def _pgbouncer(report: Report) -> t.Iterator[t.Optional[Chart]]:
    up = instances_by_place(report, "pgbouncer")
    pools = [(f"{row['where']} {row.get('database')} ({row.get('user')})", row) for row in rows_of(up, "pools")]
    names = ("servers_active", "servers_idle")
    servers = [{"label": label, "values": [number(row.get(name)) for name in names]} for label, row in pools]
    yield charts.stacked("Server connections by pool", servers, ("active", "idle"))
    clients = [
        {"label": label, "values": [number(row.get(name)) for name in ("clients_active", "clients_waiting")]} for label, row in pools
    ]
    yield charts.stacked("Clients by pool", clients, ("served", "waiting"), "who waits has no server connection")
    yield charts.bars("Mean wait for a server connection", values(up, "mean_wait_milliseconds"), "milliseconds", mark=100)


def _database(service: str) -> t.Callable[[Report], t.Iterator[t.Optional[Chart]]]:
    def draw(report: Report) -> t.Iterator[t.Optional[Chart]]:
        up = instances_by_place(report, service)
        names = ("active", "idle", "idle_in_transaction", "free")
        sessions = [{"label": where, "values": [part(instance, f"connections.{name}") for name in names]} for where, instance in up]
        yield charts.stacked("Connections", sessions, ("active", "idle", "idle in transaction", "free"))
        clients = [
            {
                "label": " ".join(str(row[key]) for key in ("application", "user", "address") if row.get(key)),
                "value": number(row.get("sessions")),
            }
            for row in rows_of(up, "clients")
        ]
        yield charts.bars("Connections by client", clients, "count")
        statements = sorted(rows_of(up, "statements"), key=lambda row: -(number(row.get("share_ratio")) or 0))
        columns = (
            ("share_ratio", "share of time", "ratio"),
            ("calls_per_second", "calls", "per_second"),
            ("mean_milliseconds", "mean", "milliseconds"),
            ("rows_per_call", "rows per call", "count"),
            ("text", "statement", "text"),
            ("where", "where", "text"),
        )
        top = [{"label": str(row.get("text"))[:100], "value": number(row.get("share_ratio"))} for row in statements[:10]]
        yield charts.bars(
            "Statements by time spent",
            [row for row in top if row["value"]],
            "ratio",
            "share of the database's execution time in the window",
        )
        yield charts.table("Statements in numbers", [row for row in statements[:10] if number(row.get("share_ratio"))], columns)

    return draw


#: service → the function that draws its charts.
PANELS: dict[str, t.Callable[[Report], t.Iterator[t.Optional[Chart]]]] = {
    "haproxy": _haproxy,
    "nginx": _nginx,
    "server": _server,
    "varnish": _varnish,
    "varnish_traffic": _traffic,
    "uwsgi": _uwsgi,
    "wsgi": _wsgi,
    "django": _django,
    "site": _site,
    "backup": _backup,
    "checklist": _checklist,
    "memcached": _memcached,
    "redis": _redis,
    "celery": _celery,
    "pgbouncer": _pgbouncer,
    "postgresql": _database("postgresql"),
    "mysql": _database("mysql"),
}
