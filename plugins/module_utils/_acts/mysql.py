# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions of MySQL and MariaDB that act, and what several acts ask about accounts."""

from __future__ import annotations

import contextlib
import typing as t

from .._collect.problem import Problem
from .._collect.sampling import count
from .._collectors.mysql import connect
from .._collectors.mysql.session import Refused as Denied
from .._collectors.mysql.session import Session, literal
from .._texts.redact import clean
from .act import Refused, Target

#: Left in every statement of an act that may have to be found again.
MARK = "/* warroom.launch */"
NOT_HERE = "the server is not on this host, so no timer here can take the act back when the way to it is gone"
#: ProxySQL and MaxScale number their clients themselves: a KILL would end another session than the one of the plan.
THROUGH_PROXY = (
    "the login leads through a proxy, which has numbers of its own for sessions: give the server's own address under launch_respond_login "
    "(login_host and login_port, or login_unix_socket)"
)
#: A user who has one of these administers the server.
_ADMIN = ("SUPER", "CONNECTION ADMIN", "CONNECTION_ADMIN", "SYSTEM_USER")


@contextlib.contextmanager
def session(target: Target) -> t.Iterator[Session]:
    """A session that may only read, for as long as `may_write` was not called."""
    wanted = connect.login(target.options, target.tools.secrets)
    try:
        connection = connect.connection(wanted, target.timeout)
        opened = Session(connection, target.timeout)
    except Problem as problem:
        raise Refused(str(problem)) from None
    try:
        # a proxy answers `SELECT CONNECTION_ID()` alone by itself
        if count(opened.one("SELECT CONNECTION_ID() + 0 AS pid").get("pid")) != connection.thread_id():
            raise Refused(THROUGH_PROXY)
        yield opened
    except Denied as denied:
        what = "a right is missing" if denied.why == "denied" else "the server does not answer"
        raise Refused(f"{what}: {clean(denied.said, 200)}") from None
    finally:
        opened.close()


def may_write(opened: Session, seconds: float) -> None:
    """From now on statements may change something and take so long; they wait for a lock of a table for 5 s at most."""
    opened.wait_for(seconds)
    opened.rows("SET SESSION TRANSACTION READ WRITE")
    opened.rows("SET SESSION lock_wait_timeout = 5")
    with contextlib.suppress(Denied):
        opened.rows("SET SESSION max_statement_time = 0")  # MariaDB


def change(opened: Session, statement: str, right: str) -> None:
    try:
        opened.rows(statement)
    except Denied as denied:
        missing = f" (a right is missing: {right})" if denied.why == "denied" else ""
        raise Refused(f"the server refused it: {clean(denied.said, 200)}{missing}") from None


def is_here(target: Target) -> bool:
    """Whether the server runs on this host."""
    options = target.options
    return bool(options.get("login_unix_socket")) or (options.get("login_host") or "127.0.0.1") in ("127.0.0.1", "localhost", "::1")


def privileges(opened: Session, user: str) -> t.Optional[set[str]]:
    """What the accounts of this user may do everywhere; None when our user does not see the rights of others."""
    of_user = f"SUBSTRING_INDEX(REPLACE(grantee, '''', ''), '@', 1) = {literal(user)}"
    try:
        rows = opened.rows(f"SELECT privilege_type FROM information_schema.user_privileges WHERE {of_user}")
    except Denied:
        return None
    return {str(row.get("privilege_type")) for row in rows} or None


def is_admin(opened: Session, user: str) -> t.Optional[bool]:
    held = privileges(opened, user)
    return None if held is None else bool(held & set(_ADMIN))


def oldest_transaction(opened: Session) -> t.Optional[float]:
    """Seconds for which a transaction has been open; 0 without any."""
    row = opened.one(
        "SELECT COUNT(*) AS found, MAX(UNIX_TIMESTAMP(NOW()) - UNIX_TIMESTAMP(trx_started)) AS seconds FROM information_schema.innodb_trx "
        "WHERE trx_mysql_thread_id <> CONNECTION_ID()"
    )
    return None if count(row.get("found")) is None else float(row.get("seconds") or 0.0)
