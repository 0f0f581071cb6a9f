# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape of the logs: what visitors got, and how each upstream server answered. Pure."""

from __future__ import annotations

import re
import typing as t

from ..._collect.derived import Window, per, share
from ..._collect.facts import Facts, Maybe, Row, Unknown, measured
from ..._collect.times import Times
from ..._texts.redact import clean
from . import error_log
from .access_log import Tally, Tried
from .samples import History
from .settings import Group, Settings

#: What the log has to say for everything to be known.
LAUNCH = (
    'log_format launch \'$remote_addr [$time_local] "$request" $status $body_bytes_sent $request_time "$upstream_addr" '
    '"$upstream_status" "$upstream_response_time" $upstream_cache_status\'; access_log /var/log/nginx/access.log launch'
)
#: Methods that give every server its share, and requests from which that can be told.
EVEN, ENOUGH = ("round_robin", "least_conn", "random", "least_time"), 100
SLACK = 0.25
NO_REQUESTS = "the log holds no request of the window"
UPGRADES = "only WebSockets ended there in the window, and the log has how long they were open"
NAMED = "its upstream blocks name servers by host name, and its log by address: which is which is not known"
#: An address with its port, or a UNIX socket, and no host's name.
_ADDRESS = re.compile(r"unix:|[0-9.]{7,15}:\d|\[", re.ASCII)
_TRAFFIC = ("attempts", "servers_unused", "busiest", "busiest_times_its_share")
NOT_PROXIED = "the log holds no request of the window that went to an upstream server"


def put(found: Facts, history: History, window: Window) -> None:
    log = _Log(history)
    tally = history.tally
    found.put("logged_requests", log.of(tally.lines))
    found.put("log_read_ratio", log.of(history.access.part))
    found.put("log_lines_unread", log.of(tally.strange))
    _statuses(found, log)
    times = log.holding("request_time", tally.times.facts(NO_REQUESTS))
    for name in ("p50_seconds", "p95_seconds", "max_seconds"):
        found.put(f"response_{name}", times if isinstance(times, Unknown) else times[name])
    found.put("response_times", times)
    _proxied(found, log)
    _pages(found, log)
    _cache(found, log)
    _messages(found, history)


class _Log:
    """The tally of one history: what it counts is unknown where the log was not read, or its format does not hold it."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.tally: Tally = history.tally
        why = history.access.why
        if why is None and self.tally.strange and not self.tally.lines:
            why = f"no line of the log has the form of its log_format: {LAUNCH}, and nginx -s reload"
        self.why = why

    def of(self, value: t.Any) -> t.Any:
        return Unknown(self.why) if self.why else value

    def holding(self, variable: str, value: t.Any) -> t.Any:
        """`value`, where every log's format has the variable."""
        if self.why:
            return Unknown(self.why)
        if self.tally.held is not None and variable not in self.tally.held:
            return Unknown(f"the format of its log does not hold ${variable}: {LAUNCH}")
        return value


def _statuses(found: Facts, log: _Log) -> None:
    tally = log.tally
    total = sum(count for status, count in tally.statuses.items())
    errors, client = (sum(count for status, count in tally.statuses.items() if status.startswith(begin)) for begin in ("5", "4"))
    refused = tally.statuses.get("429", 0)
    for name, count in (("errors", errors), ("client_errors", client), ("too_many_requests", refused)):
        found.put(name, log.holding("status", count))
    found.put("error_ratio", log.holding("status", share(errors, total, NO_REQUESTS)))
    found.put("client_error_ratio", log.holding("status", share(client, total, NO_REQUESTS)))
    ordered = sorted(tally.statuses.items(), key=lambda pair: (-pair[1], pair[0]))
    rows: list[Row] = [{"name": clean(status, 12), "requests": count} for status, count in ordered]
    found.rows("statuses", log.holding("status", rows), 20)


def _proxied(found: Facts, log: _Log) -> None:
    tally = log.tally
    for name, value in (
        ("proxied_requests", tally.proxied),
        ("retried_requests", tally.retried),
        ("unanswered_requests", tally.unanswered),
        ("errors_of_servers", tally.given),
    ):
        found.put(name, log.holding("upstream_addr", value))
    errors = sum(count for status, count in tally.statuses.items() if status.startswith("5"))
    found.put("errors_of_servers_ratio", log.holding("upstream_addr", share(tally.given, errors, "no error was given in the window")))
    found.put("unanswered_ratio", log.holding("upstream_addr", share(tally.unanswered, tally.proxied, NOT_PROXIED)))
    servers = _servers(log)
    attempts = sum(server.attempts for server in servers.values())
    rows = [_server(log, name, server, attempts) for name, server in servers.items()]
    ordered = sorted(rows, key=lambda row: (-t.cast(int, row["failed"]), -t.cast(int, row["attempts"])))
    found.rows("upstreams", log.holding("upstream_addr", ordered), log.history.top)
    failing = max(servers.items(), key=lambda pair: pair[1].failed / (pair[1].attempts or 1), default=("", Tried()))
    found.put("failed_attempts", log.holding("upstream_addr", sum(server.failed for server in servers.values())))
    found.put("upstream_failed_ratio", log.holding("upstream_addr", share(failing[1].failed, failing[1].attempts, NOT_PROXIED)))
    found.put(
        "upstream_failing", log.holding("upstream_addr", clean(failing[0], 120) if failing[1].failed else Unknown("no server failed"))
    )
    whole = _together(servers.values(), log)
    found.put("upstream_p95_seconds", whole if isinstance(whole, Unknown) else whole["p95_seconds"])
    found.put("upstream_p50_seconds", whole if isinstance(whole, Unknown) else whole["p50_seconds"])


def _servers(log: _Log) -> dict[str, Tried]:
    """The servers that were tried; where none is left to try, the log has the group's name in their place."""
    settings = log.history.settings
    names = set() if isinstance(settings, Unknown) else {group.name for group in settings.groups}
    return {name: server for name, server in log.tally.servers.items() if name not in names}


def _together(servers: t.Iterable[Tried], log: _Log) -> t.Any:
    whole = Times()
    for server in servers:
        whole.add(server.times)
    return log.holding("upstream_response_time", whole.facts(NOT_PROXIED))


def _server(log: _Log, name: str, server: Tried, attempts: int) -> Row:
    times = log.holding("upstream_response_time", server.times.facts("it gave no time"))
    return {
        "name": clean(name, 120),
        "attempts": server.attempts,
        "share_ratio": share(server.attempts, attempts, NOT_PROXIED),
        "failed": server.failed,
        "failed_ratio": share(server.failed, server.attempts, NOT_PROXIED),
        "errors": server.errors,
        "p50_seconds": times if isinstance(times, Unknown) else times["p50_seconds"],
        "p95_seconds": times if isinstance(times, Unknown) else times["p95_seconds"],
        "group": _group_of(log.history.settings, name),
    }


def _group_of(settings: Maybe[Settings], place: str) -> t.Any:
    if isinstance(settings, Unknown):
        return settings
    names = [group.name for group in settings.groups if place in (server.place for server in group.servers)]
    names = names or [group.name for group in settings.groups if _port(place) == _own_port(group, settings)]
    if names:
        return clean(names[0], 60)
    named = any(_is_name(server.place) for group in settings.groups for server in group.servers)
    return Unknown(NAMED if named else "no upstream block names this server")


def _is_name(place: str) -> bool:
    """A host's name, that stands for any number of addresses."""
    return not _ADDRESS.match(place)


def _port(place: str) -> str:
    return "" if place.startswith("unix:") else place.rpartition(":")[2]


def _own_port(group: Group, settings: Settings) -> t.Optional[str]:
    """Of a group whose servers are named: the port that tells their addresses from those of all others."""
    ports = {_port(server.place) for server in group.servers}
    others = [server.place for other in settings.groups if other != group for server in other.servers]
    if len(ports) != 1 or ports & {_port(place) for place in (*others, *settings.direct)} or not any(map(_is_name, _places(group))):
        return None
    return ports.pop()


def _places(group: Group) -> list[str]:
    return [server.place for server in group.servers if not server.backup and not server.down]


def _serving(log: _Log, group: Group, settings: Settings) -> Maybe[dict[str, int]]:
    """The weight of each server that requests are meant for, by its name in the log: its address."""
    serving = [server for server in group.servers if not server.backup and not server.down]
    if not any(_is_name(server.place) for server in serving):
        return {server.place: server.weight for server in serving}
    port, alike = _own_port(group, settings), len({server.weight for server in serving}) == 1 and len(serving) == len(group.servers)
    # a name that has several addresses, or two names that share one, weigh otherwise
    return {name: 1 for name in log.tally.servers if _port(name) == port} if port is not None and alike else Unknown(NAMED)


def _pages(found: Facts, log: _Log) -> None:
    ordered = sorted(log.tally.pages.items(), key=lambda pair: (-pair[1].errors, -pair[1].seconds, -pair[1].requests))
    timed = log.holding("request_time", 0)
    rows: list[Row] = [
        {
            "pattern": pattern,
            "requests": page.requests,
            "errors": page.errors,
            "mean_seconds": timed if isinstance(timed, Unknown) else per(page.seconds, page.timed, UPGRADES),
        }
        for pattern, page in ordered
    ]
    found.rows("pages", log.holding("request_uri", rows), log.history.top)


def _cache(found: Facts, log: _Log) -> None:
    hits = sum(log.tally.cache.get(kind, 0) for kind in ("HIT", "STALE", "UPDATING", "REVALIDATED"))
    asked = sum(log.tally.cache.values())
    settings = log.history.settings
    if not isinstance(settings, Unknown) and not settings.caches:
        found.put("cache_hit_ratio", Unknown("it has no cache"))
        return
    found.put("cache_hit_ratio", log.holding("upstream_cache_status", share(hits, asked, "no request of the window asked its cache")))


def _messages(found: Facts, history: History) -> None:
    why = history.errors.why
    exhausted = [history.messages.counts[f"{name}_exhausted"] for name in ("connections", "descriptors", "local_ports", "zones")]
    found.put("limits_hit", Unknown(why) if why else sum(exhausted))
    refused = history.messages.counts["limited_requests"] + history.messages.counts["limited_connections"]
    found.put("refused_requests", Unknown(why) if why else refused)
    log = _Log(history)
    # its line in one log may be of the window where that of the other is not yet
    ratio = share(Unknown(why) if why else refused, log.of(log.tally.lines), NO_REQUESTS, SLACK)
    found.put("refused_ratio", ratio)
    for name in error_log.MEASURES:
        found.put(name, Unknown(why) if why else history.messages.counts[name])
    ordered = sorted(history.messages.by_server.items(), key=lambda pair: -pair[1])
    rows: list[Row] = [{"kind": kind, "server": server, "lines": count} for (kind, server), count in ordered]
    found.rows("upstream_complaints", Unknown(why) if why else rows, history.top)


def groups(history: History, settings: Settings) -> list[Row]:
    """The upstream groups, and how evenly requests went to their servers: the most of one, against its share by weight."""
    log = _Log(history)
    rows = [_balanced(log, group, settings) for group in settings.groups]
    return sorted(rows, key=lambda row: -(row["attempts"] if isinstance(row["attempts"], int) else 0))


def _balanced(log: _Log, group: Group, settings: Settings) -> Row:
    serving = _serving(log, group, settings)
    row: Row = {
        "name": clean(group.name, 60),
        "method": group.method,
        "servers": len(group.servers),
        "servers_serving": len(_places(group)),
    }
    if isinstance(serving, Unknown):
        return {**row, **{name: log.holding("upstream_addr", serving) for name in _TRAFFIC}}
    tried = {place: log.tally.servers.get(place, Tried()).attempts for place in serving}
    # one that was never tried has no address in the log
    attempts, weights = sum(tried.values()), max(sum(serving.values()), len(_places(group)), 1)
    excess = [(tried[place] / attempts / (weight / weights), place) for place, weight in serving.items()] if attempts else []
    most, place = max(excess, default=(0.0, ""))
    nothing = "no request of the window went to this group"
    unused: Maybe[int] = sum(not count for count in tried.values()) if attempts else Unknown(nothing)
    told = {
        "attempts": attempts,
        "servers_unused": Unknown(NAMED) if any(map(_is_name, _places(group))) else unused,
        "busiest": measured(clean(place, 120) or None, nothing),
        "busiest_times_its_share": round(most, 3) if attempts else Unknown(nothing),
    }
    return {**row, **{name: log.holding("upstream_addr", value) for name, value in told.items()}}


def put_balance(found: Facts, history: History, settings: Settings) -> None:
    """The group whose servers share its requests worst, of those that are meant to share them evenly and had enough of them."""
    rows = [row for row in groups(history, settings) if row["method"] in EVEN and t.cast(int, row["servers_serving"]) > 1]
    known = [row for row in rows if isinstance(row["busiest_times_its_share"], float) and t.cast(int, row["attempts"]) >= ENOUGH]
    worst = max(known, key=lambda row: t.cast(float, row["busiest_times_its_share"]), default=None)
    named = any(row["attempts"] == Unknown(NAMED) for row in rows)
    why = NAMED if named else "no upstream group of several servers had 100 requests in the window"
    unread = _Log(history).holding("upstream_addr", None)
    for name, key in (
        ("unbalanced.group", "name"),
        ("unbalanced.server", "busiest"),
        ("unbalanced.times_its_share", "busiest_times_its_share"),
    ):
        found.put(name, unread if isinstance(unread, Unknown) else worst[key] if worst else Unknown(why))
    found.put("unbalanced.groups_of_several", len(rows))
