# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks that several services share: written once, with words for what each service calls its own, and what differs beside them."""

from __future__ import annotations

import re
import typing as t

#: In a file's defaults: service → its words; in a check: service → the keys that differ there, null where the service has no such check.
SERVICES, OF = "services", "of"

_WORD = re.compile(r"<(\w+)>")


def expanded(defaults: dict[str, t.Any], checks: t.Sequence[t.Any]) -> tuple[dict[str, t.Any], list[t.Any]]:
    """A file's defaults, and an entry for each service that a check is about: `<service>_<id>`, with `<word>` replaced.

    A word that is null takes the key away whose value it is. ValueError: a wrong form.
    """
    words = defaults.get(SERVICES)
    if words is None:
        return defaults, list(checks)
    if not isinstance(words, dict) or not all(isinstance(each, dict) for each in words.values()):
        raise ValueError("services must be a mapping of service: its words")
    rest = {key: value for key, value in defaults.items() if key != SERVICES}
    entries: list[t.Any] = []
    for check in checks:
        if isinstance(check, dict):
            entries += [each for service, own in words.items() if (each := _of_service(service, own, rest, check)) is not None]
        else:
            entries.append(check)
    return {}, entries


def _of_service(service: str, words: t.Mapping[str, t.Any], defaults: t.Mapping[str, t.Any], check: t.Mapping[str, t.Any]) -> t.Any:
    differing = check.get(OF) or {}
    if not isinstance(differing, dict):
        raise ValueError(f"check {check.get('id')}: of must be a mapping of service: the keys that differ")
    own = differing.get(service, {})
    if own is None:
        return None
    merged = {**defaults, **{key: value for key, value in check.items() if key != OF}, **own}
    merged = {key: worded for key, value in merged.items() if (worded := _worded(value, {**words, "service": service})) is not None}
    return {**merged, "id": f"{service}_{check.get('id')}", "service": service}


def _worded(value: t.Any, words: t.Mapping[str, t.Any]) -> t.Any:
    if isinstance(value, str):
        whole = _WORD.fullmatch(value)
        if whole and whole[1] in words and words[whole[1]] is None:
            return None
        return _WORD.sub(lambda match: _word(match[1], words), value)
    if isinstance(value, dict):
        return {_worded(key, words): _worded(item, words) for key, item in value.items()}
    return [_worded(item, words) for item in value] if isinstance(value, list) else value


def _word(name: str, words: t.Mapping[str, t.Any]) -> str:
    if not isinstance(words.get(name), str):
        raise ValueError(f"there is no word <{name}> for {words['service']}; known are {', '.join(words)}")
    return str(words[name])
