# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the configuration says that the facts need: where its status page and its logs are, whom it sends requests to, its limits."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..._collect import stream
from ..._collect.problem import Problem
from ..._collect.sampling import count
from .log_format import COMBINED, COMBINED_FORMAT, NEEDED, NEEDED_OF_PROXIES, variables
from .syntax import Directive, anywhere, within

DEFAULT_CONNECTIONS = 512
DEFAULT_LOG, DEFAULT_ERROR_LOG = "logs/access.log", "logs/error.log"
#: Upstream groups, log files and places of a status page that are kept.
MOST_GROUPS, MOST_LOGS, MOST_PLACES = 200, 10, 4
_PASSES = ("proxy_pass", "uwsgi_pass", "fastcgi_pass", "scgi_pass", "grpc_pass")
_CACHES = ("proxy_cache_path", "uwsgi_cache_path", "fastcgi_cache_path", "scgi_cache_path")
_METHODS = ("least_conn", "ip_hash", "hash", "random", "least_time")
_UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_DEFAULT_PORT = {"http": 80, "https": 443, "grpc": 80, "grpcs": 443}
_VARIABLE = "$"


class StatusPlace(t.NamedTuple):
    """Where stub_status can be asked for."""

    address: stream.Address
    host: str
    path: str
    encrypted: bool


class Log(t.NamedTuple):
    path: str
    format: str
    format_name: str
    buffered: bool
    conditional: bool


class Server(t.NamedTuple):
    """One server of an upstream group. `place`: an address with its port, or `unix:/path`."""

    place: str
    weight: int
    backup: bool
    down: bool


class Group(t.NamedTuple):
    name: str
    servers: tuple[Server, ...]
    method: str
    keepalive: int


class CacheZone(t.NamedTuple):
    name: str
    max_bytes: t.Optional[int]


@dataclasses.dataclass(frozen=True)
class Settings:
    """All of it, in the server's own terms."""

    worker_connections: int = DEFAULT_CONNECTIONS
    status: tuple[StatusPlace, ...] = ()
    logs: tuple[Log, ...] = ()
    logs_off: bool = False
    error_logs: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    direct: tuple[str, ...] = ()
    variable_targets: bool = False
    encrypts: bool = False
    caches: tuple[CacheZone, ...] = ()
    limits_requests: bool = False

    @property
    def log_lacks(self) -> list[str]:
        """Variables that some log's format does not hold, of those that tell what visitors get."""
        wanted = NEEDED | (NEEDED_OF_PROXIES if self.places or self.variable_targets else frozenset())
        return sorted({name for log in self.logs for name in wanted - set(variables(log.format))})

    @property
    def places(self) -> list[str]:
        """Every server that requests may be sent to."""
        return list(dict.fromkeys([*(server.place for group in self.groups for server in group.servers), *self.direct]))


def of(tree: t.Sequence[Directive]) -> Settings:
    events = _block(tree, "events")
    http = _block(tree, "http")
    groups = _groups(http)
    direct, varied = _direct(http, {group.name for group in groups})
    formats = {COMBINED: COMBINED_FORMAT, **_formats(http)}
    logs = _logs(http, formats)
    return Settings(
        worker_connections=next((_whole(each.first) for each in within(events, "worker_connections")), None) or DEFAULT_CONNECTIONS,
        status=tuple(_status_places(http))[:MOST_PLACES],
        logs=tuple(dict.fromkeys(logs))[:MOST_LOGS],
        logs_off=not logs,
        error_logs=_error_logs(tree),
        groups=tuple(groups)[:MOST_GROUPS],
        direct=direct,
        variable_targets=varied,
        encrypts=any("ssl" in each.words or "quic" in each.words for each in anywhere(http, "listen")),
        caches=tuple(_cache_zones(http)),
        limits_requests=any(True for _each in anywhere(http, "limit_req", "limit_conn")),
    )


def _block(tree: t.Iterable[Directive], name: str) -> list[Directive]:
    return [inner for each in within(tree, name) for inner in each.block or ()]


def _whole(word: str) -> t.Optional[int]:
    return count(word) if word.isdigit() and word.isascii() else None


# -- logs ----------------------------------------------------------------------------------------------------


def _formats(http: t.Iterable[Directive]) -> dict[str, str]:
    return {
        each.first: "".join(word for word in each.words[1:] if not word.startswith("escape="))
        for each in within(http, "log_format")
        if len(each.words) > 1
    }


def _logs(http: t.Sequence[Directive], formats: t.Mapping[str, str]) -> list[Log]:
    """One log for each level that says where it logs: the one that tells most; what is logged twice must not be counted twice."""
    at_top = list(within(http, "access_log"))
    levels = [server.block or [] for server in within(http, "server")]
    inherited = not levels or any(not any(within(block, "access_log")) for block in levels)
    found = []
    if inherited:
        found += _of_level(at_top, formats) if at_top else [Log(DEFAULT_LOG, COMBINED_FORMAT, COMBINED, False, False)]
    levels += [inner.block or [] for block in list(levels) for inner in anywhere(block, "location", "if")]
    for block in levels:
        found += _of_level(list(within(block, "access_log")), formats)
    return found


def _of_level(directives: t.Sequence[Directive], formats: t.Mapping[str, str]) -> list[Log]:
    logs = [_log(each, formats) for each in directives if each.first != "off" and not each.first.startswith(("syslog:", "memory:"))]
    return [max(logs, key=lambda log: len((NEEDED | NEEDED_OF_PROXIES) & set(variables(log.format))))] if logs else []


def _log(directive: Directive, formats: t.Mapping[str, str]) -> Log:
    words = directive.words[1:]
    name = words[0] if words and "=" not in words[0] and words[0] != "gzip" else COMBINED
    return Log(
        directive.first,
        formats.get(name, ""),
        name,
        any(word.startswith(("buffer=", "gzip")) for word in words),
        any(word.startswith("if=") for word in words),
    )


def _error_logs(tree: t.Sequence[Directive]) -> tuple[str, ...]:
    paths = [each.first for each in anywhere(tree, "error_log")]
    files = [path for path in paths if path and path != "stderr" and not path.startswith(("syslog:", "memory:")) and _VARIABLE not in path]
    return tuple(dict.fromkeys(files if paths else [DEFAULT_ERROR_LOG]))[:MOST_LOGS]


# -- where requests are sent -----------------------------------------------------------------------------------


def _groups(http: t.Iterable[Directive]) -> list[Group]:
    found = []
    for each in within(http, "upstream"):
        block = each.block or []
        servers = tuple(_server(server) for server in within(block, "server") if server.words)
        method = next((inner.name for inner in block if inner.name in _METHODS), "round_robin")
        keepalive = next((_whole(inner.first) for inner in within(block, "keepalive")), None)
        found.append(Group(each.first, servers, method, keepalive or 0))
    return found


def _server(directive: Directive) -> Server:
    options = dict(word.partition("=")[::2] for word in directive.words[1:])
    return Server(_place(directive.first, 80), _whole(options.get("weight", "")) or 1, "backup" in options, "down" in options)


def _place(target: str, port: int) -> str:
    """`10.0.0.7:8000`, `[::1]:8000`, `unix:/run/x.sock`, as logs and edges have it."""
    if target.startswith("unix:"):
        return unix_place(target)
    try:
        address = stream.parse_address(target, port)
    except Problem:
        return target
    return stream.shown(address)


def unix_place(target: str) -> str:
    """`unix:///run/x.sock:/uri` is the socket `unix:/run/x.sock`; logs have it as it was written."""
    path = target[5:].split(":", 1)[0]
    return "unix:/" + path.lstrip("/") if path.startswith("/") else "unix:" + path


def _direct(http: t.Sequence[Directive], groups: t.Collection[str]) -> tuple[tuple[str, ...], bool]:
    """Addresses that locations name themselves, and whether some of them are made of variables."""
    found, varied = [], False
    for each in anywhere(http, *_PASSES):
        scheme, separator, rest = each.first.partition("://")
        if not separator or scheme == "unix":
            scheme, rest = "", each.first
        target = rest if rest.startswith("unix:") else rest.split("/", 1)[0]
        if _VARIABLE in target:
            varied = True
        elif target and target not in groups:
            found.append(_place(target, _DEFAULT_PORT.get(scheme, 80)))
    return tuple(dict.fromkeys(found)), varied


def _cache_zones(http: t.Iterable[Directive]) -> t.Iterator[CacheZone]:
    for each in within(http, *_CACHES):
        options = dict(word.partition("=")[::2] for word in each.words[1:])
        zone = options.get("keys_zone", "").partition(":")[0]
        if zone:
            yield CacheZone(zone, _bytes(options.get("max_size", "")))


def _bytes(text: str) -> t.Optional[int]:
    found = re.fullmatch(r"([0-9]{1,15})([kmg]?)", text.lower(), re.ASCII)
    return int(found[1]) * _UNITS.get(found[2], 1) if found else None


# -- the status page ---------------------------------------------------------------------------------------------


def _status_places(http: t.Sequence[Directive]) -> t.Iterator[StatusPlace]:
    """Unencrypted ones first."""
    found = []
    for server in within(http, "server"):
        block = server.block or []
        for path in _status_paths(block, "/"):
            found += [StatusPlace(address, _host(block), path, encrypted) for address, encrypted in _listens(block)]
    yield from sorted(found, key=lambda place: place.encrypted)


def _status_paths(block: t.Sequence[Directive], path: str) -> t.Iterator[str]:
    if any(within(block, "stub_status")):
        yield path
    for each in within(block, "location"):
        exact = each.words[-1] if each.words else ""
        if exact.startswith("/") and each.first not in ("~", "~*"):
            yield from _status_paths(each.block or [], exact)


def _host(block: t.Iterable[Directive]) -> str:
    names = [name for each in within(block, "server_name") for name in each.words]
    return next((name for name in names if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*", name, re.ASCII)), "localhost")


def _listens(block: t.Sequence[Directive]) -> t.Iterator[tuple[stream.Address, bool]]:
    lines = list(within(block, "listen"))
    if not lines:
        yield ("127.0.0.1", 80), False
    for each in lines:
        address = _listen_address(each.first)
        if address is not None and "proxy_protocol" not in each.words and "quic" not in each.words:
            yield address, "ssl" in each.words


def _listen_address(word: str) -> t.Optional[stream.Address]:
    if word.startswith("unix:"):
        return word[5:]
    if word.isdigit():
        word = f"*:{word}"
    try:
        address = stream.parse_address(word.replace("*", "0.0.0.0", 1), 80)
    except Problem:
        return None
    if isinstance(address, str):
        return None
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address[0], address[0])
    return host, address[1]
