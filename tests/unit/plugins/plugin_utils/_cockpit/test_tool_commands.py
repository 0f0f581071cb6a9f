# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scripts of panes, run by a shell over made-up tools: which tool is started, and what is said where there is none."""

from __future__ import annotations

import pathlib
import subprocess
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._cockpit import tool_commands
from ansible_collections.warroom.launch.plugins.plugin_utils._reach.way import Way

CACHE = [{"name": "127.0.0.1:11211", "address": "127.0.0.1:11211"}]
#: A broker whose password no command line may hold.
QUEUE = [{"name": "shop", "broker_url": "redis://:s3cr3t@127.0.0.1/0"}]


def run(script: str, folder: pathlib.Path, tools: t.Mapping[str, str], **environment: str) -> str:
    for name, body in tools.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    # no folder of the machine's: only /bin/sh itself is named with its path
    script = script.replace("/usr/local/bin:/usr/sbin:/sbin", "/nowhere").replace(tool_commands.VENV, "/nowhere")
    done = subprocess.run(
        ["/bin/sh", "-c", script], env={"PATH": str(folder), **environment}, capture_output=True, text=True, check=False, timeout=20
    )
    assert "s3cr3t" not in script
    return done.stdout


@pytest.mark.parametrize(
    ("tools", "shown"),
    [
        # damemtop is here without its Perl modules, or not at all: perl says so either way
        ({"perl": "exit 2", "memcstat": "", "watch": 'echo watch "$@"'}, "watch memcstat --servers=127.0.0.1:11211"),
        ({"perl": "exit 2", "watch": 'echo watch "$@"'}, "memcached's damemtop is not installed on web1"),
        ({}, "memcached's damemtop is not installed on web1"),
    ],
)
def test_memcstat_where_damemtop_cannot_start(tools: dict[str, str], shown: str, tmp_path: pathlib.Path) -> None:
    (pane,) = tool_commands.memcached(Way(name="web1"), CACHE)
    assert shown in run(pane.script, tmp_path, tools)


def test_celery_events_takes_the_broker_of_flower_or_says_that_it_has_none(tmp_path: pathlib.Path) -> None:
    (pane,) = tool_commands.celery(Way(name="web1"), QUEUE)
    tools = {"celery": 'echo celery "$@" at "$CELERY_BROKER_URL"'}
    environment = tmp_path / "flower.env"
    script = pane.script.replace(tool_commands.FLOWER, str(environment))
    assert run(script, tmp_path, tools).startswith("celery events needs the broker")
    environment.write_text("CELERY_BROKER_URL='redis://127.0.0.1/7'\n")
    assert run(script, tmp_path, tools) == "celery events at redis://127.0.0.1/7\n"
