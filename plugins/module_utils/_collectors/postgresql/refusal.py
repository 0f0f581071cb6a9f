# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that does not let us in, as one sentence with the line that mends it. By SQLSTATE and routine, never by words.

Words decide only where they are in no language but English: those of libpq (the module speaks C) and of poolers (PgBouncer and others).
"""

from __future__ import annotations

import re
import typing as t

from ..._collect.problem import Down, Problem
from .session import quoted
from .startup import CONSOLE, Refusal


class Exhausted(Problem):
    """The server is up and has no connection left for anybody: that is a fact about it, the worst one."""


class Wish(t.NamedTuple):
    """What we tried when the server refused us."""

    where: str
    user: str
    database: str
    named: bool = False  # the user was given, by the option login_user
    with_password: bool = False

    @property
    def role(self) -> str:
        return quoted(self.user)


#: Routines of the server that refuse for a limit (53300) of one role or one database; any other means that the server is full.
_ROLE, _DATABASE = "InitializeSessionUserId", "CheckMyDatabase"
_ABOUT_THE_USER = ("28000", "28P01")

_FULL_POOLER = re.compile(
    r"no more connections allowed|query_wait_timeout|(?:connection limit|connections) exceeded"
    r"|max client(?:s| connections) reached|too many (?:active )?(?:clients|connections)",
    re.IGNORECASE,
)
_POOLER = (
    (re.compile(r"no such user", re.IGNORECASE), "add the user to PgBouncer's auth_file or auth_query"),
    (re.compile(r"^not allowed$", re.IGNORECASE), "add the user to stats_users in pgbouncer.ini and RELOAD it"),
    (re.compile(r"no such database", re.IGNORECASE), "check login_db against the section [databases] of pgbouncer.ini"),
)
_NOBODY = re.compile(
    r"connection refused|no such file|time-?out|timed out|no route to host|unreachable|closed the connection|reset by peer", re.IGNORECASE
)
_TLS = re.compile(r"\bssl\b|certificate|tls", re.IGNORECASE)


def about_the_user(refused: Refusal) -> bool:
    """Whether another user may have more luck."""
    return refused.code in _ABOUT_THE_USER or bool(_POOLER[0][0].search(refused.message))


def explained(refused: Refusal, wish: Wish) -> Problem:
    where, said = wish.where, refused.message
    if refused.code == "53300":
        return _limit(refused, wish)
    if refused.code == "57P03":
        return Down(f"{where} runs and does not accept connections: {said}; see its log")
    advice = _advice(refused, wish)
    if advice is not None:
        return Problem(f"{where} refuses us: {said}: {advice}")
    return _without_code(said, where, "PgBouncer" if wish.database == CONSOLE else "PostgreSQL")


def _limit(refused: Refusal, wish: Wish) -> Problem:
    """A limit of our own account says nothing about the server, which may have room for everybody else."""
    ours = f"{wish.where} refuses our own account, the server itself has room: {refused.message}"
    if refused.routine == _ROLE:
        return Problem(f"{ours}: ALTER ROLE {wish.role} CONNECTION LIMIT -1;")
    if refused.routine == _DATABASE:
        name = quoted(wish.database)
        return Problem(f"{ours}: give another login_db, or ALTER DATABASE {name} CONNECTION LIMIT -1;")
    return Exhausted(f"{wish.where} is up and refuses connections: {refused.message}")


def _advice(refused: Refusal, wish: Wish) -> t.Optional[str]:
    code, routine = refused.code, refused.routine
    if code == "28000":
        return _not_authorised(refused, wish)
    if code == "28P01":
        return f"check login_user and login_password (a new password: ALTER ROLE {wish.role} PASSWORD '…' VALID UNTIL 'infinity';)"
    if code == "3D000":
        return "check login_db"
    if code == "42501":
        return f"GRANT CONNECT ON DATABASE {quoted(wish.database)} TO {wish.role};"
    if code == "55000" and routine == _DATABASE:
        return f"check login_db, or ALTER DATABASE {quoted(wish.database)} ALLOW_CONNECTIONS true;"
    return None


def _not_authorised(refused: Refusal, wish: Wish) -> str:
    if refused.routine == _ROLE and not wish.named:
        return "give login_user and login_password of a role in pg_monitor"
    if refused.routine == _ROLE:
        return (
            f"CREATE ROLE {wish.role} LOGIN; GRANT pg_monitor TO {wish.role}; "
            f"(where the role exists: ALTER ROLE {wish.role} LOGIN;), or give another login_user"
        )
    if refused.routine == "ClientAuthentication":
        line = f"local all {wish.role} peer"
        if refused.ours is not None:
            line = f"host all {wish.role} {refused.ours}/{128 if ':' in refused.ours else 32} scram-sha-256"
        return f"put `{line}` before the other lines of pg_hba.conf, then SELECT pg_reload_conf();"
    if refused.ours is None:
        by_name = "its UNIX socket takes the system user's name only"
        if wish.with_password:
            return f"{by_name}, and over TCP nothing listens at its port: use become without login_user, or set listen_addresses"
        if wish.named:
            return f"{by_name}: give login_password too (it is then sent over TCP), or use become without login_user"
        return f"{by_name}: use become, or give login_user and login_password"
    return "check login_user and login_password, and this user's line in pg_hba.conf"


def _without_code(said: str, where: str, product: str) -> Problem:
    """What libpq or a pooler says by itself."""
    if _FULL_POOLER.search(said):
        return Exhausted(f"{where} is up and refuses connections: {said}")
    for pattern, advice in _POOLER:
        if pattern.search(said):
            return Problem(f"{where} refuses us: {said}: {advice}")
    if _TLS.search(said):
        return Problem(f"no encrypted connection to {where}: {said}: check ssl_mode and ca_cert")
    if _NOBODY.search(said):
        return Down(f"no {product} at {where}: {said}")
    return Problem(f"{where} refuses us: {said}")


def libpq(message: str) -> str:
    """libpq's sentence without its prefixes: it names the place a second time.

    A name with several addresses has a sentence for each attempt: what a server said counts more than that another is not there.
    """
    attempts = re.split(r"Multiple connection attempts failed\. All failures were:| - host: ", message)
    message = next((attempt for attempt in attempts if "FATAL" in attempt), attempts[0])
    message = re.sub(r"^.*(?:failed|expected): (?=\S)", "", re.sub(r"^connection (?:failed|is bad): ", "", message))
    return re.sub(r"^[A-Z]+:\s*|\s*Is the server running.*$", "", message) or "no reason was given"
