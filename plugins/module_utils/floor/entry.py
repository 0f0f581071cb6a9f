# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a module's parameters to its result: what `main()` calls."""

from __future__ import annotations

import typing as t

from . import libraries, options
from .command import Commands
from .gather import SCHEMA, gather
from .redact import hide
from .room import Room
from .tools import Tools

#: For each service: None to search this host, or a list of instance options.
Request = t.Sequence[tuple[Room, t.Any, t.Mapping[str, t.Any]]]


def run(module: t.Any, room: Room) -> None:
    """Gather one service and end the module with its facts."""
    params = dict(module.params)
    finish(module, [(room, params["instances"], params)], params)


def run_all(module: t.Any, rooms: t.Mapping[str, Room]) -> None:
    """Gather the services named by the option `services` (or every service found here) and end the module."""
    params = dict(module.params)
    try:
        request = list(_services(params["services"], rooms))
    except options.WrongOption as wrong:
        options.take_over_masking(module)
        module.fail_json(msg=str(wrong))
    finish(module, request, params, keep_empty=isinstance(params["services"], dict))


def _services(services: t.Any, rooms: t.Mapping[str, Room]) -> t.Iterator[tuple[Room, t.Any, t.Mapping[str, t.Any]]]:
    if services in (None, "", "auto"):
        services = dict.fromkeys(rooms, "auto")
    if not isinstance(services, dict):
        raise options.WrongOption("services must be auto or a dictionary of service: auto, list of instances, or options")
    for service, wish in services.items():
        if service not in rooms:
            raise options.WrongOption(f"services: there is no service {service!r}; known are {', '.join(sorted(rooms))}")
        if wish in (None, "", "auto"):
            yield rooms[service], None, {}
        elif isinstance(wish, dict):
            yield rooms[service], None, options.refined(rooms[service], wish)
        elif isinstance(wish, list) and all(isinstance(entry, dict) for entry in wish):
            yield rooms[service], wish, {}
        else:
            raise options.WrongOption(f"services: {service} must be auto, a list of dictionaries, or a dictionary")


def finish(module: t.Any, request: Request, params: t.Mapping[str, t.Any], keep_empty: bool = True) -> None:
    """Gather every requested service in one go and end the module: facts under one key per service, never changed.

    `keep_empty`: whether a service without an instance here still has its (empty) key.
    """
    tools = Tools(Commands(module), timeout=params["timeout"], top=params["top"])
    try:
        options.check_common(params)
        wanted = _wanted(request, tools)
    except options.WrongOption as wrong:
        options.take_over_masking(module)
        module.fail_json(msg=hide(str(wrong), tools.secrets))
    libraries.move_to_interpreter_with(sorted({name for room, _instance in wanted for name in room.libraries}))
    options.take_over_masking(module)
    facts: dict[str, t.Any] = {room.key: {"schema": SCHEMA, "instances": []} for room, _entries, _defaults in request if keep_empty}
    facts.update(gather(wanted, params["window"], tools))
    problems = [one["problem"] for fact in facts.values() for one in fact["instances"] if one["state"] != "up"]
    if problems and params["fail_on_down"]:
        module.fail_json(msg="; ".join(problems), ansible_facts=facts)
    module.exit_json(changed=False, ansible_facts=facts)


def _wanted(request: Request, tools: Tools) -> list[tuple[Room, dict[str, t.Any]]]:
    wanted = []
    for room, entries, defaults in request:
        instances = options.instances_of(room, entries, defaults)
        if instances is None:
            instances = options.discovered(room, room.discover(tools), defaults)
        for instance in instances:
            tools.secrets |= options.secrets_in(room, instance)
            wanted.append((room, instance))
    return wanted
