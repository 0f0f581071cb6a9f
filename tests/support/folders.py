# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Temporary folders that other users of the machine may enter."""

from __future__ import annotations

import pathlib


def let_in(folder: pathlib.Path) -> None:
    """Others may enter the folder and those above it that pytest made, however many these are; never one that was there before."""
    made = [path for path in (folder, *folder.parents) if "pytest-of-" in str(path)]
    assert made, f"{folder} is not pytest's own"
    for path in made:
        path.chmod(0o755)
