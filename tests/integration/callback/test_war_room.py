# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The callback with real ansible-playbook, on a terminal and off it; for other playbooks it is the default one."""

from __future__ import annotations

import os
import pty
import re
import struct
import subprocess
import termios
from fcntl import ioctl

import pytest

from tests.support.ansible import run
from tests.support.server import ROOT, VENV

WAR_ROOM = "warroom.launch.war_room"
UNRELATED = """
- name: Something else
  hosts: all
  gather_facts: false
  tasks:
    - name: Loop
      ansible.builtin.debug: {msg: "{{ item }}"}
      loop: [1, 2]
    - name: Change
      ansible.builtin.command: {cmd: "true"}
    - name: Skip
      ansible.builtin.command: {cmd: "true"}
      when: false
    - name: Rescue
      block:
        - ansible.builtin.command: {cmd: "false"}
      rescue:
        - ansible.builtin.debug: {msg: rescued}
    - name: Ignore
      ansible.builtin.command: {cmd: "false"}
      ignore_errors: true
    - name: Break
      ansible.builtin.fail: {msg: broken}
      when: inventory_hostname == 'b'
    - name: Include
      ansible.builtin.include_tasks: more.yml
- hosts: nobody
  gather_facts: false
  tasks: []
- hosts: gone
  gather_facts: false
  tasks:
    - ansible.builtin.ping:
"""
INVENTORY = """
a ansible_connection=local
b ansible_connection=local
gone ansible_host=127.0.0.1 ansible_port=1
[nobody]
"""
CHECK = "- {id: uwsgi_none, service: uwsgi, question: 'Q?', value: workers.total, fail: '> 1', finding: f, advice: a, look: l}\n"


@pytest.fixture
def site(tmp_path):
    (tmp_path / "inventory").write_text(INVENTORY)
    (tmp_path / "other.yml").write_text(UNRELATED)
    (tmp_path / "more.yml").write_text("- ansible.builtin.debug: {msg: more}\n")
    (tmp_path / "catalogue").mkdir()
    (tmp_path / "catalogue" / "x.yml").write_text(CHECK)
    return tmp_path


def settled(text):
    """The output without what differs from run to run."""
    return re.sub(r'"(start|end|delta)": "[^"]*"', "", text)


@pytest.mark.parametrize("options", [[], ["-v"], ["--check"]])
def test_another_playbook_looks_as_with_the_default_callback(site, options):
    argv = [
        "ansible-playbook",
        site / "other.yml",
        "-i",
        site / "inventory",
        "-f",
        "1",
        "-e",
        f"ansible_python_interpreter={VENV}/python",
        *options,
    ]
    default, ours = (run(*argv, env={"ANSIBLE_STDOUT_CALLBACK": name}) for name in ("ansible.builtin.default", WAR_ROOM))
    assert ours.returncode == default.returncode != 0
    assert settled(ours.stdout) == settled(default.stdout)
    assert settled(ours.stderr) == settled(default.stderr)


def check(site, *options):
    settings = [f"launch_check_{name}={site}/{value}" for name, value in (("catalogue", "catalogue"), ("report_dir", "report"))]
    argv = ["ansible-playbook", "playbooks/launch_check.yml", "-i", site / "inventory", "-l", "a,gone", "-e", "launch_check_window=0"]
    services = '{"launch_check_services": {"memcached": [{"address": "127.0.0.1:1"}]}}'
    return [
        *argv,
        *[word for setting in settings for word in ("-e", setting)],
        "-e",
        services,
        "-e",
        f"ansible_python_interpreter={VENV}/python",
        *options,
    ]


def test_a_check_off_the_terminal_is_the_board_and_nothing_else(site):
    done = run(*check(site), env={"ANSIBLE_STDOUT_CALLBACK": WAR_ROOM})
    assert done.returncode == 2
    assert "\x1b" not in done.stdout and "\r" not in done.stdout
    for line in ("TASK [", "PLAY [", "ok: [", "RECAP"):
        assert line not in done.stdout
    assert "gone: not reachable: " in done.stdout
    assert re.search(r"^NO-GO: memcached does not respond on a \(127\.0\.0\.1:1\)", done.stdout, re.M)
    assert done.stdout.count("memcached_answers  on a 127.0.0.1:1") == 1
    assert f"Report: {site}/report/index.html" in done.stdout


def test_more_verbosity_shows_the_tasks_too(site):
    done = run(*check(site, "-v"), env={"ANSIBLE_STDOUT_CALLBACK": WAR_ROOM})
    assert "TASK [warroom.launch.launch_check : Gather what runs on each host]" in done.stdout
    assert "PLAY RECAP" in done.stdout and "memcached_answers  on a" in done.stdout


def test_an_error_of_ours_is_shown_with_its_task(site):
    done = run(*check(site, "-e", '{"launch_check_accept": {"nope": "x"}}'), env={"ANSIBLE_STDOUT_CALLBACK": WAR_ROOM})
    assert done.returncode == 2
    assert "TASK [warroom.launch.launch_check : Validate" in done.stdout and "there is no check nope" in done.stdout


def on_terminal(argv, columns, **env):
    """What a command writes to a terminal of that width."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    surroundings = {**os.environ, "TERM": "xterm", "ANSIBLE_STDOUT_CALLBACK": WAR_ROOM, **env}
    for name in ("ANSIBLE_NOCOLOR", "NO_COLOR", "ANSIBLE_FORCE_COLOR", "COLUMNS"):
        if name not in env:
            surroundings.pop(name, None)
    command = [str(VENV / argv[0]), *map(str, argv[1:])]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, cwd=ROOT, env=surroundings) as process:
        os.close(theirs)
        written = bytearray()
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:
                break
            if not chunk:
                break
            written += chunk
    os.close(ours)
    return process.returncode, written.decode("utf-8", "replace")


@pytest.mark.parametrize("columns", [80, 200])
def test_a_check_on_a_terminal_has_progress_colour_and_its_width(site, columns):
    _rc, text = on_terminal(check(site), columns)
    assert "\r\x1b[Kgathering: 0 of 2 hosts" in text
    assert "\x1b[1;31mNO-GO\x1b[0m" in text
    lines = [line.rpartition("\r")[2] for line in text.replace("\r\n", "\n").split("\n")]
    plain = [re.sub("\x1b\\[[0-9;]*[mK]", "", line).rstrip() for line in lines]
    frame = next(line for line in plain if line.startswith("┏"))
    assert len(frame) == columns
    assert [line for line in plain if len(line) > columns and not re.search(r"\$ |not reachable|Report: ", line)] == []


def test_no_color_is_respected(site):
    _rc, text = on_terminal(check(site), 100, NO_COLOR="1")
    assert "\x1b" not in text and "NO-GO: memcached does not respond on a (127.0.0.1:1)" in text
