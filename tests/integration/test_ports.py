# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small fixed part of the port table; `make soak` has all of it."""

from __future__ import annotations

import typing as t

import pytest

from tests.soak import port_table

ROWS = (
    *("memcached: flood", "uwsgi: greeted flood", "postgresql: greeted flood", "mysql: garbage", "redis: http", "amqp: garbage"),
    *("amqp: greeted flood", "varnish: tool flood", "varnish_traffic: tool flood of errors", "memcached: restart"),
)


@pytest.fixture(scope="module")
def neighbours() -> t.Iterator[port_table.Neighbours]:
    with port_table.Neighbours() as started:
        yield started


@pytest.mark.parametrize("name", ROWS)
def test_a_row_of_the_port_table(name: str, neighbours: port_table.Neighbours) -> None:
    assert name in port_table.cases()
    row = port_table.row(name, 1, neighbours)
    assert row.passed, row.said
