# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a module's parameters to its result: what `main()` calls."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import locale
import threading
import typing as t

from .._texts.redact import hide
from . import libraries, options
from .base import Collector
from .command import Commands
from .fact_names import fact_key
from .host_tools import HostTools
from .problem import Problem, fault
from .run import SCHEMA, gather

#: For each service: None to search this host, or a list of instance options.
Request = t.Sequence[tuple[Collector, t.Any, t.Mapping[str, t.Any]]]


def run(module: t.Any, collector: Collector) -> None:
    """Gather one service and end the module with its facts."""
    params = module.params
    finish(module, lambda _tools: [(collector, params["instances"], dict(params))], [collector.service])


def finish(module: t.Any, requested: t.Callable[[HostTools], Request], asked: t.Iterable[str]) -> None:
    """Gather every requested service in one go and end the module: facts under one key per service, never changed.

    `asked`: services that have their key also when no instance of them was found here.
    """
    speak_c()
    params = dict(module.params)
    tools = HostTools(Commands(module), timeout=params["timeout"], top=params["top"])
    try:
        options.check_common(params)
        wanted = instances_wanted(requested(tools), tools)
    except options.WrongOption as wrong:
        options.take_over_masking(module)
        module.fail_json(msg=hide(str(wrong), tools.secrets))
    needed = {name for collector, _instance in wanted for name in collector.libraries}
    helpful = {name for collector, _instance in wanted for name in collector.helpful}
    libraries.move_to_interpreter_with(sorted(needed | helpful))
    libraries.move_to_interpreter_with(sorted(needed))
    options.take_over_masking(module)
    facts: dict[str, t.Any] = {fact_key(service): {"schema": SCHEMA, "instances": []} for service in asked}
    facts.update(gather(wanted, params["window"], tools))
    # the interpreter would look through every object of every library for garbage before it ends: a tenth of our processor time
    gc.freeze()
    problems = [one["problem"] for fact in facts.values() for one in fact["instances"] if one["state"] != "up"]
    if problems and params["fail_on_down"]:
        module.fail_json(msg="; ".join(problems), ansible_facts=facts)
    module.exit_json(changed=False, ansible_facts=facts)


def speak_c() -> None:
    """Messages, numbers and times of this process as in the locale C, whatever the host's is.

    AnsibleModule switches to the host's locale; libraries (libpq) and the errors of the system would then speak its language.
    """
    for category in (locale.LC_MESSAGES, locale.LC_NUMERIC, locale.LC_TIME, locale.LC_COLLATE, locale.LC_MONETARY):
        with contextlib.suppress(locale.Error):
            locale.setlocale(category, "C")


def _found(collector: Collector, tools: HostTools) -> list[dict[str, t.Any]]:
    """What the collector's discovery finds, in a separate thread: a configuration file may be on a disk that hangs."""
    outcome: list[t.Any] = []

    def search() -> None:
        try:
            outcome.append(collector.discover(tools))
        except Exception as error:  # pylint: disable=broad-exception-caught # raised again below
            outcome.append(error)

    thread = threading.Thread(target=search, name=f"search for {collector.service}", daemon=True)
    thread.start()
    thread.join(2 * tools.timeout)
    if not outcome:
        raise Problem(f"the search took more than {2 * tools.timeout:g} s: a file or a disk that belongs to it hangs")
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    return t.cast("list[dict[str, t.Any]]", outcome[0])


def unsearchable(collector: Collector, error: Exception) -> Collector:
    """The collector of a service for which this host could not be searched: its one instance says so."""

    def sampler(_options: t.Any, _tools: HostTools) -> t.Any:
        said = str(error) if isinstance(error, Problem) else fault(error)
        raise Problem(f"this host could not be searched for {collector.service}, say where it is: {said}")

    return dataclasses.replace(collector, sampler=sampler, libraries={})


def instances_wanted(request: Request, tools: HostTools) -> list[tuple[Collector, dict[str, t.Any]]]:
    """Every instance that is asked for, with its options."""
    wanted = []
    for collector, entries, defaults in request:
        instances = options.instances_of(collector, entries, defaults)
        if instances is None:
            try:
                instances = options.discovered(collector, _found(collector, tools), defaults)
            except Exception as error:  # pylint: disable=broad-exception-caught # a strange host costs this service only
                collector, instances = unsearchable(collector, error), [{"name": collector.service}]
        for instance in instances:
            tools.secrets |= options.secrets_in(collector, instance)
            wanted.append((collector, instance))
    return wanted
