# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
name: war_room
type: stdout
short_description: Shows a launch check as a board, and any other playbook like the default callback
version_added: 1.0.0
author: warroom.launch authors (@warroom-launch)
description:
  - While the role P(warroom.launch.launch_check#role) gathers, a progress line shows how many hosts are done, which was slowest and which
    are still running. Then it prints the board in colour.
  - The role's own tasks are listed only at higher verbosity. Everything else looks as with P(ansible.builtin.default#callback).
  - Prints plain text when the output is not a terminal. Respects E(NO_COLOR), E(ANSIBLE_NOCOLOR) and the width of the terminal.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - set as stdout callback in configuration, by its full name
  - Python 3.11 or later (on the controller)
  - rich (on the controller; without it the board has no colour)
"""

import sys
import time
import typing as t

from ansible import constants as C
from ansible.plugins.callback.default import CallbackModule as DefaultCallback
from ansible.utils.color import ANSIBLE_COLOR

from ..module_utils._texts import moments
from ..plugin_utils._judge.hostvars import message_of
from ..plugin_utils._report import board
from ..plugin_utils._report.progress import Progress
from ..plugin_utils._report.terminal import coloured
from ..plugin_utils._store.keep import closing_lines

ROLE = "warroom.launch.launch_check"


class CallbackModule(DefaultCallback):
    """Hides the role's tasks and shows their result."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "warroom.launch.war_room"

    def __init__(self) -> None:
        super().__init__()
        self._progress: t.Optional[Progress] = None
        self._hosts: set[str] = set()
        self._only_ours = True
        self._line_shown = False
        self._rounds = 0
        self._stands = ""

    # ---- is it ours ----------------------------------------------------------------------------------------------------

    def _quiet(self, task: t.Any) -> bool:
        role = getattr(task, "_role", None)
        return role is not None and self._display.verbosity == 0 and role.get_name() == ROLE

    @staticmethod
    def _is(task: t.Any, name: str) -> bool:
        return str(task.action).rpartition(".")[2] == name

    # ---- plays and tasks -----------------------------------------------------------------------------------------------

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        self._hosts.clear()
        if _has_only(play, self._quiet):
            self._play = play
        else:
            super().v2_playbook_on_play_start(play)

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:
        self._end_progress()
        if self._is(task, "wait_for") and self._quiet(task):
            self._show_line(self._stands)
        if not self._quiet(task):
            self._only_ours = False
            super().v2_playbook_on_task_start(task, is_conditional)
            return
        # what the default callback needs to know if the task has to be shown after all
        self._task_type_cache[task._uuid] = "TASK"
        self._last_task_name = task.get_name().strip()
        if self._is(task, "gather"):
            self._progress = Progress(len(self._hosts))

    def v2_runner_on_start(self, host: t.Any, task: t.Any) -> None:
        if not self._quiet(task):
            super().v2_runner_on_start(host, task)
            return
        self._hosts.add(host.get_name())
        if self._progress is not None:
            self._progress.start(host.get_name())
            self._show_progress()

    # ---- results -------------------------------------------------------------------------------------------------------

    def v2_runner_on_ok(self, result: t.Any) -> None:
        if not self._quiet(result.task):
            super().v2_runner_on_ok(result)
        else:
            self._handle_warnings_and_exception(result)
            self._report_in(result)
        if self._is(result.task, "judge"):
            self._judged(result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        if not self._quiet(result.task):
            super().v2_runner_on_failed(result, ignore_errors)
        elif self._is(result.task, "gather"):
            self._report_in(result, "gathering failed")
        elif self._is(result.task, "judge") and "summary" in result.result:
            self._judged(result)
            self._display.display(str(result.result.get("msg", "")), color=C.COLOR_ERROR)
        elif self._is(result.task, "fail"):
            self._display.display(str(result.result.get("msg", "")), color=C.COLOR_ERROR)
        else:
            super().v2_runner_on_failed(result, ignore_errors)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        if self._quiet(result.task):
            self._report_in(result, "not reachable")
        else:
            super().v2_runner_on_unreachable(result)

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        if not self._quiet(result.task):
            super().v2_runner_on_skipped(result)

    def v2_playbook_on_include(self, included_file: t.Any) -> None:
        if not self._quiet(included_file._task):
            super().v2_playbook_on_include(included_file)

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        self._end_progress()
        if not self._only_ours or self._display.verbosity:
            super().v2_playbook_on_stats(stats)

    # ---- ours ----------------------------------------------------------------------------------------------------------

    def _judged(self, result: t.Any) -> None:
        """The verdict as the action's options want it shown, and where a watch stands."""
        judged = result.result
        if judged.get("shown"):
            self._board(judged)
        for line in [] if judged.get("last") else closing_lines(judged):
            self._display.display(line)
        if "over" in judged and self._quiet(result.task):
            self._note_round(judged)

    def _board(self, result: dict[str, t.Any]) -> None:
        width = (self._display.columns or 79) + 1
        full = result["form"] == "full"
        plain = "\n".join(board.lines(result["summary"], width) if full else result["board"])
        if ANSIBLE_COLOR and full:
            self._display.display(coloured(result["summary"], width), screen_only=True)
            self._display.display(plain, log_only=True)
        else:
            self._display.display(plain)
        self._say_where(result)

    def _say_where(self, result: dict[str, t.Any]) -> None:
        page = next((path for path in result.get("files") or [] if path.endswith(".html")), None)
        if page:
            self._display.display("\nReport: " + str(page))

    def _note_round(self, result: dict[str, t.Any]) -> None:
        """What stands below while the next round of a watch is waited for."""
        self._rounds += 1
        cause = f", {result['cause']}" if result.get("cause") else ""
        self._stands = f"{moments.clock(time.time())}  round {self._rounds}: {result['verdict'].upper()}{cause}"

    def _report_in(self, result: t.Any, problem: t.Optional[str] = None) -> None:
        if self._progress is None:
            return
        self._progress.finish(result.host.get_name())
        if problem is not None:
            self._clear_line()
            self._display.display(f"{result.host.get_name()}: {problem}: {message_of(result.result)}", color=C.COLOR_ERROR)
        self._show_progress()

    def _end_progress(self) -> None:
        self._clear_line()
        self._progress = None

    def _show_progress(self) -> None:
        if self._progress is not None:
            self._show_line(self._progress.line(self._display.columns or 79))

    def _show_line(self, text: str) -> None:
        """A line that the next one takes the place of."""
        if text and _on_terminal():
            sys.stdout.write("\r\x1b[K" + text[: self._display.columns or 79])
            sys.stdout.flush()
            self._line_shown = True

    def _clear_line(self) -> None:
        if self._line_shown:
            sys.stdout.write("\r\x1b[K")
            sys.stdout.flush()
            self._line_shown = False


def _on_terminal() -> bool:
    return bool(ANSIBLE_COLOR) and sys.stdout.isatty()


def _has_only(play: t.Any, ours: t.Callable[[t.Any], bool]) -> bool:
    """Whether all the play does is the role, so that its banner says nothing."""
    tasks = [task for part in play.get_tasks() for task in (part if isinstance(part, list) else [part])]
    roles = [role.get_name() for role in play.get_roles()]
    return bool(tasks or roles) and all(ours(task) for task in tasks) and all(role == ROLE for role in roles)
