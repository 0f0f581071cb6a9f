# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a person gets onto a host and becomes who a tool needs: the run's own settings as one shell command.

Names and addresses come from inventories and from services, so each one is quoted.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
import typing as t

from .command_line import holds_password
from .quoting import LONGEST_LINE, Untypable, word, words

SSH = ("ssh", "ansible.builtin.ssh", "smart", "paramiko", "paramiko_ssh", "ansible.netcommon.libssh", "community.general.libssh")
LOCAL = ("local", "ansible.builtin.local")
CONTAINERS = {"docker": "docker", "community.docker.docker": "docker", "podman": "podman", "containers.podman.podman": "podman"}

#: What tmuxp takes for a variable.
_VARIABLE = re.compile(r"\$(?=\w|\{)")

#: These wait for what they start and block SIGHUP. The shell before them, which has an `exit` to come back for, ends on it, and with it
#: all in its terminal; without, the shell would have become them, and what they started would outlive a connection that is closed.
_WATCHES = ("su ", "doas ")


def typed(command: str) -> str:
    """A whole command as the session's file holds it.

    tmuxp replaces $NAME by its own environment, also within single quotes. Every dollar of ours that a name follows is within
    single quotes (`word` put it there), so it can be written as '\\$' between two pieces of them, where tmuxp does not find a name.
    """
    if '"$(printf' in command:
        raise Untypable("a name in it holds control characters, which would be keys to a terminal")
    line = _VARIABLE.sub("'\\\\$'", command)
    if len(line.encode()) > LONGEST_LINE:
        raise Untypable("its command is longer than a line of a terminal")
    return line


@dataclasses.dataclass(frozen=True)
class Way:
    """The connection settings of one host."""

    name: str
    connection: str = "ssh"
    address: t.Optional[str] = None
    port: t.Optional[int] = None
    user: t.Optional[str] = None
    private_key: t.Optional[str] = None
    ssh_args: str = ""
    become: bool = False
    become_method: str = "sudo"
    become_user: str = "root"
    python: str = ""
    #: Programs that were looked for on the host and are not there.
    absent: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: t.Mapping[str, t.Any]) -> Way:
        given = {field.name: settings[field.name] for field in dataclasses.fields(cls) if settings.get(field.name) not in (None, "")}
        if isinstance(given.get("become"), str):
            given["become"] = given["become"].strip().lower() in ("1", "true", "yes", "on", "y", "t")
        return cls(**given)

    def may_be(self, user: str) -> bool:
        return self.become or self.user in ("root", user)

    def command(self, script: str, user: t.Optional[str] = None, simple: bool = False) -> str:
        """The script on this host, as that user, from a terminal of the control node. `simple`: it is one program and its arguments."""
        user = user or (self.become_user if self.become else None)
        bare = script if simple else "sh -c " + shlex.quote(script)
        if self.connection in LOCAL:
            return self._as_user(bare, user)
        if self.connection in CONTAINERS:
            user = user or self.user
            return f"{CONTAINERS[self.connection]} exec -it {words(*(['-u', user] if user else []), self.address or self.name)} {bare}"
        if self.connection in SSH:
            inside = self._as_user(bare, user)
            return f"{self._ssh()} {shlex.quote(f'{inside}; exit' if inside.startswith(_WATCHES) else inside)}"
        raise Untypable(f"how to open a terminal over the connection {self.connection} is not known")

    def _as_user(self, command: str, user: t.Optional[str]) -> str:
        if user is None or user == self.user:
            return command
        if self.user == "root":
            # runuser would watch as su does, setpriv becomes the command
            return f'setpriv {word(f"--reuid={user}")} --regid="$(id -g -- {word(user)})" --init-groups {command}'
        method = self.become_method.rpartition(".")[2]
        if method == "su":
            # -c would give it a session of its own, which no terminal ends
            return f"su -s /bin/sh {word(user)} --session-command {shlex.quote(command)}"
        if method in ("sudo", "doas"):
            return f"{method} -u {word(user)} {command}"
        raise Untypable(f"how to become {user} by {self.become_method} is not known")

    def _ssh(self) -> str:
        try:
            extra = shlex.split(self.ssh_args)
        except ValueError:
            raise Untypable("its ssh arguments are not well quoted") from None
        if holds_password(self.ssh_args):
            raise Untypable("its ssh arguments hold a password")
        options: list[t.Any] = ["ssh"]
        for flag, value in (("-p", self.port), ("-l", self.user), ("-i", self.private_key)):
            options += [flag, value] if value else []
        # after -- nothing is an option, whatever a host is called
        return words(*options, *extra, "-t", "--", self.address or self.name)
