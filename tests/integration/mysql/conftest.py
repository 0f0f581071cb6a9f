# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from tests.support import roots
from tests.support.mysql import Database, MariaDB, MySQL, NewerMariaDB, Other


@pytest.fixture(scope="session")
def instrumented() -> t.Iterator[MariaDB]:
    """MariaDB with performance_schema and metadata locks on."""
    metadata = "--performance-schema-instrument=wait/lock/metadata/sql/mdl=ON"
    with MariaDB(metadata, performance_schema=True) as server:
        server.shop()
        yield server


@pytest.fixture(scope="session")
def named_by_lock_tables() -> t.Iterator[MariaDB]:
    """MariaDB with performance_schema on, metadata locks off, as it has them then, and the last statements kept."""
    kept = [f"--performance-schema-consumer-events-statements-{which}=ON" for which in ("current", "history")]
    with MariaDB(*kept, performance_schema=True) as server:
        server.shop()
        yield server


@pytest.fixture(scope="session")
def by_default() -> t.Iterator[MariaDB]:
    """MariaDB as it comes: performance_schema off."""
    with MariaDB() as server:
        server.shop()
        yield server


def other(server: type[Other], *options: str) -> t.Iterator[Other]:
    reason = roots.cannot()
    if reason:
        pytest.skip(reason)
    with server(*options) as running:
        running.shop()
        yield running


@pytest.fixture(scope="session")
def mysql() -> t.Iterator[Other]:
    """MySQL as it comes."""
    yield from other(MySQL, "--mysqlx=OFF")


@pytest.fixture(scope="session")
def newer() -> t.Iterator[Other]:
    """A newer MariaDB with performance_schema and everything that it leaves off."""
    yield from other(NewerMariaDB, "--performance-schema=ON", "--performance-schema-consumer-events-statements-current=ON")


VERSIONS = [pytest.param(name, marks=[pytest.mark.versions, pytest.mark.timeout(900)]) for name in ("mysql", "newer")]


@pytest.fixture(params=["instrumented", "by_default", *VERSIONS])
def server(request: pytest.FixtureRequest) -> Database:
    """Each kind of server in turn."""
    return t.cast(Database, request.getfixturevalue(request.param))


@pytest.fixture(params=["instrumented", *VERSIONS])
def counting(request: pytest.FixtureRequest) -> Database:
    """The servers that count statements."""
    return t.cast(Database, request.getfixturevalue(request.param))
