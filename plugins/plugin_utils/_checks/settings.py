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
#: The account of the role by its default, which documentation has the inventory name.
ACCOUNT = "launch_monitor"
#: Its password as the host's own inventory has it: the line holds none.
_PASSWORD = "{{{{ ([launch_check_services.{0}] | flatten | first).login_password | default('') }}}}"

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


def _account(service: str) -> t.Callable[[str], t.Optional[Variables]]:
    return lambda _reason: {"launch_monitoring_services": [service], f"launch_monitoring_{service}_password": _PASSWORD.format(service)}


#: The server is the host's own, where the role may administer it.
_HERE = r"^(?:127\.|localhost\b|\[::1\]|/).*"
CONFIGURE, ACCOUNTS = "configure", "accounts"
#: A sentence of a reason → the role's tag, and what the role is given.
_SET: tuple[tuple[re.Pattern[str], str, t.Callable[[str], t.Optional[Variables]]], ...] = (
    (re.compile("performance_schema is off"), CONFIGURE, _performance_schema),
    (re.compile("pg_stat_statements is not"), CONFIGURE, _statements),
    (re.compile("runs without a stats server"), CONFIGURE, _stats_server),
    (re.compile(rf'{_HERE}(?:CREATE ROLE "?{ACCOUNT}"? LOGIN|ALTER ROLE "?{ACCOUNT}"? PASSWORD)'), ACCOUNTS, _account("postgresql")),
    (re.compile(rf"{_HERE}(?:CREATE|ALTER) USER `{ACCOUNT}`@\S+ IDENTIFIED BY"), ACCOUNTS, _account("mysql")),
)


def run(reasons: t.Iterable[str]) -> t.Optional[tuple[str, Variables]]:
    """The role's tag and variables that mend all of it, on every host that they are given to.

    None where the role does not, or hosts would need different values.
    """
    merged: Variables = {}
    tags: set[str] = set()
    for reason in reasons:
        tag, setting = next(((tag, given) for pattern, tag, given in _SET if pattern.search(reason)), ("", None))
        wanted = None if setting is None else setting(reason)
        if wanted is None:
            return None
        tags.add(tag)
        for name, value in wanted.items():
            if name == "launch_monitoring_services":
                merged[name] = sorted({*merged.get(name, []), *value})
            elif merged.setdefault(name, value) != value:
                return None
    return (tags.pop(), merged) if len(tags) == 1 else None
