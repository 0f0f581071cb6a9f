# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real projects on this machine's Django, among them some that hang, fork, print and break."""

from __future__ import annotations

import json
import os
import pathlib
import socket
import sys
import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.options import _check
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.django.collector import COLLECTOR
from ansible_collections.warroom.launch.plugins.module_utils._collectors.django.shape import shape
from tests.support import django_project
from tests.support.folders import let_in
from tests.support.tools import RealCommands, tools_with

pytest.importorskip("django", reason="the projects need Django")


@pytest.fixture
def project(tmp_path: pathlib.Path) -> pathlib.Path:
    return django_project.write(tmp_path)


def read(project: pathlib.Path, timeout: float = 10, **options: t.Any) -> dict[str, t.Any]:
    checked = _check(COLLECTOR, {"chdir": str(project), **options})
    instance: dict[str, t.Any] = gather([(COLLECTOR, checked)], 0, tools_with(RealCommands(), timeout=timeout))["launch_django"][
        "instances"
    ][0]
    return instance


def more(project: pathlib.Path, text: str) -> None:
    with open(project / "shop" / "settings.py", "a", encoding="utf-8") as handle:
        handle.write(text)


def test_a_project_as_it_is(project: pathlib.Path) -> None:
    facts = read(project, hosts=["shop.example.com", "www.example.com"])
    assert facts["state"] == "up" and facts["settings_module"] == "shop.settings" and facts["name"] == project.name
    assert facts["debug"] is True and facts["email"]["sends"] is False and facts["security"]["csrf_middleware"] is False
    assert facts["allowed_hosts"] == {"total": 1, "any": False, "refused": ["www.example.com"], "refused_total": 1}
    assert facts["migrations_unapplied"] == facts["migrations_total"] > 5 and facts["migrations_missing"] == ["shop"]
    assert facts["caches_local_total"] == 1 and facts["databases_unreachable_total"] == 1 and facts["databases_unchecked_total"] == 1
    assert "security.W018" in {row["id"] for row in facts["deploy_checks"]}
    assert "EXAMPLEPLANTED" not in json.dumps(facts)
    names = {path.name for path in project.rglob("*")}
    assert names == {"__init__.py", "manage.py", "migrations", "models.py", "settings.py", "shop", "urls.py"}, "it left something behind"


def test_a_database_is_read_and_not_written(project: pathlib.Path) -> None:
    """What a project does with its database while it is imported fails; what the checks read is read."""
    import sqlite3

    with sqlite3.connect(project / "shop.db") as database:
        database.execute("CREATE TABLE django_migrations (id INTEGER PRIMARY KEY, app TEXT, name TEXT, applied TEXT)")
        database.execute("INSERT INTO django_migrations VALUES (1, 'contenttypes', '0001_initial', '2026-01-01')")
    (project / "shop" / "apps.py").write_text(
        "from django.apps import AppConfig\n\nclass Shop(AppConfig):\n    name = 'shop'\n    def ready(self):\n"
        "        from django.db import connection\n        try:\n            connection.cursor().execute('CREATE TABLE harm (a)')\n"
        "        except Exception:\n            pass\n"
    )
    facts = read(project)
    assert facts["migrations_unapplied"] == facts["migrations_total"] - 1 and facts["databases"][0]["reachable"] is True
    with sqlite3.connect(project / "shop.db") as database:
        assert database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'harm'").fetchone() == (0,)


@pytest.mark.parametrize(
    "code, said",
    [
        ("1/0", "cannot be imported (ZeroDivisionError)"),
        ("import EXAMPLEmissing", "no module EXAMPLEmissing"),
        ("import os; os.environ['SHOP_DATABASE']", "cannot be imported (KeyError)"),
        ("import sys; sys.exit(3)", "cannot be imported (SystemExit)"),
        ("import os; os._exit(0)", "ended the interpreter"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended the interpreter"),
        ("import time; time.sleep(60)", "took more than"),
        ("while True: pass", "took more than"),
        ("x = bytearray(3 << 30)", "cannot be imported (MemoryError)"),
    ],
)
def test_a_project_that_breaks_is_one_sentence(project: pathlib.Path, code: str, said: str) -> None:
    more(project, code)
    facts = read(project, timeout=0.8 if "took" in said else 10)
    assert facts["state"] == "unreadable" and said in facts["problem"] and "report this" not in facts["problem"]


def test_what_a_project_prints_is_no_answer(project: pathlib.Path) -> None:
    more(project, "import sys\nprint('{\"sections\": {}}' * 9)\nprint('EXAMPLEPLANTED', file=sys.stderr)\n")
    facts = read(project)
    assert facts["state"] == "up" and facts["debug"] is True and "EXAMPLEPLANTED" not in json.dumps(facts)


def test_what_a_project_starts_is_ended(project: pathlib.Path) -> None:
    """Also what has left its session and its parents."""
    more(
        project,
        f"import subprocess, sys, os\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        f"        os.execv({sys.executable!r}, [{sys.executable!r}, '-c', 'import time; time.sleep(77.25)'])\n    os._exit(0)\n",
    )
    assert read(project)["state"] == "up"
    time.sleep(0.2)
    running = [path for path in pathlib.Path("/proc").glob("[0-9]*/cmdline") if b"time.sleep(77.25)" in _content(path)]
    assert running == []


def _content(path: pathlib.Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_its_environment_is_given_or_that_of_its_process(project: pathlib.Path) -> None:
    more(project, "import os\nDEBUG = os.environ['SHOP_DEBUG'] == '1'\n")
    assert read(project)["state"] == "unreadable"
    assert read(project, environment={"SHOP_DEBUG": 0})["debug"] is False


def test_a_cache_whose_client_hides_a_dead_server_is_not_reachable(project: pathlib.Path) -> None:
    """As django-redis with IGNORE_EXCEPTIONS: it gives nothing instead of an error."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    (project / "shop" / "silent.py").write_text(
        "from django.core.cache.backends.base import BaseCache\nclass Silent(BaseCache):\n"
        "    def __init__(self, location, params):\n        super().__init__(params)\n    def get(self, key, default=None, version=None):\n"
        "        return default\n"
    )
    more(
        project, f"CACHES = {{'default': {{'BACKEND': 'shop.silent.Silent', 'LOCATION': 'redis://:EXAMPLEPLANTED@127.0.0.1:{port}/1'}}}}\n"
    )
    facts = read(project)
    assert facts["caches_unreachable_total"] == 1 and facts["caches"][0]["refused"] == [f"127.0.0.1:{port}"]
    assert "EXAMPLEPLANTED" not in json.dumps(facts)


def test_the_same_key_has_the_same_digest(project: pathlib.Path) -> None:
    first = read(project)["secret_key"]
    more(project, "SECRET_KEY = SECRET_KEY[::-1]\n")
    second = read(project)["secret_key"]
    assert first["insecure"] is False and first["digest"] != second["digest"] and django_project.KEY not in json.dumps([first, second])


@pytest.mark.parametrize("options, said", [({"chdir": "/nowhere/at/all"}, "does not exist"), ({"virtualenv": "/nowhere"}, "no bin/python")])
def test_a_place_that_is_none(project: pathlib.Path, options: dict[str, t.Any], said: str) -> None:
    facts = read(project, **options)
    assert facts["state"] == "unreadable" and said in facts["problem"].replace("is gone, or may not be seen", "does not exist")


def test_without_a_place_it_says_what_to_give() -> None:
    facts = gather([(COLLECTOR, _check(COLLECTOR, {"name": "x"}))], 0, tools_with(RealCommands()))["launch_django"]["instances"][0]
    assert facts["state"] == "unreadable" and "give chdir" in facts["problem"]


@pytest.mark.parametrize("strange", [None, 5, "x", [], [5], {"broke": "X"}, {"total": -1, "any": "yes", "refused": 7}, {"total": True}])
def test_an_answer_of_any_form_gives_facts_and_nothing_known(strange: t.Any) -> None:
    names = ("module", "version", "settings", "hosts", "secret_key", "caches", "templates", "static", "errors", "celery", "packages")
    facts = shape(dict.fromkeys((*names, "checks", "databases", "migrations", "missing_migrations"), strange), 10).done()
    assert facts["debug"] is None and facts["unknown"]["debug"] and facts["allowed_hosts"]["total"] is None
    assert facts["migrations_unapplied"] is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up its rights")
def test_root_imports_as_the_owner_of_the_folder(project: pathlib.Path) -> None:
    more(project, "import os\nALLOWED_HOSTS = ['uid%d' % os.geteuid()]\n")
    (project / "shop").chmod(0o755)
    let_in(project)
    os.chown(project, 65534, 65534)
    facts = read(project, hosts=["uid65534", "uid0"])
    assert facts["state"] != "up" or facts["allowed_hosts"]["refused"] == ["uid0"]
    assert facts["state"] == "up", facts["problem"]


def test_variables_are_names_and_digests_that_only_the_key_explains(project: pathlib.Path) -> None:
    given = {"API_TOKEN": "EXAMPLEPLANTEDTOKEN", "HOSTNAME": "web1", "EMPTY": ""}
    first, again = read(project, environment=given), read(project, environment={**given, "HOSTNAME": "web2"})
    assert [row["name"] for row in first["variables"]] == ["API_TOKEN", "EMPTY"] and first["variables"] == again["variables"]
    assert "EXAMPLEPLANTED" not in json.dumps(first) and first["python"].startswith(f"3.{sys.version_info[1]}.")
    more(project, "SECRET_KEY = SECRET_KEY[::-1]\n")
    other = read(project, environment=given)
    assert other["variables"][0]["digest"] != first["variables"][0]["digest"]
    assert read(project)["variables"] is None
