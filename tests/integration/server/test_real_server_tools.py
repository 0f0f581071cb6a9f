# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The machine we run on; the system's own tools are the second opinion, asked before and after."""

from __future__ import annotations

import os
import pathlib
import subprocess
import typing as t

import pytest

from tests.support.documented import undocumented
from tests.support.host import read


def said(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}, timeout=30).stdout


def test_cores_and_load():
    before = pathlib.Path("/proc/loadavg").read_text().split()[:3]
    facts = read()
    words = said("uptime").rpartition("load average: ")[2].split(", ")
    after = pathlib.Path("/proc/loadavg").read_text().split()[:3]
    assert facts["cores_online"] == int(said("nproc", "--all"))
    assert facts["affinity_cores"] == int(said("nproc"))
    for name, places in (("load1", 0), ("load5", 1), ("load15", 2)):
        if before[places] == after[places]:  # the kernel moved on every 5 s
            assert facts[name] == float(before[places]) == float(words[places])
    assert facts["load_ratio"] == pytest.approx(facts["load1"] / facts["cores_effective"], abs=1e-5)
    assert undocumented("server", facts) == []


def free() -> dict[str, int]:
    lines = said("free", "-b", "-w").splitlines()
    memory, swap = lines[1].split(), lines[2].split()
    return {"total": int(memory[1]), "available": int(memory[7]), "swap_total": int(swap[1]), "swap_used": int(swap[2])}


def test_memory_as_free_says():
    before, facts, after = free(), read(), free()
    if facts["memory_limit_bytes"] is not None:
        pytest.skip("this machine is a control group with a memory limit of its own, which free does not know")
    assert facts["memory_total_bytes"] == before["total"]
    low, high = sorted((before["available"], after["available"]))
    assert low - (256 << 20) <= facts["memory_available_bytes"] <= high + (256 << 20)
    assert facts["swap_total_bytes"] == before["swap_total"]
    if before["swap_used"] == after["swap_used"]:
        assert facts["swap_used_bytes"] == before["swap_used"]


def counters(tool: str) -> dict[str, int]:
    pairs = (line.strip().split(" ", 1) for line in said(*tool.split()).splitlines())
    return {name.strip(): int(value) for value, name in pairs if value.isdigit()}


def test_rates_lie_between_what_vmstat_counted_inside_and_outside():
    outside = counters("vmstat -s")
    inside: list[dict[str, int]] = []
    facts = read(1.0, lambda: inside.append(counters("vmstat -s")))
    after = counters("vmstat -s")
    counted = facts["context_switches_per_second"] * facts["window"]
    assert 0 < counted <= (after["CPU context switches"] - outside["CPU context switches"]) * 1.02
    assert 0 < facts["forks_per_second"] * facts["window"] <= after["forks"] - outside["forks"] + 1
    swapped = after["pages swapped in"] - outside["pages swapped in"]
    assert facts["swap_in_bytes_per_second"] * facts["window"] <= swapped * 4096 + 1
    assert facts["swapping"] is False or swapped > 0


def cpu_lines() -> list[int]:
    return [int(word) for word in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]


def test_the_cpu_split_is_that_of_proc_stat():
    before = cpu_lines()
    facts = read(2.0)
    moved = [after - first for first, after in zip(before, cpu_lines())]
    shares = {"cpu_busy_ratio": sum(moved) - moved[3] - moved[4], "iowait_ratio": moved[4], "steal_ratio": moved[7]}
    for name, ticks in shares.items():
        assert facts[name] == pytest.approx(ticks / sum(moved), abs=0.15), name
    assert 0 <= facts["headroom"]["cpu_cores"] <= facts["cores_effective"]


def test_filesystems_as_df_says():
    rows = {row["name"]: row for row in read()["filesystems"]}
    line = said("df", "-B1", "--output=size,used,avail,itotal,iused", "/").splitlines()[1].split()
    size, used, available, inodes, inodes_used = map(int, line)
    root = rows["/"]
    assert root["size_bytes"] == size
    assert root["used_bytes"] == pytest.approx(used, abs=256 << 20)
    assert root["used_ratio"] == pytest.approx(used / (used + available), abs=0.01)
    assert root["inodes_used_ratio"] == pytest.approx(inodes_used / inodes, abs=0.01)


def test_disks_count_what_is_written(tmp_path):
    def write() -> None:
        with (tmp_path / "data").open("wb") as handle:
            handle.write(os.urandom(8 << 20))
            os.fsync(handle.fileno())

    disks = read(1.0, write)["disks"]
    if disks is None:
        pytest.skip("this machine shows no disk of its own (a container)")
    assert sum(disk["write_bytes_per_second"] for disk in disks) > 0
    for disk in disks:
        assert 0 <= disk["util_ratio"] <= 1
        assert disk["await_milliseconds"] is None or disk["await_milliseconds"] >= 0


def setting(name: str) -> str:
    return pathlib.Path("/proc/sys", name).read_text().strip()


def test_limits_of_the_kernel():
    facts = read()
    assert facts["somaxconn"] == int(setting("net/core/somaxconn"))
    assert facts["files"]["limit"] == int(setting("fs/file-nr").split()[2])
    assert facts["files"]["open"] > 0


def test_uptime_and_clock():
    before = float(pathlib.Path("/proc/uptime").read_text().split()[0])
    facts = read()
    after = float(pathlib.Path("/proc/uptime").read_text().split()[0])
    assert round(before, 1) <= facts["uptime_seconds"] <= round(after, 1)
    assert facts["clock_synchronised"] in (True, False) or facts["unknown"]["clock_synchronised"]


def test_full_listen_queues_are_counted():
    import socket

    def overflow() -> None:
        clients: list[socket.socket] = []
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen(1)
            for _number in range(20):
                client = socket.socket()
                client.setblocking(False)
                clients.append(client)
                client.connect_ex(server.getsockname())
            for client in clients:
                client.close()

    facts = read(1.0, overflow)
    assert facts["listen_overflows_per_second"] > 0
    assert facts["lifetime_listen_overflows"] > 0


def test_pressure_is_measured_or_said_to_be_missing():
    facts = read(1.0)
    if not pathlib.Path("/proc/pressure/cpu").exists():
        assert facts["pressure"] is None and "PSI" in facts["unknown"]["pressure"]
        return
    values: list[t.Any] = [value for lines in facts["pressure"].values() for value in lines.values()]
    assert set(facts["pressure"]) == {"cpu", "memory", "io"}
    assert all(0 <= value <= 1 for value in values)
