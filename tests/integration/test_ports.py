# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small fixed part of the port table; `make soak` has all of it."""

from __future__ import annotations

import typing as t

import pytest

from tests.soak import port_table

#: Read side by side, in one process.
TOGETHER = (
    *("memcached: flood", "uwsgi: greeted flood", "postgresql: greeted flood", "mysql: garbage", "redis: http", "amqp: garbage"),
    *(
        "amqp: drip",
        "redis: greeted flood",
        "redis itself: greeted flood",
        "mysql: tls",
        "flower: drip",
        "mysql over tls: plain",
        "redis over tls: untrusted",
        "flower over tls: plain",
    ),
)
TOOLS = ("varnish: tool flood", "varnish_traffic: tool flood of errors")


@pytest.fixture(scope="module")
def neighbours() -> t.Iterator[port_table.Neighbours]:
    with port_table.Neighbours() as started:
        yield started


def test_misbehaving_ports_beside_each_other(neighbours: port_table.Neighbours) -> None:
    assert set(TOGETHER) <= set(port_table.cases())
    rows = port_table.together(TOGETHER, 1, neighbours)
    assert [row for row in rows if not row.passed] == []


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_that_misbehaves(name: str, neighbours: port_table.Neighbours) -> None:
    assert name in port_table.cases()
    row = port_table.row(name, 1, neighbours)
    assert row.passed, row.said
