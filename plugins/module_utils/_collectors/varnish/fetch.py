# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch: what Varnish's own tools print. The only place that knows their command lines."""

from __future__ import annotations

import typing as t

from ..._collect.command import Ran
from ..._collect.host_tools import HostTools
from ..._collect.problem import Down, Problem
from ..._texts.redact import clean
from . import discover

# Vinyl Cache (Varnish's successor from 9.0) renamed the programs; distributions keep links of the old names, or not.
_VINYL = {"varnishstat": "vinylstat", "varnishadm": "vinyladm", "varnishncsa": "vinylncsa"}


def program(tools: HostTools, name: str) -> str:
    """The tool's name on this host. A host that has neither name is a Problem."""
    for candidate in (name, _VINYL[name]):
        if tools.commands.which(candidate):
            return candidate
    raise Problem(f"{name} is not installed on this host, or not on PATH: install the varnish package of the running version")


def place(instance: t.Optional[str]) -> list[str]:
    return ["-n", instance] if instance else []


def stat(tools: HostTools, instance: t.Optional[str]) -> bytes:
    """All counters as JSON. `-t 0`: without it the tool waits 5 s for a varnishd that is not there."""
    ran = tools.commands.run([program(tools, "varnishstat"), "-1", "-j", "-t", "0", *place(instance)], tools.timeout)
    if ran.late:
        raise Problem(f"varnishstat gave no answer within {tools.timeout:g} s: another version than varnishd, or an overloaded host")
    if ran.rc != 0 or not ran.out.strip():
        raise no_access(tools, instance, ran)
    return ran.out


def no_access(tools: HostTools, instance: t.Optional[str], ran: Ran) -> Problem:
    """The Problem behind a tool that got no hold of varnishd, or said something else."""
    if ran.rc < 0 or ran.rc > 128:
        return Problem(f"the tool of Varnish crashed (signal {-ran.rc if ran.rc < 0 else ran.rc - 128}): is it of varnishd's version?")
    said = tools.hide(ran.err.decode("utf-8", "replace")).lstrip(". ")
    lowered = said.lower()
    if discover.has_ended(tools, instance):
        return Down(f"varnishd has ended: no process works in {instance}. Start it and read the system log, or set instance to its -n name")
    if not said or "could not get hold" in lowered or "no such instance" in lowered or "is it running" in lowered:
        return Problem(discover.why_no_access(tools, instance))
    return Problem(f"the tool of Varnish ended with status {ran.rc}: {clean(said, 160)}")


def admin(tools: HostTools, options: t.Mapping[str, t.Any], *words: str, seconds: t.Optional[float] = None) -> bytes:
    """The answer of the management CLI to one command. Raises a Problem with the reason and the way out.

    It responds in milliseconds or not at all, and several commands follow; `seconds`: for one that takes longer.
    """
    where = place(options.get("instance"))
    if options.get("admin"):
        where = ["-T", str(options["admin"])]
    if options.get("secret_file"):
        where += ["-S", str(options["secret_file"])]
    seconds = min(tools.timeout, 3.0) if seconds is None else seconds
    ran = tools.commands.run([program(tools, "varnishadm"), "-t", f"{seconds:g}", *where, *words], seconds)
    if ran.late:
        raise Problem("varnishadm gave no answer in time")
    if ran.rc != 0:
        raise Problem(_why_no_cli(clean(ran.err + b" " + ran.out, 160)))
    return ran.out


def _why_no_cli(said: str) -> str:
    lowered = said.lower()
    if "secret" in lowered or "permission" in lowered or "auth" in lowered or "rejected" in lowered:
        return "varnishadm may not read the secret file of varnishd: use become, or set secret_file to a copy that this user may read"
    if "no -t" in lowered or "shared memory" in lowered:
        return "varnishd has no management port that varnishadm can find (-T none): start it with -T, or set admin and secret_file"
    return f"varnishadm got no answer from the management CLI ({said or 'it said nothing'}): use become, or set admin and secret_file"
