# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both drivers give the same rows (cases P-09, P-11)."""

from __future__ import annotations

import sys

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql import driver
from ansible_collections.warroom.launch.plugins.module_utils._texts.plain import plain
from tests.support.postgresql import Postgres, gathered


@pytest.fixture(scope="module")
def server():
    with Postgres() as running:
        running.psql("create extension pg_stat_statements")
        yield running


@pytest.fixture(params=["psycopg", "psycopg2"])
def library(request, monkeypatch):
    if request.param == "psycopg2":
        pytest.importorskip("psycopg2")
        monkeypatch.setitem(sys.modules, "psycopg", None)
    return request.param


VALUES = """select 1.5::numeric as number, 'NaN'::numeric as nan, 'infinity'::float8 as infinite, now() - now() as duration, true as yes,
  textsend(E'x\\\\y') as bytes, array['a', 'b'] as texts, array[1, 2] as numbers, '\u00e9' as word, null as nothing"""


def test_p11_values_of_every_kind_are_plain(server, library):
    connection = driver.connect(host="127.0.0.1", port=server.port, user="warroom", dbname="postgres")
    try:
        (row,) = connection.run("begin read only; select set_config('jit', 'off', true); " + VALUES)
        connection.run("commit")
        assert plain(row) == {
            **{"number": 1.5, "nan": None, "infinite": None, "duration": 0.0, "yes": True, "bytes": "x\\y", "nothing": None},
            **{"texts": ["a", "b"], "numbers": [1, 2], "word": "\u00e9"},
        }
        with pytest.raises(driver.SqlError) as raised:
            connection.run("select 1/0")
        assert raised.value.code == "22012" and str(raised.value) == "division by zero"
    finally:
        connection.close()


def test_the_whole_probe(server, library):
    found = gathered({**server.place, "explain_pids": [1]}, window=0.5)
    assert found["state"] == "up", found["problem"]
    assert found["statements_total"] > 0
    lacking = {
        name for name in ("connections", "clients", "databases", "tables", "settings", "checkpoints", "slots") if found.get(name, 0) is None
    }
    assert not lacking and not [why for why in found["unknown"].values() if "please report" in why]


def test_a_refusal_is_told_alike(server, library):
    found = gathered({**server.place, "login_user": "nobody-here"})
    assert found["state"] == "unreadable" and 'role "nobody-here" does not exist' in found["problem"]
