# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SQL texts without their data, also when they are hostile or cut in the middle (cases P-05, P-06, P-09, Y-02)."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Unknown
from ansible_collections.warroom.launch.plugins.module_utils._sql import sql_text


@pytest.mark.parametrize(
    "text, expected",
    [
        ("select * from t where id = 5", "select * from t where id = ?"),
        ("SELECT  a\n\t, b FROM t1 WHERE x=$1 AND y = -3.5e-7", "SELECT a , b FROM t1 WHERE x=? AND y = -?"),
        ("select 'O''Brien', E'it\\'s EXAMPLE', U&'d\\0061t', x'1F', 0x1F", "select ?, ?, ?, ?, ?"),
        ("select $$EXAMPLE$$, $tag$ it's $$ EXAMPLE $tag$, $1", "select ?, ?, ?"),
        ('select "it\'s a column", "a""b" from "My Table"', 'select "it\'s a column", "a""b" from "My Table"'),
        ("select 1 -- token=EXAMPLE\n+ 2 /* EXAMPLE /* nested */ EXAMPLE */ + 3", "select ? + ? + ?"),
        ("select * from t where id in (1, 2,3 , $4)", "select * from t where id in (…)"),
        ("select * from t where id IN ($1)", "select * from t where id IN (…)"),
        ("insert into t values (1,'a'), (2,'b'),(3,'c')", "insert into t values (?,?), …"),
        ("select array[1,2,3], x = any($1::int[])", "select ARRAY[…], x = any (…)"),
        ("alter role app password 'EXAMPLEPW'", "alter role app password ?"),
        ("select * from täbelle where straße = 'EXAMPLE'", "select * from täbelle where straße = ?"),
        ("select 1::numeric, '2'::text, a[1:2], .5", "select ?::numeric, ?::text, a[?:?], ?"),
        (b"select 'caf\xe9 EXAMPLE' from b\xe9", "select ? from b\ufffd"),
        ("select '\x1b]0;EXAMPLE\x07', a\x1b[31m", "select ?, a [?"),
        ("", ""),
        (None, ""),
    ],
)
def test_literals_and_comments_of_postgresql_are_left_out(text, expected):
    assert sql_text.normalise(text) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("select 'it\\'s EXAMPLE', \"EXAMPLE \\\" x\", `a``b` # EXAMPLE\n from t", "select ?…"),
        ("select 1 --x EXAMPLE", "select ? --x EXAMPLE"),
        ("select 1 -- EXAMPLE", "select ?"),
        ("SELECT /*!40001 SQL_NO_CACHE */ * FROM `orders`", "SELECT * FROM `orders`"),
        ("select _utf8mb4'EXAMPLE', 0xFF, b'01' from db.t2", "select _utf8mb4?, ?, ? from db.t2"),
        ("SELECT * FROM `t` WHERE `id` IN (...)", "SELECT * FROM `t` WHERE `id` IN (...)"),
        ('set password = password("EXAMPLEPW")', "set password = password(?)"),
    ],
)
def test_literals_and_comments_of_mysql_are_left_out(text, expected):
    assert sql_text.normalise(text, "mysql") == expected


SECRET = "EXAMPLE"
STATEMENTS = [
    f"update users set email = '{SECRET}', note = E'{SECRET}\\'{SECRET}' "
    f"where token = $x${SECRET}$x$ /* {SECRET} */ and id = 5 -- {SECRET}",
    f"select \"a\" from t where b = '{SECRET}''{SECRET}' and c in ('{SECRET}', '{SECRET}')",
]


@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("dialect", ["postgresql", "mysql"])
def test_a_text_cut_anywhere_leaks_nothing(statement, dialect):
    for end in range(len(statement)):
        cut = statement[:end].replace("$x$", "'") if dialect == "mysql" else statement[:end]
        assert "EXA" not in sql_text.normalise(cut, dialect, 2000), cut


def test_a_literal_whose_end_is_not_certain_hides_what_may_belong_to_it():
    # with standard_conforming_strings off this is one literal to the third quote, otherwise two
    assert sql_text.normalise("select 'C:\\' , 'EXAMPLE' , 5") == "select ?"
    assert "EXAMPLE" not in sql_text.normalise("select 'it\\'s EXAMPLE'")


HOSTILE = ["'" * 5001, '"' * 5001, "/*" * 5000, "$" * 9000, "$a$" * 5001, "\\" * 9000, "(" * 9000, "-" * 9001, "?," * 9000]


@pytest.mark.parametrize("hostile", [*HOSTILE, "1" * 9000, "E'" + "\\" * 9001])
@pytest.mark.parametrize("dialect", ["postgresql", "mysql"])
@pytest.mark.timeout(10)
def test_hostile_texts_end_soon(hostile, dialect):
    assert len(sql_text.normalise(hostile, dialect, 100)) <= 100
    assert len(sql_text.normalise("select x in (" + hostile, dialect, 100)) <= 100


@pytest.mark.parametrize(
    "text, expected",
    [
        ("select 1", "read"),
        (" /* app */ ( select 1)", "read"),
        ("WITH x AS (SELECT 1) SELECT * FROM x", "read"),
        ("with x as (delete from t returning *) select * from x", "write"),
        ("select * from t where id=1 for no key update", "write"),
        ("select 'insert into x for update' from t", "read"),
        ("COPY public.orders TO stdout;", "read"),
        ("copy (select * from x) to stdout", "read"),
        ("COPY public.orders FROM stdin", "write"),
        ("insert into t select 1", "write"),
        ("CREATE INDEX x ON t (a)", "schema"),
        ("VACUUM ANALYZE t", "schema"),
        ("BEGIN", "transaction"),
        ("", "other"),
        (None, "other"),
    ],
)
def test_what_kind_of_statement(text, expected):
    assert sql_text.kind(text) == expected


def test_backups_are_told_apart():
    assert sql_text.is_backup("COPY public.orders TO stdout;")
    assert sql_text.is_backup("select 1", "pg_dump")
    assert sql_text.is_backup("SELECT /*!40001 SQL_NO_CACHE */ * FROM `orders`")
    assert not sql_text.is_backup("select copy from t", "gunicorn")


def test_query_text_is_what_the_option_allows():
    statement = "select * from t where id = 'EXAMPLE'"
    assert sql_text.shown(statement, "none") is None
    assert sql_text.shown(statement, "normalised") == "select * from t where id = ?"
    assert sql_text.shown(statement, "full") == statement
    assert sql_text.shown(None, "full") is None


def test_ages_are_never_below_zero():
    assert sql_text.age(100.0, 40, "") == 60.0
    assert str(sql_text.age(100.0, 100.000691, "")) == "0.0"
    assert sql_text.age(100.0, 280.0, "not told") == Unknown(sql_text.CLOCK_MOVED)
    assert sql_text.age(None, 1, "not told") == sql_text.age(1, None, "not told") == Unknown("not told")


@pytest.mark.parametrize(
    "column, stem",
    [("customer_id", "customer"), ("customerId", "customer"), ("parent_uuid", "parent"), ("id", None), ("paid", None), ("_id", None)],
)
def test_columns_named_like_foreign_keys(column, stem):
    assert sql_text.refers_to(column) == stem


@pytest.mark.parametrize(
    "statement, expected",
    [
        ("select * from child where parent_id=?", True),
        ('select "child"."x" from "child" where "child"."parent_id" IN (…)', True),
        ("select * from parent p join child c on p.id = c.parent_id", True),
        ("select * from parent join child using (parent_id)", True),
        ("update child set parent_id = ? where id = ?", True),
        ("select parent_id from child where id = ?", False),
        ("select * from children where parent_id = ?", False),
        ("select * from child where grandparent_id = ?", False),
    ],
)
def test_statements_that_filter_on_a_column(statement, expected):
    assert sql_text.filters_on(statement, "child", "parent_id") is expected
