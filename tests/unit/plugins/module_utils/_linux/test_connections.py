# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is connected to whom, of real processes of this machine: TCP over IPv4 and IPv6, paths, abstract names, another namespace."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Problem
from ansible_collections.warroom.launch.plugins.module_utils._linux import addresses, connections, sock_diag

#: Listens at every address given as a repr, forks once, says where it listens, and accepts what comes.
SERVER = """
import os, select, socket, sys
places, listening, kept = eval(sys.argv[1]), [], []
for family, place in places:
    one = socket.socket(family)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    one.bind(place)
    one.listen()
    listening.append(one)
print(repr([one.getsockname() for one in listening]), flush=True)
if os.fork():
    os.wait()
while True:
    for one in select.select(listening, [], [])[0]:
        kept.append(one.accept()[0])
        print("accepted", flush=True)
"""
CLIENT = """
import os, socket, sys, time
kept = []
for family, place, count in eval(sys.argv[1]):
    for _turn in range(count):
        one = socket.socket(family)
        one.connect(place)
        kept.append(one)
print("connected", flush=True)
time.sleep(600)
"""


@contextlib.contextmanager
def running(code: str, argument: t.Any, *before: str) -> t.Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([*before, sys.executable, "-c", code, repr(argument)], stdout=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            for pid in [*children(child.pid), child.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, 9)


def children(pid: int) -> list[int]:
    return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline()


def edges_of(client: subprocess.Popen[str], server: subprocess.Popen[str]) -> list[connections.Edges]:
    return connections.look([[client.pid], [server.pid]])


@pytest.fixture(scope="module")
def any_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.parametrize("kind", ["ipv4", "ipv6", "mapped", "path", "abstract"])
def test_both_ends_of_a_connection_are_seen(kind: str, tmp_path: pathlib.Path, any_ipv6: bool) -> None:
    if kind in ("ipv6", "mapped") and not any_ipv6:
        pytest.skip("this machine has no IPv6")
    family, place = {
        "ipv4": (socket.AF_INET, ("127.0.0.1", 0)),
        "ipv6": (socket.AF_INET6, ("::1", 0)),
        "mapped": (socket.AF_INET6, ("::", 0)),
        "path": (socket.AF_UNIX, f"{tmp_path}/s.sock"),
        "abstract": (socket.AF_UNIX, f"\0wr-{tmp_path}"),
    }[kind]
    with running(SERVER, [(int(family), place)]) as server:
        (name,) = eval(line(server))  # our own child's
        if kind == "mapped":
            family, name = socket.AF_INET, ("127.0.0.1", name[1])
        with running(CLIENT, [(int(family), name if isinstance(name, (str, bytes)) else tuple(name[:2]), 3)]) as client:
            assert line(client) == "connected\n"
            assert [line(server) for _turn in range(3)] == ["accepted\n"] * 3
            talking, serving = edges_of(client, server)
            if kind in ("path", "abstract"):
                shown = "unix:@" + name[1:].decode() if isinstance(name, bytes) else f"unix:{name}"
                there, here = {shown}, "unix"
            else:
                shown = addresses.with_port(name[0], name[1])
                there, here = ({f"[::]:{name[1]}"} if kind == "mapped" else {shown}), name[0]
            assert serving.listens == there and dict(serving.clients) == {here: 3} and not serving.talks_to
            assert dict(talking.talks_to) == {shown: 3} and not talking.listens and not talking.clients
            assert serving.processes == serving.read == 2 and serving.hidden == 0 and serving.partial is None
            assert serving.network is not None and talking.network == serving.network


def test_a_connection_that_is_not_answered_yet_is_an_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for a server that is gone or full waits in SYN_SENT; no address answers in this range (RFC 5737)."""
    table = connections._Table()
    inode = 4711
    row = f"0100007F:A000 0A7100CB:1538 02 00000000:00000000 01:00000100 00000000 1000 0 {inode} 2 0000000000000000 100 0 0 10 0"
    waiting = f"   0: {row}"
    ended = waiting.replace(" 02 ", " 06 ").replace(f" {inode} ", " 0 ")
    monkeypatch.setattr(connections, "_lines", lambda _path, _table=None: ["header", ended, waiting, "odd"])
    connections._read_tcp(table, "", {inode})
    monkeypatch.undo()
    edges = connections.Edges()
    connections._fill(edges, {"net:[1]": {inode}}, {"net:[1]": table})
    assert dict(edges.talks_to) == {"203.0.113.10:5432": 1}


def test_of_a_process_that_is_gone_nothing_is_known() -> None:
    (edges,) = connections.look([[2**22 + 1]])
    assert (edges.read, edges.hidden, edges.network) == (0, 0, None)


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs root and setpriv to become another user")
def test_what_an_ordinary_user_may_not_read_is_counted(tmp_path: pathlib.Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from ansible_collections.warroom.launch.plugins.module_utils._linux import connections\n"
        "edges = connections.look([[int(sys.argv[1])]])[0]\n"
        "print(edges.processes, edges.read, edges.hidden, edges.network)"
    )
    with running(SERVER, [(int(socket.AF_UNIX), f"{tmp_path}/s.sock")]) as server:
        line(server)
        root = next(place for place in sys.path if (pathlib.Path(place) / "ansible_collections/warroom/launch").exists())
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", code, str(server.pid), root]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        if done.returncode and "ermission" in done.stderr:
            pytest.skip("another user may not read this checkout")
        assert done.stdout.split() == ["2", "0", "2", "None"], done.stderr


def in_a_namespace() -> t.Optional[str]:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return "needs root and unshare"
    return None if subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True).returncode == 0 else "no namespaces here"


@pytest.mark.skipif(bool(in_a_namespace()), reason=str(in_a_namespace()))
def test_a_process_in_a_network_of_its_own(tmp_path: pathlib.Path) -> None:
    """Its loopback interface is another; TCP is known from there, of UNIX sockets only who listens."""
    path = f"{tmp_path}/s.sock"
    with running(SERVER, [(int(socket.AF_UNIX), path), (int(socket.AF_INET), ("0.0.0.0", 0))], "unshare", "--net") as server:
        port = eval(line(server))[1][1]  # our own child's
        ours, theirs = connections.look([[os.getpid()], [server.pid]])
        assert theirs.listens == {f"unix:{path}", f"0.0.0.0:{port}"} and theirs.network != ours.network
        assert theirs.addresses == [] and "peers of UNIX sockets" in str(theirs.partial)


def test_a_kernel_that_does_not_tell_the_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: t.Any) -> t.NoReturn:
        raise Problem("the kernel does not say who is connected to UNIX sockets (Operation not permitted)")

    monkeypatch.setattr(sock_diag, "unix_sockets", refuse)
    (edges,) = connections.look([[os.getpid()]])
    assert edges.partial == "the kernel does not say who is connected to UNIX sockets (Operation not permitted)" and edges.network


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_PROCESSES", 1)
    assert connections.look([[os.getpid(), os.getppid()]])[0].partial == "it has more than 1 processes"
    monkeypatch.setattr(connections, "MOST_PROCESSES", 5)
    monkeypatch.setattr(connections, "MOST_DESCRIPTORS", 1)
    assert "more open files" in str(connections.look([[os.getpid()]])[0].partial)
    monkeypatch.setattr(connections, "MOST_DESCRIPTORS", 50_000)
    monkeypatch.setattr(connections, "MOST_BYTES", 10)
    assert "more sockets" in str(connections.look([[os.getpid()]])[0].partial)
