# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which programs this host has: of those that printed commands run, and of those that show a service while it works."""

from __future__ import annotations

import os
import sys
import typing as t

from ..._collect.command import Commands
from ..._collect.problem import Problem

#: Programs that not every host has, or not under this name.
TOOLS = (
    "celery", "curl", "hatop", "htop", "innotop", "mysql", "mysqladmin", "mytop", "pg_activity", "psql", "pt-duplicate-key-checker",
    "pt-query-digest", "redis-cli", "systemd-cgtop", "top", "uwsgi", "uwsgitop", "varnishadm", "varnishhist", "varnishlog", "varnishncsa",
    "varnishstat", "varnishtop", "vmstat", "watch",
)  # fmt: skip


#: Their packages only recommend the modules of Perl that they load once they run.
_PERL = frozenset({"innotop", "mytop"})
_LOADS = ("perl", "-MDBI", "-MTerm::ReadKey", "-e", "eval { require DBD::mysql } or require DBD::MariaDB")


def absent(commands: Commands) -> list[str]:
    """Those that are not installed, or that lack what they load."""
    missing = {tool for tool in TOOLS if commands.which(tool) is None}
    if any(tool not in missing for tool in _PERL) and not _loads(commands):
        missing |= _PERL
    return [tool for tool in TOOLS if tool in missing]


def _loads(commands: Commands) -> bool:
    try:
        return commands.run(_LOADS, 2.0).rc == 0
    except Problem:
        return False


#: By service that runs here: the programs that show it while it works, the first that the cockpit opens; one of them is enough.
SHOWN_BY = {
    "server": ("htop", "top"),
    "varnish": ("varnishstat",),
    "haproxy": ("hatop", "socat"),
    "nginx": ("goaccess", "curl"),
    "uwsgi": ("uwsgitop",),
    "redis": ("redis-cli", "valkey-cli"),
    "celery": ("celery",),
    "pgbouncer": ("psql",),
    "postgresql": ("pg_activity", "pg_top"),
    "mysql": ("mytop", "innotop"),
}  # fmt: skip
#: Where the role launch_monitoring puts what only PyPI has.
_BESIDE = ("/opt/launch_monitoring/venv/bin", os.path.dirname(sys.executable or ""))


def shown(commands: Commands, services: t.Iterable[str]) -> list[dict[str, t.Any]]:
    """Of each service that runs here and has such a program: whether one of them is installed."""
    rows = []
    for service in ("server", *sorted(set(services) & set(SHOWN_BY) - {"server"})):
        tools = SHOWN_BY[service]
        rows.append({"service": service, "name": tools[0], "installed": any(_there(commands, tool) for tool in tools)})
    return sorted(rows, key=lambda row: bool(row["installed"]))


def _there(commands: Commands, tool: str) -> bool:
    return commands.which(tool) is not None or any(os.access(f"{folder}/{tool}", os.X_OK) for folder in _BESIDE if folder)
