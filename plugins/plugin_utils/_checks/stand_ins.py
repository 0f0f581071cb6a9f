# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What shows the same where a command's program is not installed: a host that nobody prepared has its services' own tools only."""

from __future__ import annotations

import typing as t

#: The beginning of a template → what takes its place; the longest that fits holds, and what follows it stays.
STAND_INS: dict[str, str] = {
    "htop": "top",
    "htop --sort-key PERCENT_MEM": "top -o %MEM",
    "htop --sort-key IO_RATE": "vmstat 1 5",
    "uwsgitop": "uwsgi --connect-and-read",
    "mytop {login}": "mysqladmin {login} -i 2 processlist",
    "innotop {login} -m B": "mysql {login} -e 'SHOW ENGINE INNODB STATUS'",
    "innotop {login} -m C": "mysqladmin {login} extended-status",
    "innotop {login} -m D": "mysql {login} -e 'SHOW ENGINE INNODB STATUS'",
    "innotop {login} -m L": "mysql {login} -e 'SHOW ENGINE INNODB STATUS'",
    "innotop {login} -m M": "mysql {login} -e 'SHOW ALL SLAVES STATUS'",
    "innotop {login} -m T": "mysql {login} -e 'SELECT * FROM information_schema.innodb_trx'",
    "pt-duplicate-key-checker {login}": "mysql {login} -e 'SELECT * FROM sys.schema_redundant_indexes'",
    # MariaDB's packages may bring its own names only
    "mysql": "mariadb",
    "mysqladmin": "mariadb-admin",
}


def stand_in(template: str) -> t.Optional[str]:
    """The template that takes the place of this one, or None."""
    fitting = [begin for begin in STAND_INS if template == begin or template.startswith(begin + " ")]
    if not fitting:
        return None
    begin = max(fitting, key=len)
    return STAND_INS[begin] + template[len(begin) :]
