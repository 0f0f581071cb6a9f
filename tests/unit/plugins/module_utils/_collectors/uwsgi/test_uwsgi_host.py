# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of the host's processes and sockets are the master's."""

from __future__ import annotations

import dataclasses
import os

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect import worker_host
from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Problem
from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi import host_view
from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi.document import Socket, Stats, Worker
from ansible_collections.warroom.launch.plugins.module_utils._linux.backlog import Backlog

SOCKETS = (
    Socket("/run/a.sock", "uwsgi", 0, 0),
    Socket("b.sock", "uwsgi", 0, 0),
    Socket("@c", "http", 0, 0),
    Socket("127.0.0.1:80", "http", 3, 64),
)
STATS = Stats("app", "2", 7, 0, cwd="/srv", sockets=SOCKETS)
ROWS = [
    Backlog("unix", "/run/a.sock", None, 1, 9, 100),
    Backlog("unix", "/run/a.sock", None, 5, 4, 100),
    Backlog("unix", "/srv/b.sock", None, 2, 0, 50),
    Backlog("unix", "@c", None, 3, 8, 128),
    Backlog("tcp", "0.0.0.0", 80, 4, 6, 32),
    Backlog("tcp", "192.0.2.1", 80, 6, 60, 64),
]


def told(monkeypatch, rows, owned=frozenset(), ours=True):
    def listening(*_kinds):
        if isinstance(rows, Exception):
            raise rows
        return rows

    monkeypatch.setattr(host_view.backlog, "listening", listening)
    monkeypatch.setattr(host_view, "socket_inodes", lambda _pid: set(owned))
    return host_view.queues(STATS, ours)


def test_the_kernel_knows_best(monkeypatch):
    assert [(queue.waiting, queue.limit) for queue in told(monkeypatch, ROWS)] == [(4, 100), (0, 50), (8, 128), (6, 32)]


def test_an_old_socket_of_the_same_path_is_not_ours(monkeypatch):
    assert [queue.waiting for queue in told(monkeypatch, ROWS, {1, 2, 3, 6})] == [9, 0, 8, 60]


@pytest.mark.parametrize("rows", [[], Problem("the kernel does not say"), None])
def test_without_the_kernel_unix_is_unknown_and_tcp_is_uwsgis(monkeypatch, rows):
    queues = told(monkeypatch, rows if rows is not None else ROWS, ours=rows is not None)
    assert [queue.waiting for queue in queues] == [None, None, None, 3] and queues[3].limit == 64
    assert all(queue.reason for queue in queues[:3])


def test_process_ids_are_ours_only_when_the_workers_are_its_children():
    me, above = os.getpid(), os.getppid()
    ours = dataclasses.replace(STATS, pid=above, workers=(Worker(1, me, "idle", True), Worker(2, 0, "cheap", False)))
    assert host_view.pids_are_ours(ours, True)
    assert not host_view.pids_are_ours(ours, False)
    assert not host_view.pids_are_ours(dataclasses.replace(ours, pid=me + 1), True)
    assert not host_view.pids_are_ours(dataclasses.replace(ours, workers=()), True)
    gone = dataclasses.replace(ours, workers=(Worker(1, 2**22 + 9, "idle", True),))
    assert not host_view.pids_are_ours(gone, True)
    assert host_view.usage_of(gone, True).cpu == {} and host_view.memory_of(gone, True) == {}
    assert me in host_view.usage_of(ours, True).cpu and host_view.memory_of(ours, True)[me].rss > 0


def test_the_room_is_that_of_the_tighter_of_machine_and_group(monkeypatch):
    ours = dataclasses.replace(STATS, pid=os.getpid())
    machine = {"MemTotal": 16 << 30, "MemAvailable": 8 << 30}
    monkeypatch.setattr(worker_host.usage, "machine_memory", lambda: machine)
    monkeypatch.setattr(worker_host.usage, "cores", lambda: 4)
    for limits, expected in (
        (worker_host.cgroup.Limits(), (4, 16 << 30, 8 << 30)),
        (worker_host.cgroup.Limits(1.5, "/c", None, 2 << 30, "/m"), (1.5, 2 << 30, 1 << 30)),
        (worker_host.cgroup.Limits(None, None, 2, 12 << 30, "/m"), (2, 12 << 30, 8 << 30)),
    ):
        monkeypatch.setattr(worker_host.cgroup, "limits", lambda *_args, found=limits: found)
        monkeypatch.setattr(worker_host.cgroup, "memory_in_use", lambda *_args: 1 << 30)
        capacity = host_view.capacity_of(ours, True)
        assert (capacity.cores, capacity.memory_total, capacity.memory_available) == expected
    assert host_view.capacity_of(ours, False) is None


def test_a_free_worker_that_is_stopped_takes_no_request(monkeypatch):
    """uWSGI itself calls it idle."""
    monkeypatch.setattr(host_view.usage, "is_stopped", lambda pid: pid in (8, 9))
    workers = (Worker(1, 8, "idle", True, cores=()), Worker(2, 9, "busy", True), Worker(3, 10, "idle", True))
    seen = host_view.with_stopped(dataclasses.replace(STATS, workers=workers))
    assert [worker.state for worker in seen.workers] == ["stopped", "busy", "idle"]
    assert [worker.pid for worker in seen.serving] == [9, 10]
