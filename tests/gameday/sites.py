# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two sites in one inventory, made of two recorded cells: a host of each, window by window."""

from __future__ import annotations

import copy
import typing as t

from .cells import Cell
from .judged import judged

Named = dict[str, list[str]]


def two_sites(first: Cell, second: Cell) -> t.Iterator[Named]:
    """The causes of each host, window by window; those of both together under `both`."""
    for one, other in zip(first.windows, second.windows):
        hosts = {**_renamed(one["hosts"], "first"), **_renamed(other["hosts"], "second")}
        report = judged({**one, "hosts": hosts}, {**_renamed(first.hosts, "first"), **_renamed(second.hosts, "second")})
        yield _by_host(report)


def one_site(cell: Cell, name: str) -> t.Iterator[Named]:
    """The same of one cell alone."""
    for window in cell.windows:
        yield _by_host(judged({**window, "hosts": _renamed(window["hosts"], name)}, _renamed(cell.hosts, name)))


def _renamed(hosts: t.Mapping[str, t.Any], name: str) -> dict[str, t.Any]:
    """The cell's only host under another name, with a kernel and a broker of its own: cells of one stack share theirs."""
    (host,) = hosts.values()
    moved = copy.deepcopy(host)
    for facts in moved.get("facts", {}).values():
        for instance in facts["instances"]:
            namespace = instance.get("net_namespace") or {}
            if namespace.get("name"):
                namespace["name"] = f"{name}-{namespace['name'].partition('-')[2]}"
            broker = instance.get("broker") or {}
            if broker.get("identity"):
                broker["identity"] = f"{name} {broker['identity']}"
    return {name: moved}


def _by_host(report: t.Mapping[str, t.Any]) -> Named:
    named: Named = {}
    for cause in report["diagnoses"]:
        (host,) = cause["hosts"] if len(cause["hosts"]) == 1 else ("both",)
        named.setdefault(host, []).append(str(cause["cause"]))
    return named
