# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths as another process means them: in its own root folder, and of its own output.

Through /proc/PID/root the kernel follows a link that begins with / from our root: `/var/run` of a container would be ours, where another
server may listen, and a log that is a link to /dev/stdout would be our own output.
"""

from __future__ import annotations

import os
import typing as t

PROC = "/proc"
#: As many as the kernel follows.
MOST_LINKS = 40
_OUTPUTS = {"/dev/stdin": "fd/0", "/dev/stdout": "fd/1", "/dev/stderr": "fd/2", "/dev/fd": "fd", "/proc/self": ""}


def real(path: str, root: str = "", pid: t.Optional[int] = None) -> str:
    """The absolute `path` of a process whose root folder is `root` (empty: ours), as it can be opened here."""
    left = [part for part in path.split("/") if part not in ("", ".")]
    at, links = "", 0
    while left:
        part = left.pop(0)
        step = os.path.dirname(at).rstrip("/") if part == ".." else f"{at}/{part}"
        if pid is not None and step in _OUTPUTS:
            return "/".join(word for word in (f"{PROC}/{pid}", _OUTPUTS[step], *left) if word)
        try:
            target = os.readlink(root + step) if part != ".." else ""
        except (OSError, ValueError):
            target = ""
        links += bool(target)
        if not target or links > MOST_LINKS:
            at = step
            continue
        at = "" if target.startswith("/") else at
        left = [*(part for part in target.split("/") if part not in ("", ".")), *left]
    return root + (at or "/")
