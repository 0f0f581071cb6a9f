# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every reason that a collector can give is of a kind, and every kind says what makes it known."""

from __future__ import annotations

import ast
import pathlib

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.registry import GATHERED, collector
from ansible_collections.warroom.launch.plugins.plugin_utils._checks import remedies
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.command import remedy_line
from ansible_collections.warroom.launch.plugins.plugin_utils._reach.command_line import CommandLine
from ansible_collections.warroom.launch.plugins.plugin_utils._reach.hosts import Reach
from tests.support.server import ROOT

TARGET = ROOT / "plugins" / "module_utils"
RAISED = ("Problem", "Silent", "Unknown", "Refused")
REACH = Reach(run=CommandLine(inventory=("-i", "hosts")))


def text_of(node: ast.AST | None) -> str:
    """A sentence as the source has it, with … where it is filled in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else "…"
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) for part in node.values)
    if isinstance(node, ast.BinOp):
        return text_of(node.left) + text_of(node.right)
    return "…"


def reasons(path: pathlib.Path) -> list[str]:
    """What the file's instances are unreadable for, and its measures unknown, as far as it stands where it is given."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call) and node.args]
    named = [node for node in calls if isinstance(node.func, ast.Name) and node.func.id in RAISED]
    sentences = [text_of(node.args[0]) for node in named if not isinstance(node.args[0], ast.IfExp)]
    return [sentence for sentence in sentences if len(sentence.replace("…", "").split()) >= 3]


#: Why an act is refused is told at once, and is no reason for an unknown.
ACTS = TARGET / "_acts"
REASONS = sorted({reason for path in TARGET.rglob("*.py") if ACTS not in path.parents for reason in reasons(path)})
#: Facts about the instance rather than gaps: what it has not got cannot be measured, and nothing is to be mended.
NOTHING_TO_MEND = (
    "no ", "none ", "it ran without", "it cannot", "there is a plan", "counted by", "these URLs", "the pattern holds", "a backslash",
    "only SELECT",
    "it calls", "the processors did", "autovacuum_freeze_max_age", "the whole", "its parent", "the link is up",
    "texts of statements are not wanted", "the page is so small", "a marker tells",
)  # fmt: skip


def test_the_reasons_are_found():
    assert len(REASONS) > 150


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_is_of_a_kind(reason):
    assert remedies.kind_of(reason) is not remedies.OTHER or reason.startswith(NOTHING_TO_MEND), "no kind of remedy matches this reason"


@pytest.mark.parametrize("reason", [reason for reason in REASONS if "GRANT" in reason])
def test_a_right_that_is_missing_is_a_whole_statement(reason):
    assert " TO " in reason


@pytest.mark.parametrize("kind", remedies.KINDS, ids=lambda kind: kind.name)
def test_every_kind_says_what_to_do(kind):
    assert len(kind.how.split()) >= 5 and not kind.how.endswith(".")
    assert kind.title.split()[0] in ("have", "has", "cannot", "run", "lack", "need", "are", "refuse", "want", "do", "answer", "met")


@pytest.mark.parametrize(
    "reason, kind",
    [
        ("the Python library kombu is missing for /usr/bin/python3: install python3-kombu on the target, or set …", "library"),
        ("no PostgreSQL driver can be used here (ImportError): install python3-psycopg and libpq on the target", "library"),
        ("permission denied on the socket /run/uwsgi/a.stats: use become, or let the service give its socket a wider mode", "become"),
        ("127.0.0.1:5432 refuses us: password authentication failed: check login_user and login_password", "login"),
        ("2 of 9 sessions are hidden from shop: GRANT pg_monitor TO shop;", "grant"),
        ("the kernel may not be asked about the clock here (adjtimex), and no chrony answers: install chrony, …", "time service"),
        (
            "a container has the clock of the machine below it and may not ask the kernel about it: run the check on that machine",
            "container",
        ),
        ("too little to judge by: this needs requests >= 20", "traffic"),
        ("not reachable: Failed to connect to the host via ssh", "unreachable"),
        ("its Python is too old for the modules (SyntaxError): set ansible_python_interpreter to Python 3.9 or later", "python"),
        ("track_io_timing is off: ALTER SYSTEM SET track_io_timing = on; SELECT pg_reload_conf()", "setting"),
        ("RabbitMQ tells it in its management API only: set management_url", "option"),
        ("varnishstat is not installed on this host, or not on PATH: install the varnish package of the running version", "tool"),
        ("the counter x ran backwards between the samples (it was reset, or it wrapped)", "again"),
    ],
)
def test_kind_of(reason, kind):
    assert remedies.kind_of(reason).name == kind


@pytest.mark.parametrize("service", GATHERED)
def test_every_library_has_packages(service):
    needed = {**collector(service).libraries, **collector(service).helpful}
    for library in needed:
        said = f"the Python library {library.replace('|', ' or ')} is missing for /usr/bin/python3"
        assert library in remedies.PACKAGES and remedies.packages(said) == remedies.PACKAGES[library]


def test_a_line_for_a_library_and_one_for_a_right():
    missing = remedy_line(REACH, "db1", "postgresql", "the Python library psycopg or psycopg2 is missing for /usr/bin/python3")
    assert missing == "ansible -i hosts db1 -m ansible.builtin.package -a 'name=python3-psycopg2 update_cache=true' --become"
    denied = remedy_line(REACH, "db1", "postgresql", "its UNIX socket takes the system user's name only: use become")
    assert denied == "ansible -i hosts db1 -m warroom.launch.postgresql_stats --become"


@pytest.mark.parametrize(
    "one, other",
    [
        ("varnishd is running (pid 12) but /var/lib/varnish/a is not readable", "varnishd is running (pid 9876) but /x is not readable"),
        ("no connection to 10.0.0.1:5432 within 5 s", "no connection to db2.example:5433 within 4.5 s"),
        ("the broker redis://10.0.0.1:6379/0 hangs up", "the broker redis://10.0.0.2:6379/1 hangs up"),
        ("permission denied for 'a'", "permission denied for 'b'"),
    ],
)
def test_what_differs_from_instance_to_instance_does_not_keep_them_apart(one, other):
    assert remedies.template(one) == remedies.template(other)
    assert remedies.template("no such user") != remedies.template("no such database")


def test_a_managed_service_has_a_remedy_of_its_own():
    """ElastiCache without CONFIG was told to be updated."""
    reason = "this server does not know CONFIG GET save (its version, or a renamed command); a managed service shows it in its console"
    assert remedies.kind_of(reason).name == remedies.kind_of(f"its slow log is empty, and may be off: {reason}").name == "managed"
