# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Libraries that live on targets: look for them, move to an interpreter that has them, or say what is missing."""

from __future__ import annotations

import importlib.util
import itertools
import os
import sys
import typing as t

from ansible.module_utils.common.respawn import has_respawned, probe_interpreters_for_module, respawn_module

from .problem import Problem

#: Where the role launch_monitoring puts the modules' private virtualenv, then the distribution's own Pythons.
PRIVATE_VENV = "/opt/launch_monitoring/venv"
INTERPRETERS = (PRIVATE_VENV + "/bin/python", "/usr/bin/python3", "/usr/libexec/platform-python", "/usr/local/bin/python3")


def present(name: str) -> bool:
    """Whether this interpreter has the library (`a|b`: one of them). Nothing is imported, so it costs and prints nothing."""
    return any(_found(alternative) for alternative in name.split("|"))


def _found(name: str) -> bool:
    if name in sys.modules:  # some (kombu) put an object without a spec in their place once they are imported
        return sys.modules[name] is not None
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def missing(names: t.Iterable[str]) -> list[str]:
    return [name for name in names if not present(name)]


def require(name: str, package: str) -> None:
    """Raise a Problem that names the library, this interpreter and the ways out when it is not here."""
    if not present(name):
        raise Problem(
            f"the Python library {name.replace('|', ' or ')} is missing for {sys.executable}: install {package} on the target, "
            f"or set ansible_python_interpreter to a Python that has it (role warroom.launch.launch_monitoring does it)"
        )


def move_to_interpreter_with(names: t.Iterable[str]) -> None:
    """Run the module again under an interpreter that has what this one lacks; return when there is none.

    Called before any fact was gathered.
    """
    lacking = missing(names)
    if not lacking or has_respawned():
        return
    candidates = [path for path in INTERPRETERS if os.path.exists(path) and not _is_running(path)]
    for choice in itertools.product(*(name.split("|") for name in names)):
        found = probe_interpreters_for_module(candidates, ", ".join(choice))
        if found:
            respawn_module(found)


def _is_running(path: str) -> bool:
    # A virtualenv's python is a link to the system's: compare prefixes, not the resolved file.
    return os.path.abspath(path) == os.path.abspath(sys.executable)
