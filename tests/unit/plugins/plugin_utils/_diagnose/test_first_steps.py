# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first step of every cause is an act, and says on what."""

from __future__ import annotations

import re

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.causes import CAUSES
from tests.support.first_steps import APPLIED, NOT_APPLIED
from tests.support.server import ROOT

from .test_diagnosis import SINGLE
from .world import World

ACTS = (
    "Add|Bring|Cache|Compare|Continue|Create|Decide|End|Find|Fix|Fetch|Give|Look|Make|Raise|Read|Renew|Replace|Restart|See|Start|Stop|Take|"
    "Ask|Free|Let|Move|Rebuild|Reduce|Send|Set|Put|Roll|Repair|Run|Check|Keep|Remove|Lower|Wait|Grant|Correct|Use|Increase|Before|If|First"
)
_ACT = re.compile(rf"(?:{ACTS})\b")

#: disaster → what its first step has to name. Those that are left out take the step from the check that found them.
OBJECTS = {
    "cold_cache": "/news/<id>/",
    "cache_banned": "bans",
    "threads_spent": "thread_pool_max",
    "cache_cleared": "127.0.0.1:11211",
    "pool_small": "default_pool_size",
    "slots_held": "shop.sync",
    "workers_exhausted": "processes = 12",
    "workers_stuck": "app1",
    "workers_halted": "root",
    "cpu_full": "/heavy/",
    "missing_index": "ON shop_orderline (order_id)",
    "idle_in_transaction": "pg_terminate_backend(77)",
    "lock_chain": "shop",
    "rogue_client": "report",
    "connections_spent": "db1",
    "disks_slow": "db1",
    "database_down": "PostgreSQL on db1",
    "hosts_refused": "shop.example.com",
    "outside_slow": "203.0.113.9:443",
    "names_slow": "192.0.2.53:53",
}


@pytest.mark.parametrize("disaster", SINGLE)
def test_the_first_step_is_an_act_on_a_named_object(disaster: str) -> None:
    world = World()
    getattr(world, disaster)()
    [cause] = world.diagnose()
    assert _ACT.match(cause["first_fix"]), cause["first_fix"]
    assert OBJECTS.get(disaster, "") in cause["first_fix"], cause["first_fix"]


def test_each_kind_of_cause_that_a_disaster_shows_says_what_not_to_do() -> None:
    shown = set(SINGLE.values())
    assert shown <= {kind.name for kind in CAUSES}
    for disaster in SINGLE:
        world = World()
        getattr(world, disaster)()
        assert all(cause["avoid"].startswith("Do not ") for cause in world.diagnose()), disaster


def test_each_cause_has_a_first_step_that_was_applied_or_a_reason_why_not() -> None:
    names = {kind.name for kind in CAUSES}
    assert set(APPLIED) | set(NOT_APPLIED) == names and not set(APPLIED) & set(NOT_APPLIED)
    assert all((ROOT / test).is_file() for test in APPLIED.values())
