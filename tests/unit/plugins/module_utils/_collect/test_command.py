# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands under an outer limit, whatever they do with it."""

from __future__ import annotations

import subprocess
import tempfile
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.command import Commands
from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Problem


class Module:
    """The part of AnsibleModule that is used: real programs, no arguments of a module."""

    def get_bin_path(self, name: str, opt_dirs: t.Any = None) -> t.Optional[str]:
        return None if name == "nowhere" else name

    def run_command(self, argv: list[str], before_communicate_callback: t.Any, **options: t.Any) -> tuple[int, bytes, bytes]:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(argv, **pipes, pass_fds=options["pass_fds"]) as process:
            before_communicate_callback(process)
            # a child of the tool may hold its output open: what core reads until nothing comes
            process.stdout.close()
            process.stderr.close()
            return process.wait(60), b"", b""


@pytest.mark.parametrize("script", ["sleep 60", "trap '' TERM; while :; do sleep 1; done"])
def test_a_tool_that_hangs_is_late_also_when_it_ignores_being_asked_to_end(script: str) -> None:
    assert Commands(Module()).run(["sh", "-c", script], 0.3).late


@pytest.mark.parametrize(("script", "rc"), [("exit 3", 3), ("kill -SEGV $$", -11), ("true", 0)])
def test_a_tool_that_ends_by_itself_is_not_late(script: str, rc: int) -> None:
    ran = Commands(Module()).run(["sh", "-c", script], 20)
    assert not ran.late and ran.rc in (rc, 128 - rc)


def test_a_tool_that_is_not_here_is_a_sentence() -> None:
    with pytest.raises(Problem, match="nowhere is not installed"):
        Commands(Module()).run(["nowhere"], 1)


FLOODS = {
    "a line without end": "head -c 30000000 /dev/zero | tr '\\0' x",
    "lines": "yes",
    "errors": "head -c 30000000 /dev/zero >&2; sleep 5",
}


@pytest.mark.parametrize("script", FLOODS.values(), ids=FLOODS)
def test_a_tool_that_prints_without_end_is_ended_and_named(script: str) -> None:
    with pytest.raises(Problem, match=r"sh prints more than \d+ MiB"):
        Commands(Module()).run(["sh", "-c", script], 20)


def test_both_outputs_and_what_is_handed_over_are_kept_apart() -> None:
    with tempfile.TemporaryFile() as handle:
        handle.write(b"given")
        handle.seek(0)
        number = handle.fileno()
        ran = Commands(Module()).run(["sh", "-c", f"cat /dev/fd/{number}; echo wrong >&2; exit 3"], 20, handed=[number])
    assert (ran.rc, ran.out, ran.err, ran.late) == (3, b"given", b"wrong\n", False)


def test_a_child_that_holds_the_output_open_is_not_waited_for() -> None:
    ran = Commands(Module()).run(["sh", "-c", "echo done; (sleep 30 &)"], 20)
    assert ran.out == b"done\n" and not ran.late
