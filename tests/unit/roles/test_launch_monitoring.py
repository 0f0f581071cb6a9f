# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role launch_monitoring: what its expressions make of package managers' and servers' answers; rules for every task of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import importlib.util
import json
import os
import pathlib
import re
import types
import typing as t

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from tests.support.stored import RENEW

ROLE = pathlib.Path(__file__).resolve().parents[3] / "roles/launch_monitoring"
BEGIN, END = "test_launch_monitoring.py -->\n", "<!-- end -->"


def tasks(content: t.Any) -> t.Iterator[dict[str, t.Any]]:
    for task in content or []:
        blocks = [task[key] for key in ("block", "rescue", "always") if key in task]
        if not blocks:
            yield task
        for block in blocks:
            yield from tasks(block)


TASKS = [
    pytest.param(task, id=f"{path.stem}: {task['name']}")
    for path in sorted((ROLE / "tasks").glob("*.yml"))
    for task in tasks(yaml.safe_load(path.read_text()))
]


def value(name: str, **variables: t.Any) -> t.Any:
    """What an expression of vars/main.yml is, given other variables."""
    loader = DataLoader()
    ours = loader.load_from_file(str(ROLE / "vars/main.yml"), trusted_as_template=True)
    defaults = loader.load_from_file(str(ROLE / "defaults/main.yml"), trusted_as_template=True)
    return Templar(loader, variables={**defaults, **ours, **variables}).template(ours[name])


# --- every task


@pytest.mark.parametrize("task", TASKS)
def test_nobody_but_root_reads_files_of_ansible(task: dict[str, t.Any]) -> None:
    """Becoming an unprivileged user needs acl on the host, so commands run by runuser."""
    assert "become_user" not in task
    assert not any(key.startswith("community.") for key in task), "the role needs no collection that may be missing"


@pytest.mark.parametrize("task", [case for case in TASKS if "ansible.builtin.command" in case.values[0]])
def test_a_command_says_in_check_mode_what_it_would_do(task: dict[str, t.Any]) -> None:
    words = task["ansible.builtin.command"]
    assert task["check_mode"] is False, "it would be skipped, and with it what follows from it"
    assert task["changed_when"] in (True, False)
    if task["changed_when"]:
        assert "ansible_check_mode" in str(words.get("argv") or words["cmd"]), "it changes the host in check mode"


@pytest.mark.parametrize("task", TASKS)
def test_secrets_are_not_logged(task: dict[str, t.Any]) -> None:
    holds = re.search(r"_password\b(?! (?:else|if|\|))(?!.{0,3}\| length)|verifier|identified|flower[.]env", str({**task, "vars": ""}))
    acts = not {"ansible.builtin.set_fact", "ansible.builtin.assert", "ansible.builtin.include_tasks"} & set(task)
    if holds and acts and task["name"] != "Remove flower's files":
        assert "no_log" in task, holds
    assert "_password" not in str(task.get("environment", "")), "-vvv prints the environment"


def test_what_the_ledger_holds_can_be_undone() -> None:
    undo = yaml.safe_load((ROLE / "vars/main.yml").read_text())["launch_monitoring__undo"]
    text = "".join(path.read_text() for path in (ROLE / "tasks").glob("*.yml"))
    plans = re.findall(r"launch_monitoring__planned: >-\n((?:      .*\n)+)", text)
    written = {key for plan in plans for key in re.findall(r"'(\w+)': ", plan)}
    assert {"packages", "paths", "postgresql_settings", "system_user"} <= written
    assert written - {"account"} == {key for keys in undo.values() for key in keys}
    assert all((ROLE / f"tasks/undo_{part}.yml").is_file() for part in undo)


def test_the_ledger_is_written_before_anything_changes() -> None:
    """Files that look do not change; files that change come after the ledger."""
    names = re.findall(r"include_tasks: \"?(\w+)", (ROLE / "tasks/present.yml").read_text())
    ledger = names.index("ledger")
    assert all(name.startswith("look_") or name in ("preflight", "find") for name in names[:ledger]), names
    for path in [*(ROLE / "tasks").glob("look_*.yml"), *(ROLE / "tasks").glob("plan_*.yml"), *(ROLE / "tasks").glob("find.yml")]:
        for task in tasks(yaml.safe_load(path.read_text())):
            changes = {"ansible.builtin.copy", "ansible.builtin.template", "ansible.builtin.user", "ansible.builtin.file"} & set(task)
            assert not changes and task.get("changed_when", False) is False, task["name"]
            assert "ansible.builtin.lineinfile" not in task or task["check_mode"] is True


# --- package managers

APT = """Reading package lists...
The following packages will be REMOVED:
  mysql-community-server
The following packages will be DOWNGRADED:
  libpq5
Inst libdbi-perl (1.643-4 Debian:12 [amd64])
Remv mysql-community-server [8.0] [default-mysql-server:amd64 ]
Inst memcached [1.6.18] (1.6.20 Debian:12 [amd64])
Inst libevent-2.1-7 [2.1.12-7] (2.1.12-8 Debian:12 [amd64])
Inst htop:arm64 (3.2.2-2 Debian:12 [arm64])
Conf htop (3.2.2-2 Debian:12 [amd64])
"""
DNF = """Dependencies resolved.
================================================================================
 Package              Arch     Version           Repository                 Size
================================================================================
Installing:
 htop                 x86_64   3.2.1-1.el9       epel                      180 k
Upgrading:
 memcached            x86_64   1.6.20-1.el9      appstream                 180 k
Installing dependencies:
 hwloc-libs           x86_64   2.4.1-5.el9       baseos                    2.1 M
Removing dependent packages:
 mysql-server         x86_64   8.0.36            @mysql80                   64 M
Downgrading:
 libpq                x86_64   13.11             appstream                 200 k

Transaction Summary
================================================================================
Operation aborted.
"""


def asked(stdout: str, manager: str, stderr: str = "") -> dict[str, t.Any]:
    return {"launch_monitoring__transaction": {"stdout": stdout, "stderr": stderr}, "ansible_facts": {"pkg_mgr": manager}}


def test_what_a_transaction_would_do_is_read_from_apt() -> None:
    given = asked(APT, "apt")
    assert value("launch_monitoring__new_packages", **given) == ["htop:arm64", "libdbi-perl"]
    assert value("launch_monitoring__harm", **given) == "apt would remove mysql-community-server, downgrade libpq5, upgrade memcached"


@pytest.mark.parametrize("manager", ["dnf", "dnf5"])
def test_what_a_transaction_would_do_is_read_from_dnf(manager: str) -> None:
    given = asked(DNF, manager)
    assert value("launch_monitoring__new_packages", **given) == ["htop", "hwloc-libs"]
    assert value("launch_monitoring__harm", **given) == f"{manager} would remove mysql-server, downgrade libpq, upgrade memcached"


REPLACED = """Dependencies resolved.
Installing:
 MariaDB-client       x86_64   10.11.6-1.el9     mariadb                    14 M
     replacing  mariadb.x86_64 3:10.5.22-1.el9
     replacing  mariadb-server.x86_64 3:10.5.22-1.el9
Upgrading:
 hwloc-libs           x86_64   2.4.2-5.el9       baseos                    2.1 M
   replacing hwloc-libs x86_64 2.4.1-5.el9       baseos                    2.1 M

Transaction Summary
"""


@pytest.mark.parametrize("manager", ["dnf", "dnf5"])
def test_a_package_that_another_one_obsoletes_is_removed(manager: str) -> None:
    """https://github.com/archivematica/Issues/issues/22: vendors' packages take the place of the distribution's"""
    assert value("launch_monitoring__harm", **asked(REPLACED, manager)) == f"{manager} would remove mariadb mariadb-server"


@pytest.mark.parametrize(
    ("package", "is_server"),
    [
        *((name, True) for name in ("MariaDB-server", "mariadb-server", "mariadb10.11-server", "mariadb105-server", "mysql8.4-server")),
        *((name, True) for name in ("mysql-server-8.0", "mysql-community-server", "Percona-Server-server-57", "percona-server-server")),
        *((name, True) for name in ("percona-xtradb-cluster-server", "postgresql-16", "postgresql15-server", "redis6", "valkey-server")),
        *((name, True) for name in ("nginx-core", "angie", "openresty", "hapee-2.9r1-lb", "erlang-base", "varnish-plus", "galera-4")),
        *((name, False) for name in ("MariaDB-client", "mariadb", "mysql-community-client", "libmysqlclient21", "python3-redis", "htop")),
    ],
)
def test_an_upgrade_of_a_server_is_harm_by_every_vendors_name(package: str, is_server: bool) -> None:
    """https://github.com/archivematica/Issues/issues/22, https://github.com/bertvv/ansible-role-mariadb/pull/5"""
    given = asked(f"Inst {package} [1.0] (1.1 Debian:12 [amd64])\n", "apt")
    assert value("launch_monitoring__harm", **given) == (f"apt would upgrade {package}" if is_server else "")


@pytest.mark.parametrize(
    ("stdout", "stderr", "harm"),
    [
        ("Inst htop (3.2.2-2 Debian:12 [amd64])\nConf htop (3.2.2-2 Debian:12 [amd64])\n", "", ""),
        ("Inst libc6 [2.36-9] (2.36-10 Debian:12 [amd64]) []\n", "", ""),
        ("", "E: Unable to locate package x\n", "E: Unable to locate package x"),
        (" mytop : Depends: libdbi-perl but it is not going to be installed\n", "E: Broken\n",
         "mytop : Depends: libdbi-perl but it is not going to be installed"),
        ("", "W: some list is old\n", ""),
    ],
)  # fmt: skip
def test_a_transaction_that_harms_nothing_or_cannot_be(stdout: str, stderr: str, harm: str) -> None:
    assert value("launch_monitoring__harm", **asked(stdout, "apt", stderr)) == harm


def sets(known: str, installed: t.Sequence[str] = (), refreshed: t.Optional[dict[str, str]] = None) -> dict[str, t.Any]:
    return {
        "ansible_facts": {"pkg_mgr": "apt", "distribution": "Debian", "distribution_version": "12"},
        "launch_monitoring__asked": {"stdout": known, "rc": 100},
        "launch_monitoring__installed": list(installed),
        "launch_monitoring__refreshed": refreshed or {},
        "launch_monitoring__sets": [
            {"tool": "innotop", "choices": [["innotop"], ["mariadb-client", "libdbd-mariadb-perl"]]},
            {"tool": "pg_top", "choices": [["pgtop"]]},
        ],
    }


@pytest.mark.parametrize(
    ("given", "lacking", "unreached"),
    [
        (sets("Package: mariadb-client\nPackage: libdbd-mariadb-perl\n"), ["pg_top: Debian 12 has no package for it"], []),
        (sets(""), [], ["innotop, pg_top: not installed: no mirror reachable: the package lists are empty"]),
        (sets("Package: pgtop\n", ["pgtop"], {"msg": "E:Failed to fetch http://x"}), [],
         ["innotop: not installed: no mirror reachable: E:Failed to fetch http://x"]),
        (sets("Package: pgtop\nPackage: innotop\n", ["pgtop", "innotop"], {"msg": "E:Failed to fetch http://x"}), [], []),
    ],
)  # fmt: skip
def test_no_mirror_is_not_no_package(given: dict[str, t.Any], lacking: list[str], unreached: list[str]) -> None:
    assert value("launch_monitoring__lacking_packages", **given) == lacking
    assert value("launch_monitoring__unreached_packages", **given) == unreached


def test_the_first_set_that_exists_whole() -> None:
    given = sets("Package: mariadb-client\nPackage: libdbd-mariadb-perl\nPackage: pgtop\n")
    chosen = value("launch_monitoring__existing_sets", **given)
    assert [row["packages"] for row in chosen] == [["mariadb-client", "libdbd-mariadb-perl"], ["pgtop"]]


# --- databases


@pytest.mark.parametrize(
    ("automatic", "before", "restored"),
    [
        ({"log_lock_waits": "on"}, {"log_lock_waits": {"set": "on", "before": None}}, {"log_lock_waits": None}),
        ({"log_lock_waits": "on"}, {"log_lock_waits": {"set": "on", "before": "off"}}, {"log_lock_waits": "off"}),
        # changed by a person since, or never set because the run stopped before
        ({"log_lock_waits": "off"}, {"log_lock_waits": {"set": "on", "before": None}}, {}),
        (None, {"log_lock_waits": {"set": "on", "before": None}}, {}),
        ({"shared_preload_libraries": '"auto_explain", "pg_stat_statements"'},
         {"shared_preload_libraries": {"set": "auto_explain, pg_stat_statements", "before": "auto_explain"}},
         {"shared_preload_libraries": "auto_explain"}),
        # what a person preloads since stays
        ({"shared_preload_libraries": "pg_stat_statements,timescaledb"},
         {"shared_preload_libraries": {"set": "pg_stat_statements", "before": None}},
         {"shared_preload_libraries": "timescaledb"}),
    ],
)  # fmt: skip
def test_absent_restores_what_the_role_set_and_nobody_changed(
    automatic: t.Any, before: dict[str, t.Any], restored: dict[str, t.Any]
) -> None:
    given = {
        "launch_monitoring__postgresql_asked": {"stdout": json.dumps({"automatic": automatic})},
        "launch_monitoring__before": {"postgresql_settings": before},
    }
    assert value("launch_monitoring__restore", **given) == restored


@pytest.mark.parametrize(
    ("undone", "remaining"),
    [
        (["packages", "packages_known", "mysql_at", "mysql_account"], {}),
        (["packages", "packages_known"], {"account": "m", "mysql_account": True, "mysql_at": "/s"}),
    ],
)
def test_the_ledger_keeps_what_could_not_be_undone(undone: list[str], remaining: dict[str, t.Any]) -> None:
    before = {"account": "m", "mysql_account": True, "mysql_at": "/s", "packages": ["htop"]}
    assert value("launch_monitoring__remaining", launch_monitoring__before=before, launch_monitoring__undone=undone) == remaining


def test_a_password_of_mysql_is_quoted() -> None:
    given = {"launch_monitoring_mysql_password": "a'b\\c\"IDENTIFIED", "launch_monitoring__mysql_asked": {"stdout": '{"version": "8.0.1"}'}}
    assert value("launch_monitoring__identified", **given) == "BY 'a''b\\\\c\"IDENTIFIED'"
    assert value("launch_monitoring__identified", **{**given, "launch_monitoring_mysql_password": ""}) == "WITH auth_socket"


def scram() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("scram", ROLE / "files/scram.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_verifier_is_that_of_the_standard() -> None:
    """The exchange in RFC 7677, section 3."""
    verifier = scram().scram("pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096)
    server = base64.b64decode(verifier.rpartition(":")[2])
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    message = f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}"
    signature = hmac.new(server, message.encode(), "sha256").digest()
    assert base64.b64encode(signature).decode() == "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    assert verifier.startswith("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$")


@pytest.mark.parametrize("password", ["x", "s3c\"ret'\\", "pässwörd"])
def test_a_password_is_compared_with_what_the_server_keeps(password: str) -> None:
    module = scram()
    made = module.answer({"password": password, "user": "m", "verifier": None})
    assert made["same"] is False
    assert module.answer({"password": password, "user": "m", "verifier": made["verifier"]})["same"] is True
    assert module.answer({"password": password + "x", "user": "m", "verifier": made["verifier"]})["same"] is False
    md5 = "md5" + hashlib.md5(f"{password}m".encode()).hexdigest()
    assert module.answer({"password": password, "user": "m", "verifier": md5})["same"] is True
    assert module.answer({"password": password, "user": "m", "verifier": "SCRAM-SHA-256$odd"})["same"] is False


# --- README


def table() -> str:
    """The variables of meta/argument_specs.yml as a table."""
    options = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    rows = ["", "| variable | default | |", "|---|---|---|"]
    for name, option in options.items():
        default = option["default"]
        shown = "" if default in ("", []) else f"`{str(default).lower() if isinstance(default, bool) else default}`"
        text = re.sub(r"[VC]\((.*?)\)(?=$|[\s.,;:])", r"`\1`", " ".join(option["description"].split()))
        choices = f" One of {', '.join(f'`{choice}`' for choice in option['choices'])}." if "choices" in option else ""
        rows.append(f"| `{name}` | {shown} | {text}{choices} |")
    return "\n".join([*rows, "", ""])


def test_the_readme_lists_every_variable() -> None:
    readme = ROLE / "README.md"
    before, begin, rest = readme.read_text().partition(BEGIN)
    shown, end, after = rest.partition(END)
    assert begin and end
    if os.environ.get("UPDATE_STORED_REPORTS"):
        readme.write_text(before + begin + table() + end + after)
        shown = table()
    assert shown == table(), RENEW
