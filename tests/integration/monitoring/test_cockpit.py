# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""cockpit.yml against the practice stack: every tool runs in its pane and shows data."""

from __future__ import annotations

import datetime
import json
import pathlib
import re
import shutil
import typing as t

import pytest
import yaml

from tests.support.cockpit import Cockpit
from tests.support.practice import Practice
from tests.support.server import wait_until

TOOLS = ("tmux", "htop", "varnishstat", "varnishtop", "pg_activity", "mytop")
LACKING = [tool for tool in TOOLS if shutil.which(tool) is None]
pytestmark = [
    pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)}"),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def stack() -> t.Iterator[Practice]:
    practice = Practice()
    try:
        started = practice.start()
        assert started.rc == 0, started.output[-4000:]
        yield practice
    finally:
        practice.stop()


def test_every_pane_is_alive_and_shows_data(stack: Practice, tmp_path: pathlib.Path) -> None:
    with Cockpit(stack.inventory, tmp_path) as cockpit:
        addresses = re.findall(r"address: (127\.0\.0\.1:\d+)", stack.inventory.read_text())
        cockpit.shows("practice: htop", "Load average", "PID USER")
        cockpit.shows("practice: varnishstat", "MAIN.client_req", "MAIN.cache_hit")
        cockpit.shows("practice: varnishtop: URLs that reach the backend", "BereqURL", "/")
        cockpit.shows("practice: uwsgitop shop", "uwsgi-2", "RPS", "WID")
        cockpit.shows("practice: memcache-top", "hit_rate", *addresses)
        cockpit.shows("practice: celery events shop", "shop.tasks.", "shop@practice")
        cockpit.shows("practice: pg_activity shop", "PostgreSQL", "RUNNING QUERIES")
        cockpit.shows("practice: mytop legacy", "MariaDB", "Queries")
        panes = cockpit.panes()
        assert len(panes) == 10 and not any(dead for _id, dead, _program in panes.values())
        programs = {program for _id, _dead, program in panes.values()}
        assert not programs & {"bash", "sh", "dash", "zsh"}, f"a tool has ended: {panes}"
        assert f"tmux -L {cockpit.socket} attach -t launch" in cockpit.done.stdout
        # what is open stays as somebody uses it
        again = cockpit.play()
        assert again.returncode == 0 and cockpit.panes() == panes


def test_no_password_is_written_or_said(stack: Practice, tmp_path: pathlib.Path) -> None:
    cockpit = Cockpit(stack.inventory, tmp_path)
    done = cockpit.play(launch_cockpit_open=False)
    assert done.returncode == 0, done.stdout + done.stderr
    password = re.findall(r"login_password: (\S+)", stack.inventory.read_text())[0]
    assert password not in (tmp_path / "cockpit.yml").read_text() and password not in done.stdout
    assert "~/.pgpass" in done.stdout and "~/.my.cnf" in done.stdout
    assert (tmp_path / "cockpit.yml").stat().st_mode & 0o777 == 0o600


def test_the_last_report_spares_the_look_and_chooses_what_comes_first(stack: Practice, tmp_path: pathlib.Path) -> None:
    facts = {"launch_uwsgi": {"schema": 1, "instances": [{"name": "shop", "address": "127.0.0.1:9"}]}}
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    report = {
        "started_at": now,
        "hosts": {"practice": {"reached": True, "facts": facts}},
        "findings": [],
        "diagnoses": [{"tier": "application", "hosts": ["practice"], "statement": "All workers are busy."}],
    }
    (tmp_path / "launch.json").write_text(json.dumps(report))
    with Cockpit(stack.inventory, tmp_path, launch_check_services={"uwsgi": "auto"}) as cockpit:
        assert "skipping: [practice]" in cockpit.done.stdout
        assert "Window application comes first: All workers are busy." in cockpit.done.stdout
        assert [window["window_name"] for window in cockpit.session["windows"]] == ["servers", "application"]
        assert cockpit.focused() == "application"
    (tmp_path / "launch.json").write_text(json.dumps({**report, "started_at": "2020-01-01T00:00:00Z"}))
    old = Cockpit(stack.inventory, tmp_path).play(launch_cockpit_open=False)
    assert old.returncode == 0 and "ok: [practice]" in old.stdout.split("TASK [Note how")[0].split("TASK [Look what")[1]


def just_looked(folder: pathlib.Path, facts: dict[str, t.Any]) -> pathlib.Path:
    """A report of this minute about local hosts, and their inventory."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    hosts = {name: {"reached": True, "facts": found} for name, found in facts.items()}
    (folder / "launch.json").write_text(json.dumps({"started_at": now, "hosts": hosts}))
    inventory = folder / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {name: {"ansible_connection": "local"} for name in facts}}}))
    return inventory


def test_a_small_terminal_shows_processes_of_six_hosts(tmp_path: pathlib.Path) -> None:
    names = [f"web{number}" for number in range(1, 7)]
    with Cockpit(just_looked(tmp_path, dict.fromkeys(names, {})), tmp_path) as cockpit:
        cockpit.resize(80, 24)
        for name in names:
            title = f"{name}: htop"
            wait_until(lambda title=title: re.search(r"^ *\d+ \S+ +\d+\.\d", cockpit.screen(title), re.M), f"a process in {title}")
            assert "is not installed" not in cockpit.screen(title), "the line that was typed"
        folders = list(cockpit.folders())
        assert len(folders) == len(names)
    wait_until(lambda: not any(folder.exists() for folder in folders), "the removal of what htop was given", 15)


def test_hostile_names_are_shown_and_never_run(tmp_path: pathlib.Path) -> None:
    mark = tmp_path / "pwned"
    hostile = [f"'; touch {mark}; '", f"$(touch {mark})", f"`touch {mark}`", f"#(touch {mark})", "$HOME"]
    facts = {"launch_uwsgi": {"schema": 1, "instances": [{"name": name, "address": name} for name in hostile]}}
    control, newline = (
        {"launch_uwsgi": {"schema": 1, "instances": [{"name": "x", "address": address}]}}
        for address in (f"\x03touch {mark}", f"touch {mark}\n")
    )
    names = {"plain": facts, "#(touch pwned) $(touch pwned)": facts, "control": control, "newline": newline}
    inventory = just_looked(tmp_path, names)
    with Cockpit(inventory, tmp_path, launch_cockpit_environment={"PATH": "/usr/bin:/bin"}) as cockpit:
        said = cockpit.done.stdout
        assert "'control' has no pane: a name in it holds control characters" in said, said
        assert re.search(r"'newline' has no pane: .* ends in a newline", said), said
        # the line in the shell has been read to its end when it says so in a line of its own
        for title in [title for title in cockpit.panes() if "uwsgitop" in title]:
            wait_until(lambda title=title: re.search(r"^uwsgitop is not installed on", cockpit.screen(title), re.M), f"the end of {title}")
        assert not list(tmp_path.rglob("*pwned*")) and not pathlib.Path("~/pwned").expanduser().exists()
