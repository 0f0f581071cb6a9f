# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook cockpit.yml with a tmux server of the test's own, and what stands on its screens."""

from __future__ import annotations

import os
import pathlib
import secrets
import subprocess
import typing as t

import yaml

from . import ansible
from .server import wait_until


class Cockpit:
    """A context manager that ends its tmux server with everything in it."""

    def __init__(self, inventory: pathlib.Path, folder: pathlib.Path, **variables: t.Any) -> None:
        self.inventory, self.folder = inventory, folder
        self.socket = f"wr-test-{secrets.token_hex(4)}"
        self.variables = {"launch_cockpit_socket": self.socket, "launch_check_report_dir": str(folder), **variables}

    def play(self, **variables: t.Any) -> subprocess.CompletedProcess[str]:
        extra = yaml.safe_dump({**self.variables, **variables}, default_flow_style=True, width=100000).strip()
        return ansible.run("ansible-playbook", "-i", self.inventory, "playbooks/cockpit.yml", "-e", extra, seconds=180)

    def __enter__(self) -> Cockpit:
        self.done = self.play()
        if self.done.returncode:
            self.__exit__()
            raise AssertionError(self.done.stdout + self.done.stderr)
        return self

    def __exit__(self, *_exc: t.Any) -> None:
        self._tmux("kill-server", check=False)

    def _tmux(self, *words: str, check: bool = True) -> str:
        return subprocess.run(["tmux", "-L", self.socket, *words], check=check, capture_output=True, text=True).stdout

    @property
    def session(self) -> dict[str, t.Any]:
        return dict(yaml.safe_load((self.folder / "cockpit.yml").read_text()))

    def panes(self) -> dict[str, tuple[str, bool, str]]:
        """Title → id, whether it is dead, and the program in it."""
        rows = self._tmux("list-panes", "-a", "-F", "#{pane_title}\t#{pane_id}\t#{pane_dead}\t#{pane_current_command}").splitlines()
        return {title: (pane, dead == "1", program) for title, pane, dead, program in (row.split("\t") for row in rows)}

    def folders(self) -> t.Iterator[pathlib.Path]:
        """Where each htop of ours has its settings."""
        for pane in self._tmux("list-panes", "-a", "-F", "#{pane_pid}").split():
            for child in pathlib.Path(f"/proc/{pane}/task/{pane}/children").read_text().split():
                variables = pathlib.Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
                yield from (pathlib.Path(os.fsdecode(each[7:])).parent for each in variables if each.startswith(b"HTOPRC="))

    def focused(self) -> str:
        return self._tmux("display-message", "-p", "#{window_name}").strip()

    def resize(self, columns: int, rows: int) -> None:
        """As a terminal of that size that is attached would."""
        for window in self._tmux("list-windows", "-F", "#{window_id}").split():
            self._tmux("resize-window", "-t", window, "-x", str(columns), "-y", str(rows - 1))  # one for the status line

    def screen(self, title: str) -> str:
        return self._tmux("capture-pane", "-p", "-t", self.panes()[title][0])

    def shows(self, title: str, *texts: str) -> None:
        """Wait until all of these stand on the screen of the pane at once."""
        try:
            wait_until(lambda: title in self.panes() and all(text in self.screen(title) for text in texts), f"{texts} in {title}", 40)
        except Exception as late:
            raise AssertionError(f"{late}: {self.screen(title) if title in self.panes() else sorted(self.panes())}") from late
