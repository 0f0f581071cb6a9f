# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands of examples: their options by the tools' own parsers, and everything they name is there."""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import re
import shlex
import typing as t

import yaml
from ansible.cli.adhoc import AdHocCLI
from ansible.cli.doc import DocCLI
from ansible.cli.galaxy import GalaxyCLI
from ansible.cli.inventory import InventoryCLI
from ansible.cli.playbook import PlaybookCLI

from tests.support.examples.found import ROOT
from tests.support.examples.options import module_problems, variable_problems

OURS = "warroom.launch."
#: Programs of others in examples: named here, so that a misspelt one is seen.
FOREIGN = {"tmux", "echo", "export", "ansible-builder", "ansible-navigator", "cat"}
#: What people install beside Ansible.
PACKAGES = {"tmuxp", "jmespath", "rich", "ansible-core"}


def commands(language: str, text: str) -> list[str]:
    """The commands of a block: of a console those after `$ `, of a shell all; with continued lines joined."""
    lines = text.replace("\\\n", " ").splitlines()
    if language == "console":
        return [line[2:] for line in lines if line.startswith("$ ")]
    return [line for line in lines if line.strip() and not line.startswith("#")]


def command_problems(line: str) -> list[str]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError as error:
        return [f"{line}: {error}"]
    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words.pop(0)
    if not words:
        return [f"{line}: no command"]
    program = words[0].removeprefix(".venv/bin/")
    if program in FOREIGN:
        return []
    check = _PROGRAMS.get(program)
    if check is None:
        return [f"{line}: {program} is no program that examples are known to use"]
    try:
        return [f"{line}: {problem}" for problem in check(words[1:])]
    except WrongArguments as error:
        return [f"{line}: {error}"]


class WrongArguments(Exception):
    """What the tool's own parser says."""


def _parsed(tool: t.Any, arguments: t.Sequence[str], *before: str) -> argparse.Namespace:
    """The arguments as the tool itself reads them, without running or configuring it."""
    cli = tool(["tool", *before, *arguments])
    cli.init_parser()

    def refuse(message: str) -> t.NoReturn:
        raise WrongArguments(message)

    cli.parser.error = refuse
    return t.cast(argparse.Namespace, cli.parser.parse_args([*before, *arguments]))


def _playbook(arguments: t.Sequence[str]) -> t.Iterator[str]:
    parsed = _parsed(PlaybookCLI, arguments)
    for name in parsed.args:
        path = f"playbooks/{name.removeprefix(OURS)}.yml" if name.startswith(OURS) else name
        if not (ROOT / path).is_file():
            yield f"there is no playbook {name}"
    yield from _extra_variables(parsed.extra_vars)
    known = tags()
    yield from (f"no task has the tag {tag}" for tag in ",".join(parsed.tags or []).split(",") if tag and tag not in known)


def _extra_variables(given: t.Iterable[str]) -> t.Iterator[str]:
    for text in given:
        if text.startswith("@"):
            continue
        pairs = yaml.safe_load(text) if text.startswith("{") else dict(pair.split("=", 1) for pair in shlex.split(text))
        yield from variable_problems(pairs, written="{" if text.startswith("{") else "=")


@functools.cache
def tags() -> frozenset[str]:
    text = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("roles/*/tasks/*.yml"))
    lists = re.findall(r"^\s*(?:- )?tags: *\[?([\w, -]+)\]?$", text, re.M)
    return frozenset(tag.strip() for line in lists for tag in line.split(","))


def _ad_hoc(arguments: t.Sequence[str]) -> t.Iterator[str]:
    parsed = _parsed(AdHocCLI, arguments)
    pairs = dict(pair.split("=", 1) for pair in shlex.split(parsed.module_args)) if parsed.module_args else {}
    yield from module_problems(parsed.module_name, pairs)
    yield from _extra_variables(parsed.extra_vars)


def _doc(arguments: t.Sequence[str]) -> t.Iterator[str]:
    parsed = _parsed(DocCLI, arguments)
    for name in [name for name in parsed.args if name != OURS.rstrip(".")]:
        short = name.removeprefix(OURS)
        place = f"roles/{short}" if parsed.type == "role" else f"plugins/{'modules' if parsed.type == 'module' else parsed.type}/{short}.py"
        if not (ROOT / place).exists():
            yield f"there is no {parsed.type} {name}"


def _galaxy(arguments: t.Sequence[str]) -> t.Iterator[str]:
    parsed = _parsed(GalaxyCLI, arguments)
    if "install" not in arguments:
        return
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    yield from (f"this is {name}, not we" for name in parsed.args if name.split(":")[0] != f"{galaxy['namespace']}.{galaxy['name']}")


def _inventory(arguments: t.Sequence[str]) -> t.Iterator[str]:
    _parsed(InventoryCLI, arguments)
    yield from ()


def _make(arguments: t.Sequence[str]) -> t.Iterator[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for word in arguments:
        name, equals, value = word.partition("=")
        if not equals and not re.search(rf"^{re.escape(name)}:", makefile, re.M):
            yield f"make has no target {name}"
        elif equals and not re.search(rf"\$\({re.escape(name)}\)|^{re.escape(name)} \?=", makefile, re.M):
            yield f"make has no variable {name}"
        elif name == "STORY":
            yield from (f"there is no story {story}" for story in value.split(",") if story not in {*stories(), "name"})


@functools.cache
def stories() -> frozenset[str]:
    named = yaml.safe_load((ROOT / "roles/practice_stack/vars/main.yml").read_text(encoding="utf-8"))
    return frozenset({"healthy", *itertools.chain.from_iterable(named["practice_stack__stories_of"].values())})


def _pip(arguments: t.Sequence[str]) -> t.Iterator[str]:
    if arguments[:1] != ["install"]:
        yield "only pip install"
    yield from (f"{name} is no package that we ask for" for name in arguments[1:] if name not in PACKAGES)


def _python(arguments: t.Sequence[str]) -> t.Iterator[str]:
    """A script of `examples/`, whose options its own --help has."""
    scripts = list(ROOT.glob(f"examples/{arguments[0]}")) or list(ROOT.glob(arguments[0]))
    if not scripts:
        yield f"there is no script {arguments[0]}"
        return
    text = scripts[0].read_text(encoding="utf-8")
    yield from (f"{arguments[0]} has no option {word}" for word in arguments[1:] if word.startswith("--") and json.dumps(word) not in text)


def _own_script(name: str) -> t.Callable[[t.Sequence[str]], t.Iterator[str]]:
    def check(_arguments: t.Sequence[str]) -> t.Iterator[str]:
        if not (ROOT / name).exists():
            yield f"there is no {name}"

    return check


_PROGRAMS: dict[str, t.Callable[[t.Sequence[str]], t.Iterator[str]]] = {
    "ansible-playbook": _playbook, "ansible": _ad_hoc, "ansible-doc": _doc, "ansible-galaxy": _galaxy, "ansible-inventory": _inventory,
    "make": _make, "pip": _pip, "python": _python, "python3": _python,
    **{name: _own_script(name) for name in (".ci/measures.py", ".ci/checks_doc.py", ".ci/causes_doc.py")},
}  # fmt: skip
