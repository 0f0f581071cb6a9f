# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths as a process in a container means them: its links lead to its own files, and never to ours."""

from __future__ import annotations

import pathlib
import subprocess
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collectors.haproxy import discover as haproxy
from ansible_collections.warroom.launch.plugins.module_utils._collectors.memcached import collector as memcached
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql import discover as mysql
from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx.access_log import Tally
from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx.discover import Place
from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx.files import Reader
from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx.logs import Logs
from ansible_collections.warroom.launch.plugins.module_utils._collectors.nginx.settings import Log, Settings
from ansible_collections.warroom.launch.plugins.module_utils._collectors.redis import collector as redis
from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi import discover as uwsgi
from ansible_collections.warroom.launch.plugins.module_utils._linux import processes, rooted, tail
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Listener, Process, Processes
from tests.support.tools import RealCommands


def container(root: pathlib.Path, links: t.Mapping[str, str]) -> str:
    for name, target in links.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(target)
    return str(root)


LINKS = {
    "var/run": "/run",
    "etc/nginx": "../srv/nginx",
    "srv/nginx/sites": "/srv/all/sites",
    "var/log/a": "b",
    "var/log/b": "/var/log/../log/c",
    "loop/x": "/loop/y",
    "loop/y": "x",
    "up": "../../../../etc/passwd",
}


@pytest.mark.parametrize(
    ("path", "real"),
    [
        ("/var/run/redis/redis.sock", "/run/redis/redis.sock"),  # as on Debian and EL
        ("/etc/nginx/nginx.conf", "/srv/nginx/nginx.conf"),
        ("/etc/nginx/sites/default", "/srv/all/sites/default"),
        ("/var/log/a", "/var/log/c"),
        ("/up", "/etc/passwd"),  # of the container
        ("/nothing/here", "/nothing/here"),
        ("//x/./y/", "/x/y"),
        ("/", "/"),
    ],
)
def test_a_link_leads_to_a_file_of_the_same_root(tmp_path: pathlib.Path, path: str, real: str) -> None:
    assert rooted.real(path, container(tmp_path, LINKS)) == str(tmp_path) + real


SOCKET = "/var/run/x/x.sock"


@pytest.mark.parametrize(
    ("find", "argv"),
    [
        (redis.discover, ("redis-server", "unixsocket:/var/run/x/x.sock")),
        (memcached.discover, ("memcached", "-s", SOCKET)),
        (mysql.discover, ("mysqld", f"--socket={SOCKET}")),
        (haproxy.discover, ("haproxy", "-f", "/etc/haproxy.cfg")),
        (uwsgi.discover, ("uwsgi", "--stats", SOCKET)),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_the_socket_of_a_server_in_a_container_is_that_containers(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, find: t.Any, argv: tuple[str, ...]
) -> None:
    """https://github.com/coroot/helm-charts/pull/14: below /proc/PID/root, /var/run is a link to /run, which is the host's"""
    root = tmp_path / "7/root"
    container(root, LINKS)
    (root / "etc/haproxy.cfg").write_text(f"global\n  stats socket {SOCKET}\n")
    process = Process(7, 1, argv[0], 0, argv, "S")
    monkeypatch.setattr(processes, "PROC", str(tmp_path))
    monkeypatch.setattr(Process, "elsewhere", lambda self, kind: kind == "mnt")
    monkeypatch.setattr(Process, "link", lambda self, name: "/")
    monkeypatch.setattr(Processes, "listening", lambda self, pid: [Listener("unix", SOCKET, None, 1)])
    entry = find(HostTools(RealCommands(), _processes=Processes([process], False)))[0]
    assert f"{root}/run/x/x.sock" in entry.values(), entry


def test_links_that_lead_nowhere_end(tmp_path: pathlib.Path) -> None:
    assert rooted.real("/loop/x", container(tmp_path, LINKS)).startswith(str(tmp_path))


@pytest.mark.parametrize(
    ("target", "real"),
    [("/dev/stdout", "fd/1"), ("/dev/stderr", "fd/2"), ("/proc/self/fd/1", "fd/1"), ("/dev/fd/3", "fd/3")],
)
@pytest.mark.parametrize("apart", [True, False], ids=["in a container", "of ours"])
def test_its_output_is_not_our_own(tmp_path: pathlib.Path, target: str, real: str, apart: bool) -> None:
    """https://github.com/nginx/docker-nginx/issues/107, https://github.com/lebinh/ngxtop/issues/94: /var/log/nginx/access.log"""
    root = container(tmp_path, {"log": target})
    assert (rooted.real("/log", root, 4711) if apart else rooted.real(f"{root}/log", "", 4711)) == f"/proc/4711/{real}"


def logs(path: str, root: str, pid: int) -> Logs:
    settings = Settings(logs=(Log(path, "$status", "x", False, False),), error_logs=())
    return Logs(settings, Place("/etc/nginx/nginx.conf", "/etc/nginx", root, pid), ("", ""))


@pytest.mark.parametrize("apart", [True, False], ids=["in a container", "of ours"])
def test_a_log_that_is_the_servers_output(tmp_path: pathlib.Path, apart: bool) -> None:
    """https://github.com/nginx/docker-nginx/issues/87: the official image links it to /dev/stdout, which here is our own output"""
    root = container(tmp_path, {"var/log/access.log": "/dev/stdout"})
    path = "/var/log/access.log" if apart else f"{root}/var/log/access.log"
    with subprocess.Popen(["sleep", "60"], stdout=subprocess.PIPE) as child:
        try:
            found = logs(path, root if apart else "", child.pid)
            read = found.access(Tally(), ())
            assert found.access_paths == (f"{root}/var/log/access.log",)
            assert read.why is not None and tail.NO_FILE in read.why and "access_log" in read.why
        finally:
            child.kill()


def test_includes_of_a_container_that_are_links(tmp_path: pathlib.Path) -> None:
    """Debian's sites-enabled/default is a link to /etc/nginx/sites-available/default, and sites-enabled may be one itself"""
    links = {"etc/nginx/sites-enabled": "/srv/enabled", "srv/enabled/default": "/etc/nginx/sites-available/default"}
    root = pathlib.Path(container(tmp_path, links))
    (root / "etc/nginx/sites-available").mkdir(parents=True)
    (root / "etc/nginx/sites-available/default").write_text("server { listen 8123; }")
    (root / "etc/nginx/nginx.conf").write_text("http { include /etc/nginx/sites-enabled/*; }")
    found = Reader("/etc/nginx/nginx.conf", str(root)).found
    assert found.files == ["/etc/nginx/nginx.conf", "/etc/nginx/sites-enabled/default"] and found.unread == []
    assert found.tree[0].block is not None and found.tree[0].block[0].block[0].first == "8123"  # type: ignore[index]
