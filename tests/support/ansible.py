# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run Ansible from the checkout, as a user does."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t

from .server import ROOT, VENV


def run(*argv: t.Any, env: t.Optional[dict[str, str]] = None, seconds: float = 120, cwd: t.Any = ROOT) -> subprocess.CompletedProcess[str]:
    """A program of the virtualenv (`ansible`, `ansible-playbook`, …) in the checkout; output as text, never checked."""
    surroundings = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), **(env or {})}
    command = [str(VENV / str(argv[0])), *[str(word) for word in argv[1:]]]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, errors="replace", cwd=cwd, env=surroundings, timeout=seconds
    )


def module(name: str, args: t.Optional[dict[str, t.Any]] = None, host: str = "localhost", **options: t.Any) -> dict[str, t.Any]:
    """One ad hoc module call on localhost under the virtualenv's Python; gives the result as a dict (with `rc`)."""
    done = run(
        "ansible",
        host,
        "-m",
        name,
        "-a",
        json.dumps(args or {}),
        "-e",
        f"ansible_python_interpreter={VENV}/python",
        env={"ANSIBLE_LOAD_CALLBACK_PLUGINS": "1", "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.minimal"},
        **options,
    )
    begin = done.stdout.find("{")
    if begin < 0:
        raise AssertionError(f"ansible -m {name} gave no result (rc {done.returncode}): {done.stdout}{done.stderr}")
    result = json.JSONDecoder().raw_decode(done.stdout[begin:])[0]
    return {**result, "rc": done.returncode}


def facts(name: str, key: str, args: t.Optional[dict[str, t.Any]] = None, **options: t.Any) -> list[dict[str, t.Any]]:
    """The instances of `ansible_facts.<key>` of one ad hoc module call."""
    return module(name, args, **options)["ansible_facts"][key]["instances"]
