# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tool shows a service best, with its arguments: an instance's facts and options to a shell script for its host.

No script holds a password: tools find theirs where people keep them (peer login, ~/.pgpass, ~/.my.cnf, flower's environment).
"""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
import typing as t
import urllib.parse

from ...module_utils._texts.redact import clean
from .._reach import access
from .._reach.quoting import Untypable, word, words
from .._reach.way import Way

#: Where the role launch_monitoring puts what only PyPI has, and where the environment of its flower is.
VENV = "/opt/launch_monitoring/venv"
FLOWER = "/etc/launch-flower.env"
DAMEMTOP = "/usr/share/memcached/scripts/damemtop"
_HOST_PORT = re.compile(r"\w[\w.-]*(:\d+)?", re.ASCII)
_COLUMNS = ("hostname", "hit_rate", "curr_connections", "cmd_get", "cmd_set", "evictions", "bytes_written", "bytes_read")

Instance = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Pane:
    """One tool on one host."""

    title: str
    script: str
    user: t.Optional[str] = None
    notes: tuple[str, ...] = ()
    #: The cockpit's window that it stands in, when that is not its service's.
    window: t.Optional[str] = None


#: As few lines above the processes as there can be: a pane of a small terminal has six.
HTOPRC = ("fields=0 48 46 47 1", "sort_key=46", "sort_direction=-1", "hide_kernel_threads=1", "hide_userland_threads=1",
          "hide_function_bar=2", "header_margin=0", "screen_tabs=0", "header_layout=two_50_50",
          "column_meters_0=CPU Memory", "column_meter_modes_0=1 1",
          "column_meters_1=Tasks LoadAverage", "column_meter_modes_1=2 2")  # fmt: skip


def with_file(path: str, lines: t.Sequence[str], use: str) -> str:
    """A script that makes a file in a private folder "$d" and uses it so; it is removed when what the shell becomes has ended."""
    folder = f'mkdir "$d"/{os.path.dirname(path)} && ' if os.path.dirname(path) else ""
    # a terminal that is closed takes the tool with it, and then this ends as well
    remove = "(trap '' HUP; while kill -0 $$ 2>/dev/null; do sleep 2; done; rm -r \"$d\") &"
    return f"d=$(mktemp -d) && {folder}printf '%s\\n' {words(*lines)} >\"$d\"/{path} && {{ {remove} {use}; }}"


def first_of(way: Way, *commands: str, lacking: str, before: str = "", repeated: bool = False) -> str:
    """A script that becomes the first of these tools that is installed (`repeated` by watch), or says what is missing."""
    beside = os.path.dirname(way.python) if way.python.startswith("/") else ""
    folders = [f"{VENV}/bin", *([beside] if beside else []), "/usr/local/bin", "/usr/sbin", "/sbin"]
    watch = "watch " if repeated else ""
    choices = [f"command -v {word(shlex.split(command)[0])} >/dev/null && exec {watch}{command}" for command in commands]
    say = f"echo {word(f'{lacking} is not installed on {way.name}; the role warroom.launch.launch_monitoring does it')}"
    return "; ".join([f'PATH="$PATH":{word(":".join(folders))}', *([before] if before else []), *choices, say])


def server(way: Way, _instances: t.Sequence[Instance]) -> list[Pane]:
    small = with_file("htoprc", HTOPRC, 'export HTOPRC="$d"/htoprc')
    return [Pane("htop", first_of(way, "htop", "top", lacking="htop", before=f"! command -v htop >/dev/null || {{ {small}; }}"))]


#: Status, seconds to the first byte, hit, miss, pass or pipe, and the page.
_FELT = "%s %{Varnish:time_firstbyte}x %{Varnish:handling}x %m %U"


def varnish(way: Way, instances: t.Sequence[Instance]) -> list[Pane]:
    panes = []
    for one in instances:
        place = access.of("varnishstat", one, way).arguments
        panes.append(Pane("varnishstat", first_of(way, words("varnishstat", *place), lacking="varnishstat")))
        # what reaches the backend is what was missed or passed
        misses = words("varnishtop", *place, "-b", "-i", "BereqURL")
        panes.append(Pane("varnishtop: URLs that reach the backend", first_of(way, misses, lacking="varnishtop")))
        felt = first_of(way, words("varnishhist", *place), lacking="varnishhist")
        panes.append(Pane("varnishhist: seconds to the first byte (| hit, # miss)", felt, window="visitors"))
        # a page's path and how it was answered, never its query or its visitor
        slow = words("varnishncsa", *place, "-q", "RespStatus >= 500 or Timestamp:Resp[2] > 1.0", "-F", _FELT)
        panes.append(Pane("varnishncsa: errors and answers after a second", first_of(way, slow, lacking="varnishncsa"), window="visitors"))
    return panes


def haproxy(way: Way, instances: t.Sequence[Instance]) -> list[Pane]:
    panes = []
    for one in instances:
        (_flag, place) = access.of("hatop", one, way).arguments
        script = first_of(way, words("hatop", "-s", place), lacking="hatop")
        panes.append(Pane(f"hatop {one.get('name')}", script))
    return panes


#: nginx's variables in GoAccess's words; of all others there is nothing to show.
_GOACCESS = {
    "remote_addr": "%h", "time_local": "%d:%t %^", "request": "%r", "status": "%s", "body_bytes_sent": "%b", "bytes_sent": "%b",
    "http_referer": "%R", "http_user_agent": "%u", "request_time": "%T", "host": "%v",
}  # fmt: skip


def goaccess_format(log_format: str) -> t.Optional[str]:
    """A log_format as GoAccess's --log-format; None of one that lacks what GoAccess needs."""
    form = log_format.replace("%", "%%")
    for name, specifier in _GOACCESS.items():
        form = re.sub(rf"\$(?:{name}\b|\{{{name}\}})", specifier, form, count=1)
    form = re.sub(r"\$(?:\w+|\{\w+\})", "%^", form, flags=re.ASCII)
    return form if all(needed in form for needed in ("%h", "%d:%t", "%r")) else None


def nginx(way: Way, instances: t.Sequence[Instance]) -> list[Pane]:
    """Its log in GoAccess; its counters where it keeps no log that GoAccess reads."""
    panes = []
    for one in instances:
        log, form = one.get("access_log"), goaccess_format(str(one.get("log_format") or ""))
        if log and form:
            dates = ("--date-format=%d/%b/%Y", "--time-format=%T", "--no-global-config")
            script = first_of(way, words("goaccess", str(log), f"--log-format={form}", *dates), lacking="goaccess")
            panes.append(Pane(f"goaccess {one.get('name')}", script))
        elif one.get("status_url"):
            script = first_of(way, words("curl", "-s", str(one["status_url"])), lacking="curl", repeated=True)
            panes.append(Pane(f"stub_status {one.get('name')}", script))
        else:
            raise Untypable("neither a log that GoAccess reads nor a status page is known")
    return panes


def uwsgi(way: Way, instances: t.Sequence[Instance]) -> list[Pane]:
    panes = []
    for one in instances:
        (address,) = access.of("uwsgitop", one, way).arguments
        panes.append(Pane(f"uwsgitop {one.get('name') or address}", first_of(way, words("uwsgitop", address), lacking="uwsgitop")))
    return panes


def wsgi(way: Way, instances: t.Sequence[Instance]) -> list[Pane]:
    """No tool shows these servers: their connections do, with the queue of each listening socket."""
    panes = []
    for one in instances:
        place = ("sport", "=", f":{one['port']}") if one.get("port") else ("-x", "src", str(one.get("address") or one.get("name")))
        panes.append(Pane(f"ss {one.get('name')}", first_of(way, words("ss", "-tan", *place), lacking="ss", repeated=True)))
    return panes


def memcached(way: Way, instances: t.Sequence[Instance]) -> list[Pane]:
    """All of the host's instances in one damemtop, which reads them from a file in the home folder only."""
    addresses = [str(one.get("address") or one.get("name")) for one in instances]
    shown = [address for address in addresses if _HOST_PORT.fullmatch(address)]
    left_out = [clean(address, 60) for address in addresses if address not in shown]
    notes = tuple(f"memcached {address} is not shown: memcache-top knows host:port only" for address in left_out)
    if not shown:
        raise Untypable("memcache-top knows host:port only")
    lines = ["delay: 3", "mode: t", "top_mode:", "  sort_column: hostname", "  sort_order: asc", "  columns:"]
    lines += [f"    - {column}" for column in _COLUMNS] + ["servers:", *(f"  - {address}" for address in shown)]
    run = with_file(".damemtop/damemtop.yaml", lines, f'HOME="$d" exec {DAMEMTOP}')
    # without its Perl modules it ends at once
    script = f"if perl -c {DAMEMTOP} >/dev/null 2>&1; then {run}; fi; " + (
        first_of(way, words("memcstat", f"--servers={','.join(shown)}"), lacking="memcached's damemtop", repeated=True)
    )
    return [Pane("memcache-top", script, notes=notes)]


def redis(way: Way, instances: t.Sequence[Instance]) -> list[Pane]:
    panes = []
    for one in instances:
        # a pane asks nobody: its password is in REDISCLI_AUTH, as the note says
        login = words(*access.of("redis-cli", {**one, "password": None}, way).arguments)
        script = first_of(way, f"redis-cli {login} --stat -i 2", f"valkey-cli {login} --stat -i 2", lacking="redis-cli")
        panes.append(Pane(f"redis-cli {one.get('name')}", script, notes=_login_note(way, one, "redis-cli", "REDISCLI_AUTH")))
    return panes


def celery(way: Way, instances: t.Sequence[Instance]) -> list[Pane]:
    panes = []
    for one in instances:
        title = f"celery events {one.get('name') or ''}".strip()
        broker = str(one.get("broker_url") or "")
        if one.get("app"):
            inside = f"cd {word(one['chdir'])} && " if one.get("chdir") else ""
            program = f"{one['virtualenv']}/bin/celery" if one.get("virtualenv") else "celery"
            script = inside + first_of(way, words(program, "--app", one["app"], "events"), lacking="celery")
        elif broker and not access.holds_secret(broker):
            script = first_of(way, words("celery", "--broker", broker, "events"), lacking="celery")
        else:
            # the broker's password is in the environment of the flower that the role set up, readable by root
            read = f"set -a; [ ! -r {FLOWER} ] || . {FLOWER}; "
            lacks = f"celery events needs the broker: {_flower(way, one)}"
            events = first_of(way, "celery events", lacking="celery")
            # without one, celery would try a default that is nobody's
            script = f'{read}if [ -n "$CELERY_BROKER_URL" ]; then {events}; else echo {word(lacks)}; fi'
            panes.append(Pane(title, script, notes=(_flower(way, one),)))
            continue
        panes.append(Pane(title, script))
    return panes


def pgbouncer(way: Way, instances: t.Sequence[Instance]) -> list[Pane]:
    panes = []
    for one in instances:
        login = access.of("psql", {**one, "kind": access.CONSOLE, "password": None}, way)
        script = first_of(way, words("watch", words("psql", *login.arguments, "-c", "SHOW POOLS")), lacking="psql")
        panes.append(Pane(f"pools {one.get('name')}", script, login.user, _login_note(way, one, "psql", "~/.pgpass")))
    return panes


def postgresql(way: Way, instances: t.Sequence[Instance]) -> list[Pane]:
    panes = []
    for one in instances:
        # its password is in ~/.pgpass, as the note says
        login = access.of("pg_activity", {**one, "password": None}, way)
        script = first_of(way, *(words(tool, *login.arguments) for tool in ("pg_activity", "pg_top")), lacking="pg_activity")
        notes = _login_note(way, one, "pg_activity", "~/.pgpass")
        panes.append(Pane(f"pg_activity {one.get('name')}", script, login.user, notes))
    return panes


def mysql(way: Way, instances: t.Sequence[Instance]) -> list[Pane]:
    panes = []
    for one in instances:
        login = words(*access.of("mytop", one, way).arguments)
        script = first_of(way, f"mytop {login}", f"innotop {login}", lacking="mytop")
        panes.append(Pane(f"mytop {one.get('name')}", script, notes=_login_note(way, one, "mytop", "[client] in ~/.my.cnf")))
    return panes


def _login_note(way: Way, one: Instance, tool: str, file: str) -> tuple[str, ...]:
    if not one.get("login_password"):
        return ()
    return (f"{tool} {one.get('name')} takes the password of {one.get('login_user')} from {file} on {way.name}",)


#: service → its tools. The order is that of the panes of a window.
TOOLS: dict[str, t.Callable[[Way, t.Sequence[Instance]], list[Pane]]] = {
    "server": server,
    "varnish": varnish,
    "haproxy": haproxy,
    "nginx": nginx,
    "uwsgi": uwsgi,
    "wsgi": wsgi,
    "memcached": memcached,
    "redis": redis,
    "celery": celery,
    "pgbouncer": pgbouncer,
    "postgresql": postgresql,
    "mysql": mysql,
}


def _flower(way: Way, one: Instance) -> str:
    flower = one.get("flower_url")
    look = f"; flower shows the same on {urllib.parse.urlsplit(str(flower)).netloc.rpartition('@')[2]}" if flower else ""
    return f"celery events {one.get('name')} takes the broker from {FLOWER} on {way.name}, which the role launch_monitoring writes{look}"
