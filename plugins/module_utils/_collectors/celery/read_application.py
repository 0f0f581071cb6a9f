# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs in the child that imports a Celery application: named settings of it, never the whole configuration (case C-15).

Sent as text by `_collect/foreign_code.py`, so it imports the standard library and what the project has.
"""

from __future__ import annotations

import typing as t


def read(arguments: dict[str, t.Any]) -> t.Iterator[tuple[str, t.Any]]:
    """One section, `application`."""
    from celery.app.utils import find_app  # pylint: disable=import-outside-toplevel

    app = find_app(arguments["app"])
    conf = app.conf
    url = conf.get("broker_read_url") or conf.broker_url
    if isinstance(url, (list, tuple)):
        url = ";".join(url)
    queues = [getattr(queue, "name", queue) for queue in (conf.get("task_queues") or ())]
    yield (
        "application",
        {
            "broker_url": url or app.connection_for_read().as_uri(include_password=True),
            "broker_transport_options": _plain(conf.get("broker_transport_options") or {}),
            "broker_use_ssl": _plain(conf.get("broker_use_ssl")),
            "queues": [str(name) for name in queues] or [str(conf.get("task_default_queue") or "celery")],
            "events": bool(conf.get("worker_send_task_events")),
            "event_exchange": str(conf.get("event_exchange") or "celeryev"),
            "control_exchange": str(conf.get("control_exchange") or "celery"),
            "beat_scheduler": str(conf.get("beat_scheduler") or ""),
        },
    )


def _plain(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
