# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible's own command line, repeated: a printed command is parsed by Ansible to what the run was told, and holds no secret."""

from __future__ import annotations

import pathlib
import shlex
import types
import typing as t

import pytest
from ansible import constants
from ansible.cli.adhoc import AdHocCLI
from ansible.cli.playbook import PlaybookCLI
from ansible.plugins.loader import connection_loader
from ansible.utils.context_objects import CLIArgs

from ansible_collections.warroom.launch.plugins.plugin_utils._reach import command_line, settings
from ansible_collections.warroom.launch.plugins.plugin_utils._reach.hosts import Reach
from ansible_collections.warroom.launch.plugins.plugin_utils._reach.quoting import Untypable


def parsed(*words: str) -> dict[str, t.Any]:
    """What Ansible makes of the arguments."""
    program = AdHocCLI(["ansible", *words])
    program.init_parser()
    options = program.post_process_args(program.parser.parse_args(list(words)))
    return dict(CLIArgs.from_options(options))


def printed(*words: str, play: t.Any = None) -> list[str]:
    run = command_line.of(parsed("all", *words), constants, play)
    return shlex.split(Reach(run=run).ad_hoc("web1", "ping"))


GIVEN = [
    ["-u", "anna", "-b"],
    ["-i", "web1,", "--become", "--become-user", "my user", "--become-method", "su"],
    ["--private-key", "/keys/it's mine", "-c", "paramiko"],
    ["--ssh-common-args=-J gate.example.org", "--ssh-extra-args=-v"],
    ["--ssh-common-args=-o ProxyCommand='ssh -W %h:%p \"gate\"' -o X=1"],
    ["-k", "-K", "-T", "99"],
    ["-u", "$(touch x)", "--become-user", "`id`; x"],
    ["--vault-id", "prod@/keys/vault", "--become-password-file", "/keys/sudo"],
    ["-J"],
    ["-e", "ansible_user=bob", "-e", '{"ansible_ssh_common_args": "-J \\"a b\\"", "ansible_become": true}'],
]


@pytest.mark.parametrize("given", GIVEN, ids=range(len(GIVEN)))
def test_ansible_reads_the_same_again(given: list[str]) -> None:
    again = printed(*given)
    assert again[0] == "ansible" and again[-3:] == ["web1", "-m", "ping"]
    told, repeated = parsed("all", *given), parsed(*again[1:])
    for name in set(told) - {"args", "module_name", "extra_vars"}:
        assert repeated[name] == told[name], name
    variables = [dict(command_line._extra_variables(each["extra_vars"])) for each in (told, repeated)]
    assert variables[0] == variables[1]


def test_what_is_as_ever_is_not_repeated() -> None:
    assert printed("-e", "launch_check_window=1", "-f", "7") == ["ansible", "web1", "-m", "ping"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["-e", "ansible_password=S3CRET", "-e", "ansible_user=bob"], ["-k", "-e", "ansible_user=bob"]),
        (["-e", '{"ansible_become_pass": "S3CRET"}'], ["-K"]),
        (["-e", "ansible_ssh_pass='S3CRET b' x=S3CRET"], ["-k"]),
        (["-e", "vault_token=S3CRET", "-e", "{not: [yaml S3CRET"], []),
        (["-e", "@/dev/fd/63"], []),
    ],
)
def test_no_secret_is_repeated_but_asked_for(given: list[str], expected: list[str]) -> None:
    assert printed(*given)[1:-3] == expected


@pytest.mark.parametrize(
    "given",
    [
        ["--ssh-common-args=-o ProxyCommand='sshpass -p S3CRET ssh gate'"],
        ["-e", '{"ansible_ssh_extra_args": "-o ProxyCommand=\'sshpass -pS3CRET ssh gate\'"}'],
        ["--ssh-extra-args=-o ProxyCommand='x http://u:S3CRET@proxy'"],
    ],
)
def test_a_command_that_would_need_a_secret_is_not_printed(given: list[str]) -> None:
    with pytest.raises(Untypable) as said:
        printed(*given)
    assert "S3CRET" not in str(said.value)


def test_a_file_of_variables_is_named_with_its_whole_path(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert printed("-e", "@my vars.yml")[1:-3] == ["-e", f"@{tmp_path}/my vars.yml"]


def test_the_plays_keywords_stand_above_the_command_line() -> None:
    play = types.SimpleNamespace(remote_user="deploy", become=True, connection=None, become_user=None, become_method=None, port=2222)
    assert printed("-u", "anna", play=play)[1:-3] == ["-b", "-u", "deploy"]
    run = command_line.of(parsed("all", "-u", "anna"), constants, play)
    way = settings.way("web1", {}.get, run.settings)
    assert way.command("htop", simple=True) == "ssh -p 2222 -l deploy -t -- web1 'sudo -u root htop'"


@pytest.mark.parametrize(
    ("given", "variables", "expected"),
    [
        (["-u", "anna", "--private-key", "/k k"], {}, "ssh -l anna -i '/k k' -t -- web1 htop"),
        (["--ssh-common-args=-J gate"], {}, "ssh -J gate -t -- web1 htop"),
        (["--ssh-common-args=-J gate"], {"ansible_ssh_common_args": "-J b", "ansible_ssh_extra_args": "-v"}, "ssh -J b -v -t -- web1 htop"),
        (["-u", "anna"], {"ansible_user": "bob", "ansible_port": 2222, "ansible_host": "::1"}, "ssh -p 2222 -l bob -t -- ::1 htop"),
        (["-c", "local", "-u", "anna"], {}, "htop"),
        (["-b", "--become-user", "ops"], {}, "ssh -t -- web1 'sudo -u ops htop'"),
        (["-b"], {"ansible_become": False}, "ssh -t -- web1 htop"),
    ],
)  # fmt: skip
def test_a_host_is_reached_as_the_run_reaches_it(given: list[str], variables: dict[str, t.Any], expected: str) -> None:
    run = command_line.of(parsed("all", *given), constants)
    assert settings.way("web1", variables.get, run.settings).command("htop", simple=True) == expected


def test_arguments_of_ssh_in_the_environment_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_SSH_ARGS", "-F ./my_config")
    monkeypatch.setenv("ANSIBLE_SSH_COMMON_ARGS", "-J gate")
    found = command_line.configured(constants, connection_loader)
    assert found == {"ssh_args": "-F ./my_config", "ssh_common_args": "-J gate"}
    run = command_line.of(parsed("all", "--ssh-common-args=-J other"), constants, configured=found)
    assert settings.way("web1", {}.get, run.settings).ssh_args == "-F ./my_config -J other"
    monkeypatch.delenv("ANSIBLE_SSH_ARGS")
    monkeypatch.delenv("ANSIBLE_SSH_COMMON_ARGS")
    assert command_line.configured(constants, connection_loader) == {}, "Ansible's own default is for its own connections"


def again(*words: str, become: bool = False) -> t.Optional[list[str]]:
    """What starts a playbook again."""
    program = PlaybookCLI(["ansible-playbook", *words])
    program.init_parser()
    options = program.post_process_args(program.parser.parse_args(list(words)))
    line = Reach(run=command_line.of(dict(CLIArgs.from_options(options)), constants)).again(become)
    return shlex.split(line)[1:] if line else None


def test_a_playbook_is_started_again_as_it_was() -> None:
    given = ["-i", "web1,", "-b", "-u", "my user", "launch check.yml", "--limit=web*", "--tags=a,b", "-e", "launch_check_window=1"]
    assert again(*given) == given and again(*given, become=True) == given
    assert again("x.yml", become=True) == ["x.yml", "--become"]


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("ansible_password=S3CRET", ["-k", "x.yml"]),
        ('{"launch_check_window": 1, "ansible_user": "bob"}', ["-e", "ansible_user=bob", "x.yml", "-e", "launch_check_window=1"]),
        ("my_vault=S3CRET", None),
        ("launch_check_services={'mysql': [{'login_password': 'S3CRET'}]}", None),
        ("@/dev/fd/63", None),
        ("{broken: [S3CRET", None),
    ],
)
def test_a_playbook_that_was_given_what_may_be_secret_is_not_printed(extra: str, expected: t.Optional[list[str]]) -> None:
    assert again("x.yml", "-e", extra) == expected
