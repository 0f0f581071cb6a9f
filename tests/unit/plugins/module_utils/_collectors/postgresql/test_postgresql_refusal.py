# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that does not let us in: decided by its codes, with the line that mends it (cases N-02, N-07 and their kind)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import struct

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Down, Hangs, Problem
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql import driver, refusal, startup
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql.collector import COLLECTOR
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql.startup import Refusal
from tests.support.replay import peer, sends, silent
from tests.support.tools import FakeCommands, tools_with

WISH = refusal.Wish("db1:5432", "mon", "shop", named=True)
NAME, CHECK = "InitializeSessionUserId", "CheckMyDatabase"


@pytest.mark.parametrize(
    "refused, kind, said",
    [
        # the server is full for everybody, or one account is at its limit: the same SQLSTATE from different routines
        (Refusal("désolé, trop de clients sont déjà connectés", "53300", "InitProcess"), refusal.Exhausted, "trop de clients"),
        (Refusal("schon zu viele Verbindungen", "53300", "InitPostgres"), refusal.Exhausted, "refuses connections"),
        (Refusal("trop de connexions", "53300"), refusal.Exhausted, "refuses connections"),
        (Refusal("trop de connexions pour le rôle", "53300", NAME), Problem, 'ALTER ROLE "mon" CONNECTION LIMIT -1;'),
        (Refusal("trop de connexions pour la base", "53300", CHECK), Problem, 'ALTER DATABASE "shop" CONNECTION LIMIT -1;'),
        (Refusal("le système de bases de données se lance", "57P03", "ProcessStartupPacket"), Down, "does not accept connections"),
        (Refusal("le rôle « mon » n'existe pas", "28000", NAME), Problem, 'GRANT pg_monitor TO "mon";'),
        (Refusal("authentification peer échouée", "28000", "auth_failed"), Problem, "give login_password too"),
        (Refusal("authentification ident échouée", "28000", "auth_failed", "10.0.0.9"), Problem, "pg_hba.conf"),
        (Refusal("aucune entrée", "28000", "ClientAuthentication"), Problem, 'local all "mon" peer'),
        (Refusal("rejette", "28000", "ClientAuthentication", "10.0.0.9"), Problem, 'host all "mon" 10.0.0.9/32 scram-sha-256'),
        (Refusal("rejette", "28000", "ClientAuthentication", "2001:db8::9"), Problem, 'host all "mon" 2001:db8::9/128 scram-sha-256'),
        (Refusal("authentification par mot de passe échouée", "28P01", "auth_failed"), Problem, "check login_user and login_password"),
        (Refusal("la base « shop » n'existe pas", "3D000", "InitPostgres"), Problem, "check login_db"),
        (Refusal("droit refusé", "42501", CHECK), Problem, 'GRANT CONNECT ON DATABASE "shop" TO "mon";'),
        (Refusal("n'accepte pas", "55000", CHECK), Problem, 'ALTER DATABASE "shop" ALLOW_CONNECTIONS true;'),
        # PgBouncer and libpq have no codes, and one language
        (Refusal("no more connections allowed (max_client_conn)", "08P01"), refusal.Exhausted, "no more connections allowed"),
        # other poolers: https://github.com/supabase/supavisor/issues/134, https://github.com/supabase/supavisor/issues/473
        (Refusal("Max client connections reached", "XX000"), refusal.Exhausted, "Max client connections reached"),
        (Refusal("MaxClientsInSessionMode: max clients reached", "XX000"), refusal.Exhausted, "max clients reached"),
        (Refusal("odyssey: too many active clients for user", "08P01"), refusal.Exhausted, "too many active clients"),
        (Refusal("no such user: mon", "08P01"), Problem, "auth_file"),
        (Refusal("server does not support SSL, but SSL was required"), Problem, "check ssl_mode"),
        (Refusal("server closed the connection unexpectedly"), Down, "no PostgreSQL at db1:5432"),
        (Refusal("erreur étrange", "XX000", "somewhere"), Problem, "refuses us: erreur étrange"),
    ],
)
def test_n02_refusals_in_any_language_have_the_line_that_mends_them(refused, kind, said):
    problem = refusal.explained(refused, WISH)
    assert {type(problem)} == {kind} and said in str(problem)
    assert problem.state == ("down" if kind is Down else "unreadable")


PREFIX = 'connection failed: connection to server at "127.0.0.1", port 5432 failed: '


@pytest.mark.parametrize(
    "text, kept",
    [
        (PREFIX + "Connection refused Is the server running on that host and accepting TCP/IP connections?", "Connection refused"),
        (PREFIX + "FATAL: sorry, too many clients already", "sorry, too many clients already"),
        (
            PREFIX + "Connection refused Multiple connection attempts failed. All failures were: - host: 'x', hostaddr: '::1': "
            f"{PREFIX}Connection refused - host: 'x', hostaddr: '127.0.0.1': {PREFIX}FATAL: la base n'existe pas",
            "la base n'existe pas",
        ),
    ],
)
def test_the_words_of_the_attempt_that_counts(text, kept):
    assert refusal.libpq(text) == kept


def error_response(code, routine, message="non"):
    fields = b"".join(kind + text.encode() + b"\0" for kind, text in zip((b"C", b"M", b"R"), (code, message, routine))) + b"\0"
    return b"E" + struct.pack("!I", len(fields) + 4) + fields


def port_of(address):
    return int(address.rpartition(":")[2])


def asked(address, password=None):
    return startup.refusal(("127.0.0.1", port_of(address)), "mon", "shop", password, 2, encrypted=False)


def test_the_code_and_the_routine_come_from_the_message_itself():
    with peer(sends(error_response("53300", NAME))) as address:
        assert asked(address) == Refusal("non", "53300", NAME, "127.0.0.1")


def test_a_server_that_wants_a_password_and_got_none():
    with peer(sends(b"R" + struct.pack("!II", 8, 5) + b"salt")) as address:
        assert asked(address).code == "28P01"


@pytest.mark.parametrize(
    "answer", [b"", b"SSH-2.0-x\r\n", b"R" + struct.pack("!II", 8, 0), b"E" + struct.pack("!I", 2**31), b"\xff" * 9000]
)
def test_what_is_no_refusal_has_no_code(answer):
    with peer(sends(answer)) as address:
        assert asked(address) is None


def scram_server(password, after):
    """A server that knows the password and then says `after`; RFC 5802, told by hand."""

    def answer(conn):
        def message(kind, body):
            conn.sendall(kind + struct.pack("!I", len(body) + 4) + body)

        def received():
            kind_and_length = conn.recv(5)
            return conn.recv(struct.unpack("!I", kind_and_length[1:])[0] - 4)

        conn.recv(4096)
        message(b"R", struct.pack("!I", 10) + b"SCRAM-SHA-256\0\0")
        client_first = received().split(b"n,,", 1)[1]
        server_first = client_first.partition(b"r=")[2].join([b"r=", b"more,s=" + base64.b64encode(b"salt") + b",i=4096"])
        message(b"R", struct.pack("!I", 11) + server_first)
        without_proof, _sep, proof = received().rpartition(b",p=")
        salted = hashlib.pbkdf2_hmac("sha256", password, b"salt", 4096)
        key = hmac.digest(salted, b"Client Key", "sha256")
        signed = hmac.digest(hashlib.sha256(key).digest(), b",".join([client_first, server_first, without_proof]), "sha256")
        known = bytes(one ^ other for one, other in zip(key, signed)) == base64.b64decode(proof)
        message(*((b"R", struct.pack("!I", 0)) if known else (b"E", error_response("28P01", "auth_failed")[5:])))
        conn.sendall(after)

    return answer


def test_n02_a_refusal_after_the_password_is_known_by_its_code_too():
    with peer(scram_server(b"EXAMPLEpw", error_response("3D000", "InitPostgres"))) as address:
        assert asked(address, "EXAMPLEpw").code == "3D000"
    with peer(scram_server(b"EXAMPLEpw", b"")) as address:
        assert asked(address, "EXAMPLEwrong").code == "28P01"


def read(port, host="127.0.0.1", seconds=1.0):
    options = {name: spec.get("default") for name, spec in COLLECTOR.options.items()}
    instance = {**options, "name": None, "login_host": host, "login_port": port, "login_user": "mon"}
    (found,) = gather([(COLLECTOR, instance)], 0.0, tools_with(FakeCommands(), timeout=seconds))["launch_postgresql"]["instances"]
    return found["state"], found["problem"]


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x4a\x00\x00\x00\x0a", b"+PONG\r\n"])
def test_a_port_that_speaks_something_else_is_not_asked_for_ssl(answer, monkeypatch):
    monkeypatch.setattr(driver, "connect", lambda **_params: pytest.fail("the driver never sees it"))
    with peer(sends(answer)) as address:
        state, said = read(port_of(address))
    assert state == "unreadable" and "does not speak PostgreSQL" in said and "ssl_mode" not in said


def test_a_flood_is_not_read(monkeypatch):
    monkeypatch.setattr(driver, "connect", lambda **_params: pytest.fail("the driver never sees it"))
    with peer(sends(b"S" * 20_000_000)) as address:
        assert "does not speak PostgreSQL" in read(port_of(address))[1]


def test_silence_nobody_and_a_name_that_does_not_resolve(monkeypatch):
    with peer(silent) as address:
        state, said = read(port_of(address), seconds=0.3)
        assert state == Hangs.state == "down" and "does not answer within 0.3 s" in said
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    assert read(port) == ("down", f"connection to 127.0.0.1:{port} refused: nothing listens there")

    def unknown(*_args, **_more):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    state, said = read(5432, host="db1.example")
    assert state == "unreadable" and "does not resolve" in said
