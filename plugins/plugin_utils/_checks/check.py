# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One check of the catalogue: validated and compiled."""

from __future__ import annotations

import collections
import dataclasses
import functools
import re
import typing as t

from .command import Look
from .limit import Limit, Operand, WrongLimit
from .phrase import Phrase, phrase
from .query import Query, WrongQuery, compiled
from .reads import natural_unit, unmeasured
from .services import TITLES
from .units import UNITS

PHASES = ("before", "during", "both")
#: What a check may expect of its value instead of a limit: `known`, that it is measured at all.
EXPECTATIONS = ("known",)
#: Why a check without its own reason is skipped.
NOT_HERE = "does not apply here"
REQUIRED = ("id", "service", "question", "value", "finding", "advice")
#: A shipped check also says what goes wrong beyond its limit, and where the limit comes from.
REQUIRED_SHIPPED = ("why", "source")
#: Every key of a check; those with True may be changed by thresholds of a host.
KEYS: dict[str, bool] = {
    "id": False, "service": False, "question": True, "value": False, "unit": False, "warn": True, "fail": True, "needs": True,
    "expects": False, "applies": True, "otherwise": True, "phase": True, "finding": True, "evidence": True, "advice": True, "look": True,
    "where": True, "why": False, "source": False, "blind": False,
}  # fmt: skip

_ID = re.compile(r"^[a-z][a-z0-9_]*$")

Raw = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Sentence:
    """What is found, or what to do next, and when that is the right thing to say."""

    when: t.Optional[Limit]
    say: Phrase


@dataclasses.dataclass(frozen=True)
class Check:
    id: str
    service: str
    question: str
    value: Query
    unit: str
    warn: t.Optional[Limit]
    fail: t.Optional[Limit]
    expects: t.Optional[str]
    needs: t.Optional[Limit]
    applies: t.Optional[Query]
    otherwise: tuple[Sentence, ...]
    phase: str
    finding: tuple[Sentence, ...]
    evidence: t.Optional[Query]
    advice: tuple[Sentence, ...]
    look: t.Optional[Look]
    where: t.Optional[Query]  # the host that a finding about the fleet is looked into on
    why: str
    source: str
    blind: str

    # what each of the hosts would ask anew
    @functools.cached_property
    def operands(self) -> tuple[Operand, ...]:
        """What the value is compared with."""
        return tuple(operand for limit in (self.warn, self.fail) if limit is not None for operand in limit.operands)

    @functools.cached_property
    def other_operands(self) -> dict[str, tuple[Operand, ...]]:
        """What other measures are compared with, by their expression (without its stand-in for null)."""
        operands: dict[str, tuple[Operand, ...]] = collections.defaultdict(tuple)
        for limit in (self.warn, self.fail):
            for query, comparison in limit.terms if limit is not None else ():
                if query is not None:
                    operands[query.text.partition("||")[0].strip()] += (comparison.operand,)
        return dict(operands)


class Checks(tuple[Check, ...]):
    """The checks of a host; hosts without settings of their own share one."""

    @functools.cached_property
    def by_service(self) -> dict[str, list[Check]]:
        grouped: dict[str, list[Check]] = {}
        for check in self:
            grouped.setdefault(check.service, []).append(check)
        return grouped


def checked(raw: t.Any, extra: bool = False) -> tuple[t.Optional[Check], list[str]]:
    """The check of one entry, or what is wrong with it, each as `check <id>: …`. `extra`: an entry of a user, held to the same rules."""
    name = raw.get("id") if isinstance(raw, dict) else None
    nameless = "an entry of the extra checks without an id" if extra else "an entry without an id"
    where = f"check {name}" if isinstance(name, str) and name else nameless
    if not isinstance(raw, dict):
        return None, [f"{where}: must be a mapping, not {type(raw).__name__.lstrip('_')}"]
    # each stage reads what the ones before it found right
    wrong = [*_keys(raw), *_words(raw)]
    check = None
    if not wrong:
        made, wrong = _made(raw)
        wrong += _order(made.get("warn"), made.get("fail"))
        if not wrong:
            check = _check(raw, made)
            wrong = [*_unmeasured(check), *_unit(raw)]
    return (None if wrong else check), [f"{where}: {problem}" for problem in wrong]


def without_limit(raw: t.Any) -> t.Iterator[str]:
    """That an entry as written has nothing to be judged by (case F-10). A host may take its limits away: then it is skipped."""
    if isinstance(raw, dict) and all(raw.get(key) is None for key in ("warn", "fail", "expects")):
        yield f"check {raw.get('id')}: it has no limit; give warn, fail or `expects: known`"


def _keys(raw: Raw) -> t.Iterator[str]:
    for key in raw:
        if key not in KEYS:
            yield f"there is no key {key!r}; known are {', '.join(KEYS)}"
    for key in REQUIRED:
        if raw.get(key) in (None, "", []):
            yield f"{key} is missing"


def _words(raw: Raw) -> t.Iterator[str]:
    if isinstance(raw.get("id"), str) and not _ID.match(raw["id"]):
        yield "id must be lower case letters, digits and underscores"
    for key, known in (("service", tuple(TITLES)), ("unit", UNITS), ("phase", PHASES), ("expects", EXPECTATIONS)):
        if raw.get(key) is not None and raw[key] not in known:
            yield f"{key} is {raw[key]!r}; known are {', '.join(known)}"
    for key in ("id", "question", "value", "where", "applies", "evidence", "why", "source", "blind"):
        if raw.get(key) is not None and not isinstance(raw[key], str):
            yield f"{key} must be a text"
    if raw.get("needs") is not None and not isinstance(raw["needs"], dict):
        yield "needs must be a mapping of expression: limit"


def _made(raw: Raw) -> tuple[dict[str, t.Any], list[str]]:
    """Every part of the entry that is compiled, and what is wrong with those that cannot be."""
    made: dict[str, t.Any] = {}
    wrong = []
    for key, make in _MAKERS.items():
        if raw.get(key) is not None:
            try:
                made[key] = make(raw[key])
            except (WrongQuery, WrongLimit) as error:
                wrong.append(f"{key}: {error}")
    return made, wrong


def _order(warn: t.Optional[Limit], fail: t.Optional[Limit]) -> t.Iterator[str]:
    """Limits in the wrong order: a warning that the failure always comes before (case F-10)."""
    if warn is not None and fail is not None and warn.beyond(fail):
        yield f"warn ({warn.text}) lies beyond fail ({fail.text}), so it could never warn; change both, or take one away (null)"


def _unmeasured(check: Check) -> t.Iterator[str]:
    """Measures that an expression reads and the service does not have: the check would be skipped, or never hold, as if all were well."""
    for key in ("value", "applies", "otherwise", "evidence", "warn", "fail", "needs", "finding", "advice", "look", "where"):
        for text, value in _expressions(getattr(check, key), check.value.text):
            for problem in unmeasured(check.service, text, value):
                yield f"{key}: {problem}" + ("" if text in problem else f" (in {text})")


def _expressions(part: t.Any, value: str) -> t.Iterator[tuple[str, t.Optional[str]]]:
    """The expressions of a part, each with the text of the check's value when it may read that as `value`."""
    if isinstance(part, Query):
        yield part.text, None
    elif isinstance(part, Limit):
        yield from ((expression.text, None) for expression, _comparison in part.terms if expression is not None)
    elif isinstance(part, Phrase):
        yield from ((inner[0].text, value) for inner in part.parts if not isinstance(inner, str))
    elif isinstance(part, Look):
        yield from ((read.text, value) for read in part.queries)
    elif isinstance(part, Sentence):
        yield from (*_expressions(part.when, value), *_expressions(part.say, value))
    elif isinstance(part, tuple):
        for inner in part:
            yield from _expressions(inner, value)


def _unit(raw: Raw) -> t.Iterator[str]:
    """A stated unit that is not what the measure's name says. `text` shows a number as it is."""
    natural = natural_unit(raw["service"], raw["value"])
    if natural is not None and raw.get("unit") not in (None, "text", natural):
        yield f"unit is {raw['unit']}, and {raw['value']} is measured in {natural}; leave the unit out"


def _sentences(written: t.Any) -> tuple[Sentence, ...]:
    if isinstance(written, str):
        return (Sentence(None, phrase(written)),)
    if not isinstance(written, list):
        raise WrongLimit("must be a text, or a list of entries with say and perhaps when")
    return tuple(_sentence_entry(entry) for entry in written)


def _sentence_entry(entry: t.Any) -> Sentence:
    if not isinstance(entry, dict) or set(entry) - {"when", "say"} or not isinstance(entry.get("say"), str):
        raise WrongLimit("each entry has `say` (a text) and perhaps `when` (a mapping of expression: limit)")
    when = entry.get("when")
    if when is not None and not isinstance(when, dict):
        raise WrongLimit("`when` must be a mapping of expression: limit")
    return Sentence(None if when is None else Limit.parse(when), phrase(entry["say"]))


_MAKERS: dict[str, t.Callable[[t.Any], t.Any]] = {
    "value": compiled, "warn": Limit.parse, "fail": Limit.parse, "needs": Limit.parse, "applies": compiled,
    "otherwise": _sentences, "finding": _sentences, "evidence": compiled, "advice": _sentences, "look": Look.parse, "where": compiled,
}  # fmt: skip


def _line(raw: Raw, key: str) -> str:
    return str(raw.get(key) or "").strip()


def _check(raw: Raw, made: t.Mapping[str, t.Any]) -> Check:
    rest = {key: made.get(key) for key in ("warn", "fail", "needs", "applies", "evidence", "look", "where")}
    return Check(
        id=raw["id"],
        service=raw["service"],
        question=raw["question"].strip(),
        value=made["value"],
        unit=raw.get("unit") or natural_unit(raw["service"], raw["value"]) or "count",
        otherwise=made.get("otherwise") or _sentences(NOT_HERE),
        expects=raw.get("expects"),
        why=_line(raw, "why"),
        source=_line(raw, "source"),
        blind=_line(raw, "blind"),
        phase=raw.get("phase") or "during",
        finding=made["finding"],
        advice=made["advice"],
        **rest,
    )
