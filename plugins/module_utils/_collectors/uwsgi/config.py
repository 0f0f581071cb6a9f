# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""uWSGI's configuration, as far as it tells where the stats server is: ini, XML, YAML and JSON, placeholders best effort. Pure."""

from __future__ import annotations

import json
import os
import re
import typing as t

#: option → its values in order (uWSGI lets an option be given several times)
Options = dict[str, list[str]]

#: Options whose value is another configuration file.
INCLUDES = ("ini", "xml", "yaml", "yml", "json", "include", "inherit", "config")
_XML = re.compile(r"<([A-Za-z0-9_\-]+)(?:\s+id=\"[^\"]*\")?>([^<]*)</\1>")
_YAML = re.compile(r"^\s+(?:-\s+)?([A-Za-z0-9_\-]+)\s*:\s*(.*?)\s*$")
_VARIABLE = re.compile(r"%\(([A-Za-z0-9_\-. ]+)\)|\$\(([A-Za-z0-9_]+)\)|%([pPsSdDcCneEhxuUk0%])")


def parse(text: str, path: str, section: str = "uwsgi") -> Options:
    """The options of a section of a configuration file; the name decides its format, as in uWSGI."""
    kind = os.path.splitext(path)[1].lower()
    if kind in (".yaml", ".yml"):
        return _yaml(text)
    if kind == ".xml":
        return _collect(_XML.findall(text))
    if kind in (".json", ".js"):
        return _json(text, section)
    return _ini(text, section)


def _collect(pairs: t.Iterable[tuple[str, str]]) -> Options:
    options: Options = {}
    for name, value in pairs:
        options.setdefault(name.strip().replace("_", "-"), []).append(value.strip())
    return options


def _ini(text: str, section: str) -> Options:
    pairs, inside = [], False
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            inside = line[1:-1].strip() == section
        elif inside and line and line[0] not in ";#":
            name, separator, value = line.partition("=")
            pairs.append((name, value if separator else "true"))
    return _collect(pairs)


def _yaml(text: str) -> Options:
    found = (_YAML.match(line.split(" #", 1)[0]) for line in text.splitlines())
    return _collect((match.group(1), match.group(2).strip("'\"")) for match in found if match)


def _json(text: str, section: str) -> Options:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    block = document.get(section) if isinstance(document, dict) else None
    pairs = []
    for name, value in block.items() if isinstance(block, dict) else ():
        for one in value if isinstance(value, list) else [value]:
            pairs.append((str(name), "true" if one is True else str(one)))
    return _collect(pairs)


def placeholders(path: str, section: str = "uwsgi") -> dict[str, str]:
    """What uWSGI's magic variables mean inside the file."""
    folder, name = os.path.split(path)
    base, extension = os.path.splitext(name)
    return {
        "p": path, "P": path, "s": name, "S": name, "d": folder + "/", "D": folder + "/",
        "c": os.path.basename(folder), "C": os.path.basename(folder), "n": base, "e": extension[1:], "E": extension[1:],
        "x": section, "0": folder, "%": "%", "h": os.uname().nodename, "k": str(os.cpu_count() or 1),
    }  # fmt: skip


def expand(value: str, options: Options, magic: t.Mapping[str, str], environment: t.Mapping[str, str], depth: int = 5) -> t.Optional[str]:
    """`value` without placeholders, or None when one of them is not known."""
    missing = False

    def meaning(match: re.Match[str]) -> str:
        nonlocal missing
        option, variable, letter = match.groups()
        if option is not None:
            given = options.get(option.strip())
            found = expand(given[-1], options, magic, environment, depth - 1) if given and depth > 0 else None
        else:
            found = environment.get(variable) if variable is not None else magic.get(letter)
        missing = missing or found is None
        return found or ""

    result = _VARIABLE.sub(meaning, value)
    return None if missing else result


def files(argv: t.Sequence[str]) -> list[str]:
    """The configuration files named on a command line, as written (`file` or `file:section`)."""
    found: list[str] = []
    flags = {"--" + name for name in INCLUDES} | {"-i", "-x", "-y", "-j"}
    for place, word in enumerate(argv[1:], 1):
        flag, separator, value = word.partition("=")
        if word.startswith("--") and separator and flag in flags:
            found.append(value)
        elif argv[place - 1] in flags or (not word.startswith("-") and re.search(r"\.(ini|xml|ya?ml|js(on)?)(:[\w\-]+)?$", word)):
            found.append(word)
    return list(dict.fromkeys(found))
