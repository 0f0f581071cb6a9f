# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From facts and findings to a session: which windows, which tools, with which arguments, and what comes first."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.finding import finding
from ansible_collections.warroom.launch.plugins.plugin_utils._cockpit import cockpit
from ansible_collections.warroom.launch.plugins.plugin_utils._reach import settings


@pytest.fixture(autouse=True)
def _as_anna(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests."""
    monkeypatch.setattr(settings, "_me", lambda: "anna")


def host(name: str = "web1", services: t.Any = "auto", connection: t.Optional[dict[str, t.Any]] = None, **facts: t.Any) -> dict[str, t.Any]:
    """A local host with these instances of each service."""
    found = {f"launch_{service}": {"schema": 1, "instances": instances} for service, instances in facts.items()}
    return {"name": name, "connection": "local", "facts": found, "services": services, **(connection or {})}


def windows(*hosts: dict[str, t.Any], **options: t.Any) -> dict[str, list[str]]:
    made = cockpit(hosts, **options)["session"]["windows"]
    return {window["window_name"]: [pane["shell_command"][0] for pane in window["panes"]] for window in made}


STACK = {
    "varnish": [{"name": "varnish"}],
    "uwsgi": [{"name": "shop", "address": "127.0.0.1:1717"}],
    "memcached": [{"name": "10.0.0.1:11211", "address": "10.0.0.1:11211"}, {"name": "10.0.0.1:11212", "address": "10.0.0.1:11212"}],
    "celery": [{"name": "shop", "broker_url": "redis://127.0.0.1/0"}],
    "postgresql": [{"name": "/var/run/postgresql:5432", "user": "postgres", "database": "shop", "kind": "server"}],
    "mysql": [{"name": "/run/mysqld/mysqld.sock"}],
}


def test_a_window_for_each_tier_and_its_tools() -> None:
    made = windows(host(**STACK))
    assert list(made) == ["servers", "visitors", "accelerator", "application", "cache", "queue", "database"]
    expected = {
        "servers": ["exec htop"],
        "visitors": ["exec varnishhist;", "exec varnishncsa -q"],
        "accelerator": ["exec varnishstat;", "exec varnishtop -b -i BereqURL"],
        "application": ["exec uwsgitop 127.0.0.1:1717"],
        "cache": ["10.0.0.1:11211"],
        "queue": ["exec celery --broker redis://127.0.0.1/0 events"],
        "database": ["pg_activity -h /var/run/postgresql -p 5432 -U postgres -d shop", "mytop -S /run/mysqld/mysqld.sock"],
    }
    for window, tools in expected.items():
        assert len(made[window]) == len(tools)
        for command, tool in zip(made[window], tools):
            assert tool in command


def test_one_memcache_top_shows_all_instances_of_a_host() -> None:
    command = windows(host(**STACK))["cache"][0]
    assert "10.0.0.1:11211" in command and "10.0.0.1:11212" in command and "damemtop" in command


def test_a_host_without_facts_has_a_pane_at_least() -> None:
    assert list(windows(host("gone"))) == ["servers"]


def test_peer_login_where_the_host_lets_us_become_the_owner() -> None:
    command = windows(host(connection={"become": True}, postgresql=STACK["postgresql"]))["database"][0]
    assert "sudo -u postgres sh -c" in command
    assert "sudo" not in windows(host(connection={"user": "anna"}, postgresql=STACK["postgresql"]))["database"][0]


def test_declared_options_win_and_no_password_is_in_the_session() -> None:
    services = {
        "varnish": [{"name": "edge", "instance": "/run/edge"}],
        "postgresql": [
            {"name": "shop", "login_host": "db", "login_port": 5433, "login_user": "mon", "login_password": "s3cr3t-pg", "login_db": "shop"}
        ],
        "mysql": [{"name": "old", "login_host": "db", "login_user": "mon", "login_password": "s3cr3t-my"}],
        "celery": [{"name": "shop", "broker_url": "redis://:s3cr3t-redis@db/0", "flower_url": "http://u:s3cr3t-flower@10.0.0.9:5555"}],
    }
    facts: dict[str, t.Any] = {"varnish": [{"name": "edge"}], "postgresql": [{"name": "shop", "user": "mon"}]}
    facts.update(mysql=[{"name": "old"}], celery=[{"name": "shop"}])
    result = cockpit([host(services=services, **facts)])
    text = json.dumps(result)
    assert "s3cr3t" not in text
    for command in ("varnishstat -n /run/edge", "pg_activity -h db -p 5433 -U mon -d shop", "mytop -u mon -h db -P 3306"):
        assert command in text
    assert any("~/.pgpass" in note for note in result["notes"]) and any("~/.my.cnf" in note for note in result["notes"])
    assert any("10.0.0.9:5555" in note and "/etc/launch-flower.env" in note for note in result["notes"])


def test_what_was_declared_and_is_down_keeps_its_pane() -> None:
    assert "uwsgitop 127.0.0.1:9" in windows(host(services={"uwsgi": [{"stats": "127.0.0.1:9"}]}))["application"][0]


def test_many_hosts_share_windows_in_the_order_of_their_names() -> None:
    made = windows(*(host(f"web{number}") for number in (10, 2, 1, 3, 4, 5, 6)), panes=4)
    assert {name: len(inside) for name, inside in made.items()} == {"servers": 4, "servers 2": 3}
    assert [name in command for name, command in zip(("web1:", "web2:", "web3:", "web4:"), made["servers"])] == [True] * 4


def focused(result: dict[str, t.Any]) -> tuple[list[str], list[str]]:
    """The windows and the panes that have the focus."""
    marked = [window for window in result["session"]["windows"] if window.get("focus")]
    panes = [pane["shell_command"][0] for window in marked for pane in window["panes"] if pane.get("focus")]
    return [window["window_name"] for window in marked], panes


def failed(check: str, service: str, status: str = "fail", where: str = "web1", **more: t.Any) -> dict[str, t.Any]:
    return {**finding(check, where, service, None, status, finding="it is so"), **more}


@pytest.mark.parametrize(
    ("report", "window"),
    [
        ({}, "servers"),
        ({"findings": [failed("a", "memcached", "warn"), failed("b", "postgresql")]}, "database"),
        ({"findings": [failed("a", "memcached_pool", "warn"), failed("b", "postgresql", accepted="known")]}, "cache"),
        ({"findings": [failed("a", "server")], "diagnoses": [{"tier": "queue", "hosts": ["web1"], "statement": "it is"}]}, "queue"),
        ({"findings": [failed("a", "server")]}, "servers"),
        ({"findings": [failed("a", "server", "ok")]}, "servers"),
        ({"diagnoses": [{"tier": "somewhere", "hosts": [], "statement": "it is"}]}, "servers"),
    ],
)
def test_findings_choose_the_first_window(report: dict[str, t.Any], window: str) -> None:
    result = cockpit([host(**STACK)], report)
    assert focused(result)[0] == [window] and result["first"] == window
    assert (result["why"] is None) == (window == "servers" and not any(one["status"] == "fail" for one in report.get("findings", [])))


def test_the_host_of_the_finding_is_chosen_in_its_window() -> None:
    result = cockpit([host(f"web{number}") for number in range(9)], {"findings": [failed("a", "server", where="web7")]}, panes=4)
    names, panes = focused(result)
    assert names == ["servers 2"] and len(panes) == 1 and "web7:" in panes[0]


@pytest.mark.parametrize("address", ["unix.sock\nrm -rf /", "a\x03b"])
def test_what_cannot_be_typed_is_a_note_and_the_rest_stays(address: str) -> None:
    result = cockpit([host(uwsgi=[{"name": "x", "address": address}], varnish=[{"name": "varnish"}])])
    assert [window["window_name"] for window in result["session"]["windows"]] == ["servers", "visitors", "accelerator"]
    assert any("control characters" in note for note in result["notes"])
    commands = [pane["shell_command"][0] for window in result["session"]["windows"] for pane in window["panes"]]
    assert not any(char in command for command in commands for char in "\x03\n")


def test_sockets_of_memcached_are_said_to_be_left_out() -> None:
    result = cockpit([host(memcached=[{"name": "/run/m.sock", "address": "/run/m.sock"}, {"name": "a:1", "address": "a:1"}])])
    assert any("/run/m.sock is not shown" in note for note in result["notes"])


def test_the_name_of_a_window_is_never_a_name_from_outside() -> None:
    """tmux runs #(commands) in names of windows and sessions."""
    result = cockpit([host("#(touch /tmp/pwned)", uwsgi=[{"name": "#(id)", "address": "127.0.0.1:1"}])])
    assert [window["window_name"] for window in result["session"]["windows"]] == ["servers", "application"]
    titles = [pane["shell_command"][0].split("; ")[0] for window in result["session"]["windows"] for pane in window["panes"]]
    assert all("#" not in title for title in titles)
