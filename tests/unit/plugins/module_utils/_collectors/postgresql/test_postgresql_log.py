# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What failed, by the server's own log: in any language, prefix and format, of cut, foreign and hostile lines, and what is made of it."""

from __future__ import annotations

import json
import os
import pathlib
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Facts, Unknown
from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql import server_log, undefined
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql.fetch import About, Reader
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql.log_entries import Failed, of_csv, of_json, of_text
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql.log_prefix import LinePrefix
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Process, Processes
from ansible_collections.warroom.launch.plugins.module_utils._sql.sessions import Manner

PREFIXES = {
    "en": "%m [%p] ",
    "ja": "%m [%p] ",
    "de": "%m [%p] %q%u@%d ",
    "fr": "%t [%p]: user=%u,db=%d,app=%a,client=%h ",
}
DJANGO = 'SELECT "shop_order"."id", "shop_order"."currency" FROM "shop_order" WHERE "shop_order"."note" = \'anna@example.com\''
SHOP = {"shop_order": {"id", "note"}}
NAMED = {"shop_order.currency", "shop_coupon", "shop_order.gift", "shop_gone"}


class Database:
    """A session of a database with these tables, in which nobody else is."""

    def __init__(self, tables: t.Mapping[str, t.Collection[str]], sessions: t.Sequence[dict[str, t.Any]] = ()) -> None:
        self.tables, self.sessions = tables, sessions

    def ask(self, sql: str) -> list[dict[str, t.Any]]:
        if "pg_stat_activity" in sql:
            return [dict(row) for row in self.sessions]
        return [{"name": name, "columns": [*columns]} for name, columns in self.tables.items() if f"'{name}'" in sql]


def outcome(failed: t.Iterable[Failed], *, why: t.Optional[str] = None, **databases: Database) -> dict[str, t.Any]:
    lookup = undefined.Lookup(server_log.Statements(tuple(failed), why))
    for name, database in databases.items():
        lookup.read(t.cast(t.Any, database), name, 15.0, "GRANT pg_monitor TO x")
    facts = Facts()
    undefined.put(facts, lookup.outcome("no database could be read"), Manner(top=20))
    return facts.done()


def lines_of(fixture_file: t.Any, name: str) -> list[str]:
    found: bytes = fixture_file(f"postgresql/log/{name}")
    return found.decode().split("\n")[:-1]


# -- what the lines say ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", PREFIXES)
def test_failed_statements_in_every_language(fixture_file: t.Any, language: str) -> None:
    failed = [*of_text(lines_of(fixture_file, f"{language}.log"), LinePrefix(PREFIXES[language]))]
    told = outcome(failed, postgres=Database(SHOP))
    assert {row["name"] for row in told["undefined_names"]} == NAMED
    assert {row["database"] for row in told["undefined_names"] if "." in row["name"]} == {"postgres"}
    assert {row["sessions"] for row in told["undefined_names"]} == {1}
    # as many as failed: what was only logged (log_statement, log_min_duration_statement) is none
    assert len(failed) == 6 and {each.user for each in failed} == ({"warroom"} if language in ("de", "fr") else {None})
    assert "anna@example.com" not in str(told) and "SECRET" not in str(told)


@pytest.mark.parametrize(("name", "reader"), [("de.csv", of_csv), ("de.json", of_json)])
def test_formats_that_say_whose_it_was(fixture_file: t.Any, name: str, reader: t.Callable[[list[str]], t.Iterator[Failed]]) -> None:
    failed = [*reader(lines_of(fixture_file, name))]
    assert {(each.database, each.user, each.application, each.address, each.session) for each in failed} == {
        ("postgres", "warroom", "shop-web", "127.0.0.1", "346")
    }
    assert [each.text.split()[0].lower() for each in failed] == ["select", "insert", "declare", "select"]
    told = outcome(failed, postgres=Database(SHOP))
    assert {row["name"] for row in told["undefined_names"]} == NAMED and not told["unknown"]


@pytest.mark.parametrize(
    ("setting", "begins", "told"),
    [
        ("%m [%p] ", "2026-11-30 11:08:34.319 UTC [346] ", {"session": "346"}),
        ("%m [%-6p] %q%u@%d ", "2026-11-30 11:08:34.319 CET [346   ] a b@shop ", {"session": "346", "user": "a b", "database": "shop"}),
        ("%t %r %a: ", "2026-11-30 11:08:34 UTC 10.0.0.7(5123) my app: ", {"address": "10.0.0.7", "application": "my app"}),
        ("%d%u ", "shopanna ", {}),
        ("<%h 100%% %d> ", "<[local] 100% shop> ", {"address": "[local]", "database": "shop"}),
        ("%m [%p] %q%u@%d ", "2026-11-30 11:08:34.319 UTC [346] ", {}),
        ("", "", {}),
        ("%", "%", {}),
    ],
)
def test_prefixes(setting: str, begins: str, told: dict[str, str]) -> None:
    assert LinePrefix(setting).read(begins + "ERROR:  no") == told


def test_a_label_in_the_prefix_is_none() -> None:
    prefix = LinePrefix("%p:  ")
    [found] = of_text(["7:  ERROR:  column shop_order.currency does not exist", f"7:  STATEMENT:  {DJANGO}"], prefix)
    assert (found.text, found.session, found.message) == (DJANGO, "7", "column shop_order.currency does not exist")


# -- cut, foreign and hostile lines ----------------------------------------------------------------------------

HOSTILE = 'x:  SELECT "a"."secret_of_anna" FROM "secret_of_anna"'
LINES = [
    'ERROR:  relation "secret_of_anna" does not exist',
    f'LOG:  statement: INSERT INTO "shop_order" ("note") VALUES (\'{HOSTILE}',
    f"\tSTATEMENT:  {HOSTILE}')",
    f"LOG:  duration: 1.0 ms  execute <unnamed>: SELECT '{HOSTILE}'",
    f"\t{HOSTILE}",
]


def test_what_visitors_wrote_is_no_statement() -> None:
    assert [*of_text(LINES, LinePrefix(""))] == []
    assert [*of_text(LINES[2:3], LinePrefix(""))] == []
    forged = '2026-11-30 11:08:34.319 UTC,u,shop,1,h,s,1,SELECT,t,v,0,ERROR,42P01,relation b,,,,,,SELECT 1 FROM ""b"",1,,app'
    assert outcome(of_csv([forged]), shop=Database(SHOP))["undefined_names"] == []
    assert [*of_csv([forged.replace(",u,shop,", ',""u"",""shop"",')])] == []


@pytest.mark.parametrize(
    "line",
    [
        '{"state_code":"42703"',
        '{"state_code":"42703","statement":["x"],"message":7}',
        "[" * 100_000 + '"42703"',
        '["42703"]',
        "\0\x1b,42703,",
    ],
)
def test_lines_that_are_no_entries(line: str) -> None:
    for read in (of_json, of_csv, lambda lines: of_text(lines, LinePrefix("%m [%p] "))):
        assert [each for each in read([line]) if each.text] == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=80), max_size=12), st.sampled_from([*PREFIXES.values()]))
def test_nothing_is_shown_but_names_and_normalised_texts(noise: list[str], setting: str) -> None:
    """Whatever stands around: one known entry is found, and of everything else not a character."""
    around = [line.replace("\n", " ").replace("\r", " ") for line in noise]
    entry = ["ERROR:  column shop_order.currency does not exist at character 34", f"STATEMENT:  {DJANGO}"]
    for lines in (around, [*around, *entry, *around]):
        told = outcome(of_text(lines, LinePrefix("")), shop=Database(SHOP))
        assert {row["query"].removesuffix(" …") for row in told["undefined_names"]} <= {DJANGO.replace("'anna@example.com'", "?")}
    assert isinstance([*of_text(around, LinePrefix(setting))], list)


def test_what_else_is_printed_behind_a_statement_is_not_shown() -> None:
    """By archive_command, say, whose output is in the same log."""
    [row] = outcome(
        of_text([f"ERROR:  {MESSAGE}", f"STATEMENT:  {DJANGO}", "\tat com.example.Archive(token-of-anna)"], LinePrefix("")),
        shop=Database(SHOP),
    )["undefined_names"]
    assert row["query"].endswith('"note" = ? …') and "anna" not in str(row)


def test_a_text_longer_than_a_session_keeps_is_read_to_its_tables() -> None:
    columns = ", ".join(f'"shop_order"."a_column_of_many_{number}"' for number in range(60))
    text = f'SELECT {columns}, "shop_order"."currency" FROM "shop_order"'
    there = {"shop_order": {f"a_column_of_many_{number}" for number in range(60)}}
    told = outcome([Failed(text, "column shop_order.currency does not exist")], shop=Database(there))
    assert [row["name"] for row in told["undefined_names"]] == ["shop_order.currency"]


# -- whose it is, and what is known ----------------------------------------------------------------------------

MESSAGE = 'column "shop_order.currency" does not exist'


def test_another_databases_statement_is_left_alone() -> None:
    assert outcome([Failed(DJANGO, MESSAGE, database="other")], shop=Database(SHOP))["undefined_names"] == []
    migrated = Database({"shop_order": {"id", "note", "currency"}})
    assert outcome([Failed(DJANGO, MESSAGE)], staging=Database(SHOP), shop=migrated)["undefined_names"] == []
    [row] = outcome([Failed(DJANGO, MESSAGE)], shop=Database(SHOP), postgres=Database({}))["undefined_names"]
    assert (row["database"], row["kind"], row["name"], row["sessions"]) == ("shop", "column", "shop_order.currency", None)


def test_a_statement_that_failed_for_another_reason_names_nothing() -> None:
    assert outcome([Failed(DJANGO, "canceling statement due to statement timeout")], shop=Database(SHOP))["undefined_names"] == []
    assert outcome([Failed(DJANGO, "")], shop=Database(SHOP))["undefined_names"] == []


def test_our_own_statements_are_none_of_the_applications() -> None:
    assert outcome([Failed(f"SELECT /* warroom.launch */ {DJANGO[7:]}", MESSAGE)], shop=Database(SHOP))["undefined_names"] == []


def test_of_too_many_the_newest_are_looked_at_and_nothing_is_not_said() -> None:
    others = [Failed(f"SELECT {number} / 0", "division by zero") for number in range(undefined.MOST_FAILED)]
    assert outcome([*others, Failed(DJANGO, MESSAGE)], shop=Database(SHOP))["undefined_names"] != []
    assert outcome(others, shop=Database(SHOP))["undefined_names"] == []
    assert "only the newest" in outcome([Failed(DJANGO, MESSAGE), *others], shop=Database(SHOP))["unknown"]["undefined_names"]


def session(query: str, **more: t.Any) -> dict[str, t.Any]:
    return {"pid": 7, "user": "shop", "application": "", "address": None, "query": query, "hidden": False, **more}


def test_a_session_that_the_log_has_too_counts_once() -> None:
    failed = [Failed(DJANGO, MESSAGE, "shop", "shop", "", "10.0.0.7", number) for number in ("7", "8", "8")]
    [row] = outcome(failed, shop=Database(SHOP, [session(DJANGO)]))["undefined_names"]
    assert (row["sessions"], row["address"]) == (2, "local")


def test_nothing_is_known_only_by_the_log() -> None:
    calm, hidden = Database(SHOP, [session("SELECT 1")]), Database(SHOP, [session("", hidden=True)])
    assert outcome([], shop=calm)["undefined_names"] == [] == outcome([], shop=hidden)["undefined_names"]
    assert outcome([], why="no log", shop=calm)["unknown"]["undefined_names"] == "no log"
    assert "GRANT pg_monitor" in outcome([], why="no log", shop=hidden)["unknown"]["undefined_names"]
    assert outcome([])["unknown"]["undefined_names"] == "no database could be read"
    assert outcome([], why="no log", shop=Database(SHOP, [session(DJANGO)]))["undefined_names"][0]["name"] == "shop_order.currency"


# -- where the log is ------------------------------------------------------------------------------------------


class Server:
    """A server of this process's user, whose only child is our session's."""

    def __init__(self, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, **options: t.Any) -> None:
        self.folder, self.name = folder, "log/postgresql.log"
        defaults = {"logging_collector": "on", "log_destination": "stderr", "log_line_prefix": "%m [%p] ", "data_directory": str(folder)}
        chosen = {name: {"setting": value} for name, value in {**defaults, **options}.items() if value is not None}
        self.about = About({"backend": 4711, "user": "monitor"}, chosen, {})
        self.tools = HostTools(t.cast(t.Any, None), _processes=Processes([Process(os.getpid(), 1, "postgres", os.getuid(), ())], False))
        monkeypatch.setattr(server_log, "children_now", lambda _pid: [12, 4711])
        (folder / "log").mkdir()
        self.write("")

    def ask(self, _sql: str, _advice: str = "") -> t.Any:
        return [{"path": self.name}]

    def write(self, text: str, mode: str = "a") -> None:
        with (self.folder / self.name).open(mode, encoding="utf-8", errors="surrogateescape") as handle:
            handle.write(text)

    def marked(self) -> server_log.ServerLog:
        return server_log.ServerLog(t.cast(Reader, self), self.about, self.tools)


ENTRY = f"2026-11-30 11:08:34.319 UTC [346] ERROR:  {MESSAGE}\n2026-11-30 11:08:34.319 UTC [346] STATEMENT:  {DJANGO}\n"
OLD = ENTRY.replace("currency", "old")


@pytest.fixture
def server(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    return Server(tmp_path, monkeypatch)


def test_only_what_is_added_in_the_window_is_read(server: Server) -> None:
    server.write(OLD)
    log = server.marked()
    server.write(ENTRY)
    found = log.read()
    assert [each.text for each in found.failed] == [DJANGO] and found.why is None


def test_a_rotated_log_is_read_on_in_the_next_file(server: Server) -> None:
    log = server.marked()
    server.write(ENTRY)
    server.name = "log/postgresql-2.log"
    server.write(ENTRY.replace("currency", "next"))
    assert [each.message for each in log.read().failed] == [MESSAGE, MESSAGE.replace("currency", "next")]


def test_the_collectors_own_note_is_asked_before_the_server(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until PostgreSQL 15 only a superuser may ask the server."""
    monkeypatch.chdir(server.folder)
    (server.folder / "current_logfiles").write_text(f"csvlog log/x.csv\nstderr {server.name}\n")
    monkeypatch.setattr(server, "ask", lambda _sql: Unknown("permission denied for function pg_current_logfile"))
    log = server.marked()
    server.write(ENTRY)
    assert [each.text for each in log.read().failed] == [DJANGO]
    (server.folder / "current_logfiles").write_text(f"stderr {server.folder / server.name}\n")
    assert log.read().why is None
    (server.folder / "current_logfiles").write_text("stderr")
    assert log.read().why == server_log.UNNAMED


def test_a_flood_is_read_in_part_and_said_so(server: Server) -> None:
    log = server.marked()
    os.truncate(server.folder / server.name, 200 << 20)  # a hole: nothing is written
    server.write("\n" + ENTRY)
    found = log.read()
    assert [each.text for each in found.failed] == [DJANGO]
    assert found.why is not None and "only the newest 262144 were read" in found.why


def test_binary_garbage_and_a_cut_entry(server: Server) -> None:
    log = server.marked()
    server.write(bytes(range(256)).decode("utf-8", "surrogateescape") + "\n" + ENTRY + ENTRY.rpartition(" FROM")[0])
    assert [each.text for each in log.read().failed] == [DJANGO]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"log_min_error_statement": "fatal"}, "ALTER SYSTEM SET log_min_error_statement = error"),
        ({"log_min_messages": "panic"}, "ALTER SYSTEM SET log_min_messages = error"),
        ({"log_destination": "syslog"}, "logging_collector = on"),
        ({"log_destination": "eventlog", "logging_collector": "off"}, "logging_collector = on"),
        ({"data_directory": None}, "become: true"),
    ],
)
def test_a_log_that_cannot_tell(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, t.Any], why: str) -> None:
    found = Server(tmp_path, monkeypatch, **options).marked().read()
    assert found.failed == () and found.why is not None and why in found.why


def test_a_server_elsewhere_or_a_file_of_another_user(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.about.identity["backend"] = 99
    assert server.marked().read().why == server_log.NOT_HERE
    server.tools.processes.filtered = True
    assert "become: true" in str(server.marked().read().why)
    server.about.identity["backend"] = 4711
    server.tools._processes = Processes([Process(os.getpid(), 1, "postgres", os.getuid() + 1, ())], False)
    monkeypatch.setattr(server_log, "OTHERS", ())
    assert server.marked().read().why == server_log.FOREIGN


@pytest.mark.parametrize("error", [PermissionError, FileNotFoundError, ValueError])
def test_a_log_that_may_not_be_read_or_is_not_there(server: Server, monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    """Of a folder that is the server's own (Red Hat), or of a container: nothing was read, so nothing is known."""

    def refused(_path: str) -> t.Any:
        raise error

    monkeypatch.setattr(server_log.os, "stat", refused)
    why = server.marked().read().why
    assert why is not None and "become: true" in why


def test_without_the_collector_the_servers_own_output_is_read_when_it_is_a_file(server: Server) -> None:
    server.about.settings["logging_collector"] = {"setting": "off"}
    reading, writing = os.pipe()
    kept = os.dup(2)
    try:
        os.dup2(writing, 2)
        assert server.marked().read().why == server_log.NO_FILE
        with (server.folder / "stderr").open("w") as handle:
            os.dup2(handle.fileno(), 2)
        log = server.marked()
        os.write(2, ENTRY.encode())
        assert [each.text for each in log.read().failed] == [DJANGO]
    finally:
        os.dup2(kept, 2)
        for descriptor in (reading, writing, kept):
            os.close(descriptor)


def test_settings_that_nobody_told(server: Server) -> None:
    server.about.settings.clear()
    assert json.dumps(server.marked().read().why)
    assert isinstance(server.marked()._mark, (Unknown, server_log.tail.Mark))
