# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service that refuses us, or an option that is missing: the line that the check prints asks for it, and then it is known."""

from __future__ import annotations

import pathlib
import shlex
import sys
import typing as t

import pytest
import yaml

from tests.support import asked
from tests.support.redis import Redis
from tests.support.written import written


@pytest.fixture(scope="module")
def server():
    with Redis("right'$x") as one:
        yield one


def test_the_printed_lines_ask_and_make_it_known(server, tmp_path):
    """Each is pasted as it was printed; the second holds what the first asked, and leaves nothing unknown that a person can say."""
    place = f"127.0.0.1:{server.port}"
    options = {"login": {"redis": [{"address": place}]}, "option": {"redis": [{"login_password": server.password}]}}
    check = Check(tmp_path, {name: {"launch_check_services": services} for name, services in options.items()})
    before = check.obstacles(check.line)
    assert before["login"]["hosts"] == ["login"] and before["option"]["hosts"] == ["option"], before
    after = check.obstacles(before["login"]["command"], login_password=server.password)
    assert "login" not in after and check.reads("login")
    last = check.obstacles(after["option"]["command"], login_password=server.password, address=place)
    assert not {"login", "option"} & set(last) and check.reads("login") and check.reads("option"), last
    assert server.password not in check.shown


class Check:
    """Runs of the check over hosts of these variables, all of them this machine."""

    def __init__(self, folder: pathlib.Path, hosts: dict[str, t.Any]) -> None:
        common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "launch_check_window": 0.5}
        inventory = folder / "hosts.yml"
        inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": common}}))
        extra = f"launch_check_report_dir={folder} launch_check_report_facts=all"
        words = ["ansible-playbook", "-i", inventory, "playbooks/launch_check.yml", "-e", extra]
        self.line = shlex.join(map(str, words))
        self.place = folder / "launch.json"
        self.shown = ""

    def obstacles(self, line: str, **answers: str) -> dict[str, t.Any]:
        """By kind, after the line was pasted."""
        self.place.unlink(missing_ok=True)
        self.shown += asked.paste(line, answers).shown
        assert self.place.exists(), self.shown[-4000:]
        self.report = written(self.place.parent)
        return {obstacle["kind"]: obstacle for obstacle in self.report["obstacles"]}

    def reads(self, host: str) -> bool:
        (instance,) = self.report["hosts"][host]["facts"]["launch_redis"]["instances"]
        return instance["state"] == "up"
