# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A checkout's ansible.cfg puts module_utils before Ansible's own, for the modules of every collection."""

from __future__ import annotations

import pathlib

import ansible.module_utils

OWN = pathlib.Path(__file__).parents[4] / "plugins/module_utils"


def names(folder: pathlib.Path) -> set[str]:
    return {path.stem for path in folder.iterdir() if path.suffix in ("", ".py") and path.stem not in ("__init__", "__pycache__")}


def test_no_package_hides_one_of_ansible() -> None:
    """`_text` hid ansible.module_utils._text: mysql_info of community.mysql could not import to_native"""
    assert names(OWN), "nothing to compare"
    assert "_text" in names(pathlib.Path(ansible.module_utils.__path__[0])), "not where Ansible's own are"
    assert not names(OWN) & names(pathlib.Path(ansible.module_utils.__path__[0]))
