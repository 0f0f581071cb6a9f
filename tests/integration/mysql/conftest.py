# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from tests.support.mysql import Database, MariaDB, MySQL


@pytest.fixture(scope="session")
def instrumented() -> t.Iterator[MariaDB]:
    """MariaDB with performance_schema and metadata locks on."""
    metadata = "--performance-schema-instrument=wait/lock/metadata/sql/mdl=ON"
    with MariaDB(metadata, performance_schema=True) as server:
        server.shop()
        yield server


@pytest.fixture(scope="session")
def by_default() -> t.Iterator[MariaDB]:
    """MariaDB as it comes: performance_schema off."""
    with MariaDB() as server:
        server.shop()
        yield server


@pytest.fixture(scope="session")
def mysql() -> t.Iterator[MySQL]:
    missing = MySQL.missing()
    if missing:
        pytest.skip(missing)
    with MySQL() as server:
        server.shop()
        yield server


@pytest.fixture(params=["instrumented", "by_default", "mysql"])
def server(request: pytest.FixtureRequest) -> Database:
    """Each kind of server in turn."""
    return t.cast(Database, request.getfixturevalue(request.param))


@pytest.fixture(params=["instrumented", "mysql"])
def counting(request: pytest.FixtureRequest) -> Database:
    """The servers that count statements."""
    return t.cast(Database, request.getfixturevalue(request.param))
