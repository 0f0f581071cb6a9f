# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Masters and their stats servers, from command lines, environments and configuration files."""

from __future__ import annotations

import os

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi import config, discover
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Process, Processes

PID = 2**22 + 1  # larger than any process id: nothing of it can be read from /proc


def processes(tools, *rows: tuple) -> None:
    tools._processes = Processes([Process(PID + number, PID + parent, name, 33, argv) for number, parent, name, argv in rows], False)


def found(tools) -> list:
    return [one.get("stats") or one["problem"] for one in discover.discover(tools)]


def test_each_master_once_and_not_its_workers(tools):
    argv = ("/usr/bin/uwsgi", "--http", ":80", "--stats", ":1717", "--master")
    processes(
        tools, (1, 0, "uwsgi", argv), (2, 1, "uwsgi", argv), (3, 1, "uwsgi", argv), (9, 0, "bash", ("bash", "-c", "uwsgi --stats :9"))
    )
    assert found(tools) == [":1717"]


@pytest.mark.parametrize(
    "argv",
    [
        ("uwsgi", "--stats=@abstract"),
        ("uwsgi-core", "--stats-server", "@abstract"),
        ("/venv/bin/python3", "/venv/bin/uwsgi", "--stats", "@abstract"),
        ("/venv/bin/python3", "/venv/bin/pyuwsgi", "--stats", "@abstract"),
        ("uwsgi_python3", "--stats", "@abstract"),
    ],
)
def test_forms_of_the_command_line(tools, argv):
    processes(tools, (1, 0, os.path.basename(argv[0])[:15], argv))
    assert found(tools) == ["@abstract"]


@pytest.mark.parametrize(
    ("name", "content", "stats"),
    [
        ("shop.ini", "; stats = no\n[other]\nstats = :1\n[uwsgi]\nmaster = true\nstats = 127.0.0.1:1717\nharakiri=20\n", "127.0.0.1:1717"),
        ("shop.ini", "[uwsgi]\nrun = /run/%n\nstats = %(run)/stats.sock\n", "/run/shop/stats.sock"),
        ("shop.ini", "[uwsgi]\nstats = %d%n-%x.sock\n", "{dir}/shop-uwsgi.sock"),
        ("shop.xml", '<uwsgi id="x">\n <master/>\n <stats>127.0.0.1:1717</stats>\n</uwsgi>', "127.0.0.1:1717"),
        ("shop.yaml", "uwsgi:\n  # a comment\n  master: true\n  stats: '127.0.0.1:1717' # here\n", "127.0.0.1:1717"),
        ("shop.yml", "uwsgi:\n    stats: /run/x.sock\n", "/run/x.sock"),
        ("shop.json", '{"uwsgi": {"master": true, "stats": "127.0.0.1:1717"}}', "127.0.0.1:1717"),
        ("shop.ini", "[uwsgi]\nini = {dir}/more.ini\n", "127.0.0.1:4242"),
    ],
)
@pytest.mark.parametrize("form", ["--ini", "positional", "--ini="])
def test_configuration_files(tools, tmp_path, name, content, stats, form):
    (tmp_path / "more.ini").write_text("[uwsgi]\nstats = 127.0.0.1:4242\n")
    path = tmp_path / name
    path.write_text(content.replace("{dir}", str(tmp_path)))
    flag = "--" + path.suffix[1:]
    words = {"--ini": (flag, str(path)), "positional": (str(path),), "--ini=": (f"{flag}={path}",)}[form]
    processes(tools, (1, 0, "uwsgi", ("uwsgi", *words)))
    assert found(tools) == [stats.replace("{dir}", str(tmp_path))]


def test_a_section_and_settings(tools, tmp_path):
    (tmp_path / "all.ini").write_text("[uwsgi]\nstats = :1\n[shop]\nstats = :2\nworkers = 8\nthreads = 4\nharakiri = 30\ncheaper = x\n")
    processes(tools, (1, 0, "uwsgi", ("uwsgi", "--ini", f"{tmp_path}/all.ini:shop", "-l", "512")))
    assert discover.discover(tools) == [{"stats": ":2"}]
    assert discover.settings_of(tools.processes.rows[0]) == {
        "processes": 8,
        "threads": 4,
        "cheaper": None,
        "harakiri_seconds": 30,
        "listen": 512,
        "application": "unnamed",
    }


@pytest.mark.parametrize("words", [("-w", "site.wsgi"), ("--module=site.wsgi",), ("--wsgi-file", "app.py")])
def test_the_command_line_names_the_application(tools, words):
    processes(tools, (1, 0, "uwsgi", ("uwsgi", "--http", ":8000", *words)))
    assert discover.settings_of(tools.processes.rows[0])["application"] == "named"


def test_emperor_and_its_vassals(tools):
    emperor = ("uwsgi", "--emperor", "/etc/vassals", "--emperor-stats", ":1716")
    processes(
        tools,
        (1, 0, "uwsgi", emperor),
        (2, 1, "uwsgi", ("uwsgi", "--ini", "shop.ini", "--stats", ":1717")),
        (3, 2, "uwsgi", ("uwsgi", "--ini", "shop.ini", "--stats", ":1717")),
    )
    assert found(tools) == [":1716", ":1717"]
    processes(tools, (1, 0, "uwsgi", ("uwsgi", "--emperor", "/etc/vassals")))
    assert "--emperor-stats" in found(tools)[0]


def test_a_master_without_a_stats_server_says_the_lines_to_add(tools, tmp_path):
    (tmp_path / "shop.ini").write_text("[uwsgi]\nmaster = true\npassword = EXAMPLEsecret\n")
    processes(tools, (1, 0, "uwsgi", ("uwsgi", "--ini", f"{tmp_path}/shop.ini", "--set", "key=EXAMPLEsecret")))
    (entry,) = discover.discover(tools)
    assert entry["name"] == "shop.ini" and "stats" not in entry
    assert "`stats = 127.0.0.1:1717`" in entry["problem"] and f"{tmp_path}/shop.ini" in entry["problem"] and "EXAMPLE" not in str(entry)


def test_titles_hide_the_command_line(tools):
    titles = ["uWSGI master", "shop uWSGI worker 1", "uWSGI http 1"]
    processes(tools, *((number + 1, min(number, 1), "uwsgi", (title,)) for number, title in enumerate(titles)))
    (problem,) = found(tools)
    assert "auto-procname" in problem


@pytest.mark.parametrize("hostile", ["pipe", "device", "huge", "loop", "folder", "gone"])
def test_files_that_a_command_line_must_not_make_us_read(tools, tmp_path, hostile):
    path = tmp_path / "shop.ini"
    if hostile == "pipe":
        os.mkfifo(path)
    elif hostile == "device":
        path.symlink_to("/dev/zero")
    elif hostile == "huge":
        path.write_bytes(b"[uwsgi]\nstats = :1\n" + b"#" * (2 << 20))
    elif hostile == "loop":
        path.write_text(f"[uwsgi]\nini = {path}\ninclude = {path}\n")
    elif hostile == "folder":
        path.mkdir()
    processes(tools, (1, 0, "uwsgi", ("uwsgi", "--ini", str(path))))
    assert ("without a stats server" if hostile == "loop" else "cannot be read (it is gone") in found(tools)[0]


def test_programs_that_are_no_masters(tools):
    lines = [
        "uwsgi --connect-and-read :1717",
        "uwsgitop :1717",
        "uwsgi_exporter --stats :1",
        "grep uwsgi --stats :1",
        "vim uwsgi.ini",
        "python3 x.py uwsgi",
    ]
    processes(tools, *((number + 1, 0, line.split()[0], tuple(line.split())) for number, line in enumerate(lines)))
    assert found(tools) == []


def test_a_router_beside_its_master(tools):
    processes(tools, (1, 0, "uwsgi", ("uwsgi", "--http", ":80", "--http-stats-server", ":1718", "--stats", ":1717")))
    assert found(tools) == [":1717", ":1718"]


def test_placeholders_that_are_not_known_are_no_address(tools, tmp_path):
    (tmp_path / "shop.ini").write_text("[uwsgi]\nstats = $(NOT_SET)/x.sock\nloop = %(loop)\n")
    processes(tools, (1, 0, "uwsgi", ("uwsgi", str(tmp_path / "shop.ini"))))
    assert "without a stats server" in found(tools)[0]
    assert config.expand("%(loop)", {"loop": ["%(loop)"]}, {}, {}) is None
    assert config.expand("100%% $(A)", {}, config.placeholders("/x.ini"), {"A": "1"}) == "100% 1"


def test_another_network(tools, monkeypatch):
    monkeypatch.setattr(Process, "elsewhere", lambda _process, kind: kind == "net")
    processes(tools, (1, 0, "uwsgi", ("uwsgi", "--stats", "127.0.0.1:1717")))
    (entry,) = discover.discover(tools)
    assert "stats" not in entry and "container" in entry["problem"]


def test_a_socket_inside_a_container(tools, monkeypatch):
    monkeypatch.setattr(Process, "elsewhere", lambda _process, _kind: True)
    monkeypatch.setattr(Process, "link", lambda _self, name: {"cwd": "/app", "root": "/proc/x"}[name])
    processes(tools, (1, 0, "uwsgi", ("uwsgi", "--stats", "run/stats.sock")))
    (entry,) = discover.discover(tools)
    assert entry["stats"] == f"/proc/{PID + 1}/root/app/run/stats.sock"
