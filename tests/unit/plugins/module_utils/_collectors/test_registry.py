# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of collectors: complete, and its first look never hides a service that runs."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collectors import registry
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Process, Processes
from tests.support.tools import FakeCommands


def tools(*argv: str, name: str = "x", filtered: bool = False) -> HostTools:
    return HostTools(FakeCommands(), _processes=Processes([Process(2, 1, name, 0, argv)], filtered))


@pytest.mark.parametrize("service", registry.SERVICES)
def test_each_service_has_its_collector(service: str) -> None:
    assert registry.collector(service).service == service


def test_every_collector_is_listed() -> None:
    folder = pathlib.Path(registry.__file__).parent
    assert {path.parent.name for path in folder.glob("*/collector.py")} == {*registry.SERVICES}


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
        ("postgresql", "pgbouncer", ("pgbouncer", "/etc/pgbouncer.ini")),
        ("uwsgi", "uwsgi", ("uWSGI master",)),
        ("uwsgi", "python3", ("pyuwsgi", "--ini", "x.ini")),
        ("varnish", "vinyld", ("vinyld", "-a", ":80")),
        ("varnish_traffic", "varnishd", ("varnishd",)),
        ("server", "init", ("init",)),
    ],
)
def test_the_first_look_sees_it(service: str, name: str, argv: tuple[str, ...]) -> None:
    assert registry.may_run(service, tools(*argv, name=name))


@pytest.mark.parametrize("service", sorted({*registry.SERVICES} - {"server"}))
def test_the_first_look_leaves_out_what_cannot_be_here(service: str) -> None:
    assert not registry.may_run(service, tools("nginx", name="nginx"))
    assert registry.may_run(service, tools("nginx", name="nginx", filtered=True)), "where processes are hidden nothing may be left out"
