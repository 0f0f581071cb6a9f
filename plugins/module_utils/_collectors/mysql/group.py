# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: this server as a member of MySQL's Group Replication: whether it is in its group, and its group has a majority."""

from __future__ import annotations

import typing as t

from ..._collect.facts import Facts, Maybe, Unknown
from ..._texts.redact import clean

Row = dict[str, t.Any]

#: Of every version: 5.7 has no roles.
QUESTION = "SELECT member_id, member_state FROM performance_schema.replication_group_members"
_NO_MEMBER = "this server is no member of a replication group"
_UNTOLD = "the member does not report it (performance_schema.replication_group_members)"
#: States in which what the group commits arrives, if late.
_IN_THE_GROUP = ("ONLINE", "RECOVERING")
_NOT_REACHED = "UNREACHABLE"


def member(variables: t.Mapping[str, str]) -> bool:
    """The plugin is loaded, and knows its group."""
    return bool(variables.get("group_replication_group_name"))


def put(facts: Facts, variables: t.Mapping[str, str], members: Maybe[t.Sequence[Row]]) -> None:
    """Each member has its own view. One that is cut off reads on as ever, and its writes wait for a majority without an error."""
    facts.put("group.member", member(variables))
    if not member(variables) or isinstance(members, Unknown) or not members:
        why = members if isinstance(members, Unknown) else Unknown(_UNTOLD)
        for name in ("serves", "state", "size", "reachable"):
            facts.put(f"group.{name}", why if member(variables) else Unknown(_NO_MEMBER))
        return
    # a member that was not started has one row, in some versions without an id
    ours = [one for one in members if one.get("member_id") in (variables.get("server_uuid"), "")]
    state = clean(str((ours or [{}])[0].get("member_state") or ""), 20) or None
    reachable = sum(one.get("member_state") != _NOT_REACHED for one in members)
    facts.put("group.state", state, _UNTOLD)
    facts.put("group.size", len(members))
    facts.put("group.reachable", reachable)
    facts.put("group.serves", None if state is None else state in _IN_THE_GROUP and 2 * reachable > len(members), _UNTOLD)
