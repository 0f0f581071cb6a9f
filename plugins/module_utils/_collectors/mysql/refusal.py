# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that does not let us in, or stops answering our account: one sentence with the line that mends it. By error number."""

from __future__ import annotations

import re
import typing as t

from ..._collect.problem import Down, Problem
from ..._texts.redact import clean
from .session import quoted


class Exhausted(Problem):
    """The server is up and has no connection left for anybody: that is a fact about it, the worst one."""


class Wish(t.NamedTuple):
    """Where and as whom we wanted in."""

    where: str
    user: str
    over_socket: bool = False
    with_password: bool = True
    named: bool = True  # the user was given, by an option or the option file

    @property
    def account(self) -> str:
        """The likeliest name of our account; its host is known to the server only."""
        return f"{quoted(self.user)}@{quoted('localhost' if self.over_socket else '%')}"


TOO_MANY = 1040
#: A limit that our own account has (accounts of exporters are told to have one): the server has room for everybody else.
OWN_LIMITS = (1203, 1226)
EXPIRED = (1820, 1862)
LOCKED = (3118, 4151)
OFFLINE = 3032
#: What a server says that is up and answers nobody, or not as a database does, and what ends it.
_TO_NOBODY = {
    1053: "is shutting down",
    1047: "runs and takes no query: as a node of Galera it is outside the primary component, or rejects queries (see wsrep_ready, "
    "wsrep_local_state_comment and wsrep_reject_queries)",
    OFFLINE: "runs and lets administrators in only, offline_mode is on: SET GLOBAL offline_mode = OFF;",
    9001: "is up and reaches no server behind it: see runtime_mysql_servers in its admin interface for what it shunned",
}
#: The driver's own numbers: nothing answers, or what answered is gone.
_GONE = (2002, 2003, 2005, 2006, 2013, 2055)
_SYSTEM_USER = 1698

_RIGHTS = "GRANT PROCESS, REPLICATION CLIENT ON *.* TO {account}; GRANT SELECT ON performance_schema.* TO {account};"
_ADVICE = {
    1130: "CREATE USER {account} IDENTIFIED BY '…'; " + _RIGHTS + " or use login_unix_socket",
    1129: "it blocked this host after too many connections that broke off: FLUSH HOSTS; "
    "(MySQL 8.4 and later: TRUNCATE TABLE performance_schema.host_cache;), then look at Aborted_connects",
    1251: "the driver does not know this user's password method: update PyMySQL, or "
    "ALTER USER {account} IDENTIFIED WITH caching_sha2_password BY '…';",
    3159: "the server accepts encrypted connections only: give ca_cert",
    1049: "information_schema cannot be used",
    1045: "check login_user and login_password; a new account: CREATE USER {account} IDENTIFIED BY '…'; " + _RIGHTS,
    1044: "the user may not use information_schema",
    **dict.fromkeys(EXPIRED, "our password has expired: ALTER USER {account} IDENTIFIED BY '…';"),
    **dict.fromkeys(LOCKED, "our account is locked: ALTER USER {account} ACCOUNT UNLOCK;"),
}
_ACCOUNT = re.compile(r"'([^']*)'@'([^']*)'")
_HOST = re.compile(r"'([^']+)'")
_RESOURCE = re.compile(r"'(max_\w+)'")
#: Resources that a statement calls otherwise than the error does.
_CALLED = {"MAX_QUESTIONS": "MAX_QUERIES_PER_HOUR", "MAX_UPDATES": "MAX_UPDATES_PER_HOUR"}


def explained(error: Exception, wish: Wish) -> Problem:
    """The driver's error as what happened and what to do."""
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    said = clean(str(error.args[-1]) if error.args else str(error))
    return told(code, said, wish) or (
        Problem(f"{wish.where} refuses us: {said}")
        if code
        else Problem(f"{wish.where} does not answer as MySQL does: {said or type(error).__name__}")
    )


def told(code: int, said: str, wish: Wish) -> t.Optional[Problem]:
    """What the error number means for us; None for a number that says nothing about our account or the server's state."""
    if code == TOO_MANY:
        return Exhausted(f"{wish.where} is up and refuses connections: too many connections")
    if code in OWN_LIMITS:
        return Problem(f"{wish.where} refuses our own account, the server itself has room: {own_limit(said, wish.account)}")
    if code in _TO_NOBODY:
        return Down(f"{wish.where} {_TO_NOBODY[code]}")
    if code in _GONE:
        return _unreachable(said, wish)
    if code == _SYSTEM_USER and wish.named and wish.with_password and wish.user != "root":
        # MariaDB says the same of an account that does not exist
        account = _account(code, said, wish)
        return Problem(
            f"{wish.where}: access denied for {wish.user}: there is no such account, or it takes no password: check login_user and "
            f"login_password; a new account: CREATE USER {account} IDENTIFIED BY '…'; " + _RIGHTS.format(account=account)
        )
    if code == _SYSTEM_USER or (code == 1045 and not wish.over_socket and wish.user == "root" and not wish.with_password):
        over = "the socket" if wish.over_socket else "TCP"
        return Problem(
            f"{wish.where}: access denied for {wish.user} over {over}: this account is open to the operating system user of the same "
            "name on the server's own socket only: use login_unix_socket and become, or give another login_user"
        )
    if code == 1045 and not wish.named and not wish.with_password:
        return Problem(
            f"{wish.where}: access denied for {wish.user}, as whom the module runs: use become (its socket lets root in), "
            f"or give login_user and login_password; a new account: CREATE USER {_account(code, said, wish)} IDENTIFIED BY '…'; "
            + _RIGHTS.format(account=_account(code, said, wish))
        )
    if code in _ADVICE:
        return Problem(f"{wish.where} refuses {wish.user}: {said}: {_ADVICE[code].format(account=_account(code, said, wish))}")
    return None


def own_limit(said: str, account: str) -> str:
    """The server's words and the statement that raises the limit. The resource is named the same in every language."""
    found = _RESOURCE.search(said)
    resource = found.group(1).upper() if found else "MAX_USER_CONNECTIONS"
    resource = _CALLED.get(resource, resource)
    enough = 10 if resource == "MAX_USER_CONNECTIONS" else 0  # 0: no limit
    return f"{said}: ALTER USER {account} WITH {resource} {enough};"


def _account(code: int, said: str, wish: Wish) -> str:
    """The account as the server names it: it sees the address that we come from."""
    if code in (1045, _SYSTEM_USER):
        named = _ACCOUNT.search(said)
        return f"{quoted(named.group(1))}@{quoted(named.group(2))}" if named else wish.account
    host = _HOST.search(said) if code == 1130 else None
    return f"{quoted(wish.user)}@{quoted(host.group(1))}" if host else wish.account


def _unreachable(said: str, wish: Wish) -> Problem:
    """A connection that broke after the greeting. (The common connection reports a peer that does not respond at all.)"""
    lowered = said.lower()
    if "ssl" in lowered or "certificate" in lowered:
        return Problem(f"{wish.where}: no encrypted connection: {said}; check ca_cert and check_hostname")
    return Down(f"{wish.where} broke off while we logged in: {said}")
