# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where and as whom to log in, and what is said when that fails."""

from __future__ import annotations

import pathlib
import socket
import types
import typing as t

import pymysql
import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Problem
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql import connect, discover, option_file
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql.collector import COLLECTOR
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Listener, Process, Processes
from tests.support import replay
from tests.support.tools import FakeCommands, tools_with


@pytest.fixture
def cnf(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "x.cnf").write_text("[client]\nport = 3399\n")
    (tmp_path / "more" / "ignored.txt").write_text("[client]\nuser = nobody\n")
    path = tmp_path / "my.cnf"
    path.write_text(
        f'!includedir {tmp_path}/more\n[client]\n# a comment\nuser=mon\npassword="EXAMPLE # secret"\nssl_ca=/ca.pem\n[mysqld]\nport=1\n'
    )
    return path


def test_the_option_file_completes_what_is_not_given(cnf: pathlib.Path) -> None:
    secrets: set[str] = set()
    found = connect.login({"config_file": str(cnf)}, secrets)
    assert (found.user, found.password, found.port, found.tls["ssl_ca"]) == ("mon", "EXAMPLE # secret", 3399, "/ca.pem")
    assert secrets == {"EXAMPLE # secret"}
    given = connect.login({"config_file": str(cnf), "login_user": "root", "login_password": "", "login_host": "db1"})
    assert (given.user, given.password, given.host, given.port) == ("root", "", "db1", 3306)


def test_no_option_file_is_read_unless_asked_for(monkeypatch: pytest.MonkeyPatch, cnf: pathlib.Path) -> None:
    monkeypatch.setenv("HOME", str(cnf.parent))
    (cnf.parent / ".my.cnf").write_text("[client]\nuser=stale\n")
    assert connect.login({"login_host": "db1"}).user != "stale"
    assert connect.login({"login_host": "db1", "config_file": "~/.my.cnf"}).user == "stale"


def test_an_option_file_that_is_not_there_is_said() -> None:
    with pytest.raises(Problem, match="does not exist"):
        connect.login({"config_file": "/nonexistent/my.cnf"})


def test_certificates_mean_that_they_are_checked() -> None:
    assert connect.login({"login_host": "db", "ca_cert": "/ca"}).tls == {
        "ssl_ca": "/ca",
        "ssl_verify_cert": True,
        "ssl_verify_identity": True,
    }
    assert connect.login({"login_host": "db", "ca_cert": "/ca", "check_hostname": False}).tls["ssl_verify_identity"] is False
    assert connect.login({"login_host": "db"}).tls == {}


def test_a_server_that_was_found_is_tried_on_its_port_when_its_socket_refuses_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def answer(**options: t.Any) -> t.Any:
        tried.append(options["unix_socket"])
        if options["unix_socket"]:
            raise pymysql.err.OperationalError(1045, "Access denied for user 'mon'@'localhost'")
        return types.SimpleNamespace(connect=lambda _socket: None)

    monkeypatch.setattr(pymysql, "connect", answer)
    monkeypatch.setattr(connect, "_dialled", lambda _address, _seconds: socket.socket())
    place = {"login_unix_socket": "/run/s.sock", "login_user": "mon"}
    assert connect.connection(connect.login({**place, "login_port": 3306}), 1.0)
    with pytest.raises(Problem, match="Access denied"):
        connect.connection(connect.login(place), 1.0)
    assert tried == ["/run/s.sock", None, "/run/s.sock"]
    assert connect.login(place).client_options == "-S /run/s.sock"
    assert connect.login({"login_host": "db;1", "login_port": 3307}).client_options == "-h 'db;1' -P 3307"


def problem(address: str, seconds: float = 0.5) -> tuple[str, str]:
    host, _sep, port = address.rpartition(":")
    place = {"login_unix_socket": address} if not host else {"login_host": host, "login_port": int(port)}
    instance = {"name": None, **{name: spec.get("default") for name, spec in COLLECTOR.options.items()}, **place}
    (found,) = gather([(COLLECTOR, instance)], 0.0, tools_with(FakeCommands(), timeout=seconds))["launch_mysql"]["instances"]
    return found["state"], found["problem"]


@pytest.mark.parametrize(
    "answer, said",
    [
        (b"", "hangs up"),
        (b"SSH-2.0-OpenSSH\r\n", "does not speak MySQL's protocol"),
        (b"HTTP/1.1 400 Bad Request\r\n", "does not speak MySQL's protocol"),
        (b"+OK\r\n", "does not speak MySQL's protocol"),
        (b"\0" * 20_000_000, "does not speak MySQL's protocol"),
        (b"\xff\xff\xff\0\x0a" * 4_000_000, "does not speak MySQL's protocol"),
    ],
)
def test_peers_that_are_no_server_never_reach_the_driver(answer: bytes, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pymysql, "connect", lambda **_options: pytest.fail("the driver reads without a limit"))
    with replay.peer(replay.sends(answer)) as address:
        state, problem_said = problem(address)
    assert state == "unreadable" and said in problem_said


def test_silence_nobody_and_a_name_that_does_not_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    with replay.peer(replay.silent) as silent:
        state, said = problem(silent, 0.3)
    assert state == "down" and "does not answer within 0.3 s" in said
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    assert problem(f"127.0.0.1:{port}") == ("down", f"connection to 127.0.0.1:{port} refused: nothing listens there")
    assert problem("/nonexistent/mysqld.sock")[0] == "down"

    def unknown(*_args: t.Any, **_more: t.Any) -> t.NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    state, said = problem("db1.example:3306")
    assert state == "unreadable" and "does not resolve" in said


def process(*argv: str) -> Process:
    return Process(4711, 1, "mariadbd", 0, ("/usr/sbin/mariadbd", *argv))


def found(one: Process, listeners: t.Sequence[Listener] = ()) -> list[dict[str, t.Any]]:
    table = Processes([one], False)
    table.listening = lambda pid: list(listeners)  # type: ignore[method-assign]
    tools = tools_with(FakeCommands())
    tools._processes = table
    return discover.discover(tools)


def test_discovery_by_what_the_server_listens_on() -> None:
    listeners = [
        Listener("unix", "/run/mysqld/mysqld.sock", None, 1),
        Listener("unix", "/run/mysqld/mysqlx.sock", None, 2),
        Listener("tcp", "0.0.0.0", 3307, 3),
        Listener("tcp", "::", 33060, 4),
    ]
    assert found(process(), listeners) == [{"login_unix_socket": "/run/mysqld/mysqld.sock", "login_port": 3307}]
    assert found(process(), [Listener("tcp", "10.0.0.5", 3306, 3)])[0]["login_host"] == "10.0.0.5"


def test_discovery_by_what_the_server_was_told(tmp_path: pathlib.Path) -> None:
    assert found(process("--no-defaults", "--socket=/s.sock", "--port=3310", "--bind-address=127.0.0.1")) == [
        {"login_unix_socket": "/s.sock", "login_port": 3310, "login_host": "127.0.0.1"}
    ]
    (tmp_path / "my.cnf").write_text("[mysqld]\nsocket = mysql.sock\ndatadir = /data\nport=3311\nbind_address=*\n")
    assert found(process(f"--defaults-file={tmp_path}/my.cnf")) == [{"login_unix_socket": "/data/mysql.sock", "login_port": 3311}]
    assert found(process("--no-defaults")) == [{"login_port": 3306}]


def test_option_files_that_include_each_other_end(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "my.cnf"
    path.write_text(f"[client]\nuser=a\n!include {path}\nport\n[broken\n=x\n")
    assert option_file.client(str(path))["user"] == "a"
