# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that every module shares, and secrets that never meet the masking of whole results."""

from __future__ import annotations

import copy
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from .base import Collector

#: Shared by all modules; documented in doc_fragments/launch.py.
COMMON: dict[str, t.Any] = {
    "window": {"type": "float", "default": 5.0},
    "timeout": {"type": "float", "default": 5.0},
    "top": {"type": "int", "default": 10},
    "fail_on_down": {"type": "bool", "default": False},
}

# What core prints in place of a secret; kept so that our own placeholder is never used as a password.
_PLACEHOLDER = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


def argument_spec(collector: Collector) -> dict[str, t.Any]:
    """The module's options: those of one instance, `instances` for several, and the common ones.

    `instances` is no_log as a whole because its entries may hold passwords; they are checked by `instances_of`.
    """
    return {
        "name": {"type": "str"},
        **copy.deepcopy(collector.options),
        "instances": {"type": "list", "elements": "dict", "no_log": True},
        **copy.deepcopy(COMMON),
    }


class WrongOption(ValueError):
    """An option that cannot be right; the module fails with it."""


#: The common options' least and largest values: beyond them a run would never end, or give nothing.
BOUNDS: dict[str, tuple[float, float]] = {"window": (0.0, 3600.0), "timeout": (0.1, 600.0), "top": (1, 1000)}


def check_common(params: t.Mapping[str, t.Any]) -> None:
    """Refuse common options that cannot be right (also `inf` and `nan`, which are numbers to Ansible)."""
    for name, (least, most) in BOUNDS.items():
        if not least <= params[name] <= most:
            raise WrongOption(f"{name} must be from {least:g} to {most:g}, not {params[name]}")


def instances_of(collector: Collector, entries: t.Any, defaults: t.Mapping[str, t.Any]) -> t.Optional[list[dict[str, t.Any]]]:
    """Checked instance options, or None when the host is to be searched.

    `entries` is the list of instances (each entry's own options win over `defaults`), or None: then one instance
    is meant when `defaults` say anything about where it is, and discovery otherwise.
    """
    given = {name: value for name, value in defaults.items() if value is not None and name in collector.options}
    if entries is None:
        placed = any(name in given and given[name] != collector.options[name].get("default") for name in collector.places)
        return [{**_blank(collector), **given, "name": defaults.get("name")}] if placed else None
    checked = []
    for entry in entries:
        checked.append(_check(collector, {**given, **{key: value for key, value in dict(entry).items() if value is not None}}))
    return checked


def refined(collector: Collector, wish: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Checked options that are to hold for every instance that is found."""
    return {name: value for name, value in _check(collector, dict(wish)).items() if name in wish}


def _blank(collector: Collector) -> dict[str, t.Any]:
    return {"name": None, **{name: spec.get("default") for name, spec in collector.options.items()}}


def _check(collector: Collector, entry: dict[str, t.Any]) -> dict[str, t.Any]:
    result = ArgumentSpecValidator({"name": {"type": "str"}, **copy.deepcopy(collector.options)}).validate(entry)
    if result.error_messages:
        raise WrongOption(f"{collector.service} instance: {'; '.join(result.error_messages)}")
    return dict(result.validated_parameters)


def discovered(collector: Collector, found: list[dict[str, t.Any]], defaults: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """What discovery found, completed by the options that were given for every instance (a login, a limit)."""
    given = {name: value for name, value in defaults.items() if value is not None and name in collector.options}
    return [{**_blank(collector), **given, **entry} for entry in found]


def secrets_in(collector: Collector, options: t.Mapping[str, t.Any]) -> set[str]:
    """The values of the instance's secret options."""
    return {str(options[name]) for name, spec in collector.options.items() if spec.get("no_log") and options.get(name)}


def take_over_masking(module: t.Any) -> None:
    """Keep core from replacing every number that happens to equal a short secret by asterisks (case A-05).

    The secret options are taken out of the parameters that core would print, and this collection hides the
    secrets itself, in texts only (`redact.hide_deep`).
    """
    for name, spec in module.argument_spec.items():
        if spec.get("no_log") and module.params.get(name) is not None:
            module.params[name] = _PLACEHOLDER
    module.no_log_values.clear()
