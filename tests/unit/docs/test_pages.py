# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the pages name outside of their examples: links, make targets, plugins, stories (variables and checks: test_names.py)."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
import yaml

from tests.support.examples.commands import command_problems
from tests.support.examples.found import ROOT, pages
from tests.support.examples.options import documented_variables

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


def prose(path: pathlib.Path) -> str:
    return re.sub(r"^( *)(```+).*?^\1\2$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)


def anchors(path: pathlib.Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", prose(path), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: pathlib.Path) -> None:
    wrong = []
    for target in _LINK.findall(prose(page)):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        file, _hash, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            wrong.append(target)
    assert wrong == []


def named(page: pathlib.Path) -> t.Iterator[str]:
    for code in _CODE.findall(prose(page)):
        if re.match(r"make [a-z]|ansible(-\w+)? -|ansible-\w+ \w", code) and "…" not in code:
            yield from command_problems(code)
        for kind in re.findall(r"\bwarroom\.launch\.(\w+)", code):
            places = ("plugins/*/{}.py", "roles/{}", "playbooks/{}.yml")
            if not any(list(ROOT.glob(place.format(kind))) for place in places):
                yield f"there is no warroom.launch.{kind}"


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_names_in_the_text_exist(page: pathlib.Path) -> None:
    assert list(named(page)) == []


def test_wrong_names_are_found(tmp_path: pathlib.Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("`make tset`, `warroom.launch.none`, `ansible-doc -t module warroom.launch.no`\n")
    assert len(list(named(page))) == 4


def rows(page: str) -> dict[str, str]:
    """The variables of the page's tables, with their default as it stands there."""
    found = re.findall(r"^\| `((?:launch|practice)_\w+)` \|([^|]*)\|", (ROOT / page).read_text(encoding="utf-8"), re.M)
    return {name: default.strip().strip("`") for name, default in found}


@pytest.mark.parametrize(
    "page, role", [("roles/launch_check/README.md", "launch_check"), ("roles/practice_stack/README.md", "practice_stack")]
)
def test_the_tables_of_variables_have_them_all_with_their_defaults(page: str, role: str) -> None:
    shown = rows(page)
    specs = yaml.safe_load((ROOT / f"roles/{role}/meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    options = dict(specs["main"]["options"])
    assert sorted(set(options) - set(shown)) == []
    documented = documented_variables()
    for name, default in shown.items():
        if name in documented and documented[name].get("default") not in (None, "") and re.fullmatch(r"[\w.\[\]{}-]+", default):
            assert yaml.safe_load(default) == documented[name]["default"], name


@pytest.mark.parametrize("page", ["docs/watch.md", "docs/cockpit.md"])
def test_the_defaults_of_playbooks_are_those_of_the_tables(page: str) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in [*ROOT.glob("playbooks/*.yml"), *ROOT.glob("roles/*/*/*.yml")])
    used = dict(re.findall(r"\b(launch_(?:watch|cockpit)_\w+) \| default\(([^)]*)\)", text))
    compared = [name for name in rows(page) if name in used]
    assert compared
    for name in compared:
        default = rows(page)[name]
        assert used[name].strip("'") == ("" if default == "none" else default), name


#: Words that a native engineer would not write in documentation.
ODD = re.compile(
    r"\b(somebody|whoever|strangers?|how dear|pass(es)? by it|takes? from the queue|under the hands|nobody takes|drawer|is said to)\b", re.I
)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_the_english_is_plain(page: pathlib.Path) -> None:
    assert [match[0] for match in ODD.finditer(page.read_text(encoding="utf-8"))] == []
