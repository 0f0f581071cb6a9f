# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of causes in the documentation is what their table says."""

from __future__ import annotations

import importlib.util
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[3]


def test_the_list_of_causes_is_current() -> None:
    spec = importlib.util.spec_from_file_location("causes_doc", ROOT / ".ci/causes_doc.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (ROOT / "docs/diagnosis.md").read_text(encoding="utf-8")
    assert "| `missing_index` |" in text
    assert text == module.document(text), "run .venv/bin/python .ci/causes_doc.py"
