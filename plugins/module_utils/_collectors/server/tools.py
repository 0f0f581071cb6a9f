# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of the programs that printed commands run are missing on this host: another one is printed then."""

from __future__ import annotations

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
