# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch: nginx's configuration from its files, as the server reads it.

`nginx -T` prints the same, but it makes log files that are missing and binds to sockets, needs root, and must be the same nginx.
"""

from __future__ import annotations

import dataclasses
import glob
import os
import typing as t

from ..._linux import rooted, safe_files
from .syntax import Directive, parse

#: Bytes, files and levels of includes that are read.
MOST_BYTES, MOST_FILES, MOST_LEVELS = 4 << 20, 500, 12


@dataclasses.dataclass
class Configuration:
    """`unread`: files that could not be read; `cut`: whether there was more than is read."""

    tree: list[Directive] = dataclasses.field(default_factory=list)
    files: list[str] = dataclasses.field(default_factory=list)
    unread: list[str] = dataclasses.field(default_factory=list)
    cut: bool = False


class Reader:
    """Reads one configuration. `root`: the server's root folder as it can be reached from here (empty: ours)."""

    def __init__(self, path: str, root: str = "") -> None:
        self._root = root
        self._folder = os.path.dirname(path)
        self._left = MOST_BYTES
        self.found = Configuration()
        self.found.tree = self._file(path, 0)

    def _file(self, path: str, level: int) -> list[Directive]:
        if level > MOST_LEVELS or len(self.found.files) >= MOST_FILES or self._left <= 0:
            self.found.cut = True
            return []
        text = safe_files.regular(rooted.real(path, self._root), self._left)
        if text is None:
            self.found.unread.append(path)
            return []
        self._left -= len(text)
        self.found.files.append(path)
        return self._expanded(parse(text), level)

    def _expanded(self, block: t.Iterable[Directive], level: int) -> list[Directive]:
        """The directives with what they include in its place."""
        result: list[Directive] = []
        for each in block:
            if each.name == "include" and each.words:
                for path in self._matching(each.first):
                    result += self._file(path, level + 1)
            elif each.block is not None:
                result.append(each._replace(block=self._expanded(each.block, level)))
            else:
                result.append(each)
        return result

    def _matching(self, pattern: str) -> list[str]:
        """As the server does: relative to the configuration's folder, in the order of names."""
        pattern = os.path.join(self._folder, pattern)
        if not glob.has_magic(pattern):
            return [pattern]
        folder, name = os.path.split(pattern)
        if glob.has_magic(folder):
            return [found[len(self._root) :] for found in sorted(glob.glob(self._root + pattern))[: MOST_FILES + 1]]
        inside = glob.glob(os.path.join(glob.escape(rooted.real(folder, self._root)), name))
        return [os.path.join(folder, os.path.basename(found)) for found in sorted(inside)[: MOST_FILES + 1]]
