# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host's variables with the prefixes of this collection: which are unknown, and which are misspelt."""

from __future__ import annotations

import difflib
import functools
import pathlib
import re
import typing as t

ROOT = pathlib.Path(__file__).resolve().parents[3]
_OURS = re.compile(
    r"\b((?:launch_check|launch_watch|launch_cockpit|launch_query|launch_monitoring|launch_respond|practice_stack)_)([a-z0-9_]+)\b"
)
#: How similar two names must be, without their prefix, for one to count as a misspelling of the other.
CLOSE = 0.8


@functools.lru_cache(maxsize=1)
def known() -> frozenset[str]:
    """Every name with such a prefix that a role or playbook of the collection mentions."""
    files = [*ROOT.glob("roles/*/*/*.yml"), *ROOT.glob("playbooks/*.yml")]
    text = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)
    return frozenset(match.group(0) for match in _OURS.finditer(text))


def unknown(names: t.Iterable[str], of_collection: t.Optional[t.AbstractSet[str]] = None) -> tuple[list[str], list[str]]:
    """Sentences about misspelt variables, each with the right name, and about others that have no effect."""
    mine = known() if of_collection is None else of_collection
    misspelt, idle = [], []
    for name in sorted({str(name) for name in names} - mine):
        match = _OURS.fullmatch(name)
        if match is None:
            continue
        prefix, rest = match.groups()
        public = {other[len(prefix) :]: other for other in mine if other.startswith(prefix) and not other.startswith(prefix + "_")}
        close = difflib.get_close_matches(rest, public, 1, CLOSE)
        if close:
            misspelt.append(f"there is no variable {name}; did you mean {public[close[0]]}?")
        else:
            idle.append(f"{name} is no variable of this collection and has no effect")
    return misspelt, idle
