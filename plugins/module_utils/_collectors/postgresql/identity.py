# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Be another user for one handshake: PostgreSQL's peer authentication asks the kernel who the client is.

Distributions let only the system user `postgres` in by default, so `become: true` (root) alone would not be enough. libc's
seteuid changes every thread of the process, and other probes run beside us: the bare system call changes only this thread.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import typing as t

# setresuid by machine; where it is not known nothing is done and the server refuses us with its reason
_SETRESUID = {"x86_64": 117, "aarch64": 147, "riscv64": 147, "loongarch64": 147, "ppc64le": 164, "s390x": 208}
_KEEP = ctypes.c_int(-1)


def _set_effective(uid: int) -> bool:
    number = _SETRESUID.get(os.uname().machine)
    if number is None or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.syscall(ctypes.c_long(number), _KEEP, ctypes.c_int(uid), _KEEP) == 0)


@contextlib.contextmanager
def acting_as(uid: t.Optional[int]) -> t.Iterator[None]:
    """This thread's effective user is `uid` inside the block (only root may; None changes nothing)."""
    before = os.geteuid()
    if uid is None or uid == before or before != 0:
        yield
        return
    changed = _set_effective(uid)
    try:
        yield
    finally:
        if changed and not _set_effective(before):
            raise RuntimeError("could not become root again")
