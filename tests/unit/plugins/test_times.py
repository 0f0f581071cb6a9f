# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No result depends on a time zone: what reads a clock, or a text with a time, says that it means UTC (case N-16)."""

from __future__ import annotations

import ast
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._texts import moments
from tests.support import abroad, any_replies
from tests.support.reply_source import Source

ROOT = pathlib.Path(__file__).resolve().parents[3]
SOURCES = sorted((ROOT / "plugins").rglob("*.py"))

#: Calls that give or take local time whatever their arguments are.
LOCAL = {
    *("datetime.utcnow", "datetime.utcfromtimestamp", "datetime.today", "date.today", "date.fromtimestamp"),
    *("time.localtime", "time.mktime", "time.ctime", "time.asctime", "time.strptime", "time.tzset", "calendar.timegm"),
}
#: Calls that give local time with fewer arguments than these (a time zone, or the time itself, is missing).
SHORT = {"datetime.now": 1, "datetime.fromtimestamp": 2, "time.strftime": 2}
#: Texts that become a moment without a zone, unless one is put in its place right there.
NAIVE = {"datetime.strptime", "datetime.fromisoformat"}


def called(call: ast.Call) -> str:
    """`datetime.now` for `datetime.datetime.now(…)` as well."""
    if not isinstance(call.func, ast.Attribute):
        return ""
    owner = call.func.value
    name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
    return f"{name}.{call.func.attr}"


def wrong(tree: ast.AST) -> t.Iterator[tuple[int, str]]:
    """(line, call) of each that depends on the zone of the machine it runs on."""
    zoned = {
        id(inner)
        for outer in ast.walk(tree)
        if isinstance(outer, ast.Call) and isinstance(outer.func, ast.Attribute) and outer.func.attr == "replace"
        and any(keyword.arg == "tzinfo" for keyword in outer.keywords)
        for inner in ast.walk(outer.func.value)
    }  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and f"{getattr(node.value, 'id', '')}.{node.attr}" in ("time.timezone", "time.altzone"):
            yield node.lineno, f"time.{node.attr}"
        if not isinstance(node, ast.Call):
            continue
        name, given = called(node), len(node.args) + len(node.keywords)
        naive = name in NAIVE and id(node) not in zoned
        if name in LOCAL or given < SHORT.get(name, 0) or naive:
            yield node.lineno, name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "plugins")))
def test_n16_every_clock_and_every_text_with_a_time_is_utc(path: pathlib.Path) -> None:
    found = [f"line {line}: {call}" for line, call in wrong(ast.parse(path.read_text(encoding="utf-8")))]
    assert not found, f"{path}: {found}: use _texts/moments.py, or name the zone"


@pytest.mark.parametrize(
    "line",
    [
        "datetime.datetime.now()", "datetime.utcnow()", "datetime.datetime.fromtimestamp(5)", "time.localtime(5)", "time.mktime(x)",
        "calendar.timegm(time.strptime(a, b))", "time.strftime('%H')", "datetime.fromisoformat(x).timestamp()", "time.timezone",
    ],
)  # fmt: skip
def test_the_rule_finds_what_it_forbids(line: str) -> None:
    assert list(wrong(ast.parse(line)))


@pytest.mark.parametrize(
    "line",
    [
        "datetime.now(UTC)",
        "datetime.fromtimestamp(5, tz=UTC)",
        "time.strftime(f, time.gmtime(5))",
        "datetime.strptime(a, b).replace(tzinfo=UTC)",
    ],
)
def test_the_rule_lets_aware_moments_pass(line: str) -> None:
    assert not list(wrong(ast.parse(line)))


def test_no_template_takes_utc_for_local_time() -> None:
    """`now(utc=true)` has no zone, and its timestamp() takes it for local time: the run began 5 h 45 min ago in Kathmandu."""
    texts = [*(ROOT / "roles").rglob("*.yml"), *(ROOT / "playbooks").rglob("*.yml")]
    assert texts
    for path in texts:
        for line in path.read_text(encoding="utf-8").splitlines():
            assert line.lstrip().startswith("#") or not re.search(r"now\([^)]*\)\s*\.timestamp\(", line), f"{path}: {line.strip()}"


#: In statements: local times, and differences of local times. Seconds since 1970 are the same in every zone, and when clocks change.
LOCAL_SQL = re.compile(
    r"\b(?:TIMESTAMPDIFF|TIMEDIFF|DATEDIFF|SYSDATE|CURDATE|CURTIME|LOCALTIME|LOCALTIMESTAMP)\b|(?<!UNIX_TIMESTAMP\()\bNOW\(\d?\)",
    re.IGNORECASE,
)


def statements(tree: ast.AST) -> t.Iterator[tuple[int, str]]:
    """The texts of a module that are no docstrings."""
    described = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, described) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.lineno, node.value


def test_no_statement_asks_a_server_for_local_time() -> None:
    folders = [ROOT / "plugins/module_utils/_collectors" / name for name in ("mysql", "postgresql")]
    sources = [path for folder in [*folders, ROOT / "plugins/module_utils/_sql"] for path in sorted(folder.rglob("*.py"))]
    texts = [(path.name, line, text) for path in sources for line, text in statements(ast.parse(path.read_text(encoding="utf-8")))]
    assert sum("SELECT" in text for _name, _line, text in texts) > 40
    assert not [(name, line, text[:80]) for name, line, text in texts if LOCAL_SQL.search(text)]
    assert LOCAL_SQL.search("SELECT NOW() AS now") and LOCAL_SQL.search("TIMESTAMPDIFF(MICROSECOND, a, b)")
    assert not LOCAL_SQL.search("UNIX_TIMESTAMP(NOW(6)) - UNIX_TIMESTAMP(trx_started)")


ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York")
SCRIPT = """
from ansible_collections.warroom.launch.plugins.module_utils._texts import moments
from tests.support import abroad
from ansible_collections.warroom.launch.plugins.plugin_utils._store import before_after
at = 1795888751.0
print(moments.written(at), moments.clock(at), moments.read(moments.written(at)), before_after._moment("2026-11-29 01:30"))
"""


def test_n16_the_same_moments_in_every_zone() -> None:
    told = set()
    for zone in ZONES:
        environment = {**os.environ, "TZ": zone, "PYTHONPATH": str(ROOT / ".collections")}
        told.add(subprocess.run([sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True, env=environment).stdout)
    assert len(told) == 1, told
    assert moments.read("2026-11-25T14:02:11Z") == 1795615331.0 and moments.written(1795615331.0) == "2026-11-25T14:02:11Z"
    with pytest.raises(ValueError, match="does not match"):
        moments.read("yesterday")


#: Languages as a user may have them: one knows letters of ASCII only, one writes 0,5 and has no UTF-8.
LANGUAGES = ("C", "C.UTF-8", "de_DE.ISO-8859-1")


def in_language(language: str, folder: pathlib.Path) -> subprocess.Popen[str]:
    own = {**abroad.speaking(language, folder), "PYTHONPATH": f"{ROOT / '.collections'}:{ROOT}", "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "tests.support.zoned", *ZONES]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", cwd=ROOT, env={**os.environ, **own})


@pytest.mark.skipif(abroad.MISSING is not None, reason=str(abroad.MISSING))
def test_recordings_are_the_same_report_to_the_byte_in_every_zone_and_language(tmp_path: pathlib.Path) -> None:
    digests: dict[str, str] = {}
    words: set[str] = set()
    started = {language: in_language(language, tmp_path) for language in LANGUAGES}
    for language, process in started.items():
        output, _nothing = process.communicate(timeout=120)
        assert process.returncode == 0, language
        for line in output.splitlines():
            told = json.loads(line)
            digests[f"{told['zone']} {language}"] = str(told["files"])
            words.add(f"{told['says']} {told['point']}")
    assert len(digests) == len(ZONES) * len(LANGUAGES)
    assert len(words) == len(ZONES) * 2, words  # each was in force; the first two say the same
    assert len(set(digests.values())) == 1, digests
    assert {name.partition(" ")[0] for name in told["files"]} > set(any_replies.SERVICES)


#: A moment as a text that does not say its zone.
_WRITTEN = re.compile(r"\b(\d{4}-\d\d-\d\d[T ])\d\d:\d\d(:\d\d)(?![\d.]*(?:Z|[+-]\d))")


def abroad_texts(value: t.Any) -> t.Any:
    """A recording as another server would have written it: its clock on the wall shows another time, its errors are in French."""
    if isinstance(value, dict) and isinstance(value.get("refused"), list):
        why, _said, code = value["refused"]
        return {**value, "refused": [why, "Accès refusé pour l'utilisateur «warroom»", code]}
    if isinstance(value, dict):
        return {key: abroad_texts(held) for key, held in value.items()}
    if isinstance(value, list):
        return [abroad_texts(held) for held in value]
    return _WRITTEN.sub(r"\g<1>05:17\2", value) if isinstance(value, str) else value


def measured(facts: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The measures, and which are unknown; the words of a refusal may be the server's own."""
    return {**facts, "unknown": sorted(facts["unknown"]), "notes": None}


@pytest.mark.parametrize("source", any_replies.sources(), ids=lambda source: f"{source.service} {source.name}")
def test_no_measure_rests_on_the_zone_or_the_language_of_a_server(source: Source) -> None:
    foreign = abroad_texts(source.document)
    assert measured(source.read(foreign, foreign)) == measured(source.read(source.document, source.document))


def test_a_recording_can_be_abroad() -> None:
    assert abroad_texts(["at 2026-11-25T14:02:11, not 2026-11-25T14:02:11Z", {"refused": ["absent", "no", 1146]}]) == [
        "at 2026-11-25T05:17:11, not 2026-11-25T14:02:11Z",
        {"refused": ["absent", "Accès refusé pour l'utilisateur «warroom»", 1146]},
    ]
    changed = [source.name for source in any_replies.sources() if abroad_texts(source.document) != source.document]
    assert len(changed) > 5


@pytest.mark.parametrize(
    "text", ["2026-11-30T20:00:00+00:00", "2026-11-30T20:00:00.250000-03:30", "2026-11-30T20:00:00+05:45", "2026-11-30T00:10:00-00:30"]
)
def test_a_text_that_names_its_zone_is_the_same_moment_everywhere(text: str) -> None:
    assert moments.zoned(text) == datetime.datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize("text", ["2026-11-30T20:00:00", "2026-02-30T20:00:00+00:00", "2026-11-30T20:00:00+00", ""])
def test_a_text_without_a_zone_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError):
        moments.zoned(text)
