# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What services answered, recorded, spoiled anywhere and read by their collectors: facts that can be, or one sentence of our own."""

from __future__ import annotations

import functools
import itertools
import json
import pathlib
import typing as t
from unittest import mock

from hypothesis import strategies as st

from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Problem
from ansible_collections.warroom.launch.plugins.module_utils._collect.sampling import number as read_number
from ansible_collections.warroom.launch.plugins.module_utils._collectors.memcached import parse as memcached_parse
from ansible_collections.warroom.launch.plugins.module_utils._collectors.memcached import shape as memcached_shape
from ansible_collections.warroom.launch.plugins.module_utils._collectors.memcached.samples import Latency, Sample
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql import task_tables
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql.session import Refused
from ansible_collections.warroom.launch.plugins.module_utils._collectors.server import parse as server_parse
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish import parse as varnish_parse
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish import shape as varnish_shape
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.plausible import impossibilities
from tests.support import (
    celery_replies,
    edge_replies,
    mysql_rows,
    postgresql_rows,
    redis_replies,
    server_replies,
    traffic_replies,
    uwsgi_documents,
    wsgi_replies,
)
from tests.support.documented import undocumented
from tests.support.reply_source import FIXTURES, Facts, Source, written
from tests.support.spoiled import GONE, Change, Path, at, changed, changes, paths

SERVICES = (
    "varnish", "uwsgi", "memcached", "mysql", "celery", "postgresql", "redis", "server", "varnish_traffic", "nginx", "haproxy", "pgbouncer",
    "wsgi",
)  # fmt: skip


class Example(t.NamedTuple):
    source: Source
    first: list[Change]
    second: list[Change]

    def __repr__(self) -> str:
        return f"{self.source.service} {self.source.name}: {self.first} then {self.second}"


def _json(path: pathlib.Path) -> t.Any:
    return json.loads(path.read_bytes())


def _lines(text: str) -> list[list[str]]:
    return [line.split(" ", 2) for line in text.splitlines() if line]


def _varnish(first: t.Any, second: t.Any) -> Facts:
    samples = [varnish_parse.counters(written(document)) for document in (first, second)]
    for sample in samples:
        varnish_shape.must_have_child(sample)
    return varnish_shape.facts(*samples, 5.0, varnish_shape.Told(), 10).done()


def _uwsgi(first: t.Any, second: t.Any) -> Facts:
    return uwsgi_documents.facts(written(first), written(second), window=5.0)


def _memcached(first: t.Any, second: t.Any) -> Facts:
    samples = [_memcached_sample(document) for document in (first, second)]
    return memcached_shape.facts(*samples, 5.0, Latency([0.001], [0.0001, 0.0003]), 10).done()


def _memcached_sample(document: t.Any) -> Sample:
    parts = {name: memcached_parse.stats(_text(document, name), "x") for name in ("stats", "stats_items", "stats_slabs", "stats_settings")}
    return Sample(
        parts["stats"], memcached_parse.rows(parts["stats_items"]), memcached_parse.rows(parts["stats_slabs"]), parts["stats_settings"]
    )


def _text(document: t.Any, name: str) -> bytes:
    lines = document.get(name) if isinstance(document, dict) else None
    rows = lines if isinstance(lines, list) else []
    written = [" ".join(map(str, row)) if isinstance(row, list) else str(row) for row in rows]
    return "".join(f"{line}\r\n" for line in written).encode("utf-8", "replace")


def _mysql(first: t.Any, second: t.Any) -> Facts:
    session = mysql_rows.FakeSession({})
    for entry in [*(first if isinstance(first, list) else []), *(second if isinstance(second, list) else [])]:
        if isinstance(entry, dict) and isinstance(entry.get("subject"), str) and isinstance(entry.get("rows"), list):
            rows = [row for row in entry["rows"] if isinstance(row, dict)]
            session.answers[entry["subject"]] = (*session.answers.get(entry["subject"], ()), rows)
    with mock.patch("time.monotonic", itertools.count(0, 0.25).__next__):
        try:
            return mysql_rows.facts(session)
        except Refused as refused:  # the collector says it of what it must have
            raise Problem(str(refused)) from None


def _with_tasks(source: Source) -> Source:
    """The same server with a table of Django's tasks: found in the dictionary, which is asked once more, and counted."""
    table = {"table_id": "1077", "name": "shop/django_tasks_database_dbtaskresult", "matching": "4"}
    waiting = [
        {"name": name, "total": total, "since": since, "last": "1795571124.5", "now": "1795571125.25"}
        for name, total, since in (("default", "40", "1795571100.5"), ("mail", "3", "1795570825.25"))
    ]
    more = [
        {"subject": "innodb_tables", "rows": [table]},
        {"subject": mysql_rows.subject(task_tables.waiting("`shop`.`x`")), "rows": waiting},
    ]
    return source._replace(name=f"{source.name} with tasks", document=[*source.document, *more], says_what=frozenset({"matching"}))


@functools.cache
def sources() -> tuple[Source, ...]:
    found = [Source("varnish", path.parent.name, _json(path), _varnish) for path in sorted(FIXTURES.glob("varnish/*/varnishstat-1-j.json"))]
    found += [
        Source("uwsgi", f"{path.parent.name}/{path.name}", _json(path), _uwsgi)
        for path in sorted(FIXTURES.glob("uwsgi/*/stats*.json"))
        if path.stat().st_size and path.read_bytes().lstrip()[:1] == b"{"
    ]
    for folder in sorted(path.parent for path in FIXTURES.glob("memcached/*/stats.txt")):
        texts = {path.stem: _lines(path.read_text()) for path in folder.glob("*.txt")}
        found.append(Source("memcached", folder.name, texts, _memcached))
    # a list of answers; what is in another form is not a whole server
    servers = {path: document for path in sorted(FIXTURES.glob("mysql/*/*.json")) if isinstance(document := _json(path), list)}
    found += [Source("mysql", f"{path.parent.name}/{path.name}", document, _mysql) for path, document in servers.items()]
    found.append(_with_tasks(next(source for source in found if source.name.startswith("mysql-"))))
    return (
        *found,
        *celery_replies.sources(),
        *edge_replies.sources(),
        *postgresql_rows.sources(),
        *redis_replies.sources(),
        *server_replies.sources(),
        *traffic_replies.sources(),
        *wsgi_replies.sources(),
    )


@functools.cache
def _places(number: int) -> list[Path]:
    return list(paths(sources()[number].document))


@st.composite
def examples(draw: st.DrawFn, services: t.Sequence[str] = SERVICES) -> Example:
    service = draw(st.sampled_from(services))
    number = draw(st.sampled_from([place for place, source in enumerate(sources()) if source.service == service]))
    source = sources()[number]
    first = draw(changes(_places(number), source.document)) if draw(st.booleans()) else []
    return Example(source, first, draw(changes(_places(number), source.document, 30)))


def problems(example: Example) -> list[str]:
    """What is wrong with the facts of these replies."""
    source = example.source
    try:
        facts = source.read(changed(source.document, example.first), changed(source.document, example.second))
    except Problem as problem:
        text = str(problem)
        return [f"an internal error is shown: {text}"] if "report this" in text else []
    json.dumps(facts, allow_nan=False)
    said = [reason for reason in facts["unknown"].values() if "report this" in reason]
    return [*undocumented(source.service, facts), *(said for _path, said in impossibilities(source.service, facts)), *said]


#: What a value becomes when it is lost on the way.
_LOST = (GONE, None, "text", float("nan"))
#: Values that say what a row is, or to which it belongs. Without them it is another row, or none: that is no missing figure.
_SAYS_WHAT = frozenset({
    "RANDOMKEY", "accepting", "backend_type", "command", "connectable", "field", "info", "key_type", "name", "pid", "ppid", "query",
    "mtype", "packed", "state", "status", "subject", "task", "text", "trx_state", "type", "user",
    "variable_name", "view", "wait_event_type",
    "kept_bytes",  # null of a slot that was never used
})  # fmt: skip


class Loss(t.NamedTuple):
    """One value of a recording that is lost."""

    number: int
    path: Path
    kind: int


#: Lists of names, and files whose words say what limits, or is, where.
_WHERE_NOTHING_IS_A_FIGURE = frozenset({
    "columns", "events", "TYPE", "SCAN", "SMEMBERS", "CLIENT LIST", "blocked_by", "chrony",
    "proc/self/mountinfo", "proc/self/cgroup", "proc/1/cgroup", "proc/diskstats",
    "sys/fs/cgroup/app/cpu.max", "proc/1/stat", "proc/40/stat", "proc/40/statm",
    # nginx: a line that lacks a field is no line of the log's form, and is counted as unread
    "config", "access_log", "error_log",
})  # fmt: skip
#: Services of whose replies single figures can be lost. A line of varnishncsa that lacks a field is no line, and is counted as unparsed.
LOSING = tuple(service for service in SERVICES if service != "varnish_traffic")


@functools.cache
def losses(service: str) -> tuple[Loss, ...]:
    """Every figure of the service's recordings, lost in one of the ways."""
    found = []
    for number, source in enumerate(sources()):
        if source.service == service:
            paths_of = [path for path in _places(number) if not isinstance(at(source.document, path), (dict, list))]
            found += [Loss(number, path, place) for place, path in enumerate(paths_of) if not _says_what(path, source)]
    return tuple(found)


def _says_what(path: Path, source: Source) -> bool:
    document = source.document
    if str(path[0]).startswith("INFO") and path[-1] == 0:  # the name of a line
        return True
    holder = at(document, path[:-1])
    if isinstance(holder, dict) and "performance_schema" in holder.values():  # off, which it then is, is a way to look, and no figure
        return True
    if path[0] == "files" and read_number(at(document, path)) is None:  # a word of the kernel's texts
        return True
    inside = _WHERE_NOTHING_IS_A_FIGURE & {*map(str, path[:-1])}
    return str(path[-1]) in _SAYS_WHAT | source.says_what or str(path[-1]).endswith("id") or bool(inside)


def made_up(loss: Loss) -> list[str]:
    """Measures that are 0 or false only because a value was lost: they were something else while it was there."""
    number, path, kind = loss
    source = sources()[number]
    lost = changed(source.document, [Change(path, _LOST[kind % len(_LOST)])])
    try:
        facts = source.read(lost, lost)
    except Problem:
        return []
    before, after = _scalars(_facts_of(number)), _scalars(facts)
    return [
        f"{name} was {was!r} and is {after[name]!r} without {'/'.join(map(str, path))}"
        for name, was in before.items()
        if was
        and not isinstance(was, str)
        and name in after
        and after[name] in (0, False)
        and after[name] is not None
        and not name.endswith("_complete")  # that all was seen is not made up when it becomes false
    ]


@functools.cache
def _facts_of(number: int) -> Facts:
    source = sources()[number]
    return source.read(source.document, source.document)


def _scalars(value: t.Any, path: str = "") -> dict[str, t.Any]:
    """Every value that is no list or mapping by its place; rows by their names, so that another order is no difference."""
    if isinstance(value, dict):
        inner = {f"{path}.{key}": held for key, held in value.items() if key not in ("unknown", "notes")}
    elif isinstance(value, list):
        inner = {f"{path}[{row['name']}]": row for row in value if isinstance(row, dict) and row.get("name")}
    else:
        return {path: value}
    return {name: scalar for place, held in inner.items() for name, scalar in _scalars(held, place).items()}


#: Texts of /proc, and what reads them.
PROC: dict[str, t.Callable[[str], t.Any]] = {
    "proc-loadavg": server_parse.loadavg,
    "proc-pressure-cpu": server_parse.pressure,
    "proc-pressure-io": server_parse.pressure,
    "proc-meminfo": lambda text: server_parse.paired(text, "MemTotal"),
    "proc-stat": server_parse.kstat,
}


@functools.cache
def proc_text(name: str) -> str:
    return (FIXTURES / f"server/psutil-7.2.2/{name}.txt").read_text()


def spoiled_text(text: str, begin: int, length: int, put: str) -> str:
    begin %= len(text) + 1
    return text[:begin] + put + text[begin + length :]
