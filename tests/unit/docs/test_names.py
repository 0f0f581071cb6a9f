# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every variable, check and cause that a text names exists, and every variable is explained on a page."""

from __future__ import annotations

import ast
import functools
import re
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.documented import TEXT
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.causes import KINDS
from tests.support.check_cases import catalogue
from tests.support.examples.found import ROOT, pages
from tests.support.examples.options import documented_variables

_VARIABLE = re.compile(
    r"\b(?:launch_check|launch_watch|launch_cockpit|launch_monitoring|launch_respond|practice|query_report)_[a-z0-9_]*[a-z0-9]\b"
)
_EXPRESSION = re.compile(r"(?<!\{)\{[^{}]*\}")
CHECKS = {entry["id"] for entry in catalogue().entries}
#: What looks like a variable and is none: metrics of Prometheus, what a watch and a run leave behind, roles.
NO_VARIABLES = {
    *(f"launch_check_{name}" for name in ("accepted", "duration_seconds", "findings", "started_seconds", "status", "value")),
    *("launch_check_gathered", "launch_check_result", "launch_check_watch_result", "launch_monitoring_report", "practice_stack"),
}
#: Settings, columns and programs of others, ports of the practice stack and checks of examples whose names begin as those of checks do.
FOREIGN = {
    *("database_limit_left", "django_migrations", "mysql_busy", "redis_mode", "redis_version", "uwsgi_cache_path", "uwsgi_pass"),
    *(f"server_{name}" for name in ("mode", "name", "port", "properties", "time_usec", "tokens", "uuid", "version", "version_num")),
    *("uwsgi_python3", "uwsgi_one_worker_left", "nginx_status", "memcached_1", "memcached_2", "memcached_3"),
}


@functools.cache
def of_playbooks() -> frozenset[str]:
    """The variables that only a playbook reads: it gives their default itself."""
    texts = [path.read_text(encoding="utf-8") for path in ROOT.glob("playbooks/*.yml")]
    return frozenset(name for text in texts for name in re.findall(r"\b([a-z]\w*) \| default\(", text) if _VARIABLE.fullmatch(name))


@functools.cache
def variables() -> frozenset[str]:
    return frozenset(name for name in {*documented_variables(), *of_playbooks()} if "__" not in name and name not in NO_VARIABLES)


@functools.cache
def _checked_words() -> re.Pattern[str]:
    """A word that begins as the checks do: with a service of theirs."""
    services = {entry["service"] for entry in catalogue().entries} | {check.partition("_")[0] for check in CHECKS}
    return re.compile(rf"(?<![\w./:$-])(?:{'|'.join(sorted(services))})_[a-z0-9_]*[a-z0-9]\b(?![\w/(=:])")


@functools.cache
def _known_words() -> frozenset[str]:
    plugins = {path.stem for path in ROOT.glob("plugins/*/*.py")} | {path.name for path in ROOT.glob("roles/*")}
    return frozenset(CHECKS | set(KINDS) | set(re.findall(r"\w+", str(TEXT))) | plugins | FOREIGN)


def wrong(text: str) -> list[str]:
    """The names in a text that nothing has."""
    named = {name for name in _VARIABLE.findall(text) if "__" not in name} - variables() - NO_VARIABLES
    return sorted(named | (set(_checked_words().findall(_EXPRESSION.sub("", text))) - _known_words()))


def of_checks() -> t.Iterator[tuple[str, str]]:
    for entry in catalogue().entries:
        for key in ("question", "why", "finding", "advice", "otherwise", "blind", "look"):
            given = entry.get(key)
            for part in given if isinstance(given, list) else [given]:
                text = part.get("say") if isinstance(part, dict) else part
                if text:
                    yield f"{entry['id']}: {key}", text


def of_code() -> t.Iterator[tuple[str, str]]:
    for path in sorted(ROOT.glob("plugins/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value


def of_pages() -> t.Iterator[tuple[str, str]]:
    # the kinds of faults on the page of the game day have names of their own
    for path in set(pages()) - {ROOT / "docs/gameday.md"}:
        for code in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", path.read_text(encoding="utf-8")):
            yield str(path.relative_to(ROOT)), code


def of_roles() -> t.Iterator[tuple[str, str]]:
    for path in sorted([*ROOT.glob("roles/*/meta/argument_specs.yml"), *ROOT.glob("examples/**/*.yml")]):
        yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("texts", "least"), [(of_checks, 1500), (of_code, 10000), (of_pages, 1500), (of_roles, 6)], ids=["checks", "code", "pages", "roles"]
)
def test_what_a_text_names_exists(texts: t.Callable[[], t.Iterator[tuple[str, str]]], least: int) -> None:
    found = list(texts())
    assert len(found) >= least
    assert [(where, names) for where, text in found if (names := wrong(text))] == []


@pytest.mark.parametrize(
    "text",
    ["set launch_check_treshold", "see redis_memory_lost", "(mysql_lock_wait)", "-e query_report_path=x", "launch_respond_minute: 3"],
)
def test_a_name_that_nothing_has_is_found(text: str) -> None:
    assert len(wrong(text)) == 1


@pytest.mark.parametrize(
    "text", ["see redis_memory_left", "{redis_is_an_expression} keys", "launch_check_accept", "the cause missing_index"]
)
def test_a_name_that_exists_is_none_of_them(text: str) -> None:
    assert wrong(text) == []


def test_every_variable_is_explained_on_a_page() -> None:
    shown = "\n".join(path.read_text(encoding="utf-8") for path in pages())
    assert len(of_playbooks()) > 15
    assert sorted(name for name in variables() if f"`{name}`" not in shown and f"{name}=" not in shown) == []
