# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the fact of a service is called, on targets and on the control node."""

from __future__ import annotations

PREFIX = "launch_"


def fact_key(service: str) -> str:
    """The fact of a service."""
    return PREFIX + service
