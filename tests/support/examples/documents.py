# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""YAML of examples: each is of a kind (plays, tasks, variables, checks, cases, facts, a fragment, an expression) and right for it."""

from __future__ import annotations

import functools
import re
import typing as t

import yaml
from ansible.playbook.block import Block
from ansible.playbook.play import Play
from ansible.playbook.task import Task
from ansible.plugins.filter.core import FilterModule as CoreFilters
from ansible.plugins.filter.mathstuff import FilterModule as MathFilters
from jinja2 import Environment, TemplateError, nodes

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, CatalogueError
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.measures import measures
from tests.support.check_cases import KEYS as CASE_KEYS
from tests.support.documented import undocumented
from tests.support.examples.found import ROOT
from tests.support.examples.options import OURS, is_ours, module_problems, variable_problems


class _Loader(yaml.SafeLoader):
    """Ansible's tags are plain values here, and a key that is there twice is an error."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[t.Any, t.Any]:
    keys = [loader.construct_object(key) for key, _value in node.value if key.tag != "tag:yaml.org,2002:merge"]
    twice = [key for at, key in enumerate(keys) if key in keys[:at]]
    if twice:
        raise yaml.constructor.ConstructorError(None, None, f"{twice[0]} is there twice", node.start_mark)
    loader.flatten_mapping(node)
    return {loader.construct_object(key, deep=True): loader.construct_object(value, deep=True) for key, value in node.value}


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))
_Loader.add_constructor("!vault", lambda loader, node: "{{ vaulted }}")


def loaded(text: str) -> t.Any:
    return yaml.load(text, Loader=_Loader)  # it is a SafeLoader


def document_problems(text: str) -> list[str]:
    try:
        document = loaded(text)
    except yaml.YAMLError as error:
        return [f"no YAML: {error}"]
    for kind, is_of, problems in KINDS:
        if is_of(document):
            return [f"{kind}: {problem}" for problem in problems(document)]
    return ["YAML of no known kind"]


def _rows(document: t.Any, *keys: str) -> bool:
    return (
        isinstance(document, list) and bool(document) and all(isinstance(row, dict) and any(key in row for key in keys) for row in document)
    )


def is_plays(document: t.Any) -> bool:
    return _rows(document, "hosts", "import_playbook", "ansible.builtin.import_playbook")


def is_tasks(document: t.Any) -> bool:
    """Named rows that are nothing else."""
    return _rows(document, "name", "block") and not any(is_of(document) for is_of in (is_plays, _is_checks, _is_cases))


def _is_checks(document: t.Any) -> bool:
    return _rows(document, "question")


def _is_cases(document: t.Any) -> bool:
    return _rows(document, "state") and _rows(document, "facts")


# ---- plays and tasks ----------------------------------------------------------------------------------------------


def _plays(document: list[dict[str, t.Any]]) -> t.Iterator[str]:
    for play in document:
        if _imported(play):
            name = str(_imported(play))
            if name.startswith(OURS) and not (ROOT / f"playbooks/{name.removeprefix(OURS)}.yml").exists():
                yield f"there is no playbook {name}"
            yield from variable_problems(play.get("vars") or {})
            continue
        yield from (f"a play has no {key}" for key in play if key not in Play.fattributes)
        yield from variable_problems(play.get("vars") or {})
        for role in play.get("roles") or []:
            role = {"role": role} if isinstance(role, str) else role
            yield from _role(role["role"])
            yield from variable_problems(role.get("vars") or {})
        for part in ("pre_tasks", "tasks", "post_tasks", "handlers"):
            yield from _tasks(play.get(part) or [])


def _imported(play: t.Mapping[str, t.Any]) -> t.Any:
    return play.get("ansible.builtin.import_playbook") or play.get("import_playbook")


def _role(name: str) -> t.Iterator[str]:
    if not name.startswith(OURS) or not (ROOT / "roles" / name.removeprefix(OURS)).is_dir():
        yield f"there is no role {name}"


def _tasks(document: list[dict[str, t.Any]]) -> t.Iterator[str]:
    for task in document:
        yield from _task(task)


def _task(task: dict[str, t.Any]) -> t.Iterator[str]:
    yield from _templates(task)
    yield from variable_problems(task.get("vars") or {})
    if "block" in task:
        yield from (f"a block has no {key}" for key in task if key not in Block.fattributes)
        for part in ("block", "rescue", "always"):
            yield from _tasks(task.get(part) or [])
        return
    keys = [key for key in task if key not in Task.fattributes]
    if len(keys) != 1:
        yield f"a task has one module, not {keys or 'none'}"
        return
    (module,) = keys
    if module in ("ansible.builtin.import_role", "ansible.builtin.include_role"):
        yield from _role(task[module]["name"])
        return
    yield from module_problems(module, task[module])


# ---- templates ----------------------------------------------------------------------------------------------------

_EXPRESSIONS = ("when", "until", "changed_when", "failed_when", "that")


def _templates(value: t.Any, key: str = "") -> t.Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name not in ("tasks", "block", "rescue", "always"):
                yield from _templates(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _templates(inner, key)
    elif isinstance(value, str) and (key in _EXPRESSIONS or "{{" in value or "{%" in value):
        yield from template_problems("{{ " + value + " }}" if key in _EXPRESSIONS else value)


@functools.cache
def _filters() -> frozenset[str]:
    ours = {OURS + path.stem for path in ROOT.glob("plugins/filter/*.py")}
    core = {*CoreFilters().filters(), *MathFilters().filters()}
    return frozenset({*ours, *core, *(f"ansible.builtin.{name}" for name in core), *Environment().filters})


def template_problems(text: str) -> list[str]:
    """What does not parse, and filters that are not there."""
    try:
        # as Ansible does, let a pattern have its backslashes
        parsed = Environment(extensions=["jinja2.ext.do"]).parse(text.replace("\\", ""))
    except TemplateError as error:
        return [f"{text}: {error}"]
    return [f"there is no filter {found.name}" for found in parsed.find_all(nodes.Filter) if found.name not in _filters()]


# ---- what is not Ansible's ----------------------------------------------------------------------------------------


def _checks(document: list[dict[str, t.Any]]) -> t.Iterator[str]:
    try:
        Catalogue(document).checks()
    except CatalogueError as error:
        yield from error.lines


def _cases(document: list[dict[str, t.Any]]) -> t.Iterator[str]:
    yield from (f"a case has no {key}" for case in document for key in case if key not in CASE_KEYS)


def _facts(document: dict[str, t.Any]) -> t.Iterator[str]:
    for name, fact in document.items():
        service = name.removeprefix("launch_")
        yield from (f"{name} has no {key}" for key in fact if key not in ("schema", "instances"))
        for instance in fact["instances"]:
            known = {key: value for key, value in instance.items() if key not in _OF_EVERY_INSTANCE}
            yield from undocumented(service, known)


_OF_EVERY_INSTANCE = ("name", "state", "problem", "window", "collected_at", "duration_ms", "unknown", "notes")


def _is_facts(document: t.Any) -> bool:
    return isinstance(document, dict) and all(
        isinstance(fact, dict) and "instances" in fact and measures(name.removeprefix("launch_")) for name, fact in document.items()
    )


def _is_fragment(document: t.Any) -> bool:
    sections = yaml.safe_load((ROOT / "changelogs/config.yaml").read_text(encoding="utf-8"))["sections"]
    return isinstance(document, dict) and set(document) <= {name for name, _title in sections}


def _fragment(document: dict[str, t.Any]) -> t.Iterator[str]:
    for line in (line for lines in document.values() for line in lines):
        if not re.match(r"\S.* - .*\.$", line):
            yield f"{line!r} is not `area - sentence.`"


def _variables(document: dict[str, t.Any]) -> list[str]:
    return variable_problems(document)


def _execution_environment(document: t.Any) -> t.Iterator[str]:
    """A definition for ansible-builder, in its version 3."""
    if document.get("version") != 3:
        yield "it is not of version 3"
    for key in set(document) - {"version", "images", "dependencies", "options", "additional_build_files", "additional_build_steps"}:
        yield f"ansible-builder knows no {key}"
    for key in set(document.get("dependencies") or {}) - {
        "python_interpreter",
        "ansible_core",
        "ansible_runner",
        "galaxy",
        "python",
        "system",
    }:
        yield f"ansible-builder knows no dependencies.{key}"


Kind = tuple[str, t.Callable[[t.Any], bool], t.Callable[[t.Any], t.Iterable[str]]]
KINDS: tuple[Kind, ...] = (
    ("plays", is_plays, _plays),
    ("checks", _is_checks, _checks),
    ("cases", _is_cases, _cases),
    ("tasks", is_tasks, _tasks),
    ("facts", _is_facts, _facts),
    ("variables", lambda document: isinstance(document, dict) and all(map(is_ours, document)), _variables),
    ("fragment", _is_fragment, _fragment),
    ("execution environment", lambda document: isinstance(document, dict) and "images" in document, _execution_environment),
    (
        "expression",
        lambda document: isinstance(document, dict) and set(document) <= {"when", "until"},
        _templates,
    ),
)
