# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which quorum queues throw a message away that came back too often, by what the management API of each version tells."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Facts
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery import api, delivery_limit

EMPTY: dict[str, t.Any] = {"arguments": {"x-queue-type": "quorum"}, "effective_policy_definition": []}
DEAD = {"arguments": {"x-queue-type": "quorum", "x-dead-letter-exchange": ""}}


def told(rows: t.Optional[list[dict[str, t.Any]]], version: str, kinds: t.Optional[dict[str, str]] = None) -> dict[str, t.Any]:
    names = ["mail", "slow"] if kinds is None else list(kinds)
    management = None if rows is None else api.rabbitmq_queues(json.dumps(rows).encode())
    facts = Facts()
    delivery_limit.put(facts, names, kinds or dict.fromkeys(names, "quorum"), management, "no management API", version)
    return facts.done()


def of(row: dict[str, t.Any], version: str = "4.1.0") -> t.Any:
    found = told([{"name": "mail", "type": "quorum", **row}], version, {"mail": "quorum"})
    assert (found["delivery_limited_total"] is None) == ("delivery_limited_total" in found.get("unknown", {}))
    return found["delivery_limited_total"]


@pytest.mark.parametrize(
    ("row", "version", "drops"),
    [
        ({**EMPTY, "delivery_limit": 20}, "4.1.0", 1),
        ({**EMPTY, "delivery_limit": 20, **DEAD}, "4.1.0", 0),
        ({**EMPTY, "delivery_limit": 20, "effective_policy_definition": {"dead-letter-exchange": "dead"}}, "4.1.0", 0),
        ({**EMPTY, "delivery_limit": "unlimited"}, "4.1.0", 0),
        ({**EMPTY, "delivery_limit": -1}, "4.1.0", 0),
        (EMPTY, "3.13.7", 0),
        (EMPTY, "4.1.0", None),
        (EMPTY, "", None),
        ({**EMPTY, "arguments": {"x-delivery-limit": 5}}, "3.13.7", 1),
        ({**EMPTY, "effective_policy_definition": None, "delivery_limit": 20}, "4.1.0", 1),
        ({**EMPTY, "effective_policy_definition": {"delivery-limit": 5}}, "3.10.8", 1),
        ({"delivery_limit": 20}, "4.1.0", None),
        # 3.10.8 tells this of a queue that it has no statistics of, also where a policy names an exchange
        ({"arguments": {"x-queue-type": "quorum", "x-delivery-limit": 5}}, "3.10.8", None),
        ({"arguments": {"x-queue-type": "quorum"}}, "3.10.8", None),
        (DEAD, "3.10.8", 0),
        ({"delivery_limit": "many", **EMPTY}, "4.1.0", None),
        ({"delivery_limit": 20, **EMPTY, "arguments": 7}, "4.1.0", None),
        ({"delivery_limit": True, **EMPTY}, "4.1.0", None),
    ],
)
def test_a_limit_without_a_dead_letter_exchange_drops(row: dict[str, t.Any], version: str, drops: t.Optional[int]) -> None:
    assert of(row, version) == drops


def test_only_quorum_queues_count_and_each_is_named_with_its_limit() -> None:
    rows = [{"name": "mail", **EMPTY, "delivery_limit": 20}, {"name": "slow", **EMPTY, "delivery_limit": 7}]
    found = told(rows, "4.1.0", {"mail": "classic", "slow": "quorum"})
    assert (found["delivery_limited"], found["delivery_limited_total"]) == ([{"name": "slow", "delivery_limit": 7}], 1)


def test_a_queue_that_the_management_api_does_not_list_and_no_management_api_are_unknown() -> None:
    assert told([], "4.1.0")["delivery_limited_total"] is None
    assert told(None, "4.1.0")["unknown"]["delivery_limited_total"] == "no management API"
