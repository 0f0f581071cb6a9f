# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands with an outer limit. The only place of the fetch layer that sees AnsibleModule."""

from __future__ import annotations

import dataclasses
import typing as t

from .capture import Capture
from .problem import Problem


@dataclasses.dataclass(frozen=True)
class Ran:
    """What a command gave: exit status, standard output and error as bytes; `late` when its time was up."""

    rc: int
    out: bytes
    err: bytes
    late: bool = False


class Commands:
    """Runs a tool in the C locale under coreutils' `timeout`: log readers of another version hang for ever."""

    def __init__(self, module: t.Any) -> None:
        self._module = module

    def which(self, name: str) -> t.Optional[str]:
        """The tool's path, also in the sbin folders that an ordinary user's PATH lacks."""
        path: t.Optional[str] = self._module.get_bin_path(name, opt_dirs=["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/local/bin"])
        return path

    def run(
        self,
        argv: t.Sequence[str],
        seconds: float,
        handed: t.Sequence[int] = (),
        on_start: t.Optional[t.Callable[[t.Any], None]] = None,
    ) -> Ran:
        """Run `argv` for at most `seconds`. A tool that is not installed is a Problem.

        `handed`: open file descriptors that it inherits, by their number.
        `on_start` gets the started process (subprocess.Popen), for callers that read its output as it comes.
        """
        path = self.which(argv[0])
        capture = Capture()

        def started(process: t.Any) -> None:
            if on_start is not None:
                on_start(process)
            capture(process)

        if path is None:
            raise Problem(f"{argv[0]} is not installed on this host, or not on PATH")
        guard = self.which("timeout")
        command = [path, *argv[1:]]
        if guard is not None:
            command = [guard, "-k", "1", f"{max(seconds, 0.1):.3f}", *command]
        rc, _out, _err = self._module.run_command(
            command,
            encoding=None,
            expand_user_and_vars=False,
            handle_exceptions=False,
            pass_fds=tuple(handed),
            environ_update={"LC_ALL": "C", "LANG": "C", "LANGUAGE": "C"},
            before_communicate_callback=started,
        )
        if capture.too_much:
            raise Problem(f"{argv[0]} prints more than {capture.bytes // 2**20} MiB: that is no answer of this tool; it was ended")
        # 124: ended politely; a tool that ignores that takes `timeout` itself along when it is killed
        return Ran(rc, capture.out, capture.err, guard is not None and rc in (124, 137, -9))


class NoCommands(Commands):
    """For a look from the control node, where no module runs: every tool is absent."""

    def __init__(self) -> None:
        super().__init__(None)

    def which(self, name: str) -> t.Optional[str]:
        return None
