# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One host's facts against its checks: findings. Pure; the judge and the filter are its faces."""

from __future__ import annotations

import typing as t

from ...module_utils._texts.redact import clean
from .._reach.hosts import NOWHERE, Reach
from .._reach.quoting import Line
from . import remedies
from .catalogue import ANSWERS, HOST_REACHED
from .check import NOT_HERE, Check, Checks, Sentence
from .command import reading, remedy_line
from .finding import Finding, Value, accept, finding
from .limit import Limit, unmasked, usable
from .may_be_cached import over_cacheable
from .query import Reading, Unknowable, reason_in
from .services import FLEET, FLEET_HOST, TITLES, fact_key, instances_in
from .units import numbered

STATES = ("up", "down", "unreadable")
EVIDENCE_ROWS = 20
CHECKS = "check/checks"
_NO_LIMIT = "no limit is set for it here"

Facts = dict[str, t.Any]


def evaluate(
    host: str,
    facts: Facts,
    checks: t.Iterable[Check],
    phase: str = "during",
    accepted: t.Optional[t.Mapping[str, str]] = None,
    configured: t.Iterable[str] = (),
    reach: Reach = NOWHERE,
) -> list[Finding]:
    """The findings of one host from plain facts (`launch_<service>` keys).

    `configured`: services it must have. `reach`: how its hosts are reached, for the commands that go with findings.
    """
    by_service = (checks if isinstance(checks, Checks) else Checks(checks)).by_service
    found: list[Finding] = []
    facts = over_cacheable(facts)
    for service in TITLES:
        instances = instances_in(facts, service)
        for instance in instances:
            found.extend(_instance(host, service, instance, by_service.get(service, []), phase, reach))
        if not instances and (service in configured or not _absent(facts, service)):
            found.append(_nothing(host, service, len(by_service.get(service, [])), reach))
    accept(found, accepted or {})
    return found


def _absent(facts: Facts, service: str) -> bool:
    """Whether the host rightly has no such fact: none at all, or one that says that nothing of the kind runs here."""
    fact = facts.get(fact_key(service))
    return fact is None or (isinstance(fact, dict) and fact.get("instances") == [])


def unreached(host: str, problem: str, reach: Reach = NOWHERE) -> Finding:
    """A host that gave no facts: nothing is known about it, which is neither a failure of its services nor a go."""
    return finding(
        HOST_REACHED, host, "server", None, "unknown",
        question="Does the host answer?",
        finding=f"No facts from this host: {problem}",
        advice=f"Nothing on it was judged. {remedies.kind_of(problem).how}.",
        look=remedy_line(reach, host, "server", problem),
        reason=problem,
    )  # fmt: skip


def _nothing(host: str, service: str, checks: int, reach: Reach) -> Finding:
    reason = f"{TITLES[service]} is configured for this host and no instance of it gave facts"
    return finding(
        service + ANSWERS, host, service, None, "unknown",
        question=f"Does {TITLES[service]} answer?",
        finding=f"{reason}; {numbered(checks, CHECKS)} could not be judged.",
        advice="Start it, say where it is (its options in launch_check_services), or take it off this host.",
        look=reading(reach, host, service),
        reason=reason,
    )  # fmt: skip


def _instance(host: str, service: str, instance: Facts, checks: list[Check], phase: str, reach: Reach) -> t.Iterator[Finding]:
    name = str(instance.get("name") or "default")
    state = instance.get("state")
    if state == "up":
        yield finding(
            service + ANSWERS, host, service, name, "ok", value="up", unit="text",
            question=f"Does {TITLES[service]} answer?", finding=f"{TITLES[service]} {name} answers.",
        )  # fmt: skip
        for check in checks:
            yield judged(check, host, instance, phase, reach)
        return
    known = state in STATES
    silent = f"it is {state} and does not say why" if known else "its facts have no known state (up, down or unreadable)"
    problem = clean(str(instance.get("problem") or silent), 400)
    said = problem if problem.startswith(name) else f"{name}: {problem}"  # where it is is said once
    yield finding(
        service + ANSWERS, host, service, name, "fail" if state == "down" else "unknown", value=str(state), unit="text",
        question=f"Does {TITLES[service]} answer?",
        finding=f"{TITLES[service]} {said.rstrip('.')}. Not judged: {numbered(len(checks), CHECKS)} of this instance.",
        advice="Bring it back, then run the check again." if state == "down" else f"{remedies.kind_of(problem).how}.",
        look=_again(reach, host, service, instance) if state == "down" else remedy_line(reach, host, service, problem),
        reason=problem,
    )  # fmt: skip


def _again(reach: Reach, host: str, service: str, instance: Facts) -> t.Optional[Line]:
    """What reads the service once more. A site, which was looked at from the control node, has to be named."""
    access = instance.get("access")
    url = access.get("url") if isinstance(access, dict) else None
    if host == FLEET_HOST and service not in FLEET:
        return reading(reach, "localhost", service, *(("-a", f"url={url}") if isinstance(url, str) else ()))
    return reading(reach, host, service)


def judged(check: Check, host: str, instance: Facts, phase: str, reach: Reach = NOWHERE) -> Finding:
    """One check on one instance that is up. An error of ours costs this check, never the run, and is never silent."""
    try:
        return _judged(check, host, instance, phase, reach)
    except Exception as error:
        reason = clean(f"this check failed on these facts ({type(error).__name__}: {error}); please report it with the check's id", 400)
        return finding(
            check.id, host, check.service, str(instance.get("name") or "default"), "unknown",
            unit=check.unit, question=check.question, finding=f"Not known: {reason}", reason=reason, advice=_gap(check, reason),
        )  # fmt: skip


def _judged(check: Check, host: str, instance: Facts, phase: str, reach: Reach) -> Finding:
    context = {**instance, "value": None}
    value: t.Any = None
    limit: t.Optional[str] = None
    reason: t.Optional[str] = None
    status, doubt = "skipped", ""
    try:
        reason = _not_now(check, instance, phase)
        if reason is None:
            reading = check.value.read(instance)
            if reading.least is None:
                instance, reading = _partly_known(check, instance, reading)
                context.update(instance)
            value = context["value"] = _present(check, instance, reading.least)
            status, limit = _settled(check, instance, reading)
            reason = _NO_LIMIT if status == "skipped" else reading.doubt
            doubt = _doubt(reading)
    except Unknowable as unknown:
        status, reason, value = "unknown", str(unknown), None
    result = finding(
        check.id, host, check.service, str(instance.get("name") or "default"), status,
        value=_plain_value(value), unit=check.unit, limit=limit, question=check.question, reason=reason,
    )  # fmt: skip
    _word(result, check, instance, context, reach, doubt)
    if status == "unknown":
        result["advice"] = _gap(check, reason or "")
    return result


#: Whatever the unknown parts of a measure add to its known ones, it is no more than this.
_MOST = 1e300


def _partly_known(check: Check, instance: Facts, reading: Reading) -> tuple[Facts, Reading]:
    """The instance with what a measure is at least in its place, when that is all that is known: a limit beyond it is exceeded anyway."""
    path = check.value.text
    bounds = instance.get("at_least")
    bound = bounds.get(path) if isinstance(bounds, dict) else None
    if isinstance(bound, bool) or not isinstance(bound, (int, float)):
        return instance, reading
    return _with(instance, path.split("."), bound), Reading(bound, _MOST, reason_in(instance, path), False, 1)


def _with(facts: Facts, path: t.Sequence[str], value: t.Any) -> Facts:
    below = facts.get(path[0])
    inner = value if len(path) == 1 else _with(below if isinstance(below, dict) else {}, path[1:], value)
    return {**facts, path[0]: inner}


def _doubt(reading: Reading) -> str:
    """What a finding says of values that could not change it; its reason names the expression."""
    return f" ({numbered(reading.odd, 'value/values')} not known or not comparable)" if reading.odd else ""


def _gap(check: Check, reason: str) -> str:
    return f"{remedies.kind_of(reason).how}, or accept the gap by its name: launch_check_accept: {{{check.id}: why}}."


def _present(check: Check, instance: Facts, value: t.Any) -> t.Any:
    if value is None:
        raise Unknowable(check.value.missing(instance))
    return unmasked(value)


def _settled(check: Check, instance: Facts, reading: Reading) -> tuple[str, t.Optional[str]]:
    """The status, when rows that cannot be compared cannot change it; else it is unknown (case F-05)."""
    for value in reading.candidates():
        usable(value, check.operands)
    outcomes = [_against(check, instance, value) for value in reading.candidates()]
    if any(outcome != outcomes[0] for outcome in outcomes):
        raise Unknowable(reading.doubt or "")
    return outcomes[0]


def _not_now(check: Check, instance: Facts, phase: str) -> t.Optional[str]:
    """Why the check is skipped on this instance; raises Unknowable when it applies and cannot be judged."""
    if check.phase not in ("both", phase):
        return "for the launch itself, not for the rehearsal" if check.phase == "during" else "for the rehearsal before the launch"
    if check.applies is not None:
        reading = check.applies.read(instance)
        applies = reading.least
        if applies is None or not reading.decided:
            why_unknown = reason_in(instance, check.applies.text) or (None if reading.only_null else reading.doubt)
            if why_unknown:
                raise Unknowable(why_unknown)
        if applies in (None, False, 0) or applies in ("", [], {}):
            lacking = check.applies.lacking(instance)
            if lacking is not None:
                raise Unknowable(lacking)
            return _said(check.otherwise, check, instance, {**instance, "value": None}) or NOT_HERE
    if check.needs is not None and not _enough(check.needs, instance, phase):
        reason = f"too little to judge by: this needs {check.needs.text}"
        if phase == "before":
            return reason
        raise Unknowable(reason)
    return None


def _enough(needs: Limit, instance: Facts, phase: str) -> bool:
    try:
        return needs.holds(instance)
    except Unknowable:
        if phase == "before":
            return False
        raise


def _against(check: Check, instance: Facts, value: t.Any) -> tuple[str, t.Optional[str]]:
    for status, limit in (("fail", check.fail), ("warn", check.warn)):
        if limit is not None and limit.holds(instance, value):
            return status, limit.text
    nearest = check.warn or check.fail
    if nearest is None:
        return ("ok" if check.expects else "skipped"), None
    return "ok", nearest.text


def _word(result: Finding, check: Check, instance: Facts, context: Facts, reach: Reach, doubt: str) -> None:
    """Give the finding its sentences, as far as its status calls for them."""
    status = result["status"]
    if status == "unknown":
        result["finding"] = f"Not known: {result['reason']}"
    elif status != "skipped":
        result["finding"] = (_said(check.finding, check, instance, context) or check.question) + doubt
    if status in ("fail", "warn"):
        result["advice"] = _said(check.advice, check, instance, context)
        result["evidence"] = _evidence(check, instance)
    host = result["host"]
    if status == "unknown":
        place = place_of(check, host, instance)
        result["look"] = remedy_line(reach, place, check.service, result["reason"] or "", for_this_only=True)
    if status in ("fail", "warn", "unknown") and check.look is not None and result["look"] is None:
        place = place_of(check, host, instance)
        result["look"] = check.look.render(place, {**context, "host": host}, reach) or reading(reach, place, check.service)


def place_of(check: Check, host: str, instance: Facts) -> t.Optional[str]:
    """The host on which to look: for what exists once for the fleet the check says which; else the control node."""
    if check.service not in FLEET:
        return None if host == FLEET_HOST else host  # a site is looked at from the control node
    try:
        place = check.where(instance) if check.where is not None else instance.get("host")
    except Unknowable:
        return None
    return place if isinstance(place, str) else None


def _plain_value(value: t.Any) -> Value:
    return value if isinstance(value, (str, int, float, bool)) else None


def _said(sentences: t.Sequence[Sentence], check: Check, instance: Facts, context: Facts) -> t.Optional[str]:
    """The first of the sentences that is right here."""
    for sentence in sentences:
        try:
            if sentence.when is None or sentence.when.holds(instance, context["value"]):
                return sentence.say.render(context, check.unit, check.operands, check.other_operands)
        except Unknowable:
            continue
    return None


def _evidence(check: Check, instance: Facts) -> list[dict[str, t.Any]]:
    """Rows as a list of dicts; one row or plain values are made rows."""
    if check.evidence is None:
        return []
    try:
        rows = check.evidence(instance)
    except Unknowable:
        return []
    rows = rows if isinstance(rows, list) else ([] if rows is None else [rows])
    return [row if isinstance(row, dict) else {"value": row} for row in rows[:EVIDENCE_ROWS]]
