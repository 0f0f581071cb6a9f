# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Large logs of a machine made of files, and whether something rotates them."""

from __future__ import annotations

import os
import pathlib
import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Facts, Unknown
from ansible_collections.warroom.launch.plugins.module_utils._collectors.server import logs
from tests.support.machine import row


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts as large, so that the files of a test need not be."""
    monkeypatch.setattr(logs, "LARGE_BYTES", 1 << 16)


@pytest.fixture
def machine(tmp_path: pathlib.Path) -> pathlib.Path:
    """With logrotate installed, configured as Debian has it."""
    file(tmp_path, "/usr/sbin/logrotate", 1)
    (tmp_path / "etc" / "logrotate.d").mkdir(parents=True)
    (tmp_path / "etc" / "logrotate.conf").write_text("# /var/log/nothing\nweekly\ninclude /etc/logrotate.d\n")
    return tmp_path


def file(root: pathlib.Path, path: str, size: int = 1 << 17, age_days: float = 0) -> None:
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"x" * size)
    moment = time.time() - age_days * 86400
    os.utime(place, (moment, moment))


def configure(root: pathlib.Path, text: str) -> None:
    (root / "etc" / "logrotate.d" / "shop").write_text(text)


def found(root: pathlib.Path, *pids: int) -> dict[str, str]:
    told = logs.read([row(pid) for pid in pids], str(root))
    assert not isinstance(told, Unknown)
    return {log.path: log.by for log in told}


def test_a_large_log_that_nothing_rotates(machine: pathlib.Path) -> None:
    file(machine, "/var/log/shop/uwsgi.log")
    file(machine, "/var/log/small.log", 100)
    assert found(machine) == {"/var/log/shop/uwsgi.log": ""}


@pytest.mark.parametrize(
    "text",
    [
        "/var/log/shop/*.log {\n  daily\n}\n",
        '"/var/log/shop/uwsgi.log" /var/log/other.log {\n  daily\n}\n',
        "/var/log/other.log\n/var/log/shop/uwsgi.log\n{\n  daily\n  postrotate\n    test -e /run/x && kill -HUP 1\n  endscript\n}\n",
        "/var/log/first.log { daily }\n/var/log/shop/uwsgi.log { daily }\n",
    ],
)
def test_logrotate_has_it(machine: pathlib.Path, text: str) -> None:
    file(machine, "/var/log/shop/uwsgi.log")
    configure(machine, text)
    assert found(machine) == {"/var/log/shop/uwsgi.log": "logrotate"}


@pytest.mark.parametrize(
    "text",
    [
        "/var/log/*.log {\n}\n",
        "#/var/log/shop/uwsgi.log {\n}\n",
        "/var/log/other.log {\n  olddir /var/log/shop\n  postrotate\n/var/log/shop/uwsgi.log\n  endscript\n}\n",
        "\0\xff{{{{",
        "/" * 100_000,
    ],
)
def test_logrotate_has_something_else(machine: pathlib.Path, text: str) -> None:
    file(machine, "/var/log/shop/uwsgi.log")
    configure(machine, text)
    assert found(machine) == {"/var/log/shop/uwsgi.log": ""}


def test_without_logrotate_its_configuration_rotates_nothing(machine: pathlib.Path) -> None:
    file(machine, "/var/log/shop/uwsgi.log")
    configure(machine, "/var/log/shop/*.log {\n}\n")
    (machine / "usr" / "sbin" / "logrotate").unlink()
    assert found(machine) == {"/var/log/shop/uwsgi.log": ""}


@pytest.mark.parametrize("copy, days, by", [(".1", 3, "its copies"), ("-20261129.gz", 3, "its copies"), (".1", 90, ""), (".bak", 3, "")])
def test_copies_tell_it_while_they_are_fresh(machine: pathlib.Path, copy: str, days: float, by: str) -> None:
    file(machine, "/var/log/shop/uwsgi.log")
    file(machine, f"/var/log/shop/uwsgi.log{copy}", 10, days)
    assert found(machine) == {"/var/log/shop/uwsgi.log": by}


def test_a_name_with_its_day_is_rotated(machine: pathlib.Path) -> None:
    file(machine, "/var/log/postgresql/postgresql-2026-11-29_000000.log")
    assert set(found(machine).values()) == {"its name"}


def test_what_has_a_limit_of_its_own_is_no_log(machine: pathlib.Path) -> None:
    for name in ("journal/1/system.journal", "lastlog", "wtmp", "btmp", "mysql/aria_log.00000001"):
        file(machine, f"/var/log/{name}")
    assert found(machine) == {}


def test_a_sparse_file_has_the_size_that_it_takes(machine: pathlib.Path) -> None:
    file(machine, "/var/log/sparse.log", 1)
    os.truncate(machine / "var" / "log" / "sparse.log", 1 << 30)
    assert found(machine) == {}


def test_a_log_elsewhere_is_seen_by_the_process_that_writes_it(machine: pathlib.Path) -> None:
    file(machine, "/srv/shop/access.log")
    file(machine, "/srv/shop/data.db")
    (machine / "proc" / "7" / "fd").mkdir(parents=True)
    for number, target in enumerate(("/srv/shop/access.log", "/srv/shop/data.db", "socket:[77]", "/srv/gone.log", "/dev/null")):
        os.symlink(target, machine / "proc" / "7" / "fd" / str(number))
    (machine / "var" / "log").mkdir(parents=True)
    assert found(machine, 7, 8) == {"/srv/shop/access.log": ""}


def test_links_are_not_followed(machine: pathlib.Path) -> None:
    file(machine, "/srv/large.log")
    (machine / "var" / "log").mkdir(parents=True)
    os.symlink(machine / "srv", machine / "var" / "log" / "srv")
    os.symlink(machine / "srv" / "large.log", machine / "var" / "log" / "large.log")
    assert found(machine) == {}


def test_a_machine_without_the_folder_has_no_logs(tmp_path: pathlib.Path) -> None:
    assert logs.read([], str(tmp_path)) == []


def test_a_folder_that_is_not_ours_is_unknown(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: str) -> t.NoReturn:
        raise PermissionError(13, "no")

    monkeypatch.setattr(os, "scandir", refuse)
    told = logs.read([], str(tmp_path))
    assert isinstance(told, Unknown) and "become" in told.reason
    facts = Facts()
    logs.put(facts, told, 10)
    assert facts.done()["logs_unrotated_total"] is None


def test_those_that_nothing_rotates_come_first() -> None:
    facts = Facts()
    logs.put(facts, [logs.Log("/var/log/a.log", 9, "logrotate"), logs.Log("/var/log/b.log", 8, ""), logs.Log("/c.log", 7, "")], 2)
    done = facts.done()
    assert [each["name"] for each in done["logs"]] == ["/var/log/b.log", "/c.log"]
    assert (done["logs_total"], done["logs_unrotated_total"]) == (3, 2)
