# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that command lines name. Those are anybody's to write, so only plain files of a sane size are opened."""

from __future__ import annotations

import os
import stat
import typing as t


def regular(path: str, limit: int) -> t.Optional[str]:
    """The text of a plain file of at most `limit` bytes; None for anything else: a pipe or a device would never end."""
    try:
        # no waiting for a writer, should the name be a pipe
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and found.st_size <= limit:
            return os.read(descriptor, limit).decode("utf-8", "replace")
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None
