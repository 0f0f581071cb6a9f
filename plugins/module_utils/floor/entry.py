# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a module's parameters to its result: what `main()` calls."""

from __future__ import annotations

import dataclasses
import gc
import threading
import typing as t

from . import libraries, options
from .command import Commands
from .gather import SCHEMA, gather
from .problem import Problem, fault
from .redact import hide
from .room import Room, fact_key
from .tools import Tools

#: For each service: None to search this host, or a list of instance options.
Request = t.Sequence[tuple[Room, t.Any, t.Mapping[str, t.Any]]]


def run(module: t.Any, room: Room) -> None:
    """Gather one service and end the module with its facts."""
    params = module.params
    finish(module, lambda _tools: [(room, params["instances"], dict(params))], [room.service])


def finish(module: t.Any, requested: t.Callable[[Tools], Request], asked: t.Iterable[str]) -> None:
    """Gather every requested service in one go and end the module: facts under one key per service, never changed.

    `asked`: services that have their key also when no instance of them was found here.
    """
    params = dict(module.params)
    tools = Tools(Commands(module), timeout=params["timeout"], top=params["top"])
    try:
        options.check_common(params)
        wanted = _wanted(requested(tools), tools)
    except options.WrongOption as wrong:
        options.take_over_masking(module)
        module.fail_json(msg=hide(str(wrong), tools.secrets))
    libraries.move_to_interpreter_with(sorted({name for room, _instance in wanted for name in room.libraries}))
    options.take_over_masking(module)
    facts: dict[str, t.Any] = {fact_key(service): {"schema": SCHEMA, "instances": []} for service in asked}
    facts.update(gather(wanted, params["window"], tools))
    # the interpreter would look through every object of every library for garbage before it ends: a tenth of our processor time
    gc.freeze()
    problems = [one["problem"] for fact in facts.values() for one in fact["instances"] if one["state"] != "up"]
    if problems and params["fail_on_down"]:
        module.fail_json(msg="; ".join(problems), ansible_facts=facts)
    module.exit_json(changed=False, ansible_facts=facts)


def _found(room: Room, tools: Tools) -> list[dict[str, t.Any]]:
    """What the room's discovery finds, in a thread of its own: a configuration file may lie on a disk that hangs."""
    outcome: list[t.Any] = []

    def search() -> None:
        try:
            outcome.append(room.discover(tools))
        except Exception as error:  # pylint: disable=broad-exception-caught # raised again below
            outcome.append(error)

    thread = threading.Thread(target=search, name=f"search for {room.service}", daemon=True)
    thread.start()
    thread.join(2 * tools.timeout)
    if not outcome:
        raise Problem(f"the search took more than {2 * tools.timeout:g} s: a file or a disk that belongs to it hangs")
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    return t.cast("list[dict[str, t.Any]]", outcome[0])


def unsearchable(room: Room, error: Exception) -> Room:
    """The room of a service for which this host could not be searched: its one instance says so."""

    def probe(_options: t.Any, _tools: Tools) -> t.Any:
        said = str(error) if isinstance(error, Problem) else fault(error)
        raise Problem(f"this host could not be searched for {room.service}, say where it is: {said}")

    return dataclasses.replace(room, probe=probe, libraries={})


def _wanted(request: Request, tools: Tools) -> list[tuple[Room, dict[str, t.Any]]]:
    wanted = []
    for room, entries, defaults in request:
        instances = options.instances_of(room, entries, defaults)
        if instances is None:
            try:
                instances = options.discovered(room, _found(room, tools), defaults)
            except Exception as error:  # pylint: disable=broad-exception-caught # a strange host costs this service only
                room, instances = unsearchable(room, error), [{"name": room.service}]
        for instance in instances:
            tools.secrets |= options.secrets_in(room, instance)
            wanted.append((room, instance))
    return wanted
