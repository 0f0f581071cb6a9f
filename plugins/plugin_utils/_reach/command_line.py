# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the command line of a run, its play and ansible.cfg say of connections.

Hosts whose variables do not say otherwise are reached so, and a printed `ansible` command repeats it. Secrets are never repeated: a
password among `-e` becomes the flag that asks for one.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shlex
import typing as t

import yaml

from ...module_utils._texts.plain import plain
from ...module_utils._texts.redact import hide
from .asked import VARIABLE as ASK
from .asked import Ask, asks, merged
from .quoting import Untypable

Arguments = t.Mapping[str, t.Any]

#: (argument of the command line, flag that repeats it, its default in Ansible's constants)
_VALUES = (
    ("connection", "-c", "DEFAULT_TRANSPORT"),
    ("remote_user", "-u", "DEFAULT_REMOTE_USER"),
    ("private_key_file", "--private-key", "DEFAULT_PRIVATE_KEY_FILE"),
    ("ssh_common_args", "--ssh-common-args", None),
    ("ssh_extra_args", "--ssh-extra-args", None),
    ("sftp_extra_args", "--sftp-extra-args", None),
    ("scp_extra_args", "--scp-extra-args", None),
    ("timeout", "-T", "DEFAULT_TIMEOUT"),
    ("become_method", "--become-method", "DEFAULT_BECOME_METHOD"),
    ("become_user", "--become-user", "DEFAULT_BECOME_USER"),
    ("connection_password_file", "--connection-password-file", "CONNECTION_PASSWORD_FILE"),
    ("become_password_file", "--become-password-file", "BECOME_PASSWORD_FILE"),
)
_SWITCHES = (
    ("become", "-b", "DEFAULT_BECOME"),
    ("ask_pass", "-k", "DEFAULT_ASK_PASS"),
    ("become_ask_pass", "-K", "DEFAULT_BECOME_ASK_PASS"),
    ("ask_vault_pass", "-J", "DEFAULT_ASK_VAULT_PASS"),
)
_LISTS = (("vault_ids", "--vault-id"), ("vault_password_files", "--vault-password-file"))
#: What an `-e` may say of a connection; everything else may be a secret.
_CONNECTION_VARIABLE = re.compile(
    r"ansible_(connection|host|port|user|private_key_file|python_interpreter|pipelining|timeout|remote_tmp|host_key_checking"
    r"|shell_(type|executable)|become|become_(method|user|exe|flags)"
    r"|(ssh|paramiko|libssh)_(host|port|user|args|common_args|extra_args|executable|private_key_file|pipelining|timeout|retries"
    r"|transfer_method|control_path|control_path_dir|host_key_checking|use_tty|proxy_command|look_for_keys)"
    r"|(docker|podman)_(host|executable|extra_args))"
)
_ASKS = (
    ("-k", re.compile(r"ansible_(ssh_|paramiko_|libssh_)?pass(word)?")),
    ("-K", re.compile(r"ansible_(become|sudo|su)_pass(word)?")),
)
_PASSWORD_GIVEN = re.compile(r"\bsshpass\s+-\w*p\s*[^\s'\"]|\bSSHPASS=")
_SIMPLE = re.compile(r"[\w./:@,+-]+")
#: Settings of the check that hold no secret.
_SETTING = re.compile(r"launch_check_(?!services)\w+")
_PLAIN = re.compile(r"[^\s:@{}\[\]]*")
#: What a shell's process substitution gives is gone when the line is pasted.
_PASSING = ("/dev/", "/proc/")


@dataclasses.dataclass(frozen=True)
class CommandLine:
    """`settings`: fields of Way; `inventory` and `flags`: arguments of another Ansible command; `problem`: why none can be printed.

    `playbook`: the arguments that start the run again, beside those; none when it was no playbook or was given what may be secret.
    """

    settings: Arguments = dataclasses.field(default_factory=dict)
    inventory: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    playbook: tuple[str, ...] = ()
    problem: t.Optional[str] = None
    #: What the run asked for in the terminal.
    asked: tuple[Ask, ...] = ()

    @property
    def ansible(self) -> tuple[str, ...]:
        if self.problem is not None:
            raise Untypable(self.problem)
        return (*self.inventory, *self.flags)

    def again(self, become: bool) -> tuple[str, ...]:
        asking = ("-e", json.dumps({ASK: list(self.asked)}, ensure_ascii=False)) if self.asked else ()
        return (*self.ansible, *self.playbook, *asking, *(["--become"] if become and "-b" not in self.flags else []))

    def asking(self, more: t.Iterable[Ask]) -> CommandLine:
        """A run that asks for this as well."""
        return dataclasses.replace(self, asked=tuple(merged(self.asked, more)))


#: Nothing is known of the run.
UNKNOWN = CommandLine()


def of(arguments: Arguments, constants: t.Any, play: t.Any = None, configured: t.Optional[Arguments] = None) -> CommandLine:
    """From Ansible's CLIARGS and its module of constants, and the play whose keywords stand above them.

    `configured`: arguments of ssh that ansible.cfg or the environment give, which the command line stands above.
    """
    said = {**arguments, **_keywords(play)}
    extra = list(_extra_variables(arguments.get("extra_vars") or ()))
    flags: list[str] = []
    problem = None
    try:
        flags = [*_flags(said, constants, extra), *_repeated_variables(extra)]
    except Untypable as reason:
        problem = str(reason)
    return CommandLine(
        _settings(said, constants, configured or {}),
        _inventory(arguments, constants),
        tuple(flags),
        tuple(_playbook(arguments, extra)),
        problem,
        tuple(ask for name, value in extra if name == ASK for ask in asks(value)),
    )


def _keywords(play: t.Any) -> dict[str, t.Any]:
    """What the play says itself."""
    names = ("connection", "remote_user", "port", "become", "become_method", "become_user")
    return {name: value for name in names for value in [getattr(play, name, None)] if value not in (None, "")}


def _settings(said: Arguments, constants: t.Any, configured: Arguments) -> dict[str, t.Any]:
    settings = {
        "connection": said.get("connection"),
        "user": said.get("remote_user") or constants.DEFAULT_REMOTE_USER,
        "port": said.get("port"),
        "private_key": said.get("private_key_file") or constants.DEFAULT_PRIVATE_KEY_FILE,
        "ssh_args": configured.get("ssh_args"),
        "ssh_common_args": said.get("ssh_common_args") or configured.get("ssh_common_args"),
        "ssh_extra_args": said.get("ssh_extra_args") or configured.get("ssh_extra_args"),
        "become": said["become"] if said.get("become") is not None else constants.DEFAULT_BECOME,
        "become_method": said.get("become_method"),
        "become_user": said.get("become_user"),
    }
    return {name: plain(value) for name, value in settings.items() if value not in (None, "")}


def _inventory(arguments: Arguments, constants: t.Any) -> tuple[str, ...]:
    """The run's own inventory; none when it was ansible.cfg's."""
    sources = list(arguments.get("inventory") or ())
    return tuple(part for source in sources for part in ("-i", str(source))) if sources != list(constants.DEFAULT_HOST_LIST or ()) else ()


def _playbook(arguments: Arguments, extra: t.Sequence[tuple[str, t.Any]]) -> t.Iterator[str]:
    """Playbooks and the choice of hosts and tasks, unless a variable would be lost that may be a secret."""
    playbooks = arguments.get("args")
    if not isinstance(playbooks, (list, tuple)) or not playbooks:
        return
    extra = [(name, value) for name, value in extra if name != ASK]
    settings = [(name, str(value)) for name, value in extra if _SETTING.fullmatch(name) and _PLAIN.fullmatch(str(value))]
    if len(settings) + sum(1 for name, _value in extra if _stands_elsewhere(name)) < len(extra):
        return
    yield from map(str, playbooks)
    yield from _option("--limit", str(arguments["subset"])) if arguments.get("subset") else ()
    for kind in ("tags", "skip_tags"):
        chosen = sorted(str(tag) for tag in arguments.get(kind) or () if tag != "all")
        yield from _option("--" + kind.replace("_", "-"), ",".join(chosen)) if chosen else ()
    for name, value in settings:
        yield from ("-e", f"{name}={value}")


def _stands_elsewhere(name: str) -> bool:
    """Whether the flags say it."""
    return name == "@" or bool(_CONNECTION_VARIABLE.fullmatch(name)) or any(secret.fullmatch(name) for _flag, secret in _ASKS)


def _flags(said: Arguments, constants: t.Any, extra: t.Sequence[tuple[str, t.Any]]) -> t.Iterator[str]:
    asked = {flag for name, _value in extra for flag, secret in _ASKS if secret.fullmatch(name)}
    for name, flag, default in _SWITCHES:
        if flag in asked or (said.get(name) and not getattr(constants, default, None)):
            yield flag
    for name, flag, default_value in _VALUES:
        value = said.get(name)
        if value not in (None, "") and (default_value is None or value != getattr(constants, default_value, None)):
            yield from _option(flag, str(value))
    for name, flag in _LISTS:
        for value in said.get(name) or ():
            yield from _option(flag, str(value))


def _option(flag: str, value: str) -> tuple[str, ...]:
    """What begins with a dash would be taken for an option."""
    _must_hold_no_secret(value)
    if flag.startswith("--"):
        return (f"{flag}={value}",)
    return (flag, value) if not value.startswith("-") else (f"{flag}{value}",)


def _extra_variables(given: t.Iterable[t.Any]) -> t.Iterator[tuple[str, t.Any]]:
    """Each variable of `-e` with its value. A file stands as ("@", its path)."""
    for argument in map(str, given):
        if argument.startswith("@"):
            path = os.path.abspath(os.path.expanduser(argument[1:]))
            yield ("passing", path) if path.startswith(_PASSING) else ("@", path)
        elif argument.lstrip()[:1] in ("{", "["):
            yield from _of_yaml(argument)
        else:
            yield from _pairs(argument)


def _of_yaml(argument: str) -> t.Iterator[tuple[str, t.Any]]:
    try:
        loaded = yaml.safe_load(argument)
    except (yaml.YAMLError, ValueError, RecursionError):
        loaded = None
    # what Ansible has read otherwise may hold anything
    yield from ((str(name), value) for name, value in (loaded.items() if isinstance(loaded, dict) else [("unreadable", None)]))


def _pairs(argument: str) -> t.Iterator[tuple[str, t.Any]]:
    try:
        parts = shlex.split(argument)
    except ValueError:
        parts = argument.split()
    for part in parts:
        name, equals, value = part.partition("=")
        if equals:
            yield name, value


def _repeated_variables(extra: t.Iterable[tuple[str, t.Any]]) -> t.Iterator[str]:
    others: dict[str, t.Any] = {}
    for name, value in extra:
        if name == "@":
            yield from ("-e", f"@{value}")
        elif _CONNECTION_VARIABLE.fullmatch(name) and isinstance(value, (str, int, float, bool)):
            _must_hold_no_secret(str(value))
            others.pop(name, None)
            others[name] = value
    for name in [name for name, value in others.items() if isinstance(value, str) and _SIMPLE.fullmatch(value)]:
        yield from ("-e", f"{name}={others.pop(name)}")
    if others:
        yield from ("-e", json.dumps(others, ensure_ascii=False))


def _must_hold_no_secret(value: str) -> None:
    if holds_password(value):
        raise Untypable("an argument of the command line holds a password")


def configured(constants: t.Any, connections: t.Any) -> dict[str, str]:
    """Arguments of ssh that ansible.cfg or the environment give. `connections`: Ansible's loader of connection plugins."""
    given = {}
    try:
        connections.get("ssh", class_only=True)  # Ansible knows a plugin's options once it has seen it
        for name in ("ssh_args", "ssh_common_args", "ssh_extra_args"):
            value, origin = constants.config.get_config_value_and_origin(name, plugin_type="connection", plugin_name="ssh", variables={})
            if value and origin != "default" and not str(origin).startswith("cli"):
                given[name] = str(value)
    except Exception:  # pylint: disable=broad-exception-caught # another Ansible has other ways: its commands lack these arguments
        return given
    return given


def holds_password(arguments: str) -> bool:
    """Whether arguments of ssh, or another text of a command line, have a password in them."""
    return hide(arguments, ()) != arguments or _PASSWORD_GIVEN.search(arguments) is not None
