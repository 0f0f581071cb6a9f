# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may be explained: one statement, whole, without functions of users; and what the plan says."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql import plans
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql.driver import SqlError
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql.session import Budget, Session, quoted, quoted_if_needed


@pytest.mark.parametrize(
    "text",
    [
        "select * from child where parent_id = $1",
        "SELECT count(*), max(a) FROM t WHERE a IN ($1, $2) AND lower(b) = 'x;y'",
        "(select 1) union (select 2);",
        "insert into t (a, b) values ($1, $2)",
        "update t set a = coalesce(b, 1) where id = any($1)",
        "with x as (select 1) select * from x",
        "select * from t where exists(select 1 from u where u.id = t.id)",
    ],
)
def test_ordinary_statements_are_explained(text):
    plans.check(text)


@pytest.mark.parametrize(
    "text, why",
    [
        ("select evil()", "it calls evil"),
        ('select "Evil" (1)', "it calls"),
        ("select public.now()", "it calls public.now"),
        ("insert into evil (a) select evil(1)", "it calls evil"),
        ("select * from f(1) as f(a int)", "it calls f"),
        ("select 1; drop table t", "more than one"),
        ("select 1; -- x\n commit; select 2", "more than one"),
        ("select 'it\\'; drop table t; --'", "uncertain"),
        ("vacuum t", "only SELECT"),
        ("explain analyze select 1", "only SELECT"),
        ("copy t to stdout", "only SELECT"),
        ("do $$ begin end $$", "only SELECT"),
        ("<insufficient privilege>", "only SELECT"),
        ("", "only SELECT"),
        ("select " + "1," * 20000 + "1", "cut"),
    ],
)
def test_everything_else_is_refused(text, why):
    with pytest.raises(plans.NotExplainable, match=why):
        plans.check(text)


class Recorder:
    """A connection that remembers what it was told."""

    def __init__(self, rows=None, fail_at=None):
        self.said, self.rows, self.fail_at = [], rows or [], fail_at

    def run(self, sql):
        self.said.append(sql)
        if self.fail_at and self.fail_at in sql:
            raise SqlError("broken")
        return self.rows

    run_one = run


PLAN = [
    {
        "Plan": {
            "Node Type": "Aggregate",
            "Total Cost": 5.0,
            "Plan Rows": 1,
            "Plans": [
                {"Node Type": "Seq Scan", "Relation Name": "child", "Plan Rows": 9, "Filter": "(v = 'EXAMPLE'::text) AND (parent_id = 7)"}
            ],
        }
    }
]


def test_the_plan_is_read_without_literals():
    connection = Recorder([{"QUERY PLAN": PLAN}])
    nodes = plans.explain(Session(connection, Budget(5)), "select count(*) from child where parent_id = $2 and v = $1;", "app")
    assert [(row["depth"], row["node"], row["relation"]) for row in nodes] == [(0, "Aggregate", None), (1, "Seq Scan", "child")]
    assert "EXAMPLE" not in str(nodes) and nodes[1]["filter"] == "(v = ?::text) AND (parent_id = ?)"
    assert plans.reads_whole(nodes, {"child"}, "parent_id") and not plans.reads_whole(nodes, {"parent"}, "parent_id")
    assert not plans.reads_whole(nodes, {"child"}, "id")
    said = connection.said
    assert said[0].startswith("BEGIN /* warroom.launch */ ISOLATION LEVEL READ COMMITTED, READ ONLY") and "force_generic_plan" in said[0]
    assert said[1] == 'SET LOCAL ROLE "app"'
    assert said[2] == "PREPARE launch_plan AS select count(*) from child where parent_id = $2 and v = $1"
    assert said[3] == "EXPLAIN (FORMAT JSON) EXECUTE launch_plan(NULL, NULL)"
    assert said[4] == "DEALLOCATE launch_plan; COMMIT /* warroom.launch */" and len(said) == 5
    assert not any("ANALYZE" in line.upper() for line in said)


def test_a_failure_leaves_nothing_behind():
    connection = Recorder(fail_at="EXPLAIN")
    with pytest.raises(plans.NotExplainable, match="broken"):
        plans.explain(Session(connection, Budget(5)), "select $1", None)
    assert connection.said[-1].endswith("COMMIT /* warroom.launch */")


@pytest.mark.parametrize("document", [None, [], {}, [{}], [{"Plan": None}], [{"Plan": {"Plans": None}}], "text"])
def test_strange_plans_are_no_plans(document):
    assert len(plans.nodes(document)) <= 1


def test_every_question_is_read_only_and_limited():
    connection = Recorder()
    Session(connection, Budget(0.2)).ask("SELECT a FROM b")
    begin, end = connection.said
    assert "READ ONLY" in begin and "'statement_timeout', '200'" in begin and "'lock_timeout', '500'" in begin
    assert begin.endswith("SELECT /* warroom.launch */ a FROM b") and end.startswith("COMMIT")


def test_a_slow_server_is_asked_for_the_essential_only():
    connection = Recorder()
    session = Session(connection, Budget(0.0))
    with pytest.raises(SqlError, match="too slowly"):
        session.ask("SELECT 1")
    assert connection.said == []
    session.ask("SELECT 1", essential=True)
    assert len(connection.said) == 2


def test_identifiers_are_quoted():
    assert quoted('we"ird') == '"we""ird"'
    assert [quoted_if_needed(name) for name in ("plain_1", "Mixed", "1st", "a b", "ä", 'q"')] == [
        *("plain_1", '"Mixed"', '"1st"', '"a b"', '"ä"', '"q"""'),
    ]
