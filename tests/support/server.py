# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real servers for tests: on free loopback ports, in a directory of their own, unprivileged, ended by pid."""

from __future__ import annotations

import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import typing as t

ROOT = pathlib.Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv" / "bin"


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: t.Callable[[], t.Any], what: str, seconds: float = 30.0) -> t.Any:
    """Poll until `condition` gives something true and return it; fail naming `what` otherwise."""
    deadline = time.monotonic() + seconds
    last: t.Any = None
    while time.monotonic() < deadline:
        try:
            value = condition()
            if value:
                return value
        except (OSError, ValueError) as error:
            last = error
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:.0f} s: {what} ({last})")


def accepts(port: int) -> bool:
    """Whether something accepts connections on the loopback port."""
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


def self_signed(server: Server) -> tuple[pathlib.Path, pathlib.Path]:
    """A certificate for 127.0.0.1 and localhost in the server's folder, and its key; the certificate is its own authority."""
    certificate, key = server.dir / "cert.pem", server.dir / "key.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    server.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names, "-keyout", key, "-out", certificate)
    return certificate, key


class Server:
    """One process group with a private directory; use it as a context manager.

    Subclasses set `port`s in `__init__`, give `argv()`, and may override `prepare()` and `ready()`.
    System programs run as `nobody` when the tests run as root; programs of the checkout's virtualenv as ourselves
    (`unprivileged = False`), because its folder may be closed to others.
    """

    unprivileged = True
    patience = 30.0  # seconds until it has to answer

    def __init__(self) -> None:
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="wr-", dir="/tmp"))
        self.dir.chmod(0o755)
        self.log = self.dir / "server.log"
        self.process: t.Optional[subprocess.Popen[bytes]] = None

    @property
    def user(self) -> t.Optional[str]:
        return "nobody" if self.unprivileged and os.geteuid() == 0 else None

    def argv(self) -> list[str]:
        raise NotImplementedError

    def prepare(self) -> None:
        """Write configuration, initialise a data directory."""

    def ready(self) -> bool:
        raise NotImplementedError

    def run(self, *argv: t.Any, check: bool = True, **options: t.Any) -> subprocess.CompletedProcess[bytes]:
        """A helper command as the server's user."""
        command = [str(word) for word in argv]
        return subprocess.run(command, check=check, capture_output=True, user=self.user, cwd=self.dir, timeout=120, **options)

    def __enter__(self) -> t.Any:
        try:
            if self.user:
                shutil.chown(self.dir, self.user, pwd.getpwnam(self.user).pw_gid)
            self.prepare()
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    [str(word) for word in self.argv()],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.dir,
                    user=self.user,
                    start_new_session=True,
                )
            wait_until(self._up, f"{type(self).__name__} answers; its log: {self.log}", self.patience)
        except BaseException:
            self.stop()
            raise
        return self

    def _up(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            said = self.log.read_text(errors="replace")[-2000:]
            raise AssertionError(f"{type(self).__name__} ended with {self.process.returncode}: {said}")
        return self.ready()

    def stop(self, with_signal: int = signal.SIGTERM) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, with_signal)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(15)
        shutil.rmtree(self.dir, ignore_errors=True)

    def __exit__(self, *_exc: t.Any) -> None:
        self.stop()


class Folder(Server):
    """A private directory without a server, for a certificate."""

    unprivileged = False

    def __enter__(self) -> Folder:
        return self
