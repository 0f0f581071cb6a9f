# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nginx, HAProxy and PgBouncer answered, as documents that can be spoiled, and how their collectors read them.

A document holds both samples, `first` and `second`, so that a figure can be lost in one of them alone.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Maybe, Unknown
from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Problem
from ansible_collections.warroom.launch.plugins.module_utils._collect.sampling import count
from ansible_collections.warroom.launch.plugins.module_utils._collectors.haproxy import fetch as haproxy_fetch
from ansible_collections.warroom.launch.plugins.module_utils._collectors.haproxy import parse as haproxy_parse
from ansible_collections.warroom.launch.plugins.module_utils._collectors.haproxy import samples as haproxy_samples
from ansible_collections.warroom.launch.plugins.module_utils._collectors.haproxy import shape as haproxy_shape
from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx import settings, status, syntax
from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx import shape as nginx_shape
from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx.samples import History, Worker
from ansible_collections.warroom.launch.plugins.module_utils._collectors.pgbouncer import fetch as pgbouncer_fetch
from ansible_collections.warroom.launch.plugins.module_utils._collectors.pgbouncer import shape as pgbouncer_shape
from ansible_collections.warroom.launch.plugins.module_utils._linux.backlog import Backlog

from . import pgbouncer_rows
from .reply_source import FIXTURES, Facts, Source, lines, part, rows

WINDOW = 5.0
LISTENERS = (Backlog("tcp", "127.0.0.1", 8080, 7, 3, 511),)

# -- HAProxy ------------------------------------------------------------------------------------------------------

_LETTERS = {number: letter for letter, number in haproxy_parse._KINDS.items()}
#: Families of counters that no measure is made of.
_UNREAD = ("h1", "h2", "h3", "quic", "pack_", "qpack", "ssl_", "comp_", "cache_")
#: What says which row it is, and of what kind: a server that backs up others (`act`) is another server, one without a limit has no `slim`.
_HAPROXY_NAMES = frozenset({"pxname", "svname", "mode", "act", "algo", "addr", "slim", "Version", "Pid"})


def _haproxy_document(recorded: t.Any) -> t.Any:
    return {
        sample: {
            "info": haproxy_parse.info(recorded[sample]["info typed"].encode()),
            "stat": [
                {name: value for name, value in row.items() if not name.startswith(_UNREAD)}
                for row in haproxy_parse.stat(recorded[sample]["stat typed"].encode())
            ],
        }
        for sample in ("first", "second")
    }


def _typed(document: t.Any) -> haproxy_fetch.Reading:
    info = part(document, "info")
    told = [f"0.{name}.1:POS:str:{value}" for name, value in (info.items() if isinstance(info, dict) else ())]
    stat: list[str] = []
    for number, row in enumerate(rows(part(document, "stat"))):
        if isinstance(row, dict):
            letter = _LETTERS.get(str(row.get("type")), "?")
            stat += [f"{letter}.2.{number}.0.{name}.1:MCP:u64:{value}" for name, value in row.items() if name != "type"]
    both = ["\n".join(text).encode("utf-8", "replace") for text in (told, stat)]
    return haproxy_fetch.Reading(haproxy_parse.info(both[0]), haproxy_parse.stat(both[1]))


def _haproxy(first: t.Any, second: t.Any) -> Facts:
    readings = _typed(part(first, "first")), _typed(part(second, "second"))
    history = haproxy_samples.History(*readings, window=WINDOW, pid=7, encrypts=False, listeners=LISTENERS)
    facts = haproxy_shape.facts(history)
    facts.put("socket", "/run/haproxy/admin.sock")
    return facts.done()


# -- nginx --------------------------------------------------------------------------------------------------------

_PAGE = (
    "Active connections: {connections} \nserver accepts handled requests\n {accepts} {handled} {requests} \n"
    "Reading: {reading} Writing: {writing} Waiting: {waiting} \n"
)


def _nginx_document(recorded: t.Any) -> t.Any:
    return {
        "config": recorded["config"].split(" "),
        "first": {"page": status.parse(recorded["first"].encode(), "here")},
        "second": {"page": status.parse(recorded["second"].encode(), "here")},
        "workers": [{"pid": 8, "sockets": 12, "descriptors": 20, "descriptor_limit": 1024}],
        "access_log": [line.split(" ") for line in recorded["access_log"].splitlines()],
        "error_log": [line.split(" ") for line in recorded["error_log"].splitlines()],
    }


def _page(document: t.Any) -> Maybe[status.Status]:
    """As the sampler takes it: what is no status page is a reason."""
    told = part(document, "page")
    try:
        words = {name: part(told, name) for name in status._NAMES}
        return status.Status(status.parse(_PAGE.format(**words).encode("utf-8", "replace"), "here"), 0.001, "nginx/1.26.3")
    except Problem as problem:
        return Unknown(str(problem))


def _worker(told: t.Any) -> Worker:
    return Worker(7, *(count(part(told, name)) for name in ("sockets", "descriptors", "descriptor_limit")))


def _nginx(first: t.Any, second: t.Any) -> Facts:
    config = settings.of(syntax.parse(" ".join(map(str, rows(part(second, "config"))))))
    history = History(config, _page(part(first, "first")), _page(part(second, "second")), WINDOW, pid=7, uptime=60.0, listeners=LISTENERS)
    history.workers = tuple(map(_worker, rows(part(second, "workers"))))
    form = config.logs[0].format if config.logs else ""
    history.tally.count(lines(part(second, "access_log")).splitlines(), form, {"/nginx_status"})
    history.messages.count(lines(part(second, "error_log")).splitlines())
    return nginx_shape.facts(history).done()


# -- PgBouncer ----------------------------------------------------------------------------------------------------

_PGBOUNCER_NAMES = frozenset({"key", "list", "database", "host", "addr", "pool_mode"})


def _pgbouncer(first: t.Any, second: t.Any) -> Facts:
    readings = []
    for moment, told in ((1.0, part(first, "first")), (6.0, part(second, "second"))):
        answers: dict[str, Maybe[list[pgbouncer_fetch.Row]]] = {}
        for command in (*pgbouncer_fetch.ONCE, *pgbouncer_fetch.BOTH):
            answer = part(told, command)
            refused = Unknown("add the user to stats_users in pgbouncer.ini")
            answers[command] = [row for row in answer if isinstance(row, dict)] if isinstance(answer, list) else refused
        readings.append(pgbouncer_fetch.Reading(answers, moment))
    facts = pgbouncer_shape.facts(*readings, 10)
    facts.put("owner", "pgbouncer")
    return facts.done()


def sources() -> list[Source]:
    found = []
    for path in sorted(FIXTURES.glob("haproxy/*.json")):
        found.append(Source("haproxy", path.stem, _haproxy_document(json.loads(path.read_bytes())), _haproxy, _HAPROXY_NAMES))
    for path in sorted(FIXTURES.glob("nginx/*.json")):
        found.append(Source("nginx", path.stem, _nginx_document(json.loads(path.read_bytes())), _nginx))
    for version in pgbouncer_rows.VERSIONS:
        found.append(Source("pgbouncer", version, pgbouncer_rows.samples(version), _pgbouncer, _PGBOUNCER_NAMES))
    return found
