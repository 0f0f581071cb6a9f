# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Option files (my.cnf): what a client's file says about logging in, and where a server's file says it listens."""

from __future__ import annotations

import glob
import os
import typing as t

from ..._collect.problem import Problem
from ..._linux import safe_files

Sections = dict[str, dict[str, str]]

_LIMIT = 256 * 1024
_DEPTH = 4


def read(path: str, sections: t.Optional[Sections] = None, depth: int = _DEPTH) -> Sections:
    """Sections of the file and of what it includes; names with hyphens, later values win. What cannot be read is left out."""
    found: Sections = {} if sections is None else sections
    current = ""
    for line in (raw.strip() for raw in (safe_files.regular(path, _LIMIT) or "").splitlines()):
        if line.startswith("!include") and depth > 0:
            for included in _included(line):
                read(included, found, depth - 1)
        elif line.startswith("[") and line.endswith("]"):
            current = line[1:-1].strip().lower()
        elif line and line[0] not in "#;!":
            name, _sep, value = line.partition("=")
            found.setdefault(current, {})[name.strip().lower().replace("_", "-")] = _value(value)
    return found


def _included(line: str) -> list[str]:
    word, _sep, where = line.partition(" ")
    where = where.strip()
    return sorted(glob.glob(os.path.join(glob.escape(where), "*.cnf"))) if word == "!includedir" else [where]


def _value(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return text.split(" #", 1)[0].rstrip()


def client(path: str) -> dict[str, str]:
    """What the client's file says: user, password, host, port, socket, ssl-…; a Problem when it cannot be read."""
    path = os.path.expanduser(path)
    if not os.access(path, os.R_OK):
        reason = "may not be read" if os.path.exists(path) else "does not exist"
        raise Problem(f"the option file {path} {reason} (it is looked for on the target, as the user the module runs as)")
    merged: dict[str, str] = {}
    sections = read(path)
    for name in ("client-server", "client-mariadb", "client"):
        merged.update(sections.get(name, {}))
    return merged


def server(path: t.Optional[str]) -> dict[str, str]:
    """What the server's file (or the usual files) says under the server's sections."""
    merged: dict[str, str] = {}
    for candidate in [path] if path else ["/etc/my.cnf", "/etc/mysql/my.cnf"]:
        sections = read(candidate)
        for name in ("client-server", "server", "mysqld", "mariadb", "mariadbd"):
            merged.update(sections.get(name, {}))
    return merged


def server_files() -> list[str]:
    """The files that a server of the distribution reads."""
    found = [
        path
        for pattern in ("/etc/my.cnf", "/etc/mysql/my.cnf", "/etc/my.cnf.d/*.cnf", "/etc/mysql/*.d/*.cnf")
        for path in glob.glob(pattern)
    ]
    return sorted(found)
