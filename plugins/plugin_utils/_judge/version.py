# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which release of the collection this is: told from inside `plugins/`, whatever lies around it. A test holds it equal to galaxy.yml."""

from __future__ import annotations

VERSION = "1.0.0"


def version() -> str:
    return VERSION
