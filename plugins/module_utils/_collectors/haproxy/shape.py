# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: two readings of one HAProxy as facts (documented in the module's RETURN). Pure."""

from __future__ import annotations

import re
import typing as t

from ..._collect.derived import Window, any_of, put_largest, rate, share, total
from ..._collect.facts import Facts, Maybe, Unknown, measured
from ..._collect.sampling import Number, count
from ..._linux.served import address_of
from ..._texts.redact import clean
from . import rows
from .parse import BACKEND, FRONTEND, SERVER
from .samples import History, Line, lines, process_window

#: A limit and what counts against it are not read in one instant.
SLACK = 0.25
NO_LIMIT = "it has no limit"
ONE_THREAD = "this version of HAProxy tells that of the thread that happens to answer (2.4.4 tells it of all): see top -H"


def facts(history: History) -> Facts:
    """The measures of one instance."""
    found = Facts()
    process = process_window(history)
    every = lines(history)
    frontends, backends, servers = ([line for line in every if line.kind == kind] for kind in (FRONTEND, BACKEND, SERVER))
    spare = rows.spare(servers, history.templates)
    kept_free = set(map(id, spare))
    servers = [line for line in servers if id(line) not in kept_free]
    _identity(found, history, process)
    _process(found, process)
    _traffic(found, history, frontends, servers)
    rows.put_frontends(found, frontends, history.top)
    rows.put_backends(found, backends, servers, history.top)
    rows.put_servers(found, servers, history.top)
    found.put("servers_spare", len(spare))
    _listens(found, history)
    if (history.processes or 1) > 1:
        found.note(
            f"HAProxy runs as {history.processes} processes (nbproc), and these are the figures of one of them: read the stats socket of "
            "each (option socket), or use nbthread"
        )
    if history.broken:
        found.note(history.broken[0].upper() + history.broken[1:])
    return found


def _identity(found: Facts, history: History, process: Window) -> None:
    info = history.latest.info
    version = clean(info.get("Version", ""), 60)
    why = process.lacking("Version")
    found.put("version", version or None, why)
    numbers = [int(part) for part in re.findall(r"\d{1,6}", version.partition("-")[0])[:4]]
    found.put("version_numbers", numbers or None, why)
    found.put("pid", history.pid if history.pid is not None else count(info.get("Pid")), why)
    uptime = process.now("Uptime_sec")
    found.put("uptime_seconds", uptime if isinstance(uptime, Unknown) else int(uptime))
    found.put("threads", process.now("Nbthread"))
    found.put("stopping", _is_set(info, "Stopping", why))
    found.put("encrypts", history.encrypts)


def _is_set(info: t.Mapping[str, str], name: str, why: str) -> Maybe[bool]:
    value = count(info.get(name))
    return Unknown(why) if value is None else value > 0


def _process(found: Facts, process: Window) -> None:
    connections, limit = process.now("CurrConns"), process.now("Maxconn")
    found.put("connections", connections)
    found.put("connections_limit", limit)
    found.put("connections_ratio", share(connections, limit, NO_LIMIT, SLACK))
    idle = process.now("Idle_pct") if _is_of_all_threads(found) else Unknown(ONE_THREAD)
    found.put("idle_ratio", idle if isinstance(idle, Unknown) else share(idle, 100, NO_LIMIT))
    found.put("encrypted_connections", process.now("CurrSslConns"))
    handshakes, most = process.now("SslRate"), process.now("SslRateLimit")
    found.put("handshakes_per_second", handshakes)
    rates = {
        "handshakes_ratio": share(handshakes, _limited(most), NO_LIMIT, SLACK),
        "connection_rate_ratio": share(process.now("ConnRate"), _limited(process.now("ConnRateLimit")), NO_LIMIT, SLACK),
    }
    found.update(rates)
    limited = [ratio for ratio in rates.values() if not _unlimited(ratio)]
    found.put("rate_limited", any_of(Unknown(ratio.reason) if isinstance(ratio, Unknown) else True for ratio in limited))
    put_largest(found, "rate_limits_ratio", limited, NO_LIMIT)
    reuse = process.now("SslFrontendSessionReuse_pct")
    found.put("handshakes_resumed_ratio", reuse if isinstance(reuse, Unknown) else share(reuse, 100, NO_LIMIT))
    found.put("compressed_bytes_per_second", process.now("CompressBpsOut"))
    found.put("lost_log_lines", process.moved("DroppedLogs"))
    found.put("failed_allocations", process.moved("PoolFailed"))


def _is_of_all_threads(found: Facts) -> bool:
    """Since 2.4.4; 0 is no number of threads."""
    threads, version = found.get("threads"), found.get("version_numbers")
    return threads in (None, 1) or version is None or tuple(version) >= (2, 4, 4)


def _limited(limit: Maybe[Number]) -> Maybe[Number]:
    """0 is written for none."""
    return Unknown(NO_LIMIT) if not isinstance(limit, Unknown) and not limit else limit


def _traffic(found: Facts, history: History, frontends: t.Sequence[Line], servers: t.Sequence[Line]) -> None:
    requests = total(rows.requests_of(line) for line in frontends)
    found.put("requests", requests)
    found.put("requests_per_second", rate(requests, history.window))
    accepted = total(line.window.moved("stot") for line in frontends)
    found.put("accepted", accepted)
    found.put("accepted_per_second", rate(accepted, history.window))
    answers = rows.answers_of(frontends, [f"hrsp_{code}" for code in rows.CODES])
    errors, client = (rows.answers_of(frontends, [name]) for name in ("hrsp_5xx", "hrsp_4xx"))
    found.put("frontends_counting", sum(map(rows.is_http, frontends)))
    found.put("errors", errors)
    found.put("error_ratio", share(errors, answers, "no answer was given in the window", SLACK))
    given = rows.answers_of(servers, ["hrsp_5xx"])
    found.put("errors_of_servers", given)
    # a server's error that HAProxy tried again elsewhere (retry-on) is none of its own answers
    given = min(given, errors) if not isinstance(given, Unknown) and not isinstance(errors, Unknown) else given
    found.put("errors_of_servers_ratio", share(given, errors, "no error was given in the window"))
    found.put("client_errors", client)
    found.put("client_error_ratio", share(client, answers, "no answer was given in the window", SLACK))
    fullest = [share(line.window.now("scur"), _limited(line.window.now("slim")), NO_LIMIT, SLACK) for line in frontends]
    put_largest(found, "frontends_full_ratio", [ratio for ratio in fullest if not _unlimited(ratio)], "no frontend has a limit")


def _unlimited(ratio: Maybe[float]) -> bool:
    return isinstance(ratio, Unknown) and ratio.reason == NO_LIMIT


def _listens(found: Facts, history: History) -> None:
    listeners = history.listeners
    if isinstance(listeners, Unknown):
        for name in ("address", "port", "listen_queue", "listen_queue_limit", "listen_queue_ratio"):
            found.put(name, listeners)
        return
    none = "it listens on no socket"
    ordered = sorted(listeners, key=lambda each: (each.kind != "tcp", each.port or 0, ":" in each.address))
    found.put("address", address_of(ordered[0]) if ordered else None, none)
    found.put("port", next((each.port for each in ordered if each.port), None), "it listens on no TCP socket")
    fullest = max(listeners, key=lambda each: (each.waiting / (each.limit or 1), each.limit), default=None)
    found.put("listen_queue", measured(sum(each.waiting for each in listeners) if listeners else None, none))
    found.put("listen_queue_limit", fullest.limit if fullest else None, none)
    # one may wait beyond the limit
    found.put("listen_queue_ratio", share(fullest.waiting, fullest.limit, "its queue takes nobody", 1.0) if fullest else Unknown(none))
