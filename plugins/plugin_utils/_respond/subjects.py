# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the act of a cause is about: of the cause, the facts of its target, and the report. None where they do not name it well enough."""

from __future__ import annotations

import collections
import math
import typing as t

from ...module_utils._texts.counted import counted
from .._checks.services import in_tiers, instances_in
from .._fleet.database_clients import is_local
from .._fleet.nodes import PROXY_SERVICES
from .._fleet.observed import Instance, rows_in
from .._judge.hostvars import machine_addresses

Data = t.Mapping[str, t.Any]

#: What an act is about, and in words what is done; None when the report does not name it well enough.
Named = t.Optional[tuple[dict[str, t.Any], str]]
About = t.Callable[[Data, Data, Data], Named]
#: Host, service and name of the instance where the act is done, of the cause; None when it names none.
Place = t.Callable[[Data], t.Optional[tuple[str, str, str]]]
#: What the fleet shows for a guard, of: what the act is about, its host, the facts of its target, the report.
Readings = t.Callable[[Data, str, Data, Data], dict[str, t.Any]]


def root_blocker(diagnosis: Data, _facts: Data, _report: Data) -> Named:
    """The session that holds up most, or the schema change that waits for it. 0 is a prepared transaction, which has no session."""
    rows = [row for row in diagnosis["rows"] if _whole(row.get("pid")) and row.get("blocks_total")]
    if not rows:
        return None
    worst = max(rows, key=lambda row: (row.get("blocks_total") or 0, row.get("longest_wait_seconds") or row.get("age_seconds") or 0))
    change = worst.get("schema_change")
    # without it those behind it pass, and what it waits for may go on
    worst = change if isinstance(change, dict) and _whole(change.get("pid")) and change.get("blocks_total") else worst
    who = worst.get("application") or worst.get("user") or "unknown"
    return {"pid": worst["pid"]}, f"end session {worst['pid']} of {who}, which holds up {worst['blocks_total']}"


#: Connections that an unknown client keeps.
FEW_CONNECTIONS = 2


def index(diagnosis: Data, _facts: Data, _report: Data) -> Named:
    """The first index that is missing, by the names of table and columns: its statement is made anew on the target."""
    row = next((row for row in diagnosis["rows"] if row.get("confirmed_by") and not row.get("being_built")), None)
    # a database of MySQL has no schemas
    names = [name for name in ("database", "schema", "table") if row is not None and (name != "schema" or name in row)]
    if row is None or not all(isinstance(row.get(name), str) and row[name] for name in names):
        return None
    columns = row.get("columns")
    if not isinstance(columns, list) or not columns or not all(isinstance(name, str) and name for name in columns):
        return None
    about = {**{name: row[name] for name in names}, "columns": columns}
    table = f"{row.get('schema') or row['database']}.{row['table']}"
    return about, f"create the missing index on {table} ({', '.join(columns)}), while writes go on"


def client(diagnosis: Data, facts: Data, report: Data) -> Named:
    """The role of the unknown client that works most, and those of known clients, which are never limited."""
    rows = [row for row in diagnosis["rows"] if isinstance(row.get("user"), str) and row["user"]]
    view = _view(diagnosis, facts, report)
    if not rows or view is None or not isinstance(view.get("clients"), list):
        return None
    known = sorted({str(row["user"]) for row in view["clients"] if row.get("known") and row.get("user")})
    role = rows[0]["user"]
    return {
        "role": role,
        "connections": FEW_CONNECTIONS,
        "known": known,
    }, f"limit role {role} to {FEW_CONNECTIONS} connections for some minutes"


_PLACE = ("host", "service", "database_instance")


def _view(diagnosis: Data, facts: Data, report: Data) -> t.Optional[Data]:
    """The clients of this very database: others, of another host or kind, may have the same name."""
    views = [
        view
        for view in instances_in(report.get("fleet") or {}, "database_clients")
        if view.get("database_instance") == facts.get("name") and view.get("host") in diagnosis["hosts"]
    ]
    hit = [view for view in views if "/".join(str(view.get(name)) for name in _PLACE) in (diagnosis.get("hit") or [])]
    return (hit or views)[0] if len(hit or views) == 1 else None


#: Permanent: their answer is the same for everybody.
PERMANENT = (301, 308)
#: URL patterns of one VCL, and processes that a worker gets at most.
MOST_PATTERNS, MOST_PROCESSES = 8, 4
#: Connections that a pool gets at most beside those that it has.
MOST_CONNECTIONS = 20


def urls(diagnosis: Data, _facts: Data, _report: Data) -> Named:
    """Permanent redirects, and pages that the inventory declares cached: never what must bypass the cache or sets something private."""
    rows = [row for row in diagnosis["rows"] if isinstance(row.get("url_regex"), str) and row["url_regex"]]
    rows = [row for row in rows if row.get("must_bypass") is not True and row.get("expected") != "uncached"]
    rows = [row for row in rows if row.get("expected") == "cached" or row.get("status") in PERMANENT][:MOST_PATTERNS]
    if not rows:
        return None
    named = ", ".join(str(row.get("pattern")) for row in rows)
    return {"regexes": list(dict.fromkeys(row["url_regex"] for row in rows))}, f"use a VCL that caches {named}"


def pool(diagnosis: Data, facts: Data, _report: Data) -> Named:
    """The worker of the longest queue that is busiest."""
    queue = next((row.get("name") for row in diagnosis["rows"] if row.get("name")), None)
    workers = [row for row in _workers_here(facts) if _whole(row.get("concurrency")) and queue in (row.get("queues") or [])]
    if not workers:
        return None
    worker = max(workers, key=lambda row: row.get("active") or 0)
    add = min(worker["concurrency"], MOST_PROCESSES)
    return {"worker": worker["name"], "add": add}, f"give worker {worker['name']} {add} more processes"


def _workers_here(facts: Data) -> list[Data]:
    """Those that answer and are not known to run elsewhere: the broker would reach a worker outside of the hosts of the run as well."""
    rows = [row for row in facts.get("workers") or [] if isinstance(row, dict) and row.get("answers") and isinstance(row.get("name"), str)]
    return [row for row in rows if row.get("here") is not False]


def consumer(diagnosis: Data, facts: Data, report: Data) -> Named:
    """The queue that no worker consumes, and the worker that has least to do."""
    views = instances_in(report.get("fleet") or {}, "celery_queue")
    unconsumed = {row.get("name") for view in views for row in view.get("unconsumed") or [] if isinstance(row, dict)}
    queue = next((row["name"] for row in diagnosis["rows"] if isinstance(row.get("name"), str) and row["name"] in unconsumed), None)
    here = _workers_here(facts)
    if not queue or not here:
        return None
    worker = min(here, key=lambda row: row.get("active") or 0)["name"]
    return {"worker": worker, "queue": queue}, f"have worker {worker} consume the queue {queue} as well"


def where_it_runs(diagnosis: Data) -> t.Optional[tuple[str, str, str]]:
    """The Celery of the task that the cause names."""
    row = _task_row(diagnosis)
    return None if row is None else (str(row["host"]), "celery", str(row["application"]))


def _task_row(diagnosis: Data) -> t.Optional[Data]:
    names = ("task", "host", "application")
    return next((row for row in diagnosis["rows"] if all(isinstance(row.get(name), str) and row[name] for name in names)), None)


def heavy_task(diagnosis: Data, facts: Data, _report: Data) -> Named:
    """The task that the cause names, the worker that runs most of it, and half of the rate at which it begins it now."""
    row = _task_row(diagnosis)
    here = {each["name"] for each in _workers_here(facts)}
    running = [each for each in facts.get("running") or [] if isinstance(each, dict) and each.get("worker") in here]
    own = collections.Counter(each["worker"] for each in running if row is not None and each.get("name") == row["task"])
    if row is None or not own:
        return None
    worker, runs = own.most_common(1)[0]
    now = _begun_per_second(row["task"], worker, runs / sum(each["worker"] == worker for each in running), facts)
    if not now:
        return None
    per_minute, per_hour = int(now * 60 / 2), max(int(now * 3600 / 2), 1)
    rate = f"{per_minute}/m" if per_minute else f"{per_hour}/h"
    return {"worker": worker, "task": row["task"], "rate": rate}, f"let worker {worker} begin the task {row['task']} only {rate}"


def _begun_per_second(task: str, worker: str, share: float, facts: Data) -> t.Optional[float]:
    """How often the worker begins the task: by how long it runs, else by its share of what the worker runs. None when neither is known."""
    row = next((row for row in facts.get("workers") or [] if isinstance(row, dict) and row.get("name") == worker), {})
    told = next((each for each in facts.get("tasks") or [] if isinstance(each, dict) and each.get("name") == task), {})
    seconds, active = _above_zero((told.get("runtime_seconds") or {}).get("median")), _above_zero(row.get("active"))
    if seconds and active:
        return share * active / seconds
    accepted = _above_zero(row.get("accepted_per_second"))
    return share * accepted if accepted else None


def _above_zero(value: t.Any) -> t.Optional[float]:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0 else None


def workers(_diagnosis: Data, facts: Data, _report: Data) -> Named:
    """As many workers as its machine is said to have room for, at most as many as it has."""
    addable, workers = facts.get("addable"), facts.get("workers")
    room = addable.get("workers") if isinstance(addable, dict) else None
    wanted = addable.get("advised") if isinstance(addable, dict) else None
    total = workers.get("active") if isinstance(workers, dict) else None
    if not _whole(room) or not _whole(total):
        return None
    add = min(value for value in (room, total, wanted, MOST_PROCESSES) if isinstance(value, int) and _whole(value))
    return {"add": add}, f"give it {counted(add, 'more worker', 'more workers')}"


def connections(about: Data, host: str, facts: Data, report: Data) -> dict[str, t.Any]:
    """What the application's databases, and the poolers before them, have left when each thread of the new workers holds a connection."""
    budgets = [row for row in instances_in(report.get("fleet") or {}, "connection_budget") if isinstance(row.get("left"), int)]
    own = [row for row in budgets if host in {user.get("name") for user in row.get("users") or [] if isinstance(user, dict)}]
    workers, slots = facts.get("workers") or {}, facts.get("concurrency")
    if not budgets or not _whole(slots) or not _whole(workers.get("active")):
        return {"connections_left": None}
    threads = math.ceil(slots / workers["active"])
    more = about["add"] * threads
    # the sessions of a pooler are counted as its own, and do not become more; its clients do
    left = [min(row["left"] for row in own or budgets) - (more if own else 0)]
    for pooler in _poolers(host, report):
        most, now = pooler.get("max_client_connections"), pooler.get("client_connections")
        if not isinstance(most, int) or not isinstance(now, int) or not _whole(most):
            return {"connections_left": None}
        left.append(most - now - more)
    return {"connections_left": min(left)}


def pool_size(diagnosis: Data, facts: Data, _report: Data) -> Named:
    """The pool whose clients wait longest, and half as many connections again for it and those of its size."""
    rows = [row for row in diagnosis["rows"] if all(isinstance(row.get(name), str) and row[name] for name in ("database", "user"))]
    size = facts.get("pool_size")
    if not rows or not isinstance(size, int) or not _whole(size):
        return None
    worst = max(rows, key=lambda row: (row.get("longest_wait_seconds") or 0, row.get("clients_waiting") or 0))
    if worst.get("limited_by") not in (None, "pool_size", "reserve_pool_timeout"):
        return None  # all pools of its database, or user, are at a limit together
    new = size + min(math.ceil(size / 2), MOST_CONNECTIONS)
    about = {"database": worst["database"], "user": worst["user"], "size": new}
    return about, f"raise the size of its pools from {counted(size, 'connection', 'connections')} to {new}"


def server_connections(about: Data, host: str, facts: Data, report: Data) -> dict[str, t.Any]:
    """What the server behind a pooler has left when each pool of it opens as many connections as it then may."""
    pooler = f"PgBouncer {Instance(host, 'pgbouncer', facts)}"
    left = [
        row["left"]
        for row in instances_in(report.get("fleet") or {}, "connection_budget")
        if isinstance(row.get("left"), int) and pooler in {user.get("name") for user in rows_in(row.get("users"))}
    ]
    pools, size = facts.get("pools_total"), facts.get("pool_size")
    if not left or not isinstance(pools, int) or not isinstance(size, int) or not _whole(pools):
        return {"connections_left": None}
    return {"connections_left": min(left) - (about["size"] - size) * pools}


def _poolers(host: str, report: Data) -> t.Iterator[Data]:
    """Those that this host is a client of. One that does not report its clients may be."""
    addresses = machine_addresses((report["hosts"].get(host) or {}).get("facts") or {})
    for name, entry in report["hosts"].items():
        for service in PROXY_SERVICES:
            for pooler in instances_in(entry.get("facts") or {}, service):
                clients = pooler.get("clients")
                told = isinstance(clients, list) and (pooler.get("clients_total") or 0) <= len(clients)
                used = not told or any(
                    row.get("address") in addresses or (name == host and is_local(row.get("address"))) for row in rows_in(clients)
                )
                if pooler.get("state") == "up" and used:
                    yield pooler


#: States of a server in which it gets requests, and how much slower than the others a slow one must be.
TAKING_PART, TIMES_SLOWER = ("up", "unchecked"), 3.0


def failing_server(_diagnosis: Data, facts: Data, _report: Data) -> Named:
    """The server that fails most of those that still get requests: one that is down gets none anyway."""
    rows = [(_failures(row), row) for row in _servers(facts)]
    failures, worst = max(rows, key=lambda entry: entry[0], default=(0, {}))
    return _drained(worst) if failures else None


def slow_server(_diagnosis: Data, facts: Data, _report: Data) -> Named:
    """The slowest server, where the others of its backend are much faster: of equally slow ones none is to blame."""
    timed = [row for row in _servers(facts) if isinstance(row.get("response_seconds"), (int, float))]
    worst = max(timed, key=lambda row: row["response_seconds"], default={})
    others = [row["response_seconds"] for row in timed if row is not worst and row["backend"] == worst.get("backend")]
    return _drained(worst) if others and worst["response_seconds"] >= TIMES_SLOWER * max(others) else None


def _drained(row: Data) -> Named:
    backend, server = row["backend"], row["name"]
    return {"backend": backend, "server": server}, f"drain server {backend}/{server}, while the others have room for its requests"


def _servers(facts: Data) -> list[Data]:
    rows = [row for row in facts.get("servers") or [] if isinstance(row, dict) and row.get("state") in TAKING_PART]
    return [row for row in rows if all(isinstance(row.get(name), str) and row[name] for name in ("backend", "name"))]


def _failures(row: Data) -> float:
    values = [row.get(name) for name in ("connection_errors", "response_errors", "retries", "redispatches")]
    return sum(value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool))


def rest(about: Data, _host: str, facts: Data, report: Data) -> dict[str, t.Any]:
    """How busy the workers behind the other servers are when they take the share of the drained one; not known where one is not read."""
    others = [row for row in _servers(facts) if row["backend"] == about["backend"] and row["name"] != about["server"]]
    pools = [_behind(str(row.get("address")), report) for row in others]
    if not pools or None in pools:
        return {"busy_of_rest": None}
    busy, slots = (sum(pool[place] for pool in pools if pool is not None) for place in (0, 1))
    share = (len(others) + 1) / len(others)
    return {"busy_of_rest": round(busy * share / slots, 3)}


def _behind(address: str, report: Data) -> t.Optional[tuple[float, float]]:
    """(busy, all) workers of the application server at this address."""
    host, _colon, port = address.rpartition(":")
    for name, entry in report["hosts"].items():
        facts = entry.get("facts") or {}
        if host.strip("[]") not in {name, *machine_addresses(facts)}:
            continue
        for service in in_tiers("application"):
            for row in instances_in(facts, service):
                ratio, active = row.get("busy_ratio"), (row.get("workers") or {}).get("active")
                if str(row.get("port")) == port and isinstance(ratio, (int, float)) and isinstance(active, int) and _whole(active):
                    return float(ratio) * active, float(active)
    return None


def memory(_diagnosis: Data, _facts: Data, _report: Data) -> Named:
    return {}, "raise its memory limit by a quarter"


def _whole(value: t.Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
