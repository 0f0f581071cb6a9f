# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A project's own code, imported by a child interpreter with the project's Python, user and environment: never inside the module."""

from __future__ import annotations

import importlib
import json
import os
import pwd
import sys
import tempfile
import typing as t

from . import foreign_child
from .host_tools import HostTools
from .problem import Problem

#: Address space of the process that imports: several times what a large project needs.
MEMORY_BYTES = 2 << 30
#: Seconds that the supervisor gets beyond those of the project.
_GRACE = 3.0
#: Reads the sources and the arguments from a file without a name, which other users cannot see, unlike a command line.
_BOOTSTRAP = """
import json, os, sys
with os.fdopen(int(sys.argv.pop()), "rb") as handle:
    sent = json.load(handle)
names = {"__name__": "warroom_launch_child"}
for source in sent["sources"]:
    exec(compile(source, "<warroom.launch>", "exec", 0, True), names)
names["supervise"](names["read"], sent["arguments"])
"""


def interpreter(virtualenv: t.Optional[str]) -> str:
    """The Python of a virtualenv, ours without one."""
    if not virtualenv:
        return sys.executable
    path = os.path.join(virtualenv, "bin", "python")
    if not os.access(path, os.X_OK):
        raise Problem(f"the virtualenv {virtualenv} has no bin/python that may be run")
    return path


def as_owner(folder: t.Optional[str], pid: t.Optional[int]) -> list[str]:
    """Root drops its privileges before any code of the project runs, its Python included: users who can write there are not root."""
    place = f"/proc/{pid}" if pid else folder
    if os.geteuid() != 0 or place is None:
        return []
    try:
        owner = os.stat(place)
    except OSError:
        raise Problem(f"the process or the folder {folder} is gone, or may not be seen") from None
    if owner.st_uid == 0:
        return []
    try:
        groups = ["--init-groups"] if pwd.getpwuid(owner.st_uid) else []
    except KeyError:
        groups = ["--clear-groups"]
    return ["setpriv", f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", *groups]


def is_anothers(pid: t.Optional[int]) -> bool:
    """Whether we are an ordinary user, and the process is not ours."""
    try:
        return pid is not None and os.geteuid() not in (0, os.stat(f"/proc/{pid}").st_uid)
    except OSError:
        return False


def answers(
    tools: HostTools,
    reader: str,
    *,
    before: t.Sequence[str] = (),
    folder: t.Optional[str],
    virtualenv: t.Optional[str],
    pid: t.Optional[int],
    environment: t.Mapping[str, str],
    arguments: t.Mapping[str, t.Any],
    seconds: float,
) -> dict[str, t.Any]:
    """What the function `read` of the module `reader` (a full name) yields in the child: `{"sections": {name: value}, "late": bool}`.

    `before`: modules whose text is run in the same namespace first.
    """
    python = interpreter(virtualenv)
    sent = {
        "sources": [_source(name) for name in (foreign_child.__name__, *before, reader)],
        "arguments": {
            **arguments,
            **{"folder": folder, "pid": pid, "environment": dict(environment), "seconds": seconds, "memory_bytes": MEMORY_BYTES},
        },
    }
    with tempfile.TemporaryFile() as handle:
        handle.write(json.dumps(sent).encode())
        handle.seek(0)
        command = [*as_owner(folder or virtualenv, pid), python, "-c", _BOOTSTRAP, str(handle.fileno())]
        done = tools.commands.run(command, seconds + _GRACE, handed=[handle.fileno()])
    try:
        found = json.loads(done.out)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("sections"), dict):
        raise Problem(f"the Python of {virtualenv or 'this host'} gave no answer; is it 3.8 or later, and may it be run?")
    return found


def _source(name: str) -> str:
    """The text of one of our modules, which may lie in the zip file that Ansible sent."""
    module = importlib.import_module(name)
    loader: t.Any = module.__loader__
    return str(loader.get_source(name))
