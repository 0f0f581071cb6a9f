# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts held against what the modules document, and what of the documented was seen in facts that tests shaped."""

from __future__ import annotations

import functools
import importlib
import json
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Facts
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.measures import Shape, measures
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.plausible import impossibilities

_KINDS: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (float, int), "bool": (bool,), "dict": (dict,)}


def undocumented(service: str, instance: t.Mapping[str, t.Any]) -> list[str]:
    """What an instance's facts hold that the module's RETURN does not say, one line each."""
    return list(dict.fromkeys(_differences(dict(instance), measures(service), "")))


def _differences(value: t.Any, shape: Shape, path: str) -> t.Iterator[str]:
    if value is None or shape == "raw":
        return
    if isinstance(shape, list):
        if not isinstance(value, (list, tuple)):
            yield f"{path} is {type(value).__name__}, documented as list"
            return
        for row in value:
            yield from _differences(row, shape[0], f"{path}[]")
    elif isinstance(shape, dict):
        if not isinstance(value, dict):
            yield f"{path} is {type(value).__name__}, documented as dict"
            return
        for name, inner in value.items():
            here = f"{path}.{name}" if path else str(name)
            if name in shape:
                yield from _differences(inner, shape[name], here)
            else:
                yield f"{here} is not documented"
    elif not _is(value, shape):
        yield f"{path} is {type(value).__name__}, documented as {shape}"


def _is(value: t.Any, kind: str) -> bool:
    if isinstance(value, bool) and kind != "bool":
        return False
    # counters of a fixture may be written as fractions that are whole
    return isinstance(value, _KINDS[kind]) or (kind == "int" and isinstance(value, float) and value.is_integer())


def documented(shape: Shape, path: str = "") -> t.Iterator[str]:
    """The path of every measure, `in_flight[].pattern`."""
    if isinstance(shape, list):
        yield from documented(shape[0], f"{path}[]")
    elif isinstance(shape, dict):
        for name, inner in shape.items():
            here = f"{path}.{name}" if path else name
            yield here
            yield from documented(inner, here)


def held(value: t.Any, path: str = "") -> t.Iterator[str]:
    """The path of everything that facts hold."""
    if isinstance(value, list):
        for row in value:
            yield from held(row, f"{path}[]")
    elif isinstance(value, dict):
        for name, inner in value.items():
            here = f"{path}.{name}" if path else str(name)
            yield here
            yield from held(inner, here)


def shared(shape: Shape, came: set[str]) -> set[str]:
    """`came`, with what rows of the same form have in common: what came in one list of them may come in every one."""
    places = list(_rows(shape, ""))
    inside = [(json.dumps(row), {path[len(at) :] for path in came if path.startswith(at)}) for at, row in places]
    by_form: dict[str, set[str]] = {}
    for form, columns in inside:
        by_form.setdefault(form, set()).update(columns)
    return came | {at + column for (at, row) in places for column in by_form[json.dumps(row)]}


def _rows(shape: Shape, path: str) -> t.Iterator[tuple[str, t.Any]]:
    """Every list of rows and every dictionary, with what it holds; the inner ones first."""
    if isinstance(shape, list):
        yield from _rows(shape[0], path + "[]")
    elif isinstance(shape, dict):
        for name, inner in shape.items():
            yield from _rows(inner, f"{path}.{name}" if path else name)
        yield path, shape


class Recorder:
    """What tests shaped, by service, and what of it is not documented."""

    def __init__(self) -> None:
        self.service: t.Optional[str] = None  # whose test runs
        self.seen: dict[str, set[str]] = {}
        self.files: set[str] = set()  # the tests that ran
        self.problems: list[str] = []

    def keep(self, facts: t.Any, service: t.Optional[str] = None) -> None:
        """Facts, or a part of them, of this service, else of the one whose test runs."""
        service = service or self.service
        if service is not None and isinstance(facts, dict):
            self.seen.setdefault(service, set()).update(held(facts))
            self.problems += [f"{service}: {line}" for line in undocumented(service, facts)]
            self.problems += [f"{service}: {said}, which cannot be" for _path, said in impossibilities(service, facts)]

    def kept(self) -> dict[str, t.Any]:
        """All of it in plain types, for `add` in another process."""
        return {"seen": {service: sorted(paths) for service, paths in self.seen.items()}, "files": sorted(self.files)}

    def add(self, kept: t.Mapping[str, t.Any]) -> None:
        for service, paths in kept["seen"].items():
            self.seen.setdefault(service, set()).update(paths)
        self.files.update(kept["files"])

    def watch(self, place: str, names: t.Iterable[str], service: t.Optional[str] = None) -> None:
        """Keep what these functions of a module give; to be called before a test imports them by name."""
        module = importlib.import_module(f"ansible_collections.warroom.launch.plugins.{place}")
        for name in names:
            if hasattr(module, name):
                setattr(module, name, self._watched(getattr(module, name), service))

    def _watched(self, function: t.Callable[..., t.Any], service: t.Optional[str]) -> t.Callable[..., t.Any]:
        @functools.wraps(function)
        def watched(*args: t.Any, **options: t.Any) -> t.Any:
            result = function(*args, **options)
            for facts in result if isinstance(result, list) else [result]:
                self.keep(facts, service)
            return result

        return watched

    def watch_builder(self) -> None:
        """Keep what any builder of facts gives."""
        Facts.done = self._watched(Facts.done, None)  # type: ignore[method-assign]


#: What gives facts, or parts of them under their names: module → functions, and the service where it is not the test's.
PARTS: tuple[tuple[str, tuple[str, ...], t.Optional[str]], ...] = (
    *((f"module_utils._collectors.{service}.shape", ("facts", "exhausted"), None)
      for service in ("celery", "memcached", "mysql", "pgbouncer", "postgresql", "server", "uwsgi", "varnish", "varnish_traffic")),
    ("module_utils._collectors.postgresql.comparable", ("settings", "indexes"), None),
    ("module_utils._collectors.postgresql.confirm", ("ranked",), None),
    ("module_utils._collectors.postgresql.replication", ("facts",), None),
    ("module_utils._collectors.postgresql.server", ("identity", "databases"), None),
    ("module_utils._collectors.postgresql.statements", ("facts",), None),
    ("module_utils._collectors.postgresql.tables", ("facts",), None),
    ("module_utils._collectors.postgresql.upkeep", ("facts",), None),
    ("plugin_utils._fleet.visitors_before", ("compared",), "visitors"),
    ("plugin_utils._fleet.visits", ("visited",), "visitors"),
    ("module_utils._sql.locks", ("facts",), None),
    ("module_utils._sql.sessions", ("groups", "idle_in_transaction", "long_queries", "clients"), None),
    ("plugin_utils._fleet.accelerator_bypass", ("traffic",), "accelerator_bypass"),
    ("plugin_utils._fleet.broker", ("brokers",), "celery_queue"),
    ("plugin_utils._fleet.connection_budget", ("budgets",), "connection_budget"),
    ("plugin_utils._fleet.database_clients", ("databases",), "database_clients"),
    ("plugin_utils._fleet.django_servers", ("django_servers",), "django_servers"),
    ("plugin_utils._fleet.memcached_pool", ("pools",), "memcached_pool"),
    ("plugin_utils._fleet.siblings", ("alike",), "siblings"),
    ("plugin_utils._fleet.visitors", ("visitors",), "visitors"),
)  # fmt: skip
