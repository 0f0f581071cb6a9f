# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Django project on a real MariaDB is read in read-only transactions, and nothing is set for a session that a pooler would hand on."""

from __future__ import annotations

import contextlib
import pathlib
import re
import sys
import types

from ansible_collections.warroom.launch.plugins.module_utils._collect.options import _check
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.django.collector import COLLECTOR
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql.session import Session
from tests.support import django_project
from tests.support.mysql import MariaDB
from tests.support.tools import RealCommands, tools_with

SETTINGS = """
import pymysql
pymysql.version_info = (2, 2, 1, "final", 0)
pymysql.install_as_MySQLdb()
DATABASES = {"default": {"ENGINE": "django.db.backends.mysql", "NAME": "shop", "USER": "root", "HOST": %r, "OPTIONS":
    {"init_command": "SET sql_mode = 'STRICT_ALL_TABLES'"}}}
"""
#: A project that writes as soon as it is loaded: by itself, in a transaction, after a commit and after a rollback of its own.
HARM = """
from django.apps import AppConfig

class Shop(AppConfig):
    name = "shop"
    def ready(self):
        from django.db import connection, transaction
        def harm(name):
            for statement in (f"INSERT INTO harm VALUES ('{name}')", f"CREATE TABLE harm_{name} (a int)"):
                try:
                    connection.cursor().execute(statement)
                except Exception:
                    pass
        harm("plain")
        for setting in ("autocommit = 0", "autocommit = 1", "SESSION TRANSACTION READ WRITE", "GLOBAL slow_launch_time = 77"):
            try:
                connection.cursor().execute(f"/* shop */ SET {setting}")
            except Exception:
                pass
            harm("set")
        try:
            with transaction.atomic():
                harm("atomic")
        except Exception:
            pass
        for end in (connection.commit, connection.rollback):
            end()
            harm(end.__name__)
"""


def test_a_project_that_writes_leaves_nothing(tmp_path: pathlib.Path) -> None:
    with MariaDB("--general-log=ON", "--log-output=TABLE") as server:
        server.shop()
        server.query("CREATE TABLE IF NOT EXISTS shop.harm (a VARCHAR(20))")
        project = django_project.write(tmp_path)
        (project / "shop" / "apps.py").write_text(HARM)
        with open(project / "shop" / "settings.py", "a", encoding="utf-8") as settings:
            settings.write(SETTINGS % server.socket)
        options = _check(COLLECTOR, {"chdir": str(project), "virtualenv": sys.prefix})
        facts = gather([(COLLECTOR, options)], 0, tools_with(RealCommands(), timeout=30))["launch_django"]["instances"][0]
        assert (facts["state"], facts.get("databases_unreachable_total")) == ("up", 0), facts
        assert facts["migrations_unapplied"] == facts["migrations_total"] > 5
        said = [str(row[0]) for row in server.query("SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log")]
        assert server.query("SELECT * FROM shop.harm") == [] and server.query("SHOW TABLES FROM shop LIKE 'harm\\_%'") == []
        kept = server.connect()
        with contextlib.closing(kept), kept.cursor() as cursor:
            Session(types.SimpleNamespace(cursor=kept.cursor, close=lambda: None), 3.0).close()
            cursor.execute("SELECT @@tx_read_only")
            assert cursor.fetchone() == (0,), "the pooler's next client may write"
    assert [line for line in said if "SESSION TRANSACTION READ WRITE" in line] and not [line for line in said if "slow_launch_time" in line]
    assert [line for line in said if "INSERT INTO harm" in line and "commit" in line], "the project wrote after a commit of its own"
    assert "START TRANSACTION READ ONLY" in said and "SET sql_mode = 'STRICT_ALL_TABLES'" in said
    assert not [line for line in said if re.match(r"SET\b.*READ ONLY", line, re.IGNORECASE)]
