# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a shell calls when a printed line is pasted: tools are stubs that write down their arguments."""

from __future__ import annotations

import pathlib
import subprocess
import typing as t

#: A tool; ssh, sudo and watch hand theirs on as the real ones do.
STUB = '#!/bin/sh\nprintf "%s\\0" "${0##*/}" "$@" >>"$ARGS"; printf "\\n" >>"$ARGS"\n'
HANDING_ON = {
    "ssh": '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift 2; exec sh -c "$*"\n',
    "sudo": '#!/bin/sh\n[ "$1" = -u ] && shift 2; exec "$@"\n',
    "watch": '#!/bin/sh\n[ "$1" = -x ] && as_it_is=1 && shift; [ "$1" = -n ] && shift 2; [ "$as_it_is" ] && exec "$@"; exec sh -c "$*"\n',
}


def make_stubs(folder: pathlib.Path, tools: t.Iterable[str]) -> pathlib.Path:
    for name, text in {**dict.fromkeys(tools, STUB), **HANDING_ON}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder


def calls(line: str, stubs: pathlib.Path, folder: pathlib.Path) -> list[list[str]]:
    """Each program that is called, with its arguments. Fails when words of a name were run ($PWN)."""
    [(_line, called)] = calls_of_each([line], stubs, folder)
    return called


def calls_of_each(lines: t.Iterable[str], stubs: pathlib.Path, folder: pathlib.Path) -> list[tuple[str, list[list[str]]]]:
    """The calls of each line, run one after the other by one shell: a shell of its own for each takes most of the time."""
    pasted = list(lines)
    script = ""
    for number, line in enumerate(pasted):
        (folder / f"args.{number}").write_text("")
        (folder / f"line.{number}").write_text(line)
        script += f"ARGS={folder}/args.{number} PWN={folder}/PWNED.{number} sh {folder}/line.{number}\n"
    environment = {"PATH": f"{stubs}:/usr/bin:/bin", "HOME": str(folder)}
    # no pipes: what a line leaves running in the background would hold them open
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(["sh", "-c", script], env=environment, timeout=60, check=False, **quiet)
    called = []
    for number, line in enumerate(pasted):
        assert not (folder / f"PWNED.{number}").exists(), f"words of a name were run: {line}"
        log = (folder / f"args.{number}").read_text()
        called.append((line, [call.split("\0") for call in log.split("\0\n") if call]))
    return called
