# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of services: complete, its first look never hides a service that runs, and its collectors are imported only when needed."""

from __future__ import annotations

import ast
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collectors import registry
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Process, Processes
from tests.support.server import ROOT
from tests.support.tools import FakeCommands


def tools(*argv: str, name: str = "x", filtered: bool = False) -> HostTools:
    return HostTools(FakeCommands(), _processes=Processes([Process(2, 1, name, 0, argv)], filtered))


@pytest.mark.parametrize("service", registry.GATHERED)
def test_each_service_has_its_collector(service: str) -> None:
    assert registry.collector(service).service == service


COLLECTORS = pathlib.Path(registry.__file__).parent
PLUGINS = COLLECTORS.parents[1]


def test_every_collector_is_listed() -> None:
    assert {path.parent.name for path in COLLECTORS.glob("*/collector.py")} == {*registry.GATHERED}


def test_a_service_stands_once_and_has_all_that_its_kind_needs() -> None:
    names = [row.name for row in registry.ROWS]
    assert len(names) == len(set(names))
    for row in registry.ROWS:
        assert row.fleet == (row.module is None) and not (row.fleet and row.process_words), row.name


def imported(path: pathlib.Path) -> t.Iterator[pathlib.Path]:
    """The files of the collection that a file imports anywhere: what Ansible sends along with a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            for target in (base, *(base / name.name for name in node.names)):
                if target.with_suffix(".py").is_file():
                    yield target.with_suffix(".py")


def sent_with(path: pathlib.Path) -> set[pathlib.Path]:
    todo, files = [path], set()
    while todo:
        path = todo.pop()
        if path not in files:
            files.add(path)
            todo += imported(path)
    return files


@pytest.mark.parametrize("service", registry.GATHERED)
def test_a_module_of_one_service_brings_no_other_collector(service: str) -> None:
    files = sent_with(PLUGINS / "modules" / f"{registry.GATHERED[service].module}.py")
    assert COLLECTORS / service / "collector.py" in files and COLLECTORS / "registry.py" not in files
    others = {path.parent.name for path in files if path.name == "collector.py"} - {service}
    assert not others


def test_launch_facts_brings_every_collector() -> None:
    files = sent_with(PLUGINS / "modules" / "launch_facts.py")
    assert {COLLECTORS / service / "collector.py" for service in registry.GATHERED} <= files


def test_the_table_itself_imports_no_collector() -> None:
    code = f"import sys; sys.path.insert(0, {str(PLUGINS)!r}); import module_utils._collectors.registry; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not [name for name in done.stdout.split() if name.startswith(("ansible", "module_utils._collect."))]


@pytest.mark.parametrize(
    "service, name, argv",
    [
        ("celery", "python3", ("/srv/venv/bin/python", "-m", "celery", "-A", "shop", "worker")),
        ("celery", "python3", ("[celeryd: w1@app1:MainProcess] -active- (worker)",)),
        ("memcached", "memcached", ("/usr/bin/memcached", "-m", "64")),
        ("memcached", "mcrouter", ("mcrouter", "--port=5000")),
        ("mysql", "mariadbd", ("/usr/sbin/mariadbd",)),
        ("mysql", "mysqld", ("/usr/sbin/mysqld",)),
        ("postgresql", "postgres", ("/usr/lib/postgresql/15/bin/postgres", "-D", "/x")),
        ("pgbouncer", "pgbouncer", ("pgbouncer", "/etc/pgbouncer.ini")),
        ("uwsgi", "uwsgi", ("uWSGI master",)),
        ("uwsgi", "python3", ("pyuwsgi", "--ini", "x.ini")),
        ("varnish", "vinyld", ("vinyld", "-a", ":80")),
        ("varnish_traffic", "varnishd", ("varnishd",)),
        ("server", "init", ("init",)),
    ],
)
def test_the_first_look_sees_it(service: str, name: str, argv: tuple[str, ...]) -> None:
    assert registry.may_run(service, tools(*argv, name=name))


@pytest.mark.parametrize("service", sorted({*registry.GATHERED} - {"server"}))
def test_the_first_look_leaves_out_what_cannot_be_here(service: str) -> None:
    assert not registry.may_run(service, tools("dovecot", name="dovecot"))
    searched = registry.GATHERED[service].searched
    assert registry.may_run(service, tools("nginx", name="nginx", filtered=True)) is searched, (
        "where processes are hidden nothing may be left out"
    )


#: Modules of the standard library that take longer to load than a reading does: needed by some hosts only.
LATE = ("ssl", "http.client", "statistics", "asyncio", "email")
_IMPORTS = """
import importlib, sys
import ansible.module_utils.basic
before = set(sys.modules)
for name in sys.argv[1:]:
    importlib.import_module("ansible_collections.warroom.launch.plugins.module_utils._collectors." + name)
print(*(set(sys.modules) - before))
"""


def test_a_web_server_loads_no_library_that_its_services_do_not_need() -> None:
    names = ["gather_services", *(f"{service}.collector" for service in ("server", "varnish", "varnish_traffic", "uwsgi", "memcached"))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / ".collections")}
    done = subprocess.run([sys.executable, "-c", _IMPORTS, *names], check=True, capture_output=True, text=True, env=environment)
    loaded = done.stdout.split()
    assert any(name.endswith("uwsgi.collector") for name in loaded)
    assert set(LATE) & set(loaded) == set()
