# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contract of each role: every default is documented, and every documented default is the real one."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
import yaml

ROLES = sorted(path for path in (pathlib.Path(__file__).resolve().parents[3] / "roles").iterdir() if path.is_dir())


def load(path: pathlib.Path) -> dict[str, t.Any]:
    content: dict[str, t.Any] = yaml.safe_load(path.read_text())
    return content


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_defaults_are_what_the_specification_says(role: pathlib.Path) -> None:
    options = load(role / "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    defaults = load(role / "defaults/main.yml")
    assert set(options) == set(defaults)
    templated = {name for name, value in defaults.items() if isinstance(value, str) and "{{" in value}
    documented = {name: option["default"] for name, option in options.items() if name not in templated}
    assert documented == {name: value for name, value in defaults.items() if name not in templated}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_names_and_readme(role: pathlib.Path) -> None:
    assert all(name == role.name or name.startswith(role.name + "_") for name in load(role / "defaults/main.yml"))
    assert f"# warroom.launch.{role.name}" in (role / "README.md").read_text()
