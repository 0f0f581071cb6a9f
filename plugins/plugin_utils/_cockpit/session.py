# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One session: a window per tier, a pane per host and tool, and what the last findings say is opened first. As tmuxp reads it."""

from __future__ import annotations

import typing as t

from .._checks.finding import natural, urgency
from .._checks.services import GATHERED, WINDOWS, instances_in
from .._reach import settings as reach_settings
from .._reach.quoting import Untypable, word
from .._reach.way import Way, typed
from .tool_commands import TOOLS, Instance, Pane

#: What is opened first when nothing is wrong.
MACHINES = WINDOWS["server"]
#: Services without a pane of their own, and why.
NO_PANE = {
    "varnish_traffic": "varnish's panes show the same traffic",
    "django": "a project's settings do not change while one watches",
    "backup": "files have no screen of their own",
    "checklist": "a list is no service",
    "site": "it is looked at before the launch, and from no host of its own",
}


def cockpit(
    hosts: t.Sequence[t.Mapping[str, t.Any]],
    report: t.Optional[t.Mapping[str, t.Any]] = None,
    name: str = "launch",
    panes: int = 6,
    environment: t.Optional[t.Mapping[str, str]] = None,
    common: t.Optional[t.Mapping[str, t.Any]] = None,
) -> dict[str, t.Any]:
    """The session for tmuxp, notes for the person who opens it, and the window that is opened first and why.

    `common`: how hosts are reached that do not say it themselves (fields of Way).
    """
    panes_by_window: dict[str, list[tuple[str, Pane, str]]] = {window: [] for window in WINDOWS.values()}
    notes: list[str] = []
    for host in sorted(hosts, key=lambda host: natural(str(host["name"]))):
        _open(host, _way(host, common or {}), panes_by_window, notes)
    first, place, why = _first(report or {}, {window for window, inside in panes_by_window.items() if inside})
    windows = []
    for window, inside in panes_by_window.items():
        for number, begin in enumerate(range(0, len(inside), panes)):
            part = inside[begin : begin + panes]
            title = window if number == 0 else f"{window} {number + 1}"
            windows.append(_window(title, part, place if window == first else None))
    _focus(windows, first)
    session = {"session_name": name, "start_directory": "~", "suppress_history": False, "windows": windows}
    if environment:
        session["environment"] = {str(key): str(value) for key, value in environment.items()}
    return {"session": session, "notes": notes, "first": first, "why": why}


def _way(host: t.Mapping[str, t.Any], common: t.Mapping[str, t.Any]) -> Way:
    """By its own fields, else by its variables, else as all hosts."""
    variables = host.get("variables")
    variables = variables if isinstance(variables, t.Mapping) else {}
    own = {field: value for field, value in host.items() if value not in (None, "")}
    return reach_settings.way(str(host["name"]), variables.get, common, own)


def _open(host: t.Mapping[str, t.Any], way: Way, panes_by_window: dict[str, list[tuple[str, Pane, str]]], notes: list[str]) -> None:
    """Every tool of one host into the windows of its tiers."""
    for service in (*TOOLS, *(name for name in GATHERED if name not in TOOLS and name not in NO_PANE)):
        instances = _instances(host, service)
        if not instances and service != "server":
            continue
        if service not in TOOLS:
            notes.append(f"{service} on {way.name[:60]!r} has no pane: no tool for it is known")
            continue
        try:
            for pane in TOOLS[service](way, instances):
                command = f"{_titled(way, pane)}; {way.command(pane.script, pane.user)}"
                panes_by_window[pane.window or WINDOWS[service]].append((way.name, pane, typed(command)))
                notes += pane.notes
        except Untypable as problem:
            notes.append(f"{service} on {way.name[:60]!r} has no pane: {problem}")


def _titled(way: Way, pane: Pane) -> str:
    # shown in the pane's border, where # begins a style. Then the screen is emptied of this line, in which stands what is said when a tool
    # is missing; tmux loses the upper lines of a screen that becomes smaller, so what follows begins at its foot
    return f"printf '\\033]2;%s\\033\\\\\\033[2J\\033[3J\\033[999H' {word(f'{way.name}: {pane.title}'.replace('#', ''))}"


def _instances(host: t.Mapping[str, t.Any], service: str) -> list[Instance]:
    """What runs there, each instance with the options that it was declared with (by its name, else by its place in the list)."""
    instances = instances_in(host.get("facts") or {}, service)
    services = host.get("services")
    wish = services.get(service) if isinstance(services, t.Mapping) else None
    if isinstance(wish, t.Mapping):
        return [{**wish, **instance} for instance in instances]
    if not isinstance(wish, list):
        return [dict(instance) for instance in instances]
    declared = [instance for instance in wish if isinstance(instance, t.Mapping)]
    by_name = {str(instance.get("name")): instance for instance in instances}
    merged: list[Instance] = []
    for place, options in enumerate(declared):
        fact = by_name.get(str(options.get("name"))) or (instances[place] if place < len(instances) and not options.get("name") else {})
        merged.append({**fact, **options})
    return merged


def _window(title: str, inside: t.Sequence[tuple[str, Pane, str]], place: t.Optional[str]) -> dict[str, t.Any]:
    rows: list[dict[str, t.Any]] = [{"shell_command": [command]} for _host, _pane, command in inside]
    of_interest = [row for row, (host, _pane, _command) in zip(rows, inside) if host == place]
    for row in of_interest[:1]:
        row["focus"] = True
    options = {"pane-border-status": "top", "pane-border-format": " #{pane_title} "}
    # a plain shell: the operator's own may take a minute to start, and swallow what is typed meanwhile
    return {"window_name": title, "window_shell": "sh", "layout": "tiled", "options": options, "panes": rows}


def _focus(panes_by_window: list[dict[str, t.Any]], first: str) -> None:
    """One window is opened first: of the tier's panes_by_window the one with the host in question, else its first."""
    of_tier = [window for window in panes_by_window if window["window_name"].split(" ")[0] == first]
    with_host = [window for window in of_tier if any(pane.get("focus") for pane in window["panes"])]
    for window in (with_host or of_tier)[:1]:
        window["focus"] = True


def _first(report: t.Mapping[str, t.Any], there: set[str]) -> tuple[str, t.Optional[str], t.Optional[str]]:
    """The window to open first, the host in it, and why: the deepest cause, else the most urgent finding, else the machines."""
    for cause in report.get("diagnoses") or []:
        if cause.get("tier") in there:
            return cause["tier"], next(iter(cause.get("hosts") or []), None), cause.get("statement")
    counted = [
        finding for finding in report.get("findings") or [] if finding.get("status") in ("fail", "warn") and finding.get("accepted") is None
    ]
    for finding in sorted(counted, key=urgency):
        window = WINDOWS.get(finding["service"], MACHINES)
        if window in there:
            return window, finding["host"], finding.get("finding")
    return MACHINES, None, None
