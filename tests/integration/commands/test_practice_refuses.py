# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps the practice stack from starting is said before any server runs. So this needs no machine of its own."""

from __future__ import annotations

import os
import shutil
import socket

import pytest

from tests.support.practice import Practice
from tests.support.server import free_port


def test_an_unknown_story_is_refused_before_anything_changes() -> None:
    other = Practice()
    refused = other.start("missing_indexes")
    assert (refused.rc, refused.changed) == (2, 0)
    assert not other.dir.exists() and not other.inventory.exists()
    assert "There is no story missing_indexes in the classic flavour; known are healthy, missing_index" in " ".join(refused.output.split())


def test_a_port_that_is_taken_is_named() -> None:
    other = Practice()
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        try:
            refused = other.start(practice_stack_ports={"varnish": port})
        finally:
            stopped = other.stop()
    assert refused.rc != 0
    assert f"Another program listens on 127.0.0.1, port {port} (for Varnish)" in " ".join(refused.output.split())
    assert stopped.rc == 0
    assert not other.dir.exists()


def test_a_directory_of_somebody_else_is_refused() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a directory of somebody else")
    other = Practice()
    other.dir.mkdir()
    shutil.chown(other.dir, "nobody")
    try:
        refused = other.start()
        stopped = other.stop()
        assert other.dir.exists()
    finally:
        other.dir.rmdir()
    for ran in (refused, stopped):
        assert ran.rc != 0
        assert "is not a directory of root" in " ".join(ran.output.split())
