# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""varnish_traffic over a large shared log against the vendor's reader writing the same fields to nowhere, in one run."""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import os
import subprocess
import sys
import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish_traffic.log import line_format
from tests.support.server import ROOT
from tests.support.varnish import Backend, Varnish

pytestmark = pytest.mark.bench

TRANSACTIONS = 200_000
MOST_TIMES = 2.0
MOST_BYTES = 150 * 1024 * 1024

# What the module does on a target, in an interpreter of its own; prints its time, its memory and what it counted.
_CHILD = """
import json, sys, time
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish_traffic.collector import COLLECTOR
from tests.support.memory import peak
from tests.support.tools import RealCommands
begun = time.monotonic()
options = {"instance": sys.argv[1], "last": 0}
[found] = gather([(COLLECTOR, options)], 0, HostTools(RealCommands(), timeout=60))["launch_varnish_traffic"]["instances"]
took = time.monotonic() - begun
print(json.dumps({"took": took, "memory": peak(), "facts": found}))
"""


@pytest.fixture(scope="module")
def varnish() -> t.Iterator[Varnish]:
    with Backend() as backend, Varnish(backend, "-p", "vsl_space=512M", storage="64m") as running:
        _fill(running)
        yield running


def _fill(varnish: Varnish) -> None:
    """Mixed requests, pipelined: hits of many pages, answers of VCL, passes with cookies, each URL with its own query."""
    mix = [
        *(f"/page/{number}/?page={number}" for number in range(40)), *(f"/synth/{number}?q={number}" for number in range(8)),
        "/pass/1?token=x", "/missing/1", "/old/legacy-1", "/hfm/x",
    ]  # fmt: skip

    def visit(visitor: int) -> None:
        conn = http.client.HTTPConnection("127.0.0.1", varnish.port, timeout=60)
        conn.connect()
        assert conn.sock is not None
        reader = conn.sock.makefile("rb")
        for turn in range(TRANSACTIONS // (4 * len(mix)) + 20):
            requests = [
                f"GET {path} HTTP/1.1\r\nHost: shop{turn % 3}.example.com\r\nUser-Agent: Mozilla/5.0 Chrome/{turn % 40}\r\n\r\n"
                for path in mix
            ]
            conn.sock.sendall("".join(requests).encode())
            for _request in requests:
                _skip_answer(reader)
        conn.close()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(visit, range(4)))


def _skip_answer(reader: t.Any) -> None:
    length = 0
    while (line := reader.readline()) not in (b"\r\n", b""):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    reader.read(length)


def test_a_large_log_costs_at_most_twice_the_vendors_reader(varnish):
    vendor, ours = [], []
    child: dict[str, t.Any] = {}
    command = ["varnishncsa", "-n", varnish.instance, "-t", "0", "-d", "-b", "-c", "-F", line_format("Varnish")]
    path = os.pathsep.join([str(ROOT / ".collections"), str(ROOT)])
    for _round in range(3):
        begun = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=120)
        vendor.append(time.monotonic() - begun)
        done = subprocess.run(
            [sys.executable, "-c", _CHILD, varnish.instance],
            check=True, capture_output=True, text=True, timeout=240, env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
        child = json.loads(done.stdout)
        ours.append(child["took"])
    facts = child["facts"]
    times = min(ours) / min(vendor)
    print(f"{facts['log']['transactions']} transactions: {times:.2f} times varnishncsa, {child['memory'] / 1024 / 1024:.0f} MB")
    assert facts["log"]["transactions"] >= TRANSACTIONS and facts["log"]["complete"] and not facts["log"]["unparsed"]
    assert times <= MOST_TIMES
    assert child["memory"] <= MOST_BYTES
    assert len(json.dumps(facts)) < 40_000
