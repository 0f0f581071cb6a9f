# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import os
import time
import typing as t

from ansible import constants, context
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import connection_loader
from ansible.utils.display import Display

from ..module_utils._collect.options import WrongOption
from ..module_utils._collect.visit import Visits
from ..module_utils._collectors import from_here
from ..module_utils._texts.plain import plain
from ..module_utils._texts.redact import clean
from ..plugin_utils._checks.catalogue import Catalogue, CatalogueError, load
from ..plugin_utils._checks.query import WrongQuery
from ..plugin_utils._checks.units import numbered
from ..plugin_utils._checks.verdict import FAIL_ON, stops
from ..plugin_utils._fleet.growth import NO_GROWTHS, Growths
from ..plugin_utils._fleet.observed import Inventory
from ..plugin_utils._judge import spool, variables
from ..plugin_utils._judge.garbage import seldom_collected
from ..plugin_utils._judge.hostvars import Source, asked_hosts, inventory, raw
from ..plugin_utils._judge.pipeline import Asked, Beside, judge, notes, validate
from ..plugin_utils._judge.report import Report
from ..plugin_utils._reach import command_line
from ..plugin_utils._report import board, short_board
from ..plugin_utils._report.at_end import AtEnd
from ..plugin_utils._report.host_files import KEPT
from ..plugin_utils._report.model import model
from ..plugin_utils._report.publish import FILES, STANDARD, publish
from ..plugin_utils._store import disk_growth, keep, responses
from ..plugin_utils._store.before_after import NoReport
from ..plugin_utils._store.load_test import add_load_test
from ..plugin_utils._store.past import BASELINE, baseline, growing, known_past
from ..plugin_utils._store.rounds import StoreError

display = Display()

#: The strategy loads this file in the main process, before it forks the worker that judges.
AT_END = AtEnd(constants.DEFAULT_LOCAL_TMP, display.display)

SPEC: dict[str, t.Any] = {
    "hosts": {"type": "list", "elements": "str"},
    "validate_only": {"type": "bool", "default": False},
    "facts_from": {"type": "str"},
    "facts_age": {"type": "float", "default": 300.0},
    "catalogue": {"type": "path"},
    "thresholds": {"type": "dict", "default": {}},
    "extra_checks": {"type": "list", "elements": "dict", "default": []},
    "accept": {"type": "dict", "default": {}},
    "only": {"type": "list", "elements": "str", "default": []},
    "known_clients": {"type": "list", "elements": "raw", "default": []},
    "probes": {"type": "list", "elements": "str", "default": []},
    "sites": {"type": "list", "elements": "dict", "default": []},
    "by_hand": {"type": "raw", "default": []},
    "on_call": {"type": "list", "elements": "str", "default": []},
    "phase": {"type": "str", "choices": ["before", "during"], "default": "during"},
    "fail_on": {"type": "str", "choices": list(FAIL_ON), "default": "unknown"},
    "report_dir": {"type": "path"},
    "report_files": {"type": "list", "elements": "str", "choices": list(FILES), "default": list(STANDARD)},
    "report_facts": {"type": "str", "choices": list(KEPT), "default": "trouble"},
    "show": {"type": "bool", "default": True},
    "board": {"type": "str", "choices": ["short", "full"], "default": "full"},
    "watch": {"type": "bool", "default": False},
    **keep.SPEC,
}
COMMON = ("thresholds", "extra_checks", "accept", "known_clients")


class ActionModule(ActionBase):
    """Judges the whole fleet at once, on the control node; see plugins/modules/judge.py for its documentation."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: t.Any = None, task_vars: t.Optional[dict[str, t.Any]] = None) -> dict[str, t.Any]:
        task_vars = task_vars or {}
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(argument_spec=SPEC)
        try:
            with seldom_collected():
                catalogue = Catalogue(load(args["catalogue"]))
                result.update(self._judge(args, catalogue, task_vars))
        except CatalogueError as error:
            raise AnsibleActionFail(f"The checks are wrong, nothing was judged:\n{error}") from error
        except (WrongQuery, spool.SpoolError) as error:
            raise AnsibleActionFail(str(error)) from error
        except WrongOption as error:
            raise AnsibleActionFail(f"launch_check_sites, launch_check_by_hand or launch_check_on_call: {error}") from error
        return result

    def _judge(self, args: dict[str, t.Any], catalogue: Catalogue, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        names = args["hosts"] if args["hosts"] is not None else task_vars.get("ansible_play_hosts_all", [])
        hostvars, play = task_vars["hostvars"], self._task.get_play()
        if args["validate_only"]:
            _refuse_misspelt(names, hostvars)
            hosts, known, _run, _begun = _asked(names, args, task_vars, play)
            checks = validate(hosts, catalogue, args["only"])
            from_here.checked(_before_launch(args))
            for note in notes(hosts, known):
                display.warning(note)
            return {"changed": False, "checks": checks}
        waiting = self._waiting(args, hostvars, task_vars)
        if waiting:
            to_come = numbered(len(waiting), "host of later batches is/hosts of later batches are")
            return {"changed": False, "skipped": True, "skipped_reason": f"{to_come} still to come"}
        return self._outcome(judged(names, args, catalogue, task_vars, play), args)

    def _waiting(self, args: dict[str, t.Any], hostvars: t.Any, task_vars: dict[str, t.Any]) -> list[str]:
        """Hosts of batches that are still to come (serial): the last batch judges all."""
        if not args["facts_from"] or spool.path_of(args["facts_from"]) is not None:
            return []
        strategy = self._task.get_play().strategy
        if strategy.rpartition(".")[2].removeprefix("mitogen_") in ("free", "host_pinned"):
            raise AnsibleActionFail(
                f"under the strategy {strategy} the first host would be judged before the others have given anything: "
                "set `strategy: linear` on this play"
            )
        batch = set(task_vars.get("ansible_play_batch", []))
        left = [name for name in task_vars.get("ansible_play_hosts", []) if name not in batch]
        return [name for name in left if args["facts_from"] not in raw(hostvars, name)]

    def _outcome(self, report: Report, args: dict[str, t.Any]) -> dict[str, t.Any]:
        """Kept, published and shown, each once; what cannot be kept is an error only after the verdict was given."""
        kept, not_kept = _kept(report, args)
        if args["report_dir"]:
            responses.tell(report, args["report_dir"])
        summary = model(report)
        width = self._width()
        lines = board.lines(summary, width) if args["board"] == "full" else short_board.lines(summary, width, _place(args))
        last = _comes_last(args, lines, width)
        shown = args["show"] and not (last and args["board"] == "short")
        if not _own_display():
            tell([*(["", *lines, ""] if shown else []), *([] if last else keep.closing_lines(kept))])
        if last:
            AT_END.leave([*short_board.lines(summary, width, _place(args)), *keep.closing_lines(kept)])
        result = {
            "changed": False,
            "verdict": report["verdict"],
            "status": report["status"],
            "counts": report["counts"],
            "diagnoses": report["diagnoses"],
            "obstacles": report["obstacles"],
            "fleet": report["fleet"],
            "summary": summary,
            "board": lines,
            "form": args["board"],
            "shown": shown,
            "last": last,
            "stop": stops(report["status"], args["fail_on"]),
            "files": _published(report, args, summary["headline"]),
            **kept,
        }
        result["message"] = summary["headline"] + (f". Report: {os.path.dirname(result['files'][0])}" if result["files"] else "")
        result["ansible_stats"] = {"data": {"launch_verdict": report["verdict"]}, "per_host": False, "aggregate": False}
        if not_kept and not _own_display():
            raise AnsibleActionFail(not_kept)
        # our own callback shows the board of a result, also of one that failed
        return {**result, "failed": True, "msg": not_kept} if not_kept else result

    @staticmethod
    def _width() -> int:
        columns = os.environ.get("COLUMNS", "")
        return int(columns) if columns.isdigit() and int(columns) >= 40 else (display.columns or 79) + 1


def _before_launch(args: t.Mapping[str, t.Any]) -> from_here.Wishes:
    """What is read on the control node before the launch; the lines that people tick are in a file or in the inventory."""
    by_hand = plain(args["by_hand"] or [])
    lines = {"file": by_hand} if isinstance(by_hand, str) else {"items": by_hand}
    return {"site": plain(args["sites"]), "checklist": [{"name": "launch", **lines, "on_call": plain(args["on_call"])}]}


def _gathered_here(args: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    if args["phase"] != "before":
        return {}
    wishes = {service: wish for service, wish in _before_launch(args).items() if not args["only"] or service in args["only"]}
    facts = from_here.read(wishes)
    add_load_test(facts, keep.Keeping.of(args).store, time.time())
    return facts


def _asked(
    names: t.Sequence[str], args: dict[str, t.Any], task_vars: dict[str, t.Any], play: t.Any
) -> tuple[list[Asked], Inventory, command_line.CommandLine, t.Optional[float]]:
    """Every host with its facts and settings, the inventory, what printed commands repeat, and when the first host was begun with."""
    hostvars, groups = task_vars["hostvars"], task_vars.get("groups", {})
    run = command_line.of(context.CLIARGS, constants, play, command_line.configured(constants, connection_loader))
    source = Source(args["facts_from"], {key: args[key] for key in COMMON}, run.settings, _spool(args, names))
    hosts, begun = asked_hosts(names, hostvars, groups, source)
    return hosts, inventory(hostvars, groups, hosts), run, begun


def judged(names: t.Sequence[str], args: dict[str, t.Any], catalogue: Catalogue, task_vars: dict[str, t.Any], play: t.Any) -> Report:
    """The report about these hosts, from what was gathered of them."""
    hosts, known, run, begun = _asked(names, args, task_vars, play)
    validate(hosts, catalogue, args["only"])
    beside = Beside(_baseline(args), Visits(args["probes"]).rows(), _gathered_here(args), _growing(args))
    now = time.time()
    points = disk_growth.past(keep.Keeping.of(args).store, now)
    hosts = [dataclasses.replace(host, facts=disk_growth.grown(host.name, host.facts, points, now)) for host in hosts]
    return judge(hosts, catalogue, args["phase"], known, begun, run, args["only"], beside)


def _spool(args: t.Mapping[str, t.Any], names: t.Sequence[str]) -> t.Optional[spool.Spool]:
    """What the hosts have sent, when they send it themselves."""
    path = spool.path_of(args["facts_from"])
    if path is None or args.get("validate_only"):
        return None
    read = spool.read(path, [str(name) for name in names], args.get("facts_age", SPEC["facts_age"]["default"]))
    if read.strange:
        others = numbered(len(read.strange), "document/documents")
        display.warning(f"{path} holds {others} of hosts that are not judged: {clean(', '.join(read.strange[:5]), 200)}")
    return read


def _place(args: t.Mapping[str, t.Any]) -> t.Optional[str]:
    """Where a person finds the whole report, as the run was told it."""
    if not args["report_dir"] or not args["report_files"]:
        return None
    page = "index.html" if "index.html" in args["report_files"] else args["report_files"][0]
    return os.path.join(args["report_dir"], page)


def _comes_last(args: t.Mapping[str, t.Any], lines: list[str], width: int) -> bool:
    """Whether the short board is to be the last thing on the screen: what else is printed would push the verdict out of sight."""
    if not args["show"] or args["watch"] or not AT_END.comes or _for_a_program():
        return False
    return args["board"] == "short" or not _own_display() or short_board.taken(lines, width) > AT_END.rows - 3


def _baseline(args: dict[str, t.Any]) -> t.Optional[t.Mapping[str, t.Any]]:
    """What visitors are compared with, unless this very report is to take its place. A damaged store is told when the past is read."""
    if args["label"] == BASELINE:
        return None
    try:
        return baseline(keep.Keeping.of(args).store)
    except StoreError:
        return None


def _growing(args: dict[str, t.Any]) -> Growths:
    """A damaged store is told when the past is read."""
    try:
        return growing(keep.Keeping.of(args).store)
    except StoreError:
        return NO_GROWTHS


def _kept(report: Report, args: dict[str, t.Any]) -> tuple[dict[str, t.Any], t.Optional[str]]:
    """What was kept and compared, or why that could not be. The report gets its past."""
    keeping = keep.Keeping.of(args)
    if not args["watch"]:
        try:
            known_past(report, keeping.store)
        except StoreError as error:
            _note(report, f"There are no trends: {error}.")
        if not (keeping.label or keeping.compare_with):
            return {}, None
    try:
        return keep.keep(report, keeping, args["watch"], tell), None
    except (StoreError, NoReport, keep.CannotKeep) as error:
        problem = str(error)
    except OSError as error:
        problem = f"the round cannot be kept: {error}"
    _note(report, f"{problem[:1].upper()}{problem[1:]}.")
    return {}, problem


def _note(report: Report, problem: str) -> None:
    """Problems outside the judgement are named in the report."""
    report["problem"] = f"{report['problem']} {problem}" if report["problem"] else problem


def _published(report: Report, args: dict[str, t.Any], headline: str) -> list[str]:
    """The report's files, written once."""
    if not args["report_dir"]:
        return []
    try:
        paths, problems = publish(report, args["report_dir"], args["report_files"], args["report_facts"])
    except OSError as error:
        raise AnsibleActionFail(f"{headline}. The report cannot be written: {error}") from error
    for problem in problems:
        display.warning(problem)
    return paths


def tell(lines: list[str]) -> None:
    """Print lines, unless the output is for a machine, which finds them in the result."""
    if lines and not _for_a_program():
        display.display("\n".join(lines))


def _refuse_misspelt(names: t.Iterable[str], hostvars: t.Any) -> None:
    """A misspelt setting would silently have no effect."""
    misspelt, idle = variables.unknown(name for host in names for name in raw(hostvars, host))
    if misspelt:
        raise AnsibleActionFail("Nothing was gathered:\n" + "\n".join(misspelt))
    for sentence in idle:
        display.warning(sentence)


def _own_display() -> bool:
    """Whether the output is for a machine, or shown by our own callback from the result."""
    return _for_a_program() or str(constants.DEFAULT_STDOUT_CALLBACK).rpartition(".")[2] == "war_room"


def _for_a_program() -> bool:
    """Whether the output has to stay one document."""
    return "json" in str(constants.DEFAULT_STDOUT_CALLBACK)
