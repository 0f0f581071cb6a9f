# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An accelerator is judged by the requests that a cache may answer (finding D1).

Its counters do not know which those are; its log does. Without the log, every request counts.
"""

from __future__ import annotations

import typing as t

from ...module_utils._collectors.varnish.outcomes import ENOUGH
from .services import fact_key, instances_in

Data = t.Mapping[str, t.Any]

ACCELERATOR, LOG = "varnish", "varnish_traffic"
#: Lists of the log → the ratio of the counters that these requests are a part of.
_RATIOS = {"passes": "pass_ratio", "hit_for_misses": "hit_for_miss_request_ratio", "misses": None, "pipes": None}
_HITS = ("hit", "grace_hit")
_OUTCOMES = (*_HITS, "miss", "hit_for_miss", "pass", "hit_for_pass", "pipe")

Instance = t.TypeVar("Instance")


def log_of(name: str, logs: t.Sequence[tuple[str, Instance]], alone: bool) -> t.Optional[Instance]:
    """The log of the accelerator of this name, from (name, log) of its host: it has the same name, unless there is one of each only."""
    same = next((log for other, log in logs if other == name), None)
    return logs[0][1] if same is None and alone and len(logs) == 1 else same


def must_bypass(row: Data) -> bool:
    """Whether no cache may answer most of the requests of a row of the log. Who reads the log decides that, here it is only read."""
    return row.get("must_bypass") is True


def over_cacheable(facts: dict[str, t.Any]) -> dict[str, t.Any]:
    """The facts of a host with `judged` of each accelerator over the requests that a cache may answer."""
    accelerators = list(instances_in(facts, ACCELERATOR))
    logs = [(str(log.get("name")), log) for log in instances_in(facts, LOG) if log.get("state") == "up"]
    if not accelerators or not logs:
        return facts
    judged = [_judged(one, log_of(str(one.get("name")), logs, len(accelerators) == 1)) for one in accelerators]
    return {**facts, fact_key(ACCELERATOR): {**facts[fact_key(ACCELERATOR)], "instances": judged}}


def _judged(accelerator: dict[str, t.Any], log: t.Optional[Data]) -> dict[str, t.Any]:
    judged, parts = accelerator.get("judged"), None if log is None else kept_out(log)
    if not isinstance(judged, dict) or judged.get("basis") != "window" or not parts or not sum(parts.values()):
        return accelerator
    requests, hits = _number(judged.get("requests")), _number(judged.get("hit_ratio_true"))
    if requests is None or hits is None:
        return accelerator
    left = max(0.0, 1 - sum(parts.values()))
    if requests * left < ENOUGH:
        return {**accelerator, "judged": {**judged, "basis": "bypass"}}
    ratios = {"hit_ratio_true": min(1.0, hits / left)}
    for name, ratio in _RATIOS.items():
        value = _number(judged.get(ratio)) if ratio else None
        if ratio and value is not None:
            ratios[ratio] = min(1.0, max(0.0, value - parts[name]) / left)
    measures = {name: round(value, 6) for name, value in ratios.items()}
    period = f"{judged.get('period')} that a cache may answer"
    drop = _number(accelerator.get("hit_ratio_drop"))
    fallen = {} if drop is None else {"hit_ratio_drop": round(max(0.0, hits + drop - measures["hit_ratio_true"]), 6)}
    return {**accelerator, **fallen, "judged": {**judged, **measures, "requests": round(requests * left), "period": period}}


def hit_ratio(log: Data) -> t.Optional[float]:
    """Of the requests in the log that a cache may answer: the part that it did."""
    parts, outcomes = kept_out(log), log.get("outcomes")
    if parts is None or not isinstance(outcomes, dict):
        return None
    may = sum(outcomes[name] for name in _OUTCOMES) * (1 - sum(parts.values()))
    return min(1.0, sum(outcomes[name] for name in _HITS) / may) if may > 0 else None


def kept_out(log: Data) -> t.Optional[dict[str, float]]:
    """Of the requests that were not answered by VCL: the part of each list that must bypass the cache; None when it is not known."""
    outcomes = log.get("outcomes")
    counts = [_number(outcomes.get(name)) for name in _OUTCOMES] if isinstance(outcomes, dict) else [None]
    requests = sum(count or 0 for count in counts)
    if None in counts or not requests:
        return None
    counted = log.get("must_bypass")
    if not isinstance(counted, dict):  # facts of an older release: what its lists show
        counted = {name: sum(_number(row.get("count")) or 0 for row in _rows(log.get(name)) if must_bypass(row)) for name in _RATIOS}
    return {name: min(1.0, (_number(counted.get(name)) or 0) / requests) for name in _RATIOS}


def _rows(value: t.Any) -> list[Data]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _number(value: t.Any) -> t.Optional[float]:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0 else None
