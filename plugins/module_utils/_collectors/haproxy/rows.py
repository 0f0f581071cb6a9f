# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape of HAProxy's rows: frontends, backends and servers. Pure."""

from __future__ import annotations

import re
import typing as t

from ..._collect.derived import count_of, put_largest, put_total, rate, share, total
from ..._collect.facts import Facts, Maybe, Row, Unknown, known
from ..._collect.sampling import Number
from .samples import STICKY, Line

CODES = ("1xx", "2xx", "3xx", "4xx", "5xx", "other")
#: The state of a server, by the first word of its status.
UP, DOWN, DRAIN, MAINTENANCE, UNCHECKED, OTHER = "up", "down", "drain", "maintenance", "unchecked", "other"
_STATES = {"UP": UP, "OPEN": UP, "DOWN": DOWN, "NOLB": DRAIN, "DRAIN": DRAIN, "MAINT": MAINTENANCE, "no": UNCHECKED}
#: Algorithms that give every server its share, and requests from which that can be told.
EVEN, ENOUGH = ("roundrobin", "static-rr", "leastconn", "random"), 100
NO_REQUESTS = "no request went there in the window"
NO_LIMIT = "it has no limit"
NO_STATE = Unknown("HAProxy left its state empty or broke its row (a fault of 2.3.0 to 2.3.2, and before 1.6.4): ask again")
NO_ANSWERS = "it counts no answers: mode tcp"
FEW = "no backend had 20 requests in the window"
_SLACK = 0.25


def is_http(line: Line) -> bool:
    """By its mode; before 1.7 nothing tells it but the counters of its answers."""
    mode = line.word("mode")
    return mode == "http" if mode else "hrsp_5xx" in line.window.latest


def errors_of(line: Line) -> Maybe[Number]:
    return line.window.moved("hrsp_5xx") if is_http(line) else Unknown(NO_ANSWERS)


def answers_of(every: t.Sequence[Line], counters: t.Iterable[str]) -> Maybe[Number]:
    """How far these counters of answers moved, of all frontends that count answers."""
    counting = [line for line in every if is_http(line)]
    return total(line.window.moved(name) for line in counting for name in counters) if counting else Unknown(NO_ANSWERS)


def requests_of(line: Line) -> Maybe[Number]:
    """Requests over HTTP, connections over TCP."""
    return line.window.moved("req_tot" if is_http(line) and "req_tot" in line.window.latest else "stot")


def state_of(line: Line) -> Maybe[str]:
    """HAProxy 2.3.0 to 2.3.2 leave fields of some rows empty at times."""
    return _STATES.get(re.split(r"[\s(]", line.status, maxsplit=1)[0], OTHER) if line.status else NO_STATE


def _put_states(found: Facts, name: str, lines: t.Iterable[Line], *wanted: str) -> None:
    states = map(state_of, lines)
    put_total(found, name, [state if isinstance(state, Unknown) else int(state in wanted) for state in states])


def spare(servers: t.Sequence[Line], templates: t.Collection[str]) -> list[Line]:
    """Places that a server-template keeps for addresses to come: by design there are more of them than addresses.

    One of them has an address, so the name resolves. Without any it is the fault that the state says: no address was found.
    """
    made = [(line, _template_of(line.name, templates)) for line in servers]
    filled = {(line.proxy, template) for line, template in made if template and not _lacks_address(line)}
    return [line for line, template in made if template and _lacks_address(line) and (line.proxy, template) in filled]


def _template_of(name: str, templates: t.Collection[str]) -> t.Optional[str]:
    return next((each for each in templates if name.startswith(each) and name[len(each) :].isdigit()), None)


def _lacks_address(line: Line) -> bool:
    return line.status.startswith("MAINT (resolution")


def put_frontends(found: Facts, frontends: t.Sequence[Line], keep: int) -> None:
    rows: list[Row] = []
    for line in frontends:
        window, requests = line.window, requests_of(line)
        limit = window.now("slim")
        rows.append(
            {
                "name": line.proxy,
                "state": line.status.lower()[:20] or NO_STATE,
                "sessions": window.now("scur"),
                "sessions_limit": limit,
                "sessions_ratio": share(window.now("scur"), limit, NO_LIMIT, _SLACK),
                "requests": requests,
                "requests_per_second": rate(requests, window.seconds),
                "errors": errors_of(line),
                "denied": window.moved("dreq"),
                "bad_requests": window.moved("ereq"),
            }
        )
    found.rows("frontends", sorted(rows, key=lambda row: -_number(row["requests"])), keep)


def put_backends(found: Facts, backends: t.Sequence[Line], servers: t.Sequence[Line], keep: int) -> None:
    rows: list[Row] = []
    balances: list[Row] = []
    for line in backends:
        own = [server for server in servers if server.proxy == line.proxy]
        rows.append(_backend(line, own))
        balances += _balance(line, own)
    found.rows("backends", sorted(rows, key=lambda row: (-_number(row["queue"]), -_number(row["requests"]))), keep)
    found.put("queue", total(line.window.now("qcur") for line in [*backends, *servers]))
    for name, counter in (("connection_errors", "econ"), ("retries", "wretr"), ("redispatches", "wredis"), ("response_errors", "eresp")):
        found.put(name, total(line.window.moved(counter) for line in backends))
    _put_longest(found, "queue_wait_seconds", [line.mean_seconds("qtime", requests_of(line)) for line in backends])
    _put_longest(found, "response_seconds", [line.mean_seconds("rtime", requests_of(line)) for line in backends if is_http(line)])
    without = [line.proxy for line in backends if state_of(line) == DOWN]
    _put_states(found, "backends_down", backends, DOWN)
    found.put("backends_down_names", without[:keep])
    worst = max(balances, key=lambda row: _number(row["times_its_share"]), default=None)
    why = "no backend of several servers had 100 requests in the window"
    for name in ("backend", "server", "times_its_share"):
        found.put(f"unbalanced.{name}", worst[name] if worst else Unknown(why))
    found.put("unbalanced.backends_of_several", sum(len(_sharing(servers, line)) > 1 for line in backends))


def _put_longest(found: Facts, name: str, means: t.Sequence[Maybe[float]]) -> None:
    """Backends of few requests are left out."""
    put_largest(found, name, [mean for mean in means if not isinstance(mean, Unknown) or mean.reason == STICKY], FEW)


def _backend(line: Line, servers: t.Sequence[Line]) -> Row:
    window, requests = line.window, requests_of(line)
    usable = (state if isinstance(state, Unknown) else state in (UP, UNCHECKED) for state in map(state_of, servers))
    return {
        "name": line.proxy,
        "state": state_of(line),
        "servers": len(servers),
        "servers_up": count_of(usable),
        "sessions": window.now("scur"),
        "queue": total([window.now("qcur"), *(server.window.now("qcur") for server in servers)]),
        "requests": requests,
        "requests_per_second": rate(requests, window.seconds),
        "errors": errors_of(line),
        "connection_errors": window.moved("econ"),
        "retries": window.moved("wretr"),
        "redispatches": window.moved("wredis"),
        "queue_wait_seconds": line.mean_seconds("qtime", requests),
        "response_seconds": line.mean_seconds("rtime", requests),
    }


def put_servers(found: Facts, servers: t.Sequence[Line], keep: int) -> None:
    for name, state in (("down", DOWN), ("draining", DRAIN), ("in_maintenance", MAINTENANCE), ("unchecked", UNCHECKED)):
        _put_states(found, f"servers_{name}", servers, state)
    _put_states(found, "servers_out", servers, DRAIN, MAINTENANCE)
    found.put("servers_went_down", total(line.window.moved("chkdown") for line in servers if "chkdown" in line.window.latest))
    rows = [_server(line) for line in servers]
    trouble = {DOWN: 0, OTHER: 1, DRAIN: 2, MAINTENANCE: 3, UNCHECKED: 4, UP: 4}

    def order(row: Row) -> tuple[int, float, float, float]:
        errors = _number(row["connection_errors"]) + _number(row["response_errors"]) + _number(row["errors"])
        state = row["state"]
        return 1 if isinstance(state, Unknown) else trouble[str(state)], -_number(row["queue"]), -errors, -_number(row["requests"])

    found.rows("servers", sorted(rows, key=order), keep)
    full = [share(line.window.now("scur"), line.window.now("slim"), NO_LIMIT, _SLACK) for line in servers if line.window.latest.get("slim")]
    put_largest(found, "servers_full_ratio", full, "no server has a limit (maxconn)")
    ratios = [(_failed(line, requests_of(line)), line) for line in servers]
    failing = [ratio for ratio, _line in ratios if not (isinstance(ratio, Unknown) and ratio.reason == NO_REQUESTS)]
    worst = max(((ratio, f"{line.proxy}/{line.name}") for ratio, line in ratios if isinstance(ratio, float) and ratio), default=None)
    found.put("server_failing", worst[1] if worst else None, "no server failed, or none is known to")
    put_largest(found, "server_failed_ratio", failing, NO_REQUESTS)
    found.put("server_failures", total(failures(line) for line in servers))
    found.put("servers_limited", count_of(map(_is_limited, servers)))


def _is_limited(line: Line) -> Maybe[bool]:
    """A server without a limit is told without this number."""
    limit = line.window.now("slim") if line.window.latest.get("slim") else 0
    return limit if isinstance(limit, Unknown) else limit > 0


def failures(line: Line) -> Maybe[Number]:
    """Attempts that got no connection or no answer, those that were made again included."""
    return total(line.window.moved(name) for name in ("econ", "eresp", "wretr", "wredis"))


def _failed(line: Line, requests: Maybe[Number]) -> Maybe[float]:
    failed = failures(line)
    # an attempt that gets no connection is no request of the server's
    attempts = total([requests, *(line.window.moved(name) for name in ("econ", "wretr", "wredis"))])
    return share(failed, attempts, NO_REQUESTS, 1.0)


def _server(line: Line) -> Row:
    window, requests = line.window, requests_of(line)
    limit = window.now("slim")
    return {
        "name": line.name,
        "backend": line.proxy,
        "address": line.word("addr") or Unknown("its address is told at the level operator or admin of the stats socket only"),
        "state": state_of(line),
        "check": line.word("check_status") or Unknown("it is not checked (option check)"),
        "weight": window.now("weight"),
        "sessions": window.now("scur"),
        "sessions_limit": limit if window.latest.get("slim") else Unknown(NO_LIMIT),
        "queue": window.now("qcur"),
        "requests": requests,
        "errors": errors_of(line),
        "connection_errors": window.moved("econ"),
        "response_errors": window.moved("eresp"),
        "retries": window.moved("wretr"),
        "redispatches": window.moved("wredis"),
        "changed_seconds": window.now("lastchg") if "lastchg" in window.latest else Unknown("it is not checked (option check)"),
        "response_seconds": line.mean_seconds("rtime", requests),
    }


def _sharing(servers: t.Iterable[Line], backend: Line) -> list[Line]:
    """Servers that requests are shared among: up, and no backups."""
    if backend.word("algo") and backend.word("algo") not in EVEN:
        return []
    own = [server for server in servers if server.proxy == backend.proxy and state_of(server) in (UP, UNCHECKED)]
    return [server for server in own if server.window.latest.get("act") != "0" and known(server.window.now("weight"))]


def _balance(backend: Line, servers: t.Sequence[Line]) -> list[Row]:
    """The server that gets most for its weight, where that can be told."""
    sharing = _sharing(servers, backend)
    counted = [(server, known(requests_of(server)), known(server.window.now("weight")) or 0) for server in sharing]
    if len(counted) < 2 or any(requests is None for _server, requests, _weight in counted):
        return []
    requests, weights = sum(each or 0 for _server, each, _weight in counted), sum(weight for _server, _each, weight in counted)
    if requests < ENOUGH or not weights:
        return []
    excess = [((each or 0) / requests / (weight / weights), server.name) for server, each, weight in counted]
    most, name = max(excess)
    return [{"backend": backend.proxy, "server": name, "times_its_share": round(most, 3)}]


def _number(value: t.Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
