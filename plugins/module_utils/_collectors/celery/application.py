# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The project's own configuration, read by a child interpreter: foreign code never runs inside the module.

The child imports the application as its workers do (folder, virtualenv, environment, user), sends what that code
prints elsewhere, and gives back named settings only, never the whole configuration (cases C-05, C-15).
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ..._collect import foreign_code
from ..._collect.host_tools import HostTools
from ..._collect.problem import Problem
from ..._texts.redact import clean
from .broker_url import Broker

#: Begins the line of the answer; what the application prints itself cannot be taken for it.
MARK = "warroom.launch:celery:"

#: Run as `python -c SCRIPT app chdir pid`. Standard library only, Python 3.6 or later.
SCRIPT = r"""
import json, os, sys
app_name, folder, pid = sys.argv[1:4]
answer = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
if pid:
    with open("/proc/" + pid + "/environ", "rb") as handle:
        for word in handle.read(1 << 20).split(b"\0"):
            name, sign, value = word.partition(b"=")
            if sign and name not in (b"PYTHONSTARTUP", b"PYTHONINSPECT"):
                os.environb[name] = value
if folder:
    os.chdir(folder)
sys.path[:0] = [folder or os.getcwd()] + [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and pid]
os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
sys.dont_write_bytecode = True
try:
    from celery.app.utils import find_app
    app = find_app(app_name)
    conf = app.conf
    def plain(value):
        if isinstance(value, dict):
            return dict((str(key), plain(inner)) for key, inner in value.items())
        if isinstance(value, (list, tuple)):
            return [plain(inner) for inner in value]
        return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
    read = conf.get("broker_read_url") or conf.broker_url
    if isinstance(read, (list, tuple)):
        read = ";".join(read)
    queues = [getattr(queue, "name", queue) for queue in (conf.get("task_queues") or ())]
    found = {
        "broker_url": read or app.connection_for_read().as_uri(include_password=True),
        "broker_transport_options": plain(conf.get("broker_transport_options") or {}),
        "broker_use_ssl": plain(conf.get("broker_use_ssl")),
        "queues": [str(name) for name in queues] or [str(conf.get("task_default_queue") or "celery")],
        "events": bool(conf.get("worker_send_task_events")),
        "event_exchange": str(conf.get("event_exchange") or "celeryev"),
        "control_exchange": str(conf.get("control_exchange") or "celery"),
    }
    answer.write("\n" + "MARK" + json.dumps(found) + "\n")
except BaseException as error:
    missing = getattr(error, "name", None) if isinstance(error, ImportError) else None
    answer.write("\n" + "MARK" + json.dumps({"error": type(error).__name__, "missing": missing}) + "\n")
answer.flush()
os._exit(0)
""".replace("MARK", MARK)


@dataclasses.dataclass
class Application:
    """What the module needs to know of a project."""

    broker: Broker
    queues: list[str] = dataclasses.field(default_factory=list)
    events: t.Optional[bool] = None  # worker_send_task_events, where it is known
    event_exchange: str = "celeryev"
    control_exchange: str = "celery"


def read(
    tools: HostTools, name: str, chdir: t.Optional[str], virtualenv: t.Optional[str], pid: t.Optional[int], seconds: float
) -> Application:
    """The configuration of the application `name` (as in `celery -A name`)."""
    python = foreign_code.interpreter(virtualenv)
    command = [*foreign_code.as_owner(chdir or virtualenv, pid), python, "-c", SCRIPT, name, chdir or "", str(pid or "")]
    done = tools.commands.run(command, seconds)
    if done.late:
        raise Problem(f"importing the application {name} took more than {seconds:g} s; give broker_url instead of app")
    try:
        return parse(done.out, name)
    except Problem as problem:
        if not foreign_code.is_anothers(pid):
            raise
        raise Problem(f"{problem} (its worker runs as another user, whose environment only root may read: use become)") from None


#: Transport options that are taken over from a project: data, nothing that names code.
_TAKEN = (
    *("global_keyprefix", "sep", "priority_steps", "queue_order_strategy", "visibility_timeout", "fanout_prefix", "fanout_patterns"),
    *("unacked_key", "unacked_index_key", "unacked_mutex_key", "master_name", "sentinel_kwargs", "min_other_sentinels", "login_method"),
)


def _harmless(options: dict[str, t.Any]) -> dict[str, t.Any]:
    return {name: value for name, value in options.items() if name in _TAKEN}


def parse(output: bytes, name: str) -> Application:
    """The answer's line among whatever else was printed (case C-05)."""
    lines = [line for line in output.decode("utf-8", "replace").splitlines() if line.startswith(MARK)]
    try:
        found = json.loads(lines[-1][len(MARK) :]) if lines else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Problem(f"the application {name} gave no configuration: its import ended the interpreter, or chdir does not exist")
    if found.get("error"):
        what = f"{found['error']}{': no module ' + clean(str(found['missing']), 60) if found.get('missing') else ''}"
        raise Problem(
            f"the application {name} cannot be imported ({clean(what, 120)}): see chdir, virtualenv and its environment, or give broker_url"
        )
    options, use_ssl = found.get("broker_transport_options"), found.get("broker_use_ssl")
    broker = Broker(str(found.get("broker_url") or ""), _harmless(options if isinstance(options, dict) else {}), use_ssl)
    if "credential_provider" in broker.url or "credential_provider" in (options or {}):
        raise Problem(
            f"the application {name} lets its own code provide the broker's password (credential_provider): give broker_url instead"
        )
    queues = [str(queue) for queue in found.get("queues") or []]
    return Application(broker, queues, bool(found.get("events")) or None, str(found["event_exchange"]), str(found["control_exchange"]))
