# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a VCL says of its backends: where they are. Nothing else of it is kept."""

from __future__ import annotations

import re

#: A comment, a text (short or long), or a word or sign that matters.
_TOKEN = re.compile(r'#[^\n]*|//[^\n]*|/\*.*?\*/|\{"(?P<long>.*?)"\}|"(?P<text>[^"\n]*)"|(?P<word>[\w.]+)|(?P<sign>[{}=])', re.DOTALL)
_FIELDS = (".host", ".port", ".path")
MOST = 200


def addresses(text: bytes) -> list[str]:
    """`host:port`, or a path, of each `backend name { .host = "…"; .port = "…"; .path = "…"; }`."""
    found: list[str] = []
    fields: dict[str, str] = {}
    depth, inside, words = 0, False, ["", ""]
    for token in _TOKEN.finditer(text.decode("utf-8", "replace")):
        sign, value = token["sign"], token["text"] if token["text"] is not None else token["long"]
        if sign == "{":
            inside = inside or (depth == 0 and words[0] == "backend")
            depth += 1
        elif sign == "}":
            depth = max(0, depth - 1)
            if inside and depth == 0:
                found += _address(fields)
                fields, inside = {}, False
        elif inside and depth == 1 and value is not None and words[1] in _FIELDS:
            fields[words[1]] = value
        if token["word"]:
            words = [words[1], token["word"]]
    return list(dict.fromkeys(found))[:MOST]


def _address(fields: dict[str, str]) -> list[str]:
    if fields.get(".path"):
        return [fields[".path"]]
    host = fields.get(".host", "")
    if not host or host.lower() == "none":
        return []
    if ".port" not in fields and (host.startswith("[") or host.count(":") == 1):
        return [host if not host.endswith("]") else f"{host}:80"]
    return [f"[{host}]:{fields.get('.port', '80')}" if ":" in host.strip("[]") else f"{host}:{fields.get('.port', '80')}"]
