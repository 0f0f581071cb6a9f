# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From raw host variables to hosts asked: what was gathered, by whom, and why not."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._judge.hostvars import Source, addresses, asked_hosts, inventory
from tests.support.facts import facts, instance

ROLE = Source("gathered", {"thresholds": {"common": {}}})
GOOD = facts(uwsgi=[instance()])


class Hostvars(dict):
    """Counts how often a value was templated."""

    templated = 0

    def raw_get(self, name):
        return self.get(name, "undefined")

    def __getitem__(self, name):
        Hostvars.templated += 1
        return {key: "10.1.1.1" for key in super().__getitem__(name)}


def one(variables, source=ROLE):
    [host], _begun = asked_hosts(["h"], Hostvars(h=variables), {"all": ["h"], "app": ["h"]}, source)
    return host


@pytest.mark.parametrize(
    "result, problem",
    [
        ({"unreachable": True, "msg": "Failed to connect: timed out\n more"}, "not reachable: Failed to connect: timed out more"),
        ({"failed": True, "msg": "The module interpreter '/x' was not found."}, "gathering failed: The module interpreter"),
        ({"failed": True, "module_stderr": "Killed"}, "gathering failed: Killed"),
        ({"failed": True, "exception": None}, "gathering failed: it does not say why"),
        (
            {"failed": True, "msg": "Module result deserialization failed: No start", "module_stderr": "x\nSyntaxError: annotations\n"},
            "gathering failed: its Python is too old for the modules (SyntaxError: annotations)",
        ),
        (
            {"failed": True, "msg": "Module result deserialization failed: No start", "module_stderr": "python3.13: command not found\nx"},
            "gathering failed: its Python did not run the module (python3.13: command not found)",
        ),
        (
            {"failed": True, "msg": "Module result deserialization failed: No start", "module_stderr": "sh: 1: x\nKilled"},
            "gathering failed: the module ended without a result (Killed)",
        ),
        (
            {
                "failed": True,
                "msg": "MODULE FAILURE: see stderr",
                "module_stderr": "Traceback\nOSError: [Errno 28] No space left on device",
            },
            "gathering failed: the module ended without a result (OSError: [Errno 28] No space left on device)",
        ),
        ({"skipped": True}, "gathering was skipped"),
        (None, "nothing was gathered on it"),
        ("text", "nothing was gathered on it"),
    ],
)
def test_case_A_16_odd_results_are_reasons(result, problem):
    variables = {"ansible_facts": GOOD} if result is None else {"gathered": result, "ansible_facts": GOOD}
    host = one(variables)
    assert host.facts == {} and host.problem.startswith(problem)


def test_this_runs_facts_not_those_of_a_cache():
    host = one({"gathered": {"ansible_facts": GOOD}, "ansible_facts": facts(mysql=[instance()])})
    assert host.facts == GOOD and host.reached


def test_reached_and_nothing_there():
    host = one({"gathered": {"ansible_facts": {}}})
    assert host.reached and host.facts == {}


def test_without_a_registered_result_facts_are_taken():
    assert one({"ansible_facts": {**GOOD, "os_family": "Debian", "launch_other": 1}}, Source()).facts == GOOD
    assert one({"ansible_facts": {}}, Source()).problem == "no launch facts were gathered on it"
    assert one({}, Source()).problem == "no launch facts were gathered on it"


def test_settings_of_the_host_win_over_the_common_ones():
    noted = {"thresholds": {"own": {}}, "services": ["uwsgi"], "accept": {}, "known_clients": ["x"], "at": 5.5}
    own = {"gathered": {"settings": noted, "ansible_facts": GOOD}, "launch_check_accept": {"old": "news"}}
    [host, other, nobody], begun = asked_hosts(["a", "b", "c"], Hostvars(a=own, b={}), {"app": ["a", "b"]}, ROLE)
    assert (host.thresholds, host.services, host.accept, host.known_clients, host.groups) == ({"own": {}}, ["uwsgi"], None, ["x"], ["app"])
    assert other.thresholds == {"common": {}}
    assert begun == 5.5
    assert nobody.problem


def test_nothing_is_templated_but_an_address_that_needs_it():
    Hostvars.templated = 0
    variables = {"gathered": {"ansible_facts": facts(uwsgi=[instance(url="{{ 1/0 }}")])}, "ansible_host": "10.0.0.1"}
    assert one(variables).facts["launch_uwsgi"]["instances"][0]["url"] == "{{ 1/0 }}"
    assert Hostvars.templated == 0
    assert addresses("h", {"ansible_host": "{{ ip }}"}, Hostvars(h={"ansible_host": "{{ ip }}"})) == ["h", "10.1.1.1"]


def test_addresses_that_facts_know():
    known = {"ansible_facts": {"all_ipv4_addresses": ["10.0.0.1", "10.0.0.1"], "all_ipv6_addresses": None, "fqdn": "h.example"}}
    assert addresses("h", known, Hostvars()) == ["h", "10.0.0.1", "h.example"]
    ours = {"ansible_facts": facts(server=[instance(addresses=["10.7.0.3", "fd00::3"])])}
    assert addresses("h", ours, Hostvars()) == ["h", "10.7.0.3", "fd00::3"]


def test_inventory_knows_hosts_that_were_not_asked():
    found = inventory(Hostvars(h={}, other={"ansible_host": "10.0.0.2"}), {"all": ["h", "other"]}, [one({})])
    assert found == {"groups": {"all": ["h", "other"]}, "addresses": {"h": ["h"], "other": ["other", "10.0.0.2"]}}


def test_a_host_that_was_given_up_has_the_settings_of_the_inventory():
    variables = {
        "gathered": {"failed": True, "msg": "timed out"},
        "launch_check_services": {"uwsgi": "auto"},
        "launch_check_accept": {"host_reached": "being repaired"},
        "launch_check_known_clients": "{{ templated }}",
    }
    host = one(variables)
    assert (host.services, host.accept, host.known_clients) == (["uwsgi"], {"host_reached": "being repaired"}, "10.1.1.1")
    assert host.thresholds == {"common": {}}
