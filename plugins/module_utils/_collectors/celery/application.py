# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The project's own configuration, read by a child interpreter: foreign code never runs inside the module.

The child imports the application as its workers do (folder, virtualenv, environment, user), under the limits of
`_collect/foreign_code.py`, and gives back named settings only, never the whole configuration (cases C-05, C-15).
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..._collect import foreign_code
from ..._collect.host_tools import HostTools
from ..._collect.problem import Problem
from ..._texts.redact import clean
from . import read_application
from .broker_url import Broker


@dataclasses.dataclass
class Application:
    """What the module needs to know of a project."""

    broker: Broker
    queues: list[str] = dataclasses.field(default_factory=list)
    events: t.Optional[bool] = None  # worker_send_task_events, where it is known
    event_exchange: str = "celeryev"
    control_exchange: str = "celery"
    beat_scheduler: t.Optional[str] = None


def read(
    tools: HostTools, name: str, chdir: t.Optional[str], virtualenv: t.Optional[str], pid: t.Optional[int], seconds: float
) -> Application:
    """The configuration of the application `name` (as in `celery -A name`)."""
    try:
        found = foreign_code.answers(
            tools,
            read_application.__name__,
            folder=chdir,
            virtualenv=virtualenv,
            pid=pid,
            environment={},
            arguments={"app": name},
            seconds=seconds,
        )
        return parse(found["sections"], name, f"took more than {seconds:g} s" if found["late"] is True else "")
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


def parse(sections: t.Mapping[str, t.Any], name: str, late: str = "") -> Application:
    """What the child told. `late`: what the import did when its time was up; empty when it came to an end."""
    found, error = sections.get("application"), sections.get("error")
    if late and not isinstance(found, dict):
        raise Problem(f"importing the application {name} {late}; give broker_url instead of app")
    if isinstance(error, dict):
        what = f"{error.get('type')}{': no module ' + clean(str(error['missing']), 60) if error.get('missing') else ''}"
        raise Problem(
            f"the application {name} cannot be imported ({clean(what, 120)}): see chdir, virtualenv and its environment, or give broker_url"
        )
    if not isinstance(found, dict):
        raise Problem(f"the application {name} gave no configuration: its import ended the interpreter, or chdir does not exist")
    options, use_ssl = found.get("broker_transport_options"), found.get("broker_use_ssl")
    broker = Broker(str(found.get("broker_url") or ""), _harmless(options if isinstance(options, dict) else {}), use_ssl)
    if "credential_provider" in broker.url or "credential_provider" in (options or {}):
        raise Problem(
            f"the application {name} lets its own code provide the broker's password (credential_provider): give broker_url instead"
        )
    queues = [str(queue) for queue in found.get("queues") or []]
    exchanges = str(found["event_exchange"]), str(found["control_exchange"])
    return Application(broker, queues, bool(found.get("events")) or None, *exchanges, str(found.get("beat_scheduler") or "") or None)
