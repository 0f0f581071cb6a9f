# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a person gets onto a host and becomes who a tool needs: the inventory's own settings as one shell command.

Names and addresses come from inventories and from services, so each one is quoted, and refused when it could not be
typed into a terminal (tmux types commands; a control character in them would be a key).
"""

from __future__ import annotations

import dataclasses
import re
import shlex
import typing as t

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
#: Longer than any name or path; a terminal takes a line of 4096 bytes.
_WORD, _LINE = 500, 4000

SSH = ("ssh", "ansible.builtin.ssh", "smart", "paramiko", "paramiko_ssh", "ansible.netcommon.libssh", "community.general.libssh")
LOCAL = ("local", "ansible.builtin.local")
CONTAINERS = {"docker": "docker", "community.docker.docker": "docker", "podman": "podman", "containers.podman.podman": "podman"}


class Untypable(ValueError):
    """A value that cannot be part of a command; the sentence says which and why."""


def word(value: t.Any) -> str:
    """One word of a shell command."""
    text = str(value)
    if _CONTROL.search(text):
        raise Untypable(f"{text[:60]!r} holds control characters")
    if len(text) > _WORD:
        raise Untypable(f"{text[:60]!r}… is too long for a command")
    return shlex.quote(text)


def words(*values: t.Any) -> str:
    """A command of several words; those that are None are left out."""
    return " ".join(word(value) for value in values if value is not None)


def typed(command: str) -> str:
    """A whole command as the session's file holds it.

    tmuxp replaces $NAME by its own environment, also within single quotes. Every dollar of ours is within single quotes
    (`word` put it there), so it can be written as '\\$' between two pieces of them, where tmuxp does not find a name.
    """
    line = command.replace("$", "'\\$'")
    if len(line.encode()) > _LINE:
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
        return cls(**given)

    def may_be(self, user: str) -> bool:
        return self.become or self.user in ("root", user)

    def command(self, script: str, user: t.Optional[str] = None) -> str:
        """The script on this host, as that user, from a terminal of the control node."""
        inside = self._as_user("sh -c " + shlex.quote(script), user or (self.become_user if self.become else None))
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
        options: list[t.Any] = ["ssh", "-t"]
        for flag, value in (("-p", self.port), ("-l", self.user), ("-i", self.private_key)):
            options += [flag, value] if value else []
        # after -- nothing is an option, whatever a host is called
        return words(*options, *extra, "--", self.address or self.name)
