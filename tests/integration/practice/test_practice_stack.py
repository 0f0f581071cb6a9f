# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The practice stack starts, flows, is left alone by a second start, and says which of its servers does not come up."""

from __future__ import annotations

import json
import os

import pytest

from tests.soak import before_faults
from tests.support.practice import Practice
from tests.support.practice_project import WITH_SERVERS, Fault

SERVICES = {"server", "varnish", "varnish_traffic", "uwsgi", "memcached", "celery", "postgresql", "mysql"}


def test_healthy_is_go_and_every_tier_is_judged(stack: Practice) -> None:
    rc, report = stack.check()
    bad = [(one["check"], one["finding"]) for one in report["findings"] if one["status"] in ("fail", "unknown") and not one["accepted"]]
    assert bad == []
    assert (rc, report["diagnoses"]) == (0, [])
    assert report["verdict"] in ("go", "go with warnings")
    facts = report["hosts"]["practice"]["facts"]
    assert {f"launch_{service}" for service in SERVICES} <= set(facts)
    assert facts["launch_uwsgi"]["instances"][0]["requests_per_second"] > 0
    assert [one["state"] for one in facts["launch_memcached"]["instances"]] == ["up"] * 3


def test_before_the_doors_open_healthy_is_go(stack: Practice) -> None:
    healthy = before_faults.healthy(stack, "healthy")
    assert healthy.passed, healthy.said


@pytest.mark.parametrize("fault", WITH_SERVERS, ids=lambda fault: fault.name)
def test_a_fault_of_its_project_is_named_before_the_doors_open(stack: Practice, fault: Fault) -> None:
    """Those that need the servers; the others are played without them."""
    row = before_faults.fault(stack, fault.name, fault)
    assert row.passed, row.said


def test_a_second_start_changes_nothing(stack: Practice) -> None:
    again = stack.start()
    assert (again.rc, again.changed) == (0, 0), again.output
    assert json.loads((stack.dir / "etc" / "state.json").read_text())["password"] not in again.output


def test_servers_are_not_roots_and_listen_on_loopback_only(stack: Practice) -> None:
    owners = stack.owners()
    assert owners
    assert 0 not in owners
    ports = json.loads((stack.dir / "etc" / "state.json").read_text())["ports"]
    with open("/proc/net/tcp", encoding="ascii") as table:
        listening = [line.split()[1].split(":") for line in table.readlines()[1:] if line.split()[3] == "0A"]
    for name, port in ports.items():
        assert [address for address, number in listening if int(number, 16) == port] == ["0100007F"], name


def test_secrets_are_for_the_servers_only(stack: Practice) -> None:
    password = json.loads((stack.dir / "etc" / "state.json").read_text())["password"]
    for path in (stack.dir / "etc").iterdir():
        if password in path.read_text():
            assert path.stat().st_mode & 0o007 == 0, path
    assert stack.inventory.stat().st_mode & 0o077 == 0


def test_a_server_that_does_not_come_up_is_named_with_its_log(stack: Practice) -> None:
    if os.geteuid() != 0:
        pytest.skip("a port that only the servers' user may not have needs the play to be root")
    port = json.loads((stack.dir / "etc" / "state.json").read_text())["ports"]["redis"]
    failed = stack.start(practice_stack_ports={"redis": 1})
    healed = stack.start(practice_stack_ports={"redis": port})
    assert failed.rc != 0
    assert "Redis did not come up" in failed.output
    assert f"{stack.dir}/log/redis.log" in failed.output
    assert healed.rc == 0, healed.output
