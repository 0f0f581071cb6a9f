# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backlogs as the kernel tells them, for sockets of this very process."""

from __future__ import annotations

import contextlib
import socket

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Problem
from ansible_collections.warroom.launch.plugins.module_utils._linux import backlog


@pytest.mark.parametrize("kind", ["path", "abstract", "tcp", "tcp6"])
def test_who_waits(kind, tmp_path):
    path = {"path": str(tmp_path / "a.sock"), "abstract": f"@wr-{tmp_path}"}.get(kind)
    with contextlib.ExitStack() as stack:
        if path is not None:
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind("\0" + path[1:] if path.startswith("@") else path)
        else:
            family, host = (socket.AF_INET6, "::1") if kind == "tcp6" else (socket.AF_INET, "127.0.0.1")
            listener = stack.enter_context(socket.socket(family))
            try:
                listener.bind((host, 0))
            except OSError:
                pytest.skip("this machine has no IPv6")
        listener.listen(7)
        for _turn in range(3):
            stack.enter_context(socket.socket(listener.family)).connect(listener.getsockname())
        port = None if path is not None else listener.getsockname()[1]
        mine = [row for row in backlog.listening() if (row.address == path if path is not None else row.port == port)]
        assert [(row.waiting, row.limit) for row in mine] == [(3, 7)]
        assert mine[0].kind == ("unix" if path else "tcp") and mine[0].inode > 0


def test_a_kernel_that_does_not_tell(monkeypatch):
    def refuse(*_args: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(backlog.socket, "socket", refuse)
    with pytest.raises(Problem, match="does not report the backlog"):
        backlog.listening()


def test_overflows_and_the_ceiling(tmp_path, monkeypatch):
    assert backlog.overflows()["ListenOverflows"] >= 0 and backlog.somaxconn() > 0
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "netstat").write_text("TcpExt: A ListenOverflows ListenDrops\nTcpExt: 1 22 33\nIpExt: x\nIpExt: 4\n")
    monkeypatch.setattr(backlog, "PROC", str(tmp_path))
    assert backlog.overflows() == {"ListenOverflows": 22, "ListenDrops": 33} and backlog.somaxconn() is None
