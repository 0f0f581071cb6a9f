# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inclusion checklist of Ansible collections (ansible-inclusion, collection_checklist.md), item by item, as far as files tell.

What is open is named in OPEN, with its reason; an item that is met must not stand there.
"""

from __future__ import annotations

import ast
import pathlib
import re
import typing as t

import pytest
import yaml

from ansible_collections.warroom.launch.plugins.plugin_utils._judge.version import VERSION

ROOT = pathlib.Path(__file__).resolve().parents[2]
ALLOWED = {"action", "callback", "doc_fragments", "filter", "module_utils", "modules", "plugin_utils"}


def galaxy() -> dict[str, t.Any]:
    return yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def modules() -> list[pathlib.Path]:
    return sorted((ROOT / "plugins/modules").glob("*.py"))


def documented(path: pathlib.Path) -> dict[str, t.Any]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION":
            return yaml.safe_load(ast.literal_eval(node.value))
    raise AssertionError(f"{path.name} has no DOCUMENTATION")


def workflow() -> dict[str, t.Any]:
    return yaml.safe_load(text(".github/workflows/nox.yml"))


def python_sources(folder: str) -> list[pathlib.Path]:
    return [path for path in (ROOT / folder).rglob("*.py") if path.stat().st_size]


def says_gpl(path: pathlib.Path) -> bool:
    return "GPL-3.0-or-later" in path.read_text(encoding="utf-8")[:400]


def private(path: pathlib.Path) -> bool:
    inside = path.relative_to(ROOT / "plugins").parts[1:]
    return path.name == "__init__.py" or any(part.startswith("_") for part in inside)


CHECKS: dict[str, t.Callable[[], bool]] = {
    "issue tracker and repository": lambda: galaxy()["issues"].startswith("https://") and galaxy()["repository"].startswith("https://"),
    "code of conduct": lambda: "code of conduct" in text("README.md").lower() and (ROOT / "CODE_OF_CONDUCT.md").exists(),
    "semantic versioning": lambda: (
        re.fullmatch(r"\d+\.\d+\.\d+(-dev\d+)?", str(galaxy()["version"])) is not None and "semver.org" in text("RELEASE.md")
    ),
    "version told from inside plugins": lambda: galaxy()["version"] == VERSION,
    "changelog": lambda: "releases" in yaml.safe_load(text("changelogs/changelog.yaml")) and (ROOT / "changelogs/config.yaml").exists(),
    "licence of plugins": lambda: all(says_gpl(path) for path in python_sources("plugins")),
    "tags": lambda: "monitoring" in galaxy()["tags"],
    "requires_ansible": lambda: yaml.safe_load(text("meta/runtime.yml"))["requires_ansible"] == ">=2.19.0",
    "only allowed plugin folders": lambda: (
        {path.name for path in (ROOT / "plugins").iterdir() if path.is_dir()} - {"__pycache__"} <= ALLOWED
    ),
    "private code has an underscore": lambda: all(
        private(path) for folder in ("plugins/module_utils", "plugins/plugin_utils") for path in python_sources(folder)
    ),
    "check mode of modules": lambda: all(
        "supports_check_mode=True" in path.read_text(encoding="utf-8") or "check_mode" in str(documented(path)) for path in modules()
    ),
    "version_added": lambda: all(documented(path).get("version_added") for path in modules()),
    "supported Pythons in the documentation of modules": lambda: all(
        "sampling" in str(documented(path).get("extends_documentation_fragment")) or "Python 3" in str(documented(path).get("requirements"))
        for path in modules()
    ),
    "no subprocess in modules": lambda: (
        not any(re.search(r"^\s*import subprocess", path.read_text(encoding="utf-8"), re.M) for path in python_sources("plugins/modules"))
    ),
    "nothing needless in the artefact": lambda: (
        {"tests", ".*", "*.ini", "changelogs/fragments", "changelogs/.plugin-cache.yaml"} <= set(galaxy()["build_ignore"])
    ),
    "CI on each pull request and weekly, and before a release": lambda: (
        {"pull_request", "schedule", "workflow_call"} <= set(workflow()["on"]) and "nox.yml" in text(".github/workflows/release.yml")
    ),
    "sanity on every supported core": lambda: (
        "[sessions.ansible_test_sanity]" in text("antsibull-nox.toml") and "include_devel = true" in text("antsibull-nox.toml")
    ),
    "units on every Python of a target": lambda: (
        set(workflow()["jobs"]["target"]["strategy"]["matrix"]["python"]) == {"3.9", "3.10", "3.11", "3.12", "3.13", "3.14"}
    ),
    "no sanity ignore files": lambda: not list((ROOT / "tests").rglob("ignore-*.txt")),
    "contributions: what is accepted, and who answers": lambda: "## What is accepted" in text("CONTRIBUTING.md"),
    "execution environment": lambda: (ROOT / "meta/execution-environment.yml").exists() and (ROOT / "ee-requirements.txt").exists(),
    "documentation site": lambda: all(
        (ROOT / f"docs/docsite/rst/{name}.rst").exists()
        for section in yaml.safe_load(text("docs/docsite/extra-docs.yml"))["sections"]
        for name in section["toctree"]
    ),
    "modules that return facts end in _facts": lambda: all(
        path.stem.endswith("_facts") for path in modules() if "ansible_facts:" in path.read_text(encoding="utf-8")
    ),
    "published on Galaxy": lambda: "galaxy.ansible.com/ui/repo/published/warroom" in text("README.md"),
}

#: Items that are not met, and why.
OPEN = {
    "modules that return facts end in _facts": "the names *_stats are those of the ad hoc commands that this collection was asked for; "
    "they return facts only and change nothing, which is what the rule protects. A redirect would not work from a checkout.",
    "published on Galaxy": "nothing is published yet; .ci/release-dry-run does all but that",
}


@pytest.mark.parametrize("item", CHECKS)
def test_item(item: str) -> None:
    assert CHECKS[item]() is (item not in OPEN), OPEN.get(item, "this item of the checklist is not met")


def test_open_items_are_items() -> None:
    assert set(OPEN) <= set(CHECKS) and all(len(reason) > 30 for reason in OPEN.values())
