# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Causes over the whole fleet."""

from __future__ import annotations

import typing as t

Data = t.Mapping[str, t.Any]


def diagnose(hosts: Data, findings: t.Sequence[Data], inventory: Data) -> list[dict[str, t.Any]]:
    """The causes, deepest first.

    `hosts`: name → {facts, tiers, reached, addresses, groups, known_clients}; `inventory`: {groups: {name: hosts},
    addresses: {host of the inventory, asked or not: [its names and addresses]}}.
    """
    return []
