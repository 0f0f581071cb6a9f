# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From parameters to a result: a host that cannot be searched for one service loses that service only."""

from __future__ import annotations

import locale
import os
import pathlib
import threading
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect import entry
from ansible_collections.warroom.launch.plugins.module_utils._collect.base import Collector, Sampler
from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Facts
from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Problem
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql.discover import discover as find_mysql
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql.discover import discover as find_postgresql
from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi.discover import discover as find_uwsgi
from ansible_collections.warroom.launch.plugins.module_utils._linux import processes, safe_files


class Fine(Sampler):
    def first(self) -> None:
        pass

    def facts(self, window: t.Optional[float]) -> Facts:
        return Facts()


def broken(error: Exception) -> t.Any:
    def discover(_tools: HostTools) -> list[dict[str, t.Any]]:
        raise error

    return discover


@pytest.mark.parametrize("error, said", [(ValueError("-pEXAMPLEPW"), "ValueError in"), (Problem("no /proc here"), "no /proc here")])
def test_a_search_that_breaks_costs_its_own_service(tools: HostTools, error: Exception, said: str) -> None:
    lost = Collector("lost", {}, Fine, broken(error), places=(), libraries={"no_such_library": "x"})
    fine = Collector("fine", {}, Fine, lambda _tools: [{"name": "a"}], places=())
    got = gather(entry.instances_wanted([(lost, None, {}), (fine, None, {})], tools), 0, tools)
    assert got["launch_fine"]["instances"][0]["state"] == "up"
    one = got["launch_lost"]["instances"][0]
    assert one["state"] == "unreadable" and said in one["problem"] and "EXAMPLEPW" not in one["problem"]


def test_a_search_that_hangs_costs_its_own_service(tools: HostTools) -> None:
    """A configuration file on a disk that does not answer must not hold the other services up."""
    tools.timeout = 0.1
    never = threading.Event()
    lost = Collector("lost", {}, Fine, lambda _tools: never.wait(60) and [], places=())  # type: ignore[arg-type,return-value]
    fine = Collector("fine", {}, Fine, lambda _tools: [{"name": "a"}], places=())
    got = gather(entry.instances_wanted([(lost, None, {}), (fine, None, {})], tools), 0, tools)
    never.set()
    assert got["launch_fine"]["instances"][0]["state"] == "up"
    one = got["launch_lost"]["instances"][0]
    assert one["state"] == "unreadable" and "took more than 0.2 s" in one["problem"]


def test_files_that_command_lines_name_may_be_anything(tools: HostTools, tmp_path: pathlib.Path) -> None:
    """Pipes without a writer, devices without an end, links in a circle: nothing of it is waited for or read."""
    (tmp_path / "data").mkdir()
    os.mkfifo(tmp_path / "my.cnf")
    os.mkfifo(tmp_path / "data" / "postmaster.pid")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    rows = [processes.Process(10, 1, "mysqld", 0, ("mysqld", f"--defaults-file={path}")) for path in (tmp_path / "my.cnf", "/dev/zero")]
    rows += [processes.Process(11, 1, "postgres", 0, ("postgres", "-D", str(tmp_path / "data")))]
    rows += [processes.Process(12, 1, "uwsgi", 0, ("uwsgi", "--master", "--ini", str(tmp_path / name))) for name in ("my.cnf", "loop")]
    tools._processes = processes.Processes(rows, False)
    for discover in (find_mysql, find_postgresql, find_uwsgi):
        assert discover(tools)
    for path in (tmp_path, tmp_path / "my.cnf", tmp_path / "loop", "/dev/zero", "/nonexistent", "a\0b"):
        assert safe_files.regular(str(path), 100) is None


def test_a_host_without_proc_hides_its_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PROC", "/nonexistent")
    found = processes.Processes.read()
    assert found.rows == [] and found.filtered


@pytest.mark.parametrize("port", ["\u00b2\u00b2", "9" * 5000, "0", "", "99999999", "-1", "{{ 7*7 }}"])
def test_ports_on_strangers_command_lines(tools: HostTools, port: str) -> None:
    rows = [
        processes.Process(10, 1, "mysqld", 0, ("mysqld", "--port=" + port)),
        processes.Process(11, 1, "postgres", 0, ("postgres", "-p", port, "-D", "/nonexistent")),
    ]
    tools._processes = processes.Processes(rows, False)
    for discover in (find_mysql, find_postgresql):
        assert all(0 < one.get("login_port", 1) < 65536 for one in discover(tools))


def test_messages_of_libraries_are_in_one_language_on_every_host() -> None:
    before = locale.setlocale(locale.LC_ALL)
    try:
        locale.setlocale(locale.LC_ALL, "C.UTF-8")
        entry.speak_c()
        assert {locale.setlocale(kind) for kind in (locale.LC_MESSAGES, locale.LC_TIME, locale.LC_NUMERIC)} == {"C"}
        assert locale.setlocale(locale.LC_CTYPE) == "C.UTF-8", "names of files stay UTF-8"
    finally:
        locale.setlocale(locale.LC_ALL, before)
