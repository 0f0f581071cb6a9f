# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Other sources over HTTP: RabbitMQ's management API and Flower."""

from __future__ import annotations

import base64
import re
import typing as t

from ..._collect import http_get
from ..._collect.problem import Problem
from ..._collect.sampling import amount, count
from ..._texts import bounded_json, strict_url
from ..._texts.redact import clean

LIMIT = 8 * 1024 * 1024
#: Flower's counter of events; its labels are task, type and worker.
_SAMPLE = re.compile(r"^flower_events_total\{([^}]*)\}\s+(\S+)")
_LABEL = re.compile(r'(?<!\w)(\w+)="((?:[^"\\]|\\.)*)"')


def get(url: str, path: str, seconds: float, what: str) -> bytes:
    """The body of `url` + `path`. User and password in the URL go into a header, and into no message."""
    parsed = strict_url.parse(url)
    if parsed is None or parsed.scheme not in ("http", "https") or not parsed.host or parsed.query:
        raise Problem(f"the URL of {what} is not http://host:port (user:password@ may stand before the host); it is not asked")
    encrypted = parsed.scheme == "https"
    address = (parsed.host, parsed.port or (443 if encrypted else 80))
    headers = {"Host": parsed.place, "Accept": "*/*", "User-Agent": "warroom.launch"}
    if parsed.user:
        login = f"{parsed.user}:{parsed.password or ''}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"
    target = parsed.path.rstrip("/") + path
    answer = http_get.get(address, target, headers, seconds, what=what, limit=LIMIT, encrypted=encrypted)
    if answer.status != 200:
        hint = ": give user and password in its URL" if answer.status in (401, 403) else ""
        raise Problem(f"{what} at {parsed.place} answers {answer.status}{hint}")
    return answer.body


def _rate(stats: t.Any, name: str) -> t.Optional[float]:
    details = stats.get(name + "_details") if isinstance(stats, dict) else None
    return amount(details.get("rate")) if isinstance(details, dict) else None


def _many(value: t.Any) -> t.Optional[int]:
    """How many members a quorum queue has; an older version calls them otherwise."""
    return len(value) if isinstance(value, list) else None


def _setting(row: t.Mapping[str, t.Any], name: str) -> t.Any:
    """A setting of a queue as it was declared, or by the policy that applies to it; None where it has neither."""
    declared, policy = row.get("arguments"), row.get("effective_policy_definition")
    found = declared.get(f"x-{name}") if isinstance(declared, dict) else None
    return policy.get(name) if found is None and isinstance(policy, dict) else found


def rabbitmq_queues(body: bytes) -> dict[str, dict[str, t.Any]]:
    """Queues by name from `/api/queues/<vhost>`."""
    try:
        rows = bounded_json.load(body)
    except ValueError:
        rows = None
    if not isinstance(rows, list):
        raise Problem("the answer of the management API is not a list of queues")
    found = {}
    for row in rows:
        if isinstance(row, dict) and row.get("name"):
            stats = row.get("message_stats")
            found[str(row["name"])] = {
                "type": row.get("type"),
                "state": row.get("state"),
                "members": _many(row.get("members")),
                "online": _many(row.get("online")),
                "ready": count(row.get("messages_ready")),
                "unacked": count(row.get("messages_unacknowledged")),
                "consumers": count(row.get("consumers")),
                "arrive_per_second": _rate(stats, "publish"),
                "consume_per_second": _rate(stats, "deliver_get"),
                "head_timestamp": amount(row.get("head_message_timestamp")),
                "delivery_limit": row.get("delivery_limit", _setting(row, "delivery-limit")),
                "dead_letters": _setting(row, "dead-letter-exchange") is not None,
                # a queue whose statistics RabbitMQ has not gathered yet is listed without the policy that applies to it
                "settings_told": isinstance(row.get("arguments"), dict) and "effective_policy_definition" in row,
            }
    return found


#: Alarms of a node by their field.
_ALARMS = {"mem_alarm": "memory", "disk_free_alarm": "disk"}


class Nodes(t.NamedTuple):
    """`alarms`: `memory on rabbit@mq1`, for each alarm of each node; `nodes_cut_off`: which nodes see a partition, and from whom."""

    alarms: list[str]
    nodes_down: list[str]
    nodes_cut_off: list[str]


def rabbitmq_nodes(body: bytes) -> Nodes:
    """From `/api/nodes`. Of a node that does not run only its name is told."""
    try:
        rows = bounded_json.load(body)
    except ValueError:
        rows = None
    if not isinstance(rows, list):
        raise Problem("the answer of the management API is not a list of nodes")
    nodes = [(clean(str(row.get("name")), 80), row) for row in rows if isinstance(row, dict)]
    alarms = [f"{kind} on {name}" for name, node in nodes for field, kind in _ALARMS.items() if node.get(field) is True]
    down = [name for name, node in nodes if node.get("running") is False]
    seen = [(name, node["partitions"]) for name, node in nodes if isinstance(node.get("partitions"), list)]
    cut = [f"{name} from {', '.join(clean(str(other), 80) for other in others[:5])}" for name, others in seen if others]
    return Nodes(alarms, down, cut)


def flower_events(body: bytes) -> dict[tuple[str, str], float]:
    """Events counted by Flower since its start, by task and kind of event, from `/metrics`."""
    found: dict[tuple[str, str], float] = {}
    text = body.decode("utf-8", "replace")
    if "flower_events_total" not in text:  # its description is there before the first event
        raise Problem("the answer of Flower does not hold its metrics (flower_events_total): is this the address of Flower?")
    for line in text.splitlines():
        match = _SAMPLE.match(line)
        value = amount(match.group(2)) if match else None
        if match is None or value is None:
            continue
        labels = dict(_LABEL.findall(match.group(1)))
        key = (clean(labels.get("task", ""), 120), labels.get("type", ""))
        if key[1].startswith("task-"):
            found[key] = found.get(key, 0.0) + value
    return found


def flower_outcomes(before: t.Mapping[tuple[str, str], float], after: t.Mapping[tuple[str, str], float]) -> dict[str, dict[str, int]]:
    """Outcomes in the window by task name; a counter that fell (Flower restarted) counts from zero."""
    found: dict[str, dict[str, int]] = {}
    for (task, kind), value in after.items():
        moved = value - before.get((task, kind), 0.0)
        moved = value if moved < 0 else moved
        if moved:
            found.setdefault(task, {})[kind[5:]] = int(moved)
    return found
