# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role launch_monitoring sets on a server so that it records what a check asks for, by the reason that names the setting.

The role writes down what it changes and takes it away again; it restarts nothing, and says what waits for a restart.
"""

from __future__ import annotations

import re
import typing as t

Variables = dict[str, t.Any]

_DATABASE = re.compile(r"in database (\S+) CREATE EXTENSION")
_UWSGI_FILE = re.compile(r"to \[uwsgi\] in (\S+)")
#: What may stand in a list of the role without another thought: no template, no option.
_PLAIN_NAME, _PLAIN_PATH = re.compile(r"[A-Za-z_][\w-]*"), re.compile(r"/[\w./@+-]+\.ini")


def _performance_schema(_reason: str) -> t.Optional[Variables]:
    return {"launch_monitoring_services": ["mysql"], "launch_monitoring_mysql_performance_schema": True}


def _statements(reason: str) -> t.Optional[Variables]:
    database = _DATABASE.search(reason)
    if database is None or not _PLAIN_NAME.fullmatch(database[1]):
        return None
    return {
        "launch_monitoring_services": ["postgresql"],
        "launch_monitoring_postgresql_databases": [database[1]],
        "launch_monitoring_postgresql_log_settings": False,
    }


def _stats_server(reason: str) -> t.Optional[Variables]:
    path = _UWSGI_FILE.search(reason)
    if path is None or not _PLAIN_PATH.fullmatch(path[1]):
        return None
    return {"launch_monitoring_services": ["uwsgi"], "launch_monitoring_uwsgi_configs": [path[1]]}


#: A sentence of a reason → what the role is given.
_SET: tuple[tuple[str, t.Callable[[str], t.Optional[Variables]]], ...] = (
    ("performance_schema is off", _performance_schema),
    ("pg_stat_statements is not", _statements),
    ("runs without a stats server", _stats_server),
)


def variables(reasons: t.Iterable[str]) -> t.Optional[Variables]:
    """What sets all of it, on every host that it is given to; None where the role does not, or hosts would need different values."""
    merged: Variables = {}
    for reason in reasons:
        setting = next((given for sentence, given in _SET if sentence in reason), None)
        wanted = None if setting is None else setting(reason)
        if wanted is None:
            return None
        for name, value in wanted.items():
            if name == "launch_monitoring_services":
                merged[name] = sorted({*merged.get(name, []), *value})
            elif merged.setdefault(name, value) != value:
                return None
    return merged or None
