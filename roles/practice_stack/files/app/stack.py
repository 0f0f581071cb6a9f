# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role needs to know about the machine of the practice stack. Standard library only: it runs before the virtualenv exists."""

from __future__ import annotations

import argparse
import contextlib
import glob
import json
import os
import pathlib
import random
import secrets
import shutil
import signal
import socket
import sys
import time
import typing as t

# Below the kernel's range for outgoing connections, so that no client takes a server's port by chance.
PORTS = range(20000, 32000)
SBIN = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"]


def is_free(port: int) -> bool:
    """Whether a server could listen on the loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def state(args: argparse.Namespace) -> dict[str, t.Any]:
    """Ports and password: picked once, kept in a file; what the user names himself wins."""
    path = pathlib.Path(args.file)
    kept = json.loads(path.read_text()) if path.exists() else {}
    wanted = {name: int(port) for name, port in json.loads(args.wish).items()}
    ports = {**kept.get("ports", {}), **wanted}
    for name in args.names:
        while name not in ports:
            port = random.choice(PORTS)
            if port not in ports.values() and is_free(port):
                ports[name] = port
    new = {"ports": ports, "password": kept.get("password") or secrets.token_urlsafe(18)}
    if new != kept:
        path.touch(mode=0o600)
        path.write_text(json.dumps(new))
        # initdb reads it as the servers' user
        secret = path.with_name("password")
        secret.touch(mode=0o640)
        secret.write_text(new["password"])
    return {**new, "changed": new != kept}


def unpack(args: argparse.Namespace) -> dict[str, bool]:
    """Write the application's files where they differ: one archive is sent, because each file of its own would cost two round trips."""
    os.umask(0o022)
    changed = False
    for name, text in json.loads(pathlib.Path(args.file).read_text()).items():
        path = pathlib.Path(args.directory, name)
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            changed = True
    return {"changed": changed}


def ports_of(args: argparse.Namespace) -> t.Iterator[tuple[dict[str, t.Any], int]]:
    """The named programs, each with each of its ports, as the role wrote them down."""
    config = json.loads(pathlib.Path(args.config).read_text())
    for program in config["programs"]:
        for name in program.get("ports", []):
            if program["name"] in args.names:
                yield program, config["ports"][name]


def taken(args: argparse.Namespace) -> list[str]:
    """Ports of the named programs that another process listens on."""
    return [f"{port} (for {program['title']})" for program, port in ports_of(args) if not is_free(port)]


def silent(args: argparse.Namespace) -> list[str]:
    """The named programs that do not accept a connection in time."""
    deadline = time.monotonic() + args.seconds
    waiting = list(ports_of(args))
    while waiting and time.monotonic() < deadline:
        waiting = [(program, port) for program, port in waiting if not answers(port)]
        time.sleep(0.1 if waiting else 0)
    return sorted({program["name"] for program, _port in waiting})


def programs(args: argparse.Namespace) -> dict[str, str]:
    """Where the named programs are; PostgreSQL's newest version, which Debian keeps off PATH."""
    homes = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda home: [int(part) for part in home.split("/")[4].split(".")])
    path = os.pathsep.join([*reversed(homes), *SBIN, "/usr/pgsql/bin", os.environ.get("PATH", "")])
    return {name: shutil.which(name, path=path) or "" for name in args.names}


def processes(directory: str, name: str, mark: str) -> list[int]:
    """Processes with `mark` among the strings of their /proc entry `name` (environ or cmdline)."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if (mark + directory).encode() in (entry / name).read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return [pid for pid in found if pid != os.getpid()]


def supervisors(directory: str) -> list[int]:
    return processes(f"{directory}/etc/supervisord.conf", "cmdline", "")


def everything(directory: str) -> list[int]:
    """The supervisor, and what it started: that has a mark in its environment."""
    return [*supervisors(directory), *processes(directory, "environ", "PRACTICE_STACK=")]


def gone(directory: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while everything(directory):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def send(pids: list[int], what: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, what)


def end(args: argparse.Namespace) -> list[int]:
    """Let the supervisor end the stack; end what is left when it cannot. Gives what there was to end."""
    there, leaders = everything(args.directory), supervisors(args.directory)
    send(leaders, signal.SIGTERM)
    if leaders and gone(args.directory, 40):
        return there
    for what, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
        send(everything(args.directory), what)
        if gone(args.directory, seconds):
            break
    return there


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    actions = parser.add_subparsers(required=True)
    for action, names in (
        (unpack, ("file", "directory")),
        (state, ("file", "wish", "names*")),
        (taken, ("config", "names*")),
        (silent, ("config", "seconds", "names*")),
        (programs, ("names*",)),
        (end, ("directory",)),
    ):
        sub = actions.add_parser(action.__name__)
        sub.set_defaults(action=action)
        for name in names:
            sub.add_argument(name.rstrip("*"), nargs="*" if name.endswith("*") else None, type=float if name == "seconds" else str)
    args = parser.parse_args()
    print(json.dumps(args.action(args)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
