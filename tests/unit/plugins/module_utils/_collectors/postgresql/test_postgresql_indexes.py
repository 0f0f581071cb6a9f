# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which index serves a foreign key, which does not, and the statement that makes one."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Unknown
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql import (
    comparable,
    confirm,
    indexes,
    plans,
    tables,
    typed_rows,
)
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql.indexes import Schema
from ansible_collections.warroom.launch.plugins.module_utils._sql.sessions import Manner
from tests.support.tools import measures_of


def index(columns, **more):
    return {
        **{
            "id": 900,
            "table_id": 1,
            "schema": "public",
            "table": "child",
            "name": "child_idx",
            "valid": True,
            "ready": True,
            "method": "btree",
        },
        **{"is_unique": False, "is_primary": False, "columns": columns, "key_columns": len(columns.split()), "predicate": None},
        **{"definition": None, "partition": False, "bytes": 8192, **more},
    }


def table(identifier, name, rows=50000.0, **more):
    counters = dict.fromkeys(
        ("seq_scan", "seq_tup_read", "idx_scan", "idx_tup_fetch", "n_tup_ins", "n_tup_upd", "n_tup_del", "blocks_read"), 0
    )
    return {
        **{
            "id": identifier,
            "schema": "public",
            "name": name,
            "quoted": f"public.{name}",
            "kind": "r",
            "partition": False,
            "estimate": rows,
        },
        **{"bytes": 10**6, "n_live_tup": rows, "n_dead_tup": 0, "n_mod_since_analyze": 0, "analyzed": 5.0, "vacuumed": None, "now": 10.0},
        **counters,
        **more,
    }


def column(number, name, key_type=True, quoted=None):
    return {"number": number, "name": name, "quoted": quoted or name, "key_type": key_type}


def schema(*own_indexes, keys=((2,),), **more):
    made = Schema("shop", {1: table(1, "child"), 2: table(2, "parent", 100.0)})
    made.columns = {
        1: {row["number"]: row for row in (column(1, "id"), column(2, "parent_id"), column(3, "other_id"), column(4, "stripe_id", False))}
    }
    made.foreign_keys = [{"table_id": 1, "name": "child_fk", "parent_id": 2, "parent": "parent", "columns": list(key)} for key in keys]
    made.indexes = list(own_indexes)
    made.unread = None
    for name, value in more.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    "own, columns, expected",
    [
        (index("2"), [2], True),
        (index("2 3"), [2], True),
        (index("3 2"), [2], False),
        (index("3 2"), [2, 3], True),
        (index("2 3 1"), [3, 2], True),
        (index("2 1 3"), [3, 2], False),
        (index("2"), [2, 3], False),
        (index("1 2", key_columns=1), [1, 2], False),
        (index("0 2"), [2], False),
        (index("2", valid=False), [2], False),
        (index("2", ready=False), [2], False),
        (index("2", method="hash"), [2], True),
        (index("2 3", method="hash"), [2, 3], False),
        (index("2", method="gin"), [2], False),
        (index("2", method="brin"), [2], False),
        (index("2", predicate="(id > 10)"), [2], False),
    ],
)
def test_what_serves_a_foreign_key(own, columns, expected):
    assert indexes.serves(own, columns) is expected


@pytest.mark.parametrize(
    "predicate, expected",
    [
        (None, True),
        ("(parent_id IS NOT NULL)", True),
        ("((parent_id IS NOT NULL) AND (id > 10))", False),
        ("(id > 10)", False),
        ("(other_id IS NOT NULL)", False),
    ],
)
def test_a_partial_index_serves_when_it_leaves_out_nulls_only(predicate, expected):
    assert indexes.served(schema(index("2", predicate=predicate)), 1, [2]) is expected


def test_two_halves_do_not_serve_a_composite_key():
    rows = indexes.missing(schema(index("2"), index("3"), keys=[(2, 3)]))
    assert [row["columns"] for row in rows] == [["parent_id", "other_id"]]
    assert rows[0]["create_index"] == "CREATE INDEX CONCURRENTLY child_parent_id_other_id_idx ON public.child (parent_id, other_id);"


def test_columns_without_a_constraint_are_suspects_of_large_tables_only():
    rows = indexes.missing(schema(index("2"), index("1")))
    assert [(row["kind"], row["columns"]) for row in rows] == [("column", ["other_id"])]
    small = schema(index("2"))
    small.tables[1] = table(1, "child", 5000.0)
    assert indexes.missing(small) == []


def test_small_tables_need_no_index():
    small = schema()
    small.tables[1] = table(1, "child", 500.0)
    assert indexes.missing(small) == []


def test_names_are_quoted_and_kept_short_and_free():
    odd = schema(keys=[(5,)])
    odd.tables[1] = table(1, "Order Line", quoted='public."Order Line"')
    odd.columns[1][5] = column(5, "parentId", quoted='"parentId"')
    assert (
        indexes.missing(odd)[0]["create_index"]
        == 'CREATE INDEX CONCURRENTLY "Order Line_parentId_idx" ON public."Order Line" ("parentId");'
    )
    assert indexes.index_name("child", ["parent_id"], {"child_parent_id_idx"}) == "child_parent_id_idx1"
    name = indexes.index_name("ä" * 60, ["parent_id"], set())
    assert len(name.encode()) <= 63 and name.endswith("_idx")


def test_a_partitioned_table_is_indexed_part_by_part():
    parent = schema()
    parent.tables[1] = table(1, "child", 0.0, kind="p")
    part = {"schema": "public", "rows": 30000.0, "bytes": 100, "seq_scan": 1, "seq_tup_read": 2}
    parent.partitions = [
        {**part, "id": 11, "parent_id": 1, "kind": "r", "name": "child_a", "quoted": "public.child_a"},
        {**part, "id": 12, "parent_id": 1, "kind": "p", "name": "child_b", "quoted": "public.child_b"},
        {**part, "id": 13, "parent_id": 12, "kind": "r", "name": "child_b1", "quoted": "public.child_b1"},
    ]
    row = indexes.missing(parent)[0]
    assert row["rows_estimate"] == 60000
    assert row["create_index"].splitlines() == [
        "CREATE INDEX child_parent_id_idx ON ONLY public.child (parent_id);",
        "CREATE INDEX CONCURRENTLY child_a_parent_id_idx ON public.child_a (parent_id);",
        "ALTER INDEX public.child_parent_id_idx ATTACH PARTITION public.child_a_parent_id_idx;",
        "CREATE INDEX child_b_parent_id_idx ON ONLY public.child_b (parent_id);",
        "ALTER INDEX public.child_parent_id_idx ATTACH PARTITION public.child_b_parent_id_idx;",
        "CREATE INDEX CONCURRENTLY child_b1_parent_id_idx ON public.child_b1 (parent_id);",
        "ALTER INDEX public.child_b_parent_id_idx ATTACH PARTITION public.child_b1_parent_id_idx;",
    ]


def test_a_build_that_runs_or_failed_is_said():
    building = [{"pid": 7, "table_id": 1, "id": 5, "phase": "building index", "blocks_total": 200, "blocks_done": 50}]
    row = indexes.missing(schema(index("2", valid=False, name="child_half"), building=building))[0]
    assert row["being_built"] == "an index is being built by pid 7 (building index, 25 % of this step)"
    assert row["invalid_index"] == "public.child_half"


def statement(text="select * from child where parent_id = $1", share=0.6, **more):
    line = confirm.sql_text.normalise(text, limit=2000)
    return {
        **{"id": "1", "database": "shop", "raw": text, "line": line, "low": line.lower(), "user_id": 10, "share_ratio": share},
        **{"mean_milliseconds": 5.0, "calls": 9, **more},
    }


def scan(relation="child", condition="(parent_id = ?)"):
    return [{"node": "Seq Scan", "relation": relation, "condition": condition, "filter": condition}]


def test_those_that_hurt_come_first_and_are_confirmed():
    made = schema(keys=[(2,), (3,)])
    made.tables[1]["seq_scan"], made.second = 5, {1: table(1, "child", seq_scan=9, seq_tup_read=200000)}
    made.seconds = 2.0
    asked = []

    def explain(*how):
        asked.append(how)
        return scan()

    found = measures_of(confirm.put_missing, [made], indexes.missing(made), [statement()], explain, Manner())
    first, second = found["missing_indexes"]
    assert first["columns"] == ["parent_id"] and first["statement_share_ratio"] == 0.6 and first["sequential_scans"] == 4
    assert first["confirmed_by"] == ["statements that filter on it", "sequential scans in the window", "the plan"]
    assert second["columns"] == ["other_id"] and second["statements"] == []
    assert asked == [("shop", "select * from child where parent_id = $1", 10)]
    assert found["missing_indexes_hurting"] == 2 and found["missing_indexes_hurting_rows"] == 50000


def test_a_plan_that_cannot_be_had_is_said_and_changes_nothing():
    def explain(*_how):
        raise plans.NotExplainable("it calls evil")

    row = measures_of(confirm.put_missing, [schema()], indexes.missing(schema()), [statement()], explain, Manner())["missing_indexes"][0]
    assert row["confirmed_by"] == ["statements that filter on it"] and row["statements"][0]["plan"] == "not known: it calls evil"


def test_a_suspect_that_nothing_points_to_is_left_out():
    made = schema(index("2"))
    assert measures_of(confirm.put_missing, [made], indexes.missing(made), [], None, Manner())["missing_indexes"] == []
    made.tables[3] = table(3, "shop_other", 10.0)
    (row,) = measures_of(confirm.put_missing, [made], indexes.missing(made), [], None, Manner())["missing_indexes"]
    assert row["columns"] == ["other_id"] and row["confirmed_by"] == []


@pytest.mark.parametrize(("scans", "hurting", "at_least"), [(0, 0, None), (7, None, 0)])
def test_without_statements_only_a_table_never_scanned_is_known_not_to_suffer(scans, hurting, at_least):
    made = schema()
    made.tables[1]["seq_scan"] = scans
    found = measures_of(confirm.put_missing, [made], indexes.missing(made), Unknown("pg_stat_statements is not loaded"), None, Manner())
    assert found["missing_indexes_hurting"] == hurting and found.get("at_least", {}).get("missing_indexes_hurting") == at_least
    assert (found["unknown"].get("missing_indexes_hurting") == "pg_stat_statements is not loaded") is (hurting is None)


@pytest.mark.parametrize(
    "row",
    [{"xid_age": 2**31}, {"pid": 1, "mxid_age": 10**18}, {"pid": 1, "blocked_by": 7}, {"pid": 1, "blocked_by": "7"}],
)
def test_what_the_server_cannot_hold_is_no_answer(row):
    assert next(reversed(typed_rows.typed([row])[0].values())) is None


def test_an_index_without_columns_is_no_answer():
    with pytest.raises(typed_rows.Strange):
        typed_rows.typed([{"id": 5, "table_id": 1, "columns": None}])


def test_statements_of_another_database_or_table_confirm_nothing():
    others = [
        statement(database="other"),
        statement("select * from children where parent_id = $1"),
        statement("select parent_id from child"),
    ]
    row = measures_of(confirm.put_missing, [schema()], indexes.missing(schema()), others, None, Manner())["missing_indexes"][0]
    assert row["confirmed_by"] == [] and row["statement_share_ratio"] is None


def test_definitions_do_not_depend_on_names():
    made = schema(
        index("2", name="a_1234"),
        index("3", name="b", is_unique=True, definition="CREATE UNIQUE INDEX b ON public.child USING  btree (x DESC)"),
    )
    found = measures_of(comparable.put_indexes, [made], "")
    assert [row["definition"] for row in found["index_definitions"]] == [
        "UNIQUE public.child USING btree (x DESC)",
        "public.child USING btree (parent_id)",
    ]
    renamed = schema(index("2", name="a_5678"), made.indexes[1])
    assert measures_of(comparable.put_indexes, [renamed], "")["index_definitions_hash"] == found["index_definitions_hash"]
    assert measures_of(comparable.put_indexes, [schema(index("2"))], "")["index_definitions_hash"] != found["index_definitions_hash"]


def test_tables_tell_what_moved_and_what_is_neglected():
    made = schema(index("2"))
    made.tables[4] = table(4, "fresh", 2000.0, analyzed=None, estimate=-1.0)
    made.tables[5] = table(5, "stale", 20000.0, n_mod_since_analyze=8000, n_dead_tup=20000)
    made.second = {1: table(1, "child", seq_scan=2, seq_tup_read=100000)}
    made.seconds, made.tables_total = 2.0, 5
    found = measures_of(tables.put, [made], Manner())
    (suspect,) = found["sequential_scan_suspects"]
    assert (suspect["name"], suspect["scanned_ratio"]) == ("child", 1.0)
    assert [row["name"] for row in found["tables_never_analyzed"]] == ["fresh"]
    assert found["tables_stale"][0]["name"] == "stale" and found["tables_stale_ratio"] == 0.4 and found["tables_dead_ratio"] == 0.5
    assert found["tables_total"] == 5 and found["tables"][0]["name"] == "child"
