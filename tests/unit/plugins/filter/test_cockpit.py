# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter's face: what it refuses, in words."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.warroom.launch.plugins.filter.cockpit import FilterModule

cockpit = FilterModule().filters()["cockpit"]


@pytest.mark.parametrize(
    ("hosts", "options"),
    [
        ({"web1": {}}, {}),
        (["web1"], {}),
        ([{"address": "10.0.0.1"}], {}),
        ([{"name": "web1"}], {"report": ["x"]}),
        ([{"name": "web1"}], {"environment": "PGPASSFILE=x"}),
        ([{"name": "web1"}], {"panes": 0}),
    ],
)
def test_wrong_input_is_a_sentence(hosts: t.Any, options: dict[str, t.Any]) -> None:
    with pytest.raises(AnsibleFilterError, match=r"warroom\.launch\.cockpit"):
        cockpit(hosts, **options)


def test_settings_that_the_inventory_leaves_empty_are_the_defaults() -> None:
    empty = {"name": "web1", "connection": "", "port": "", "user": "", "become": False, "ssh_args": " ", "facts": {}, "services": "auto"}
    result = cockpit([empty], environment={"A": 1})
    assert result["session"]["environment"] == {"A": "1"}
    assert "ssh -t -- web1 " in result["session"]["windows"][0]["panes"][0]["shell_command"][0]
