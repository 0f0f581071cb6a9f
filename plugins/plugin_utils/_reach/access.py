# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How each tool reaches an instance: its connection arguments, and the user and folder it has to run in.

Both the printed commands and the cockpit ask here. An instance is its facts over the options that the inventory gave it.
No argument holds a password: tools find theirs where people keep them (peer login, ~/.pgpass, ~/.my.cnf, flower's environment).
"""

from __future__ import annotations

import dataclasses
import typing as t
import urllib.parse

from ...module_utils._collect.problem import Problem
from ...module_utils._collect.stream import parse_address
from .quoting import Untypable
from .way import Way

Instance = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Access:
    """Arguments of the tool that mean this instance."""

    arguments: tuple[str, ...] = ()
    user: t.Optional[str] = None
    folder: t.Optional[str] = None
    program: t.Optional[str] = None  # where the tool is when it is not on PATH
    #: Has the tool ask for the password of a user that was given a login of its own.
    prompt: tuple[str, ...] = ()


def varnish(_tool: str, instance: Instance, _way: Way) -> Access:
    name = instance.get("instance") or (instance.get("name") if instance.get("name") != "varnish" else None)
    return Access(("-n", str(name)) if name else ())


def haproxy(_tool: str, instance: Instance, _way: Way) -> Access:
    """The stats socket: hatop knows paths only."""
    place = str(instance.get("socket") or "")
    if not place.startswith("/"):
        raise Untypable("its stats socket has no path")
    return Access(("-s", place))


def uwsgi(_tool: str, instance: Instance, _way: Way) -> Access:
    stats = str(instance.get("stats") or "")
    # a path is taken as it is, not as it is shown
    address = stats if stats.startswith(("/", "@")) else instance.get("address") or stats
    if not address:
        raise Untypable("where its stats server listens is not known")
    if instance.get("http") and not str(address).startswith("http"):
        address = f"http://{address}"
    return Access((str(address),))


def memcached(_tool: str, instance: Instance, _way: Way) -> Access:
    return Access((str(instance.get("address") or instance.get("name")),))


def celery(tool: str, instance: Instance, _way: Way) -> Access:
    """By the project, which knows its broker's password; else by a broker's address that holds no secret."""
    if instance.get("app"):
        home = instance.get("virtualenv")
        return Access(("--app", str(instance["app"])), folder=instance.get("chdir"), program=f"{home}/bin/{tool}" if home else None)
    broker = str(instance.get("broker_url") or instance.get("name") or "")
    if "://" not in broker or holds_secret(broker):
        raise Untypable("neither the project (app) nor a broker address without a password is known")
    return Access(("--broker", broker))


def redis(_tool: str, instance: Instance, _way: Way) -> Access:
    """A server of Redis or Valkey, or Celery's broker on one. A password that is nobody's of ours comes from REDISCLI_AUTH."""
    broker = instance.get("broker")
    if isinstance(broker, dict):
        host, port = broker.get("host"), broker.get("port")
    else:
        host, port = _place(str(instance.get("address") or instance.get("name") or ""))
    if isinstance(host, str) and host.startswith("/"):
        place: tuple[str, ...] = ("-s", host)
    elif host:
        place = ("-h", str(host), *(("-p", str(port)) if port else ()))
    else:
        raise Untypable("where the broker listens is not known")
    user, authority = instance.get("login_user"), instance.get("ca_cert")
    encrypted = ("--tls", *(("--cacert", str(authority)) if authority else ())) if instance.get("tls") is True else ()
    login = ("--user", str(user)) if user and not isinstance(broker, dict) else ()
    return Access((*place, *encrypted, *login), prompt=("--askpass",) if instance.get("password") is True else ())


def _place(address: str) -> tuple[t.Optional[str], t.Optional[int]]:
    try:
        found = parse_address(address, 6379)
    except Problem:
        return None, None
    return (found, None) if isinstance(found, str) else found


def django(tool: str, instance: Instance, _way: Way) -> Access:
    """By the project's own Python, in its folder, with the settings that were read."""
    folder, home, settings = instance.get("chdir"), instance.get("virtualenv"), instance.get("settings_module") or instance.get("settings")
    if not folder or not settings:
        raise Untypable("the project's folder or its settings module is not known")
    return Access(("--settings", str(settings), "--pythonpath", "."), folder=str(folder), program=f"{home}/bin/{tool}" if home else None)


#: Tools that take a password from ~/.pgpass only.
_ASKS_NOBODY = ("pg_activity", "pg_top")


#: What `kind` says of a PgBouncer, whose console is a database of that name and knows SHOW and no transactions.
CONSOLE = "pgbouncer"


def is_pooler(instance: Instance) -> bool:
    return instance.get("kind") == CONSOLE


def postgresql(tool: str, instance: Instance, way: Way) -> Access:
    if tool in _ASKS_NOBODY and instance.get("password"):
        raise Untypable(f"{tool} does not ask for the password that this login needs")
    if is_pooler(instance):
        return _pgbouncer(instance, way)
    host, port = place_of(instance, "login_unix_socket", 5432)
    user = instance.get("login_user") or instance.get("user")
    place = ["-h", host, "-p", str(port), *(["-U", str(user)] if user else [])]
    database = str(instance.get("login_db") or instance.get("database") or "postgres")
    # on a socket PostgreSQL knows its users by who they are on the system
    by_peer = not instance.get("login_user") and host.startswith("/") and user and way.may_be(str(user))
    return Access((*place, "-d", database), str(user) if by_peer else None)


def _pgbouncer(instance: Instance, way: Way) -> Access:
    """Its console lets the system user that it runs as in over its socket, as `pgbouncer` and without a password."""
    host, port = place_of(instance, "login_unix_socket", 6432)
    user, owner = instance.get("login_user"), instance.get("owner")
    by_peer = not user and host.startswith("/") and owner and way.may_be(str(owner))
    login = str(user or CONSOLE if by_peer or user else "")
    return Access(("-h", host, "-p", str(port), *(("-U", login) if login else ()), "-d", CONSOLE), str(owner) if by_peer else None)


_PROMPT = {"mytop": "--prompt", "innotop": "--askpass", "pt-duplicate-key-checker": "--ask-pass"}


def mysql(tool: str, instance: Instance, way: Way) -> Access:
    host, port = place_of(instance, "login_unix_socket", 3306)
    user = instance.get("login_user") or ("root" if way.may_be("root") else None)
    place = ("-S", host) if host.startswith("/") else ("-h", host, "-P", str(port))
    prompt = (_PROMPT.get(tool, "-p"),) if instance.get("password") else ()
    return Access((*(("-u", str(user)) if user else ()), *place), prompt=prompt)


#: Services that one check may be about; the facts say which.
DATABASES = frozenset({"postgresql", "mysql"})

#: tool → (service whose instance it shows, its access).
TOOLS: dict[str, tuple[str, t.Callable[[str, Instance, Way], Access]]] = {
    **dict.fromkeys(("varnishstat", "varnishtop", "varnishlog", "varnishncsa", "varnishhist", "varnishadm"), ("varnish", varnish)),
    "hatop": ("haproxy", haproxy),
    "uwsgitop": ("uwsgi", uwsgi),
    "uwsgi": ("uwsgi", uwsgi),
    "memcached-tool": ("memcached", memcached),
    "celery": ("celery", celery),
    "redis-cli": ("redis", redis),
    "django-admin": ("django", django),
    **dict.fromkeys(("psql", "pg_activity", "pg_top"), ("postgresql", postgresql)),
    **dict.fromkeys(("mysql", "mariadb", "mytop", "innotop", "mysqladmin", "mariadb-admin", "pt-duplicate-key-checker"), ("mysql", mysql)),
}


def of(tool: str, instance: Instance, way: Way) -> Access:
    """How this tool reaches the instance. Raises Untypable when its facts do not say."""
    service, function = TOOLS[tool]
    # what exists once for the fleet says of which service it is
    if instance.get("service") not in (None, service):
        raise Untypable(f"{tool} does not speak to {instance['service']}")
    own = instance.get("access")
    return function(tool, {**(own if isinstance(own, dict) else {}), **instance}, way)


def holds_secret(url: str) -> bool:
    try:
        return urllib.parse.urlsplit(url).password is not None or "@" in url
    except ValueError:
        return True


def place_of(instance: Instance, socket: str, port: int) -> tuple[str, int]:
    """Host (or socket) and port, from the options or, for what was found on the host, from its name."""
    number = int(instance.get("login_port") or port)
    if instance.get(socket):
        return str(instance[socket]), number
    if instance.get("login_host") or instance.get("login_port"):
        return str(instance.get("login_host") or "127.0.0.1"), number
    name = str(instance.get("address") or instance.get("name") or "")
    host, colon, last = name.rpartition(":")
    if colon and last.isdigit():
        return host.strip("[]"), int(last)
    if name.startswith("/"):
        return name, number
    raise Untypable(f"where {name[:60] or 'it'} listens is not known")
