# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Code that runs before its migration: its statements name tables or columns that the database does not have, and pages fail."""

from __future__ import annotations

import typing as t

from .._checks.units import numbered
from .._fleet.database_clients import is_own, named
from .._fleet.observed import Instance, Row
from .cause import Cause, said, several
from .counted_errors import counted
from .database import LABEL
from .extent import may_be_used_by
from .fleet_view import Fleet

_APPLIED = "SELECT app, name, applied FROM django_migrations ORDER BY id DESC LIMIT 9"
#: What shows the migrations that were applied last.
LAST = {"postgresql": "psql {{login}} -c '{query}'", "mysql": "mysql {{login}} -e '{query}'"}


def missing_migration(fleet: Fleet) -> t.Iterator[Cause]:
    """Somebody's typing error is none: pages or tasks must fail meanwhile."""
    for database in fleet.databases():
        rows = [row for row in database.rows("undefined_names") if not is_own(row)]
        errors = [*_errors(fleet, database)] if rows else []
        if not errors:
            continue
        names = [f"{row.word('kind')} {row.word('name')}" for row in rows]
        yield Cause(
            hosts=[database.host],
            statement=(
                f"Statements on {LABEL[database.service]} {database} fail because it has no {several(names)}: the code is newer than the "
                "database, its migration is missing."
            ),
            evidence=[
                *(f"{_asker(row)}: {row.word('query')}" for row in rows[:3]),
                *(f"{words}." for words in errors[:2]),
            ],
            first_fix="Run the migration if it is safe now (`manage.py migrate --plan` shows it, `manage.py sqlmigrate` what it locks); "
            "else roll back to the release before. From then on migrate before the code starts.",
            avoid="Do not restart the workers and do not create the column by hand: the migration would fail on it later.",
            look=fleet.command(database, LAST[database.service].format(query=_APPLIED)),
            rows=rows[:10],
            at=database,
        )


def _asker(row: Row) -> str:
    """Whose statement it is, as far as it is known: a log need not say it."""
    who = named(row) if row.get("address") else row.word("user")
    sessions = numbered(row["sessions"], "session/sessions") if row.get("sessions") else ""
    return ", ".join(filter(None, (who, sessions))) or "a session"


def _errors(fleet: Fleet, database: Instance) -> t.Iterator[str]:
    """What fails of what may use it, by itself or as the servers in front count it."""
    for workers, finding in fleet.each_bad_workers("exceptions", least="warn"):
        if may_be_used_by(workers, database, fleet):
            yield f"{workers}: {said(finding)}"
    for each in fleet.once(counted):
        if fleet.graph.apart(each.front.key, database.key) is not True:
            yield f"{each.front}: {said(each.finding)}"
    for broker, finding in fleet.each_bad("celery_queue", "celery_queue_tasks_failing", least="warn"):
        yield f"{broker.name}: {said(finding)}"
