# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a person gets onto a host and becomes who a tool needs: the inventory's own settings as one shell command.

Names and addresses come from inventories and from services, so each one is quoted.
"""

from __future__ import annotations

import dataclasses
import shlex
import typing as t

from .quoting import LONGEST_LINE, Untypable, word, words

SSH = ("ssh", "ansible.builtin.ssh", "smart", "paramiko", "paramiko_ssh", "ansible.netcommon.libssh", "community.general.libssh")
LOCAL = ("local", "ansible.builtin.local")
CONTAINERS = {"docker": "docker", "community.docker.docker": "docker", "podman": "podman", "containers.podman.podman": "podman"}


def typed(command: str) -> str:
    """A whole command as the session's file holds it.

    tmuxp replaces $NAME by its own environment, also within single quotes. Every dollar of ours is within single quotes
    (`word` put it there), so it can be written as '\\$' between two pieces of them, where tmuxp does not find a name.
    """
    if '"$(' in command:
        raise Untypable("a name in it holds control characters, which would be keys to a terminal")
    line = command.replace("$", "'\\$'")
    if len(line.encode()) > LONGEST_LINE:
        raise Untypable("its command is longer than a line of a terminal")
    return line


@dataclasses.dataclass(frozen=True)
class Way:
    """The inventory's connection settings of one host."""

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
        inside = self._as_user(script if simple else "sh -c " + shlex.quote(script), user)
        if self.connection in LOCAL:
            return inside
        if self.connection in CONTAINERS:
            return f"{CONTAINERS[self.connection]} exec -it {words(self.address or self.name)} {inside}"
        if self.connection in SSH:
            return f"{self._ssh()} {shlex.quote(inside)}"
        raise Untypable(f"how to open a terminal over the connection {self.connection} is not known")

    def _as_user(self, command: str, user: t.Optional[str]) -> str:
        if user is None or user == self.user:
            return command
        if self.user == "root":
            return f"runuser -u {word(user)} -- {command}"
        method = self.become_method.rpartition(".")[2]
        if method == "su":
            return f"su -s /bin/sh {word(user)} -c {shlex.quote(command)}"
        if method in ("sudo", "doas"):
            return f"{method} -u {word(user)} {command}"
        raise Untypable(f"how to become {user} by {self.become_method} is not known")

    def _ssh(self) -> str:
        try:
            extra = shlex.split(self.ssh_args)
        except ValueError:
            raise Untypable(f"its ssh arguments are not well quoted: {self.ssh_args[:60]!r}") from None
        options: list[t.Any] = ["ssh"]
        for flag, value in (("-p", self.port), ("-l", self.user), ("-i", self.private_key)):
            options += [flag, value] if value else []
        # after -- nothing is an option, whatever a host is called
        return words(*options, *extra, "-t", "--", self.address or self.name)
