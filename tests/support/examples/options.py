# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of modules and variables of roles in examples, held against their documentation."""

from __future__ import annotations

import difflib
import functools
import importlib
import pathlib
import re
import typing as t

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.warroom.launch.plugins.module_utils._collect.options import WrongOption, instances_of, refined
from ansible_collections.warroom.launch.plugins.module_utils._collectors.registry import GATHERED, collector
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import CatalogueError
from ansible_collections.warroom.launch.plugins.plugin_utils._judge import variables
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, validate
from tests.support.check_cases import catalogue
from tests.support.examples.found import ROOT, constant

OURS = "warroom.launch."
CORE = "ansible.builtin."
_KEYS = ("type", "elements", "choices", "required", "default")
#: Modules of other collections in examples; their options are their own.
FOREIGN = {"community.general.mail"}


# ---- modules ------------------------------------------------------------------------------------------------------


def module_problems(name: str, given: t.Any) -> list[str]:
    """What is wrong with a task's module and its options."""
    if name in FOREIGN:
        return []
    options, free = _options(name)
    if options is None:
        return [f"there is no module {name}"]
    if given in (None, {}, ""):
        return []
    if not isinstance(given, dict):
        return [] if free else [f"{name} takes options, not {given!r}"]
    unknown = [] if free else [f"{name} has no option {key}{_meant(key, options)}" for key in given if key not in options]
    plain = {key: value for key, value in given.items() if key in options and not _templated(value)}
    spec = {key: _spec(options[key], key in plain) for key in plain}
    result = ArgumentSpecValidator(spec).validate(plain)
    return [*unknown, *result.error_messages, *(_instance_problems(name, plain) if name.startswith(OURS) else [])]


def _options(name: str) -> tuple[t.Optional[dict[str, t.Any]], bool]:
    """The documented options of a module with its fragments' (None: there is none), and whether it takes any key."""
    short = name.removeprefix(OURS) if name.startswith(OURS) or "." not in name else None
    path = ROOT / f"plugins/modules/{short}.py"
    if short is not None and path.exists():
        return _documented(path), False
    if name.startswith(CORE):
        try:
            module = importlib.import_module(f"ansible.modules.{name.removeprefix(CORE)}")
        except ImportError:
            return None, False
        options = (yaml.safe_load(module.DOCUMENTATION).get("options") or {}) | _core_fragments(module.DOCUMENTATION)
        return options, name.removeprefix(CORE) in ("set_fact", "command", "shell")
    return None, False


def _core_fragments(text: str) -> dict[str, t.Any]:
    options: dict[str, t.Any] = {}
    for fragment in yaml.safe_load(text).get("extends_documentation_fragment") or []:
        name, _dot, part = str(fragment).partition(".")
        options |= _fragment(f"ansible.plugins.doc_fragments.{name}", part)
    return options


def _fragment(module: str, part: str) -> dict[str, t.Any]:
    text = getattr(importlib.import_module(module).ModuleDocFragment, (part or "documentation").upper())
    return yaml.safe_load(text).get("options") or {}


@functools.cache
def _documented(path: pathlib.Path) -> dict[str, t.Any]:
    document = yaml.safe_load(constant(path, "DOCUMENTATION") or "")
    options = dict(document.get("options") or {})
    for fragment in document.get("extends_documentation_fragment") or []:
        if fragment.startswith(OURS):
            name, _dot, part = fragment.removeprefix(OURS).partition(".")
            options |= _fragment(f"ansible_collections.warroom.launch.plugins.doc_fragments.{name}", part)
    # what an action passes on to the module that it is the face of
    return options | (_documented(path.with_name("launch_facts.py")) if path.stem == "gather" else {})


def _spec(documented: t.Mapping[str, t.Any], given: bool) -> dict[str, t.Any]:
    spec = {key: documented[key] for key in _KEYS if key in documented and not (key == "required" and given)}
    if documented.get("suboptions"):
        spec["options"] = {name: _spec(option, False) for name, option in documented["suboptions"].items()}
    return spec


def _instance_problems(name: str, given: t.Mapping[str, t.Any]) -> list[str]:
    """The entries of `instances`, and the services of `launch_facts`, as the collectors read them."""
    short = name.removeprefix(OURS)
    if short == "launch_facts":
        return service_problems(given.get("services"))
    service = short.removesuffix("_stats")
    return _entry_problems(service, given["instances"]) if service in GATHERED and given.get("instances") else []


def service_problems(wishes: t.Any) -> list[str]:
    """`launch_check_services` and the option `services`."""
    if wishes in (None, "", "auto"):
        return []
    if not isinstance(wishes, dict):
        return ["services are auto, or a dictionary"]
    problems: list[str] = []
    for service, wish in wishes.items():
        if service not in GATHERED:
            problems.append(f"there is no service {service}")
        elif wish not in (None, "", "auto"):
            problems += _entry_problems(service, wish)
    return problems


def _entry_problems(service: str, wish: t.Any) -> list[str]:
    try:
        if isinstance(wish, dict):
            refined(collector(service), wish)
        else:
            instances_of(collector(service), wish, {})
    except (WrongOption, TypeError, ValueError) as error:
        return [f"{service}: {error}"]
    return []


def _templated(value: t.Any) -> bool:
    return isinstance(value, str) and "{{" in value


def _meant(name: str, known: t.Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {close[0]}?" if close else ""


# ---- variables ----------------------------------------------------------------------------------------------------


@functools.cache
def documented_variables() -> dict[str, dict[str, t.Any]]:
    """Every documented variable of the roles."""
    result: dict[str, dict[str, t.Any]] = {}
    for path in ROOT.glob("roles/*/meta/argument_specs.yml"):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"].values():
            result |= entry.get("options") or {}
    return result


@functools.cache
def _of_examples() -> frozenset[str]:
    """Variables that the examples themselves read."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("examples/**/*.yml"))
    return frozenset(re.findall(r"\{\{ *(launch_\w+)", text))


def is_ours(name: str) -> bool:
    return name.startswith(("launch_", "practice_"))


def variable_problems(given: t.Mapping[str, t.Any], written: str = "yaml") -> list[str]:
    """Names, types and contents. `written`: with `key=value` everything is a text, and a list is written with commas."""
    known = variables.known() | _of_examples() | {"practice_hosts", "launch_respond"}
    problems = [f"there is no variable {name}{_meant(name, known)}" for name in given if is_ours(name) and name not in known]
    documented = documented_variables()
    plain = {name: value for name, value in given.items() if name in documented and not _templated(value)}
    problems += ArgumentSpecValidator({name: _spec(documented[name], True) for name in plain}).validate(plain).error_messages
    return problems if written == "=" else problems + _content_problems(given)


def _content_problems(given: t.Mapping[str, t.Any]) -> list[str]:
    """What the check itself would refuse before it gathers."""
    services = given.get("launch_check_services")
    host = Asked(
        "host",
        services=list(services) if isinstance(services, dict) else [],
        thresholds=given.get("launch_check_thresholds"),
        extra_checks=given.get("launch_check_extra_checks"),
        accept=given.get("launch_check_accept"),
        known_clients=given.get("launch_check_known_clients") or [],
    )
    problems = service_problems(services)
    try:
        validate([host], catalogue())
    except CatalogueError as error:
        problems += error.lines
    return problems
