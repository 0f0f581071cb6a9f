# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that a run asks for: which a reason names, what was typed, and that no run forgets what the one before it asked."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._reach import asked
from ansible_collections.warroom.launch.plugins.plugin_utils._reach.command_line import _extra_variables, _playbook


@pytest.mark.parametrize(
    "service, reason, options",
    [
        ("redis", "10.0.0.1:6379 wants a login: give the options login_password, and login_user where it is not the default user",
         ["login_password", "login_user"]),
        ("redis", "x refuses the login: check login_user and login_password", ["login_user", "login_password"]),
        ("redis", "option address is missing: host:port, [IPv6]:port or the path of a UNIX socket", ["address"]),
        ("memcached", "the address 'x' has no port; write host:port, [IPv6]:port or the path of a UNIX socket", ["address"]),
        ("memcached", "authentication required by x: give the options username and password", ["username", "password"]),
        ("celery", "give broker_url, or app (with chdir and virtualenv) of the project whose broker is meant", ["broker_url"]),
        ("celery", "the application shop cannot be imported (x): see chdir, virtualenv and its environment, or give broker_url",
         ["broker_url"]),
        ("celery", "the broker x refuses the login: check user and password in the broker URL, the option broker_url", ["broker_url"]),
        ("celery", "RabbitMQ tells it in its management API only: set management_url", ["management_url"]),
        ("uwsgi", "say where the stats server listens: stats: 127.0.0.1:1717", ["stats"]),
        ("uwsgi", "this host could not be searched for uwsgi, say where it is: permission denied", ["stats"]),
        ("postgresql", "x refuses us: password authentication failed: check login_user and login_password (a new password: ALTER ROLE …)",
         ["login_user", "login_password"]),
        ("postgresql", "x refuses us: database y does not exist: check login_db", ["login_db"]),
        ("postgresql", "2 of 9 sessions are hidden from shop: GRANT pg_monitor TO shop;", []),
        ("redis", "x is in protected mode: it has no password and lets only its own host in", []),
        ("celery_queue", "set management_url", []),
    ],
)  # fmt: skip
def test_what_a_reason_asks_for(service: str, reason: str, options: list[str]) -> None:
    assert asked.options_of(service, reason) == options


REDIS: asked.Ask = {"hosts": ["a", "b"], "service": "redis", "options": ["login_password"]}


def test_each_host_gets_the_answers_to_its_questions() -> None:
    given = [{"item": [REDIS, "login_password"], "user_input": "x"}, {"item": [REDIS, "login_user"], "user_input": ""}, {"skipped": True}]
    assert asked.answers(given, "a") == {"redis": {"login_password": "x"}}
    assert asked.answers(given, "c") == {} and asked.answers(None, "a") == {}


def test_a_question_is_asked_once() -> None:
    more: asked.Ask = {"hosts": ["b", "c"], "service": "redis", "options": ["login_password"]}
    assert asked.merged([REDIS], [more, REDIS]) == [REDIS, {**more, "hosts": ["c"]}]


@pytest.mark.parametrize("value", [None, "x", [1], [{"hosts": ["a"]}], [{**REDIS, "service": "nope"}], [{**REDIS, "hosts": [1]}]])
def test_what_has_another_form_is_no_question(value: t.Any) -> None:
    assert asked.asks(value) == []


def test_the_run_again_asks_again() -> None:
    extra = list(_extra_variables([json.dumps({asked.VARIABLE: [REDIS]}), "launch_check_board=short"]))
    assert list(_playbook({"args": ["check.yml"]}, extra)) == ["check.yml", "-e", "launch_check_board=short"]
