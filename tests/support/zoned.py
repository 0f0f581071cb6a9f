# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process of its own that shapes and judges recordings in several time zones, in the language of its environment (`zoned.py ZONE…`).

Prints a line of JSON per zone: the zone's and language's own words, to see that they are in force, and a digest of each file.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import locale
import os
import pathlib
import sys
import time
import typing as t
from unittest import mock

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._texts import moments
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from ansible_collections.warroom.launch.plugins.plugin_utils._report import board
from ansible_collections.warroom.launch.plugins.plugin_utils._report.model import model
from tests.support.check_cases import catalogue

from . import any_replies, mysql_rows, varnish_log
from .report import EVERY_TIER, HOSTILE, texts
from .tools import FakeCommands

RECORDED = pathlib.Path(__file__).resolve().parents[1] / "unit/fixtures"
#: When the recordings are judged: within the hour that Berlin has twice.
NOW = 1792888200.0
_HOURS = (3, 2, 1)


def recordings() -> dict[str, dict[str, t.Any]]:
    """Facts of hosts: shaped here, as their time zone could be wrong as well."""
    log = (RECORDED / "varnish/7.1/ncsa.log").read_bytes()
    commands = FakeCommands()
    traffic = varnish_log.look(HostTools(commands, top=10), commands, log)
    traffic.update(collected_at="", duration_ms=0, log={**traffic["log"], "age_seconds": 0.0}, notes=[])
    hosts = {"web1": {**EVERY_TIER, "launch_varnish_traffic": {"schema": 1, "instances": [traffic]}}}
    for name in ("mariadb-10.11/instrumented",):
        with mock.patch("time.monotonic", itertools.count(0, 0.25).__next__):
            found = mysql_rows.facts(mysql_rows.recorded(RECORDED / "mysql" / f"{name}.json"))
        own = {"name": HOSTILE, "state": "up", "problem": None, "window": 1.0, **found}
        hosts[name] = {"launch_mysql": {"schema": 1, "instances": [own]}}
    return hosts


CATALOGUE = catalogue()


def files() -> dict[str, str]:
    hosts = [Asked(name, facts) for name, facts in recordings().items()]
    report = judge([*hosts, Asked("gone", problem="not reachable")], CATALOGUE, started=NOW - 5)
    rounds = [{"at": moments.written(NOW - 3600 * hour), "verdict": "go", "causes": []} for hour in _HOURS]
    series = {
        "check": "uwsgi_busy",
        "host": "web1",
        "instance": "u",
        "unit": "ratio",
        "points": [[NOW - 3600 * hour, 0.5] for hour in _HOURS],
    }
    shown: t.Any = {**report, "history": {"rounds": rounds, "series": [series]}}
    return {"board": "\n".join(board.lines(model(shown))), **texts(shown, "all")}


def shaped() -> dict[str, str]:
    """The facts of every recording of every service, as its collector shapes them."""
    found = [(f"{source.service} {source.name}", source.read(source.document, source.document)) for source in any_replies.sources()]
    return {name: json.dumps(facts, sort_keys=True) for name, facts in found}


def main(zones: t.Sequence[str]) -> None:
    locale.setlocale(locale.LC_ALL, "")
    for zone in zones:
        os.environ["TZ"] = zone
        time.tzset()
        with mock.patch("time.time", lambda: NOW):
            made = {
                name: hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() for name, text in {**files(), **shaped()}.items()
            }
        noon = time.localtime(NOW)
        print(json.dumps({"zone": zone, "says": time.strftime("%H:%M %A", noon), "point": locale.str(0.5), "files": made}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
