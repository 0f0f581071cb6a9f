# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that a run asks for in the terminal (`launch_check_ask`): a login, or where a service is.

A reason names the option that an instance lacks; the printed line starts the run again and has it ask for exactly that. So the line holds
no secret, and works as printed.
"""

from __future__ import annotations

import re
import typing as t

from ...module_utils._collectors.registry import GATHERED, collector

VARIABLE = "launch_check_ask"


class Ask(t.TypedDict):
    """Options of a service on some hosts."""

    hosts: list[str]
    service: str
    options: list[str]


#: What tells a person to give an option, the clearest first, and the advice after it.
_ADVICE = (
    re.compile(r"\b(option \w+) is missing"),
    re.compile(r"\bthe (address) .*; write\b"),
    re.compile(r"\b(?:give|set|say where)\b(.*)"),
    re.compile(r"\b(?:check|see)\b(.*)"),
)
_NOWHERE = re.compile(r"say where it is")
#: After these it says another thing, or the same once more.
_END = re.compile(r",? or |; |\(")
#: Names of options that are words of English: they count where the sentence marks them as a name.
_MARKED = r"\boption {0}\b|(?<!\w){0}:|^\s*{0}\b"
_UNMISTAKABLE = r"(?<![\w./]){0}(?!\w)"
_PLAIN_WORDS = ("username", "password", "chdir")


def options_of(service: str, reason: str) -> list[str]:
    """The options of the service's module that the reason asks for, in its order; none where it names none that a person can type."""
    if service not in GATHERED:
        return []
    typed = [name for name, rule in collector(service).options.items() if rule.get("type", "str") in ("str", "path")]
    for form in _ADVICE:
        said = form.search(reason)
        advice = _END.split(said[1])[0] if said else ""
        places = {name: place.start() for name in typed if (place := _place(name, advice)) is not None}
        if places:
            return sorted(places, key=lambda name: places[name])
    return list(collector(service).places[:1]) if _NOWHERE.search(reason) else []


def _place(name: str, advice: str) -> t.Optional[re.Match[str]]:
    return re.search((_UNMISTAKABLE if "_" in name or name in _PLAIN_WORDS else _MARKED).format(name), advice)


def asks(value: t.Any) -> list[Ask]:
    """What a variable asks for, as far as it has the right form."""
    rows = value if isinstance(value, (list, tuple)) else []
    return [t.cast(Ask, row) for row in rows if _is_ask(row)]


def _is_ask(row: t.Any) -> bool:
    return (
        isinstance(row, t.Mapping)
        and set(row) == {"hosts", "service", "options"}
        and row["service"] in GATHERED
        and all(isinstance(row[name], list) and all(isinstance(word, str) for word in row[name]) for name in ("hosts", "options"))
    )


def merged(before: t.Iterable[Ask], more: t.Iterable[Ask]) -> list[Ask]:
    """All of them, each question once."""
    result: list[Ask] = []
    for ask in [*before, *more]:
        hosts = [host for host in ask["hosts"] if not any(_asks_already(row, host, ask) for row in result)]
        if hosts:
            result.append({**ask, "hosts": hosts})
    return result


def _asks_already(row: Ask, host: str, ask: Ask) -> bool:
    return host in row["hosts"] and row["service"] == ask["service"] and set(ask["options"]) <= set(row["options"])


def answers(given: t.Any, host: str) -> dict[str, dict[str, str]]:
    """service → option → what was typed, for this host. An empty answer leaves the option as it is."""
    result: dict[str, dict[str, str]] = {}
    for row in given if isinstance(given, list) else []:
        item = row.get("item") if isinstance(row, t.Mapping) else None
        if not isinstance(item, (list, tuple)) or len(item) != 2 or not row.get("user_input"):
            continue
        ask, option = item
        if host in ask["hosts"]:
            result.setdefault(ask["service"], {})[option] = str(row["user_input"])
    return result
