# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scripts behind the commit hooks: what they refuse, in a repository of their own."""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("message", "accepted"),
    [
        ("Subject\n\nBecause of this.\n", True),
        ("x" * 73 + "\n\nBecause.\n", False),
        ("Subject\nno blank line\n", False),
        ("Subject\n\n# only a comment\n", False),
        ("Subject\n", False),
        ("fixup! Subject\n", True),
    ],
)
def test_a_commit_message(message: str, accepted: bool, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "message"
    file.write_text(message)
    done = subprocess.run([ROOT / ".ci/commit_subject", file], capture_output=True, check=False)
    assert (done.returncode == 0) is accepted


@pytest.mark.parametrize(
    ("files", "accepted"),
    [
        (["docs/a.md"], True),
        (["plugins/a.py"], False),
        (["plugins/a.py", "changelogs/fragments/a.yml"], True),
        (["roles/r/tasks/main.yml", "changelogs/fragments/a.txt"], False),
    ],
)
def test_a_change_of_behaviour_has_a_fragment(files: list[str], accepted: bool, tmp_path: pathlib.Path) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/fragment", tmp_path / ".ci/fragment")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x\n")
        subprocess.run(["git", "-C", tmp_path, "add", name], check=True)
    done = subprocess.run([tmp_path / ".ci/fragment", "--staged"], capture_output=True, check=False)
    assert (done.returncode == 0) is accepted


def test_every_hook_can_be_run() -> None:
    hooks = [hook for repo in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"] for hook in repo["hooks"]]
    assert {"ruff-check", "ruff-format", "mypy", "yamllint", "codespell", "fragment", "subject"} == {hook["id"] for hook in hooks}
    for hook in hooks:
        program = ROOT / hook["entry"].split()[0]
        assert program.exists(), hook["entry"]


#: Lists of packages that a script makes itself before it reads them: script → their names.
MADE = {"docsite": {"requirements.txt"}}


def test_every_list_of_packages_that_a_script_reads_is_there() -> None:
    named = {
        (script, name)
        for script in (ROOT / ".ci").iterdir()
        if script.is_file()
        for name in re.findall(r"[\w./-]*requirements[\w-]*\.(?:txt|yml)", script.read_text(encoding="utf-8"))
    }
    assert len(named) >= 4
    missing = [(script.name, name) for script, name in named if not (ROOT / name).exists() and name not in MADE.get(script.name, ())]
    assert missing == []


@pytest.mark.parametrize("file", sorted((ROOT / "changelogs/fragments").glob("*.yml")), ids=lambda file: str(file.stem))
def test_a_changelog_fragment_can_be_read(file: pathlib.Path) -> None:
    """A colon within a sentence makes it a mapping, or no YAML at all."""
    config = yaml.safe_load((ROOT / "changelogs/config.yaml").read_text())
    fragment = yaml.safe_load(file.read_text())
    lists = {name for name, _title in config["sections"]} | {config["trivial_section_name"]}
    assert fragment and fragment.keys() <= lists | {config["prelude_section_name"]}
    assert [line for name in fragment.keys() & lists for line in fragment[name] if not isinstance(line, str)] == []
