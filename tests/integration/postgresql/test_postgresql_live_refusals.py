# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our own account in trouble on a real server: its limits, defaults and rights, in the server's language (cases N-01, N-02)."""

from __future__ import annotations

import contextlib
import pathlib
import subprocess

import pytest

from tests.support.postgresql import Postgres, Replica, gathered

PASSWORD = "EXAMPLEpw"


class French(Postgres):
    """A server whose messages are French, as on a host of that language."""

    def prepare(self) -> None:
        self.run("localedef", "-i", "fr_FR", "-f", "UTF-8", self.dir / "fr_FR.UTF-8", check=False)
        super().prepare()

    def argv(self) -> list[str]:
        return ["env", f"LOCPATH={self.dir}", "LC_ALL=", *super().argv()]


@pytest.fixture(scope="module")
def french():
    with French(lc_messages="'fr_FR.UTF-8'", max_connections=30, password_encryption="'scram-sha-256'") as server:
        if not pathlib.Path("/usr/share/locale/fr/LC_MESSAGES/postgres-15.mo").exists():
            pytest.skip("this server has no French messages")
        server.psql(
            f"""CREATE ROLE mon LOGIN; CREATE ROLE pw LOGIN PASSWORD '{PASSWORD}'; CREATE DATABASE ferme; CREATE ROLE sans;
            REVOKE CONNECT ON DATABASE ferme FROM PUBLIC; CREATE ROLE other LOGIN; CREATE ROLE rejected LOGIN;
            CREATE ROLE few LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT 1; CREATE DATABASE petite CONNECTION LIMIT 1;
            GRANT pg_monitor TO mon, pw, few"""
        )
        rules = [
            "local all all trust", "host all warroom 127.0.0.1/32 trust", "host all pw,few 127.0.0.1/32 scram-sha-256",
            "host all mon,absent,sans 127.0.0.1/32 trust", "host all rejected 127.0.0.1/32 reject",
        ]  # fmt: skip
        (server.data / "pg_hba.conf").write_text("\n".join(rules) + "\n")
        server.psql("SELECT pg_reload_conf()")
        server.until("(SELECT count(*) FROM pg_hba_file_rules) = 5", "the rules are in force")
        refused = subprocess.run(
            ["psql", "-h", "127.0.0.1", "-p", str(server.port), "-U", "absent", "postgres"], check=False, capture_output=True, text=True
        )
        assert "n'existe pas" in refused.stderr, "the server does not speak French"
        yield server


def problem(server, user, **more):
    found = gathered({"login_host": "127.0.0.1", "login_port": server.port, "login_user": user, **more})
    assert found["state"] == "unreadable", found
    return found["problem"]


@pytest.mark.parametrize(
    "user, more, said",
    [
        ("absent", {}, 'CREATE ROLE "absent" LOGIN; GRANT pg_monitor TO "absent";'),
        ("sans", {}, 'ALTER ROLE "sans" LOGIN;'),
        ("mon", {"login_db": "nulle part"}, "check login_db"),
        ("mon", {"login_db": "ferme"}, 'GRANT CONNECT ON DATABASE "ferme" TO "mon";'),
        ("pw", {"login_password": "EXAMPLEwrong"}, "check login_user and login_password"),
        ("pw", {}, "check login_user and login_password"),
        ("pw", {"login_password": PASSWORD, "login_db": "ferme"}, 'GRANT CONNECT ON DATABASE "ferme" TO "pw";'),
        ("other", {}, 'host all "other" 127.0.0.1/32 scram-sha-256'),
        ("rejected", {}, 'host all "rejected" 127.0.0.1/32 scram-sha-256'),
    ],
)
def test_n02_the_same_advice_in_french(french, user, more, said):
    assert said in problem(french, user, **more)


def test_n07_the_limit_of_our_role_is_no_full_server(french):
    import psycopg

    place = {"host": "127.0.0.1", "port": french.port, "user": "few", "password": PASSWORD, "dbname": "postgres"}
    with psycopg.connect(**place):
        assert 'ALTER ROLE "few" CONNECTION LIMIT -1;' in problem(french, "few", login_password=PASSWORD)
    holder = french.client("SELECT 1", database="petite", user="mon")
    french.until("(SELECT count(*) FROM pg_stat_activity WHERE datname = 'petite') = 1", "the database is at its limit")
    assert 'ALTER DATABASE "petite" CONNECTION LIMIT -1;' in problem(french, "mon", login_db="petite")
    french.leave(holder)


def test_a_server_without_a_slot_is_full_in_french_too(french):
    import psycopg

    with contextlib.ExitStack() as clients:
        # One at a time until the server refuses: a count asked for meanwhile would take the slot of one of them.
        with pytest.raises(psycopg.OperationalError, match="53300|connexions?|clients"):
            while True:
                clients.enter_context(psycopg.connect(host="127.0.0.1", port=french.port, user="mon", dbname="postgres"))
        found = gathered({"login_host": "127.0.0.1", "login_port": french.port, "login_user": "mon"})
    assert (found["state"], found["connections_exhausted"]) == ("up", True)


DEFAULTS = (
    "default_transaction_isolation = 'serializable'", "default_transaction_deferrable = on", "default_transaction_read_only = on",
    "statement_timeout = '150ms'", "lock_timeout = '1ms'", "idle_in_transaction_session_timeout = '50ms'", "bytea_output = 'escape'",
    "datestyle = 'SQL, DMY'", "intervalstyle = 'sql_standard'", "timezone = 'Asia/Kathmandu'", "search_path = 'nowhere'",
    "standard_conforming_strings = off",
)  # fmt: skip


@pytest.fixture(scope="module")
def primary():
    with Postgres(default_transaction_isolation="'serializable'") as server:
        server.psql("CREATE EXTENSION pg_stat_statements; CREATE ROLE mon LOGIN; GRANT pg_monitor TO mon")
        for setting in DEFAULTS:
            server.psql(f"ALTER ROLE mon SET {setting}")
        yield server


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_n01_the_defaults_of_our_account_change_nothing(primary, driver, monkeypatch):
    if driver == "psycopg2":
        monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    found = gathered({"login_host": "127.0.0.1", "login_port": primary.port, "login_user": "mon", "login_db": "postgres"}, window=0.6)
    assert (found["state"], found["problem"]) == ("up", None)
    plain = gathered(primary.place, window=0.6)
    assert set(found["unknown"]) <= set(plain["unknown"]), "the account's defaults cost a measure"


def test_n01_our_own_time_limit_holds_and_not_the_accounts(primary):
    from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql import connect, driver
    from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql.session import Budget, Session

    session = Session(connect.connection({**primary.place, "login_user": "mon"}, 1.0), Budget(1.0))
    assert session.ask("SELECT pg_sleep(0.4)")  # the account's limit is 150 ms
    with pytest.raises(driver.SqlError) as late:
        session.ask("SELECT pg_sleep(5)", essential=True)
    assert late.value.code == "57014"
    session.close()


def test_n01_a_standby_that_would_be_serializable_is_read_as_any_other(primary):
    with Replica(primary) as standby:
        found = gathered({**standby.place, "login_user": "mon"}, window=0.3)
    assert (found["state"], found["role"]) == ("up", "replica")
    assert found["connections"] is not None and found["statements"] is not None
