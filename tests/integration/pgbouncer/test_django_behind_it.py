# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Django project with its database behind PgBouncer: it is read, writes nothing, and leaves nothing to the session's next client."""

from __future__ import annotations

import pathlib
import sys
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.options import _check
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.django.collector import COLLECTOR
from tests.support import django_project
from tests.support.postgresql import PgBouncer, Postgres
from tests.support.tools import RealCommands, tools_with

HARM = """
from django.apps import AppConfig

class Shop(AppConfig):
    name = "shop"
    def ready(self):
        from django.db import connection, transaction
        try:
            with transaction.atomic():
                connection.cursor().execute("CREATE TABLE harm (a int)")
        except Exception:
            pass
"""


@pytest.fixture(scope="module")
def postgres() -> t.Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.mark.parametrize("ignoring", [False, True], ids=["options refused", "options ignored"])
def test_a_project_behind_a_pooler(postgres: Postgres, tmp_path: pathlib.Path, ignoring: bool) -> None:
    bouncer = PgBouncer(postgres, pool_size=1)
    bouncer.extra = "ignore_startup_parameters = options,extra_float_digits" if ignoring else ""
    with bouncer:
        project = django_project.write(tmp_path)
        (project / "shop" / "apps.py").write_text(HARM)
        place = {"HOST": "127.0.0.1", "PORT": bouncer.port, "USER": "warroom", "PASSWORD": "x"}
        database = {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", **place}
        with open(project / "shop" / "settings.py", "a", encoding="utf-8") as settings:
            settings.write(f"\nDATABASES = {{'default': {database!r}}}\n")
        options = _check(COLLECTOR, {"chdir": str(project), "virtualenv": sys.prefix})
        facts = gather([(COLLECTOR, options)], 0, tools_with(RealCommands(), timeout=30))["launch_django"]["instances"][0]
        assert (facts["state"], facts["databases_unreachable_total"]) == ("up", 0), facts["databases"]
        assert facts["migrations_unapplied"] == facts["migrations_total"] > 5
        import psycopg

        with psycopg.connect(
            host="127.0.0.1", port=bouncer.port, dbname="postgres", user="warroom", password=place["PASSWORD"], autocommit=True,
            prepare_threshold=None,
        ) as other:  # fmt: skip
            told = [other.execute(f"SHOW {name}").fetchone() for name in ("default_transaction_read_only", "statement_timeout")]
            assert told == [("off",), ("0",)], "the next client of the pooler's session reads what we left in it"
            assert other.execute("SELECT to_regclass('harm')").fetchone() == (None,)
