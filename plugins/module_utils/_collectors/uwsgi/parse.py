# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse: the stats server's bytes as `Stats`. Leniently, because clients' request headers are copied into them."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ..._collect.problem import Problem
from ..._collect.sampling import count, number
from ..._texts import bounded_json
from ..._texts.redact import clean, url_pattern
from .document import Core, Request, Socket, Stats, Vassal, Worker

_ODD_HOST = re.compile(r"[^A-Za-z0-9.:_\-\[\]]")


def stats(data: bytes) -> Stats:
    """The document of a master, an emperor or a router; a Problem for anything else."""
    document, repaired = _document(data)
    version = document.get("version")
    common: dict[str, t.Any] = {
        "version": clean(version, 60) if isinstance(version, str) else None,
        "pid": _count(document, "pid") or None,
        "uid": _optional(document.get("uid")),
        "cwd": clean(document["cwd"], 300) if isinstance(document.get("cwd"), str) else "",
        "repaired": repaired,
    }
    if "vassals" in document or "emperor" in document:
        return Stats("emperor", vassals=_vassals(document), **common)
    if isinstance(document.get("workers"), list):
        return Stats(
            "app",
            sockets=_sockets(document),
            workers=tuple(_worker(row) for row in _rows(document, "workers")),
            caches=tuple(_cache(row) for row in _rows(document, "caches")),
            spoolers=tuple({"tasks": _count(row, "tasks"), "running": _count(row, "running")} for row in _rows(document, "spoolers")),
            signal_queue=count(document.get("signal_queue")),
            **common,
        )
    if "active_sessions" in document:
        nodes = tuple(_node(node) for pool in _rows(document, "subscriptions") for node in _rows(pool, "nodes"))
        return Stats("router", sessions=_optional(document["active_sessions"]), nodes=nodes, **common)
    raise Problem("the answer is JSON without workers or vassals; is this uWSGI's stats socket?")


def _document(data: bytes) -> tuple[dict[str, t.Any], str]:
    document, repaired = _load(data), ""
    if document is None:
        data = _without_variables(data)
        document, repaired = _load(data), "a running request's headers broke uWSGI's answer; they were dropped, the rest was read"
    if document is None:
        names: set[str] = set()
        document = _load(_with_escaped_texts(data, names))
        repaired = f"text of the configuration ({', '.join(sorted(names))}) broke uWSGI's answer; it was mended, the rest was read"
    if document is None:
        raise Problem(f"stats not complete JSON: {len(data)} bytes, beginning with {clean(data[:40], 40)!r}")
    if not isinstance(document, dict):
        raise Problem(f"stats are not a JSON object: {clean(data[:40], 40)!r}")
    return document, repaired


def _load(data: bytes) -> t.Any:
    """Foreign bytes and control characters inside strings are let through (case U-04)."""
    try:
        return bounded_json.load(data)
    except bounded_json.TooMuch as error:
        raise Problem(f"the answer holds {error}: that is not what uWSGI's stats server sends") from None
    except ValueError:
        return None


def _without_variables(data: bytes) -> bytes:
    """The document without the variables of running requests: the only untrusted text in it, and so what breaks it."""
    parts: list[bytes] = []
    place = 0
    while True:
        begin = data.find(b'"vars":[', place)
        end = data.find(b'"req_info"', begin)
        if begin < 0 or end < 0:
            return b"".join(parts) + data[place:]
        parts.append(data[place:begin] + b'"vars":[],')
        place = end


#: Texts of the configuration that uWSGI copies as they are (case N-24), and where one ends: before the next name, or its object's end.
_COPIED = re.compile(rb'"(cwd|chdir|mountpoint|name|id|callable)"\s{0,9}:\s{0,9}"')
_END = re.compile(rb'"(?=\s{0,99},\s{0,99}"\w{1,40}"\s{0,9}:|\s{0,99}[}\]])')
#: No such text is longer, and no sane document has more of them.
_LONGEST, _MOST = 1000, 10_000


def _with_escaped_texts(data: bytes, names: set[str]) -> bytes:
    """The document with quotes and backslashes of such texts escaped; their names are added to `names`."""
    parts: list[bytes] = []
    place = 0
    for _count in range(_MOST):
        begin = _COPIED.search(data, place)
        end = None if begin is None else _END.search(data, begin.end(), begin.end() + _LONGEST)
        if begin is None:
            break
        if end is None:
            parts.append(data[place : begin.end()])
            place = begin.end()
            continue
        text = data[begin.end() : end.start()]
        escaped = text.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        if escaped != text:
            names.add(begin[1].decode("ascii"))
        parts += [data[place : begin.end()], escaped]
        place = end.start()
    return b"".join(parts) + data[place:]


def _rows(document: t.Mapping[str, t.Any], name: str) -> list[dict[str, t.Any]]:
    rows = document.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _optional(value: t.Any) -> t.Optional[int]:
    found = number(value)
    return int(found) if found is not None and abs(found) < 2**63 else None


def _count(row: t.Mapping[str, t.Any], name: str) -> int:
    """A counter of the document; uWSGI's own printing of large ones as signed numbers makes no negative count."""
    return max(0, _optional(row.get(name)) or 0)


def _worker(row: dict[str, t.Any]) -> Worker:
    cores = row.get("cores")
    applications = row.get("apps")
    status = row.get("status")
    return Worker(
        id=_count(row, "id"),
        pid=_count(row, "pid"),
        status=clean(status, 20) if isinstance(status, str) else "unknown",
        accepting="accepting" not in row or bool(row["accepting"]),
        requests=count(row.get("requests")),
        exceptions=count(row.get("exceptions")),
        harakiri=count(row.get("harakiri_count")),
        respawns=count(row.get("respawn_count")),
        spawned=_count(row, "last_spawn"),
        running_microseconds=count(row.get("running_time")),
        sent_bytes=count(row.get("tx")),
        rss_bytes=_count(row, "rss"),
        pss_bytes=_count(row, "pss") or None,
        uss_bytes=_count(row, "uss") or None,
        cores=tuple(_core(core) for core in cores if isinstance(core, dict)) if isinstance(cores, list) else None,
        applications=len(applications) if isinstance(applications, list) else None,
    )


def _core(row: dict[str, t.Any]) -> Core:
    variables = row.get("vars")
    info = row.get("req_info")
    return Core(
        busy=bool(row.get("in_request")),
        requests=count(row.get("requests")),
        static=count(row.get("static_requests")),
        routed=count(row.get("routed_requests")),
        offloaded=count(row.get("offloaded_requests")),
        read_errors=count(row.get("read_errors")),
        write_errors=count(row.get("write_errors")),
        request=request(variables, info if isinstance(info, dict) else {}) if isinstance(variables, list) and variables else None,
    )


_WANTED = (
    *("REQUEST_METHOD", "HTTP_HOST", "SERVER_NAME", "REQUEST_URI", "SCRIPT_NAME", "PATH_INFO", "REMOTE_ADDR"),
    *("HTTP_UPGRADE", "HTTP_ACCEPT"),
)


def request(variables: t.Sequence[t.Any], info: t.Mapping[str, t.Any]) -> t.Optional[Request]:
    """What may be known of a running request. Cookies, credentials and query values end here."""
    wanted: dict[str, str] = {}
    for entry in variables:
        name, _sep, value = entry.partition("=") if isinstance(entry, str) else ("", "", "")
        if name in _WANTED:
            wanted.setdefault(name, value)
    if not wanted:
        return None
    path = wanted.get("REQUEST_URI") or wanted.get("SCRIPT_NAME", "") + wanted.get("PATH_INFO", "")
    host = wanted.get("HTTP_HOST") or wanted.get("SERVER_NAME", "")
    started = number(info.get("request_start"))
    return Request(
        method=clean(wanted.get("REQUEST_METHOD", ""), 20),
        host=_ODD_HOST.sub("_", clean(host.rpartition("@")[2], 80)).lower(),
        pattern=url_pattern(path[:4000]),
        client=_client(wanted.get("REMOTE_ADDR", "")),
        started=float(started) if started else None,
        streams=wanted.get("HTTP_UPGRADE", "").lower() == "websocket" or wanted.get("HTTP_ACCEPT", "").lower() == "text/event-stream",
    )


def _client(value: str) -> t.Optional[str]:
    try:
        found = ipaddress.ip_address(value.strip())
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


def _sockets(document: t.Mapping[str, t.Any]) -> tuple[Socket, ...]:
    """The application's sockets, each once (uWSGI may list one several times)."""
    found: dict[str, Socket] = {}
    for row in _rows(document, "sockets"):
        name = clean(str(row.get("name") or ""), 200) or "(a socket without a name)"
        protocol = clean(str(row.get("proto") or ""), 20)
        socket = Socket(name, protocol, count(row.get("queue")), _count(row, "max_queue"))
        if name not in found or (socket.queue or 0) > (found[name].queue or 0):
            found[name] = socket
    return tuple(found.values())


def _vassals(document: t.Mapping[str, t.Any]) -> tuple[Vassal, ...]:
    """The vassals, with those that keep dying: they are mostly not there, and only the blacklist knows them."""
    attempts = {str(row.get("id") or ""): _count(row, "attempt") for row in _rows(document, "blacklist")}
    found = {}
    for row in _rows(document, "vassals"):
        name = str(row.get("id") or "")
        found[name] = Vassal(clean(name, 120), _vassal_state(row, name in attempts), max(_count(row, "respawns"), attempts.get(name, 0)))
    for name, attempt in attempts.items():
        found.setdefault(name, Vassal(clean(name, 120), "cursed", attempt))
    return tuple(found.values())


def _vassal_state(row: t.Mapping[str, t.Any], blacklisted: bool) -> str:
    ready = any(_count(row, sign) for sign in ("loyal", "ready", "accepting"))
    if _count(row, "cursed") or (blacklisted and not ready):
        return "cursed"
    if row.get("on_demand") and (_optional(row.get("pid")) or -1) <= 0:
        return "asleep"
    # an emperor calls a vassal loyal some time after it is ready
    return "loyal" if _count(row, "loyal") else "ready" if ready else "starting"


def _cache(row: dict[str, t.Any]) -> dict[str, t.Any]:
    names = {"entries": "items", "entries_limit": "max_items", "hits": "hits", "misses": "miss", "full": "full"}
    return {"name": clean(str(row.get("name") or "default"), 60), **{ours: _count(row, theirs) for ours, theirs in names.items()}}


def _node(row: dict[str, t.Any]) -> dict[str, t.Any]:
    names = {"requests": "requests", "failures": "failcnt", "references": "ref"}
    return {"name": clean(str(row.get("name") or ""), 120), **{ours: _count(row, theirs) for ours, theirs in names.items()}}
