# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What respond prints: a plan, a refusal, what was done, and what came of it."""

from __future__ import annotations

import getpass
import textwrap
import typing as t

from ...module_utils._acts.registry import ACTS
from ...module_utils._texts.redact import clean
from .taken_back import TAKES_BACK

Data = t.Mapping[str, t.Any]

NO_UNDO = "none: a session that was ended does not come back"


def plan_lines(proposal: Data, looked: Data, token: t.Optional[str]) -> list[str]:
    """One plan. The command and the token are lines of their own."""
    lines = [
        "",
        clean(f"PLAN for {proposal['cause']} on {proposal['host']}: {proposal['what']}", 400),
        *_entry("where", f"{proposal['service']} {proposal['instance']} on {proposal['host']}{_identity(looked)}"),
        *_entry("why", proposal["why"]),
        *[line for row in looked.get("guards") or [] for line in _entry("guard", _guard(row))],
        *_entry("cost", looked.get("cost") or "not known"),
        *_entry("undo", looked.get("undo") or NO_UNDO),
        *_entry("restart", _restart(proposal)),
        "  runs:",
        *[f"    {_shown(line)}" for command in looked.get("commands") or [] for line in str(command).splitlines()],
    ]
    if token is None:
        return [*lines, *_entry("not possible", looked.get("why") or "it could not be looked at"), "  no token: this act would be refused"]
    return [*lines, f"  token: {token}", "  good once, for ten minutes: add -e launch_respond=<token>"]


def unfinished_line(entry: Data) -> str:
    """An act whose end is not known: most are taken back by then, but a machine that was restarted has lost its timer."""
    named = clean(f"{entry.get('act')} at {entry.get('service')} {entry.get('instance')} on {entry.get('host')}", 200)
    kind = ACTS.get((str(entry.get("act")), str(entry.get("service"))))
    if kind is not None and not kind.has_undo:
        undone = "nothing takes it back"
    elif kind is not None and not kind.survives_restart:
        undone = "its timer takes it back, and so does a restart of that machine"
    else:
        undone = "its timer takes it back; where that is gone, as after a restart, there is a plan for it below"
    return f"The end of {named} of {clean(str(entry.get('at')), 40)} is not recorded: {undone}."


def _shown(line: str) -> str:
    """A line of a command as it stands, without what a terminal would obey: names of tables and URLs are a stranger's."""
    return " " * (len(line) - len(line.lstrip(" "))) + clean(line, 1000)


def _guard(row: Data) -> str:
    state = "holds" if row["holds"] else "NOT KNOWN" if row["value"] is None else "BROKEN"
    if isinstance(row["limit"], bool):
        return f"{row['says']}: {state}"
    return f"{row['says']}: {row['value']}, must be {row['operator']} {row['limit']}: {state}"


def _identity(looked: Data) -> str:
    words = [f"{name} {clean(str(value), 60)}" for name, value in (looked.get("identity") or {}).items() if value is not None]
    return f" ({', '.join(words)})" if words else ""


def _restart(proposal: Data) -> t.Optional[str]:
    """What a restart of the machine makes of the act, which the timer does not outlive; None where no timer would take it back."""
    kind = ACTS.get((str(proposal.get("act")), str(proposal.get("service"))))
    if kind is None or not kind.has_undo or TAKES_BACK in proposal:
        return None
    if kind.survives_restart:
        return "the act outlives a restart of the machine and its timer does not: the next run then has a plan to take it back"
    return "a restart of the machine undoes it, too"


def _entry(name: str, text: t.Optional[t.Any]) -> list[str]:
    if text is None:
        return []
    return textwrap.wrap(f"{name}: {clean(str(text), 600)}", 110, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def user() -> str:
    """Who runs the playbook, for the record."""
    try:
        return clean(getpass.getuser(), 60)
    except (OSError, KeyError):
        return "unknown"
