# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cockpit: from hosts, facts and findings to one tmux session with the right tools open (private to this collection)."""

from __future__ import annotations

from .session import cockpit

__all__ = ["cockpit"]
