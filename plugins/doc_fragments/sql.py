# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the modules that read a database by SQL (private to this collection)."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  query_text:
    description:
      - How SQL leaves the host. V(normalised) has no literal, no parameter and no comment.
      - V(full) is the text as it runs, with whatever data is in it; V(none) leaves it out.
    type: str
    choices: [normalised, full, none]
    default: normalised
  long_query_seconds:
    description: Queries that run for so long are listed and counted as long.
    type: float
    default: 1.0
  exempt:
    description:
      - Queries that may be long. Each entry has regular expressions for C(user), C(application), C(database), C(address) or C(query); all
        that it names must match. They stay visible and do not count. Dumps and backups are recognised without it.
    type: list
    elements: dict
  explain_pids:
    description: Sessions whose running query is to be explained (never executed).
    type: list
    elements: int
"""
