# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every documented play, and the tasks of every plugin's EXAMPLES, are read by Ansible itself."""

from __future__ import annotations

import pathlib

import yaml

from tests.support.ansible import run
from tests.support.examples.documents import is_plays, is_tasks, loaded
from tests.support.examples.found import examples


def test_plays_and_tasks_are_read(tmp_path: pathlib.Path) -> None:
    """One process for all of them."""
    files = []
    for example in examples():
        document = loaded(example.text) if example.language == "yaml" else None
        # examples/ and playbooks/ have tests of their own
        if example.path.startswith(("examples/", "playbooks/")) or not (is_plays(document) or is_tasks(document)):
            continue
        plays = document if is_plays(document) else [{"name": str(example), "hosts": "all", "tasks": document}]
        files.append(tmp_path / f"{len(files)}.yml")
        files[-1].write_text(yaml.safe_dump(plays), encoding="utf-8")
    assert len(files) > 15
    done = run("ansible-playbook", "--syntax-check", "-i", "web1,db1,", *files)
    assert done.returncode == 0, done.stdout + done.stderr
