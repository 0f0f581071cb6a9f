# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables of the kernel that fill up unseen, in the files as people reported them."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.server import kernel_tables, parse
from tests.support.machine import facts

ORPHANS = """sockets: used 39845
TCP: inuse 125217 orphan 65738 tw 103758 alloc 121429 mem 22016
UDP: inuse 12 mem 6
UDPLITE: inuse 0
RAW: inuse 1
FRAG: inuse 0 memory 0
"""
#: `ip -4 neigh show` has one entry, and the kernel says that the table overflows.
NEIGHBOURS = (
    "entries  allocs   destroys hash_grows lookups  hits     res_failed\n"
    + "000003fb  00000a01 00000606 00000006  0035e6cc 0033a2d4  00000d5d\n" * 2
)


@pytest.mark.parametrize(
    ("files", "name", "used", "limit"),
    [
        # https://github.com/geekgao/articles/issues/7: "Out of socket memory", and the memory is well
        (
            {
                "/proc/net/sockstat": ORPHANS,
                "/proc/sys/net/ipv4/tcp_mem": "21180\t28243\t42360\n",
                "/proc/sys/net/ipv4/tcp_max_orphans": "65536\n",
            },
            "TCP sockets without a program",
            65738,
            65536,
        ),
        # https://github.com/netdata/netdata/issues/14: pages, of which the last number is the limit
        (
            {"/proc/net/sockstat": ORPHANS, "/proc/sys/net/ipv4/tcp_mem": "9000\t18000\t22500\n"},
            "memory of TCP sockets",
            22016,
            22500,
        ),
        # https://github.com/rtr7/router7/issues/31, https://github.com/e2b-dev/infra/pull/3508
        (
            {"/proc/net/stat/arp_cache": NEIGHBOURS, "/proc/sys/net/ipv4/neigh/default/gc_thresh3": "1024\n"},
            "IPv4 neighbours",
            1019,
            1024,
        ),
        (
            {"/proc/sys/fs/aio-nr": "65024\n", "/proc/sys/fs/aio-max-nr": "65536\n"},
            "requests of asynchronous I/O",
            65024,
            65536,
        ),
    ],
)  # fmt: skip
def test_a_table_that_is_full(files: dict[str, str], name: str, used: int, limit: int) -> None:
    found = facts(kernel_tables=kernel_tables.read(files.get))
    first = found["kernel_tables"][0]
    assert (first["name"], first["used"], first["limit"]) == (name, used, limit)
    assert first["used_ratio"] == found["kernel_tables_used_ratio"] == pytest.approx(min(1.0, used / limit), abs=1e-5)
    assert first["used_ratio"] > 0.95


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"/proc/net/sockstat": "TCP: inuse 1 orphan", "/proc/sys/net/ipv4/tcp_max_orphans": "65536"},
        {
            "/proc/net/sockstat": "TCP: inuse 1 orphan odd tw 1 mem -4",
            "/proc/sys/net/ipv4/tcp_max_orphans": "65536",
            "/proc/sys/net/ipv4/tcp_mem": "1",
        },
        {"/proc/net/stat/arp_cache": "entries allocs\n", "/proc/sys/net/ipv4/neigh/default/gc_thresh3": "1024"},
        {"/proc/net/stat/arp_cache": "entries allocs\n-1 00\n", "/proc/sys/net/ipv4/neigh/default/gc_thresh3": "1024"},
        {"/proc/sys/fs/aio-nr": "", "/proc/sys/fs/aio-max-nr": "65536"},
        {"/proc/sys/fs/aio-nr": "4", "/proc/sys/fs/aio-max-nr": "0"},
    ],
)
def test_what_is_odd_or_hidden_is_left_out(files: dict[str, str]) -> None:
    assert kernel_tables.read(files.get) == []
    assert facts()["kernel_tables_used_ratio"] is None and facts()["kernel_tables_total"] == 0


def test_this_kernel_reports_some() -> None:
    def text(path: str) -> t.Optional[str]:
        try:
            with open(path, encoding="ascii") as handle:
                return handle.read()
        except OSError:
            return None

    assert all(table.used >= 0 and table.limit > 0 for table in kernel_tables.read(text))


HEAD = "6,1234,9000000,-;"
ONE_LINE = (
    "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=ef80,mems_allowed=0,oom_memcg=/kubepods/burstable/pod,"
    "task_memcg=/kubepods/burstable/pod/ef80,task=manager,pid=966,uid=0"
)


@pytest.mark.parametrize(
    ("messages", "names"),
    [
        # https://github.com/cPanelSSP/SSP/issues/76
        (["Killed process 11726, UID 498, (mysqld) total-vm:7823732kB, anon-rss:2539268kB, file-rss:768kB"], ["mysqld"]),
        # https://github.com/agentic-os-org/ANOLISA/pull/3001: of a control group's limit this line alone
        ([ONE_LINE], ["manager"]),
        # https://github.com/kubernetes/node-problem-detector/issues/480: one death is told twice
        (
            [
                ONE_LINE.replace("manager,pid=966", "python,pid=4249"),
                "Memory cgroup out of memory: Killed process 4249 (python) total-vm:32812kB, anon-rss:23856kB, file-rss:1700kB, "
                "shmem-rss:0kB, UID:0 pgtables:112kB oom_score_adj:994",
            ],
            ["python"],
        ),
        (
            [
                "Memory cgroup out of memory: Kill process 4015 (python) score 1923 or sacrifice child",
                "Killed process 4015 (python) total-vm:32812kB, anon-rss:23588kB, file-rss:1684kB, shmem-rss:0kB",
                "oom_reaper: reaped process 4015 (python), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
            ],
            ["python"],
        ),
        (["Killed process 5 ((sd-pam)) total-vm:1kB", "Killed process 6 ((sd-pam)) total-vm:1kB"], ["(sd-pam)", "(sd-pam)"]),
        (["oom-kill:constraint=CONSTRAINT_NONE", "python invoked oom-killer: gfp_mask=0xd0, order=0"], []),
    ],
)
def test_what_the_kernel_says_of_those_that_it_killed(messages: list[str], names: list[str]) -> None:
    assert [name for _at, name in parse.oom_records(HEAD + each for each in messages)] == names
