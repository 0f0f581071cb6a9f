# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One thread's wait from /proc: made-up processes for every kind of call, and our own for the numbers of this architecture."""

from __future__ import annotations

import os
import select
import socket
import threading
import time

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._linux import processes, thread_wait, usage
from tests.support.server import wait_until

_BY_NAME = {name: number for number, name in thread_wait._NAMES.items()}


@pytest.fixture
def made(tmp_path, monkeypatch):
    """`made(state, "read 0x5", fds={5: target})`: a process 7 that does this."""

    def process(state, call="", fds=None, watched=""):
        task = tmp_path / "7/task/7"
        task.mkdir(parents=True)
        (task / "stat").write_text(f"7 (odd ) name) {state} 1 7 7 0")
        name, *arguments = call.split() or ["running"]
        arguments += ["0x0"] * (6 - len(arguments))
        (task / "syscall").write_text(
            "running" if name == "running" else " ".join([str(_BY_NAME.get(name, 9999)), *arguments, "0x7ff", "0x7f"])
        )
        (tmp_path / "7/fd").mkdir()
        (tmp_path / "7/fdinfo").mkdir()
        for number, target in (fds or {}).items():
            os.symlink(target, tmp_path / "7/fd" / str(number))
        (tmp_path / "7/fdinfo/4").write_text(watched)
        return thread_wait.look(7)

    for module in (thread_wait, processes, usage):
        monkeypatch.setattr(module, "PROC", str(tmp_path))
    return process


SOCKETS = {3: "/var/log/app.log", 4: "anon_inode:[eventpoll]", 5: "socket:[55]", 6: "socket:[66]", 8: "pipe:[88]"}
WATCHED = "pos:\t0\nflags:\t02\ntfd:        5 events:       19 data:  5 pos:0\ntfd:        8 events: 1 data: 8\n"


@pytest.mark.parametrize(
    "state, call, kind, inodes",
    [
        ("R", "", "cpu", ()),
        ("S", "running", "cpu", ()),
        ("D", "read 0x3", "disk", ()),
        ("T", "read 0x5", "stopped", ()),
        ("S", "recvfrom 0x5", "socket", (55,)),
        ("S", "read 0x6", "socket", (66,)),
        ("S", "connect 0x6", "socket", (66,)),
        ("S", "read 0x8", "pipe", (88,)),
        ("S", "read 0x3", "file", ()),
        ("S", "read 0x9", "unknown", ()),
        ("S", "futex 0x7f00", "lock", ()),
        ("S", "flock 0x3 0x2", "lock", ()),
        ("S", "fcntl 0x3 0x7", "lock", ()),
        ("S", "fcntl 0x3 0x3", "unknown", ()),
        ("S", "clock_nanosleep 0x0", "sleep", ()),
        ("S", "ppoll 0x7f 0x0", "sleep", ()),
        ("S", "pselect6 0x0", "sleep", ()),
        ("S", "ppoll 0x7f 0x1", "any", (55, 66)),
        ("S", "pselect6 0x7", "any", (55, 66)),
        ("S", "epoll_pwait 0x4", "watched", (55,)),
        ("S", "epoll_pwait 0x3", "unknown", ()),
        ("S", "wait4 0x9", "child", ()),
        ("S", "fsync 0x3", "disk", ()),
        ("S", "nosuchcall 0x5", "unknown", ()),
        ("Z", "", "unknown", ()),
    ],
)
def test_every_kind_of_wait(state, call, kind, inodes, made):
    assert made(state, call, SOCKETS, WATCHED) == thread_wait.Wait(kind, inodes)


@pytest.mark.parametrize("content", ["", "7 (x) S", "no brackets", "7 0x", "\udcff 0x1 0x2"])
def test_a_strange_or_vanished_process_is_unknown(content, tmp_path, monkeypatch):
    monkeypatch.setattr(thread_wait, "PROC", str(tmp_path))
    (tmp_path / "7/task/7").mkdir(parents=True)
    (tmp_path / "7/task/7/stat").write_text("7 (x) S 1")
    (tmp_path / "7/task/7/syscall").write_text(content, errors="surrogateescape")
    assert thread_wait.look(7) == thread_wait.Wait("unknown")
    assert thread_wait.look(8) == thread_wait.Wait("unknown")
    assert thread_wait.hindrance(8) is not None  # there is no /proc/self/syscall in that folder


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_no_number_stands_twice(machine):
    numbers = thread_wait._NUMBERS[machine]
    assert len(set(numbers.values())) == len(numbers)
    assert {"read", "recvfrom", "futex", "ppoll", "epoll_pwait", "clock_nanosleep"} <= set(numbers)


def test_an_unknown_architecture_says_so(monkeypatch):
    monkeypatch.setattr(thread_wait, "_NAMES", thread_wait.names("riscv128"))
    assert "riscv128" not in thread_wait._NUMBERS and "architecture" in thread_wait.hindrance(os.getpid())


def test_threads_of_our_own_in_every_call():
    near, far = socket.socketpair()
    lock = threading.Lock()
    lock.acquire()
    epoll = select.epoll()
    epoll.register(near, select.EPOLLIN)
    poll = select.poll()
    poll.register(near, select.POLLIN)
    reader, writer = os.pipe()
    inode = int(os.readlink(f"/proc/self/fd/{near.fileno()}")[8:-1])
    works = {
        "socket": (lambda: near.recv(1, socket.MSG_PEEK), (inode,)),
        "watched": (lambda: epoll.poll(30), (inode,)),
        "any": (lambda: poll.poll(30000), None),
        "pipe": (lambda: os.read(reader, 1), (int(os.readlink(f"/proc/self/fd/{reader}")[6:-1]),)),
        "lock": (lock.acquire, ()),
        "sleep": (lambda: time.sleep(30), ()),
    }
    threads = {}
    for kind, (work, _inodes) in works.items():
        threads[kind] = threading.Thread(target=work, daemon=True)
        threads[kind].start()
    try:
        for kind, (_work, inodes) in works.items():
            wait_until(
                lambda kind=kind: thread_wait.look(os.getpid(), threads[kind].native_id).kind == kind, f"the thread to be seen in {kind}", 5
            )
            seen = thread_wait.look(os.getpid(), threads[kind].native_id)
            assert inode in seen.inodes if inodes is None else seen.inodes == inodes
        assert set(thread_wait.threads(os.getpid())) >= {thread.native_id for thread in threads.values()}
    finally:
        far.send(b"x")
        os.write(writer, b"x")
        lock.release()
        threads.pop("sleep")  # a daemon: nothing wakes it
        for thread in threads.values():
            thread.join(10)
        for one in (near, far, epoll):
            one.close()
        os.close(reader), os.close(writer)
