# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a tool prints, kept up to a limit: the command runner of core would keep all of it in memory."""

from __future__ import annotations

import os
import select
import typing as t

#: No tool of ours prints more; varnishstat with thousands of backends prints a tenth of it.
MOST_BYTES = 16 * 1024 * 1024
#: Seconds after which a tool that has ended is not waited for any more: a child of its own may hold its output open.
_AFTERWARDS = 0.5


class Capture:
    """Given the started process (subprocess.Popen), reads both outputs to their end; what is over the limit is read and dropped."""

    def __init__(self, limit: int = MOST_BYTES) -> None:
        self._limit = limit
        self._out: list[bytes] = []
        self._err: list[bytes] = []
        self.bytes = 0

    @property
    def too_much(self) -> bool:
        return self.bytes > self._limit

    @property
    def out(self) -> bytes:
        return b"".join(self._out)

    @property
    def err(self) -> bytes:
        return b"".join(self._err)

    def __call__(self, process: t.Any) -> None:
        kept = {process.stdout.fileno(): self._out, process.stderr.fileno(): self._err}
        while kept:
            ready = select.select(list(kept), [], [], _AFTERWARDS)[0]
            if not ready and process.poll() is not None:
                return
            for descriptor in ready:
                data = os.read(descriptor, 65536)
                if not data:
                    del kept[descriptor]
                    continue
                was_too_much = self.too_much
                self.bytes += len(data)
                if not self.too_much:
                    kept[descriptor].append(data)
                elif not was_too_much:
                    process.terminate()
