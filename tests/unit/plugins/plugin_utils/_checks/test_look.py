# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands that are printed to be pasted: complete, on the host that they name, and safe whatever things are called."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import typing as t
import urllib.parse

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.server.tools import TOOLS as TARGET_TOOLS
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import load
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.command import Command, Look
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.query import WrongQuery
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.stand_ins import STAND_INS, stand_in
from ansible_collections.warroom.launch.plugins.plugin_utils._reach.command_line import CommandLine
from ansible_collections.warroom.launch.plugins.plugin_utils._reach.hosts import NOWHERE, Reach
from ansible_collections.warroom.launch.plugins.plugin_utils._reach.way import Way
from tests.support.called import calls_of_each, make_stubs

LOCAL = Reach({"web1": Way("web1", connection="local")})
OVER_SSH = Reach({"web1": Way("web1", address="10.0.0.7", port=2222, user="anna", become=True)})

HOSTILE = [
    "/dir/s;touch $PWN;#", "Order'; touch $PWN; '", "$(touch $PWN)", "`touch $PWN`", "a b", "a\ntouch $PWN\n#x", '"; touch $PWN; "', "it's",
    "-oProxyCommand=touch $PWN", "&& touch $PWN", "\x1b]0;x\x07", "\u202etouch", "UPPER", "x" * 200,
]  # fmt: skip


def looks(entry: dict[str, t.Any]) -> list[str]:
    look = entry.get("look") or []
    return [look] if isinstance(look, str) else look


TEMPLATES = sorted({template for entry in load() for template in looks(entry)})
TOOLS = {word for template in TEMPLATES for word in template.replace("|", " ").split() if word[0].isalpha() and "=" not in word}


@pytest.fixture(scope="module")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return make_stubs(tmp_path_factory.mktemp("bin"), TOOLS)


def facts(template: str, name: str) -> dict[str, t.Any]:
    """Facts with this name wherever the template looks."""
    found: dict[str, t.Any] = {"name": name, "address": name, "stats": name, "instance": name, "app": name, "login_unix_socket": "/" + name,
                               "socket": "/" + name,
                               "login_user": name, "broker": {"host": name, "port": 60199}, "chdir": "/", "settings_module": name,
                               "filesystems": [{"available_bytes": 1, "metadata_used_ratio": 1}]}  # fmt: skip
    for word in Command(template).words:
        for piece in word.pieces:
            if not isinstance(piece, str) and piece.query.text != "login":
                for path in piece.query.text.split("&&"):
                    _put(found, path.strip(), name)
    return found


def _put(place: dict[str, t.Any], path: str, name: str) -> None:
    head, _dot, rest = re.sub(r"\[\?[^]]*\] \| \[0\]", "[0]", path.split("||")[0].strip()).partition(".")
    key, bracket, _index = head.partition("[")
    if not rest:
        place[key] = [name] if bracket else name
        return
    inner = place.get(key)
    inner = (inner[0] if isinstance(inner, list) else inner) if inner else {}
    _put(inner, rest, name)
    place[key] = [inner] if bracket else inner


@pytest.mark.parametrize("template", [template for template in TEMPLATES if "{" in template])
def test_a_hostile_name_is_one_argument_of_the_tool(template: str, stubs: pathlib.Path, tmp_path: pathlib.Path) -> None:
    look = Look.parse(template)
    names = [name for name in HOSTILE for _reach in (LOCAL, OVER_SSH)]
    lines = [look.render("web1", facts(template, name), reach) or "" for name in HOSTILE for reach in (LOCAL, OVER_SSH)]
    for line in lines:
        assert line and "\n" not in line and "\x1b" not in line and "\u202e" not in line
    for name, (line, ran) in zip(names, calls_of_each(lines, stubs, tmp_path), strict=True):
        assert ran and any(name in argument or _within(name, argument) for call in ran for argument in call[1:]), (line, ran)


def _within(name: str, argument: str) -> bool:
    """Names inside another language: an identifier, a URL."""
    return '"' + name.replace('"', '""') + '"' in argument or urllib.parse.unquote(name) in urllib.parse.unquote(argument)


@pytest.mark.parametrize(
    "template",
    [
        "psql {login} -c 'select * from {table}'",  # a name inside SQL, without a language
        "curl http://{host}/{name}",
        "echo x|{name}",
        "htop {login}",  # nobody knows how htop would log in
        "sh -c 'a {name:sql}' 'b",
        "x '{name}'y",
        "uwsgitop {",
        "watch -n 1 memcached-tool {name} stats",  # watch gives its words to a shell
        "sh -c 'du -s {name:name}'",
        "PATH=$PATH:/x /bin/sh -c {name}",
    ],
)
def test_an_unquoted_insertion_cannot_be_written(template: str) -> None:
    with pytest.raises(WrongQuery):
        Command(template)


@pytest.mark.parametrize(
    ("template", "data", "expected"),
    [
        ("redis-cli {login} info memory", {"broker": {"host": "127.0.0.1", "port": 60199}}, "redis-cli -h 127.0.0.1 -p 60199 info memory"),
        ("redis-cli {login} info", {"broker": {"host": "/run/redis/redis.sock", "port": None}}, "redis-cli -s /run/redis/redis.sock info"),
        ("top -p {pid}", {"pid": 29284}, "top -p 29284"),
        ("dmesg -T | grep -i 'killed process'", {}, "sh -c 'dmesg -T | grep -i '\"'\"'killed process'\"'\"''"),
        ("celery {login} inspect active", {"access": {"app": "shop", "chdir": "/srv/my shop", "virtualenv": "/srv/v"}},
         "sh -c 'cd '\"'\"'/srv/my shop'\"'\"' && /srv/v/bin/celery --app shop inspect active'"),
        ("celery {login} status", {"name": "redis://h:1/0"}, "celery --broker redis://h:1/0 status"),
        ("psql {login} -c '\\d+ {t[0].s:sql}.{t[0].n:sql}'", {"name": "127.0.0.1:5433", "t": [{"s": "My Ext", "n": "Order"}]},
         "psql -h 127.0.0.1 -p 5433 -d postgres -c '\\d+ \"My Ext\".\"Order\"'"),
        ("mytop {login}", {"name": "/run/mysqld/mysqld.sock"}, "mytop -S /run/mysqld/mysqld.sock"),
        ("varnishadm {login} panic.show", {"name": "varnish", "access": {}}, "varnishadm panic.show"),
        ("PATH=$PATH:/x memcached-tool {login} stats", {"address": "/s 1"},
         "sh -c 'PATH=$PATH:/x memcached-tool '\"'\"'/s 1'\"'\"' stats'"),
    ],
)  # fmt: skip
def test_each_tool_is_told_where_its_instance_is(template: str, data: dict[str, t.Any], expected: str) -> None:
    assert Command(template).render("web1", data, LOCAL) == expected


def test_a_command_whose_name_is_not_known_gives_way_to_the_next() -> None:
    look = Look.parse(["celery {login} status", "redis-cli {login} info", "top -p {pid}", "htop"])
    assert look.render("web1", {"name": "redis://:pw@h/0"}, LOCAL) == "htop"
    assert Look.parse("top -p {pid}").render("web1", {"pid": None}, LOCAL) is None


def test_a_command_says_where_it_runs_and_as_whom() -> None:
    assert Command("htop").render("web1", {}, OVER_SSH) == "ssh -p 2222 -l anna -t -- 10.0.0.7 'sudo -u root htop'"
    assert Command("htop").render("web1", {}, NOWHERE) == "ssh -t -- web1 htop"
    assert (
        Command("memcached-tool {busiest} stats").render(None, {"busiest": "10.0.0.1:11211"}, OVER_SSH)
        == "memcached-tool 10.0.0.1:11211 stats"
    )


def test_ad_hoc_commands_know_the_runs_own_inventory() -> None:
    assert Reach(run=CommandLine(inventory=("-i", "my inventory.yml"))).ad_hoc("web1", "m") == "ansible -i 'my inventory.yml' web1 -m m"


def test_json_of_the_facts_is_enough() -> None:
    """What a report keeps of an instance is what its commands need."""
    kept = json.loads(
        json.dumps({"name": "main", "access": {"login_unix_socket": "/run/postgresql", "login_port": 5433, "login_db": None}})
    )
    assert Command("pg_activity {login}").render("web1", kept, LOCAL) == "pg_activity -h /run/postgresql -p 5433 -d postgres"


def test_what_is_not_installed_is_not_printed() -> None:
    """Another program takes its place, else nothing is printed (and the caller reads again)."""
    way = LOCAL.ways["web1"]
    bare = Reach({"web1": dataclasses.replace(way, absent=frozenset(("htop", "innotop", "mysql", "mysqladmin", "mytop", "pg_activity")))})
    data = {"name": "/run/m.sock", "login_unix_socket": "/run/m.sock"}
    for template, printed in {
        "htop --sort-key PERCENT_MEM": "top -o %MEM",
        "innotop {login} -m C": "mariadb-admin -S /run/m.sock extended-status",
        "mytop {login}": "mariadb-admin -S /run/m.sock -i 2 processlist",
        "uwsgitop /run/s": "uwsgitop /run/s",
        "timedatectl || date --utc": "sh -c 'timedatectl || date --utc'",
        "pg_activity {login}": None,
    }.items():
        assert Look.parse(template).render("web1", data, bare) == printed
    assert (
        Look.parse(["pg_activity {login}", "mytop {login}"]).render("web1", data, LOCAL) == "pg_activity -h /run/m.sock -p 5432 -d postgres"
    )


def test_a_tool_of_the_project_is_not_looked_for_on_path() -> None:
    bare = Reach({"web1": dataclasses.replace(LOCAL.ways["web1"], absent=frozenset(["celery"]))})
    look = Look.parse("celery {login} inspect active")
    assert look.render("web1", {"app": "shop", "virtualenv": "/srv/v"}, bare) == "/srv/v/bin/celery --app shop inspect active"
    assert look.render("web1", {"app": "shop"}, bare) is None


#: Packages that every host with Python and SSH has, and what Linux's own folders give.
EVERYWHERE = frozenset(
    {
        "cat",
        "date",
        "df",
        "dmesg",
        "du",
        "free",
        "getent",
        "grep",
        "head",
        "ip",
        "ls",
        "lsblk",
        "mount",
        "nstat",
        "pgrep",
        "ps",
        "sort",
        "ss",
        "tail",
        "timedatectl",
    }
)


@pytest.mark.parametrize("template", [*TEMPLATES, *STAND_INS.values()])
def test_each_program_is_looked_for_on_the_host(template: str) -> None:
    programs = [each.raw for each in Command(template).words if each.fixed and re.fullmatch(r"[a-z][a-z_-]+", each.raw)]
    # the instance's own package has brought these
    assert programs[0] in {
        *TARGET_TOOLS,
        *EVERYWHERE,
        "btrfs",
        "mariadb",
        "mariadb-admin",
        "memcached-tool",
        "rabbitmq-diagnostics",
        "rabbitmqctl",
        "sysctl",
        "django-admin",
    }


@pytest.mark.parametrize("begin", STAND_INS)
def test_stand_ins_come_to_an_end(begin: str) -> None:
    template: t.Optional[str] = begin
    for _step in range(4):
        template = stand_in(template) if template else None
    assert template is None
