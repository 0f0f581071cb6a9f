# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL's `log_line_prefix`, from the lines of a log. The playbook query_report runs this file on the control node.

A rotated log may have another prefix than the server has now, and another server's log may lie beside it: each file says its own.
pgBadger given a wrong one ends well, with a report about nothing.
"""

from __future__ import annotations

import json
import re
import sys
import typing as t

#: What a message begins with. pgBadger knows no other language.
_MESSAGE = re.compile(r"^(.{0,300}?)\s*\b(?:LOG|WARNING|ERROR|FATAL|PANIC|DETAIL|STATEMENT|HINT|CONTEXT):\s")
_DURATION = re.compile(r"duration: \d+\.\d+ ms")
#: Lines of a file that are looked at, and how many of them a prefix must explain.
SAMPLE = 5000
ENOUGH = 0.9

_ZONE = r"(?: (?:[A-Z]{2,6}|[+-]\d\d(?::?\d\d)?))?"
_HOST = r"(?:[\w.:-]+|\[local\])?"
_TO_SECONDS = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
#: Each escape as its values look (where pgBadger takes more, what lies between two of them would be theirs).
_ESCAPES = {
    "%a": r"(?:\[unknown\]|[^,\[\]]*?)", "%u": r"[\w.\[\]-]*", "%d": r"[\w.\[\]-]*", "%r": _HOST + r"(?:\(\d+\))?", "%h": _HOST,
    "%p": r"\d+", "%Q": r"-?\d+", "%n": r"\d{10}\.\d{3}", "%t": _TO_SECONDS + _ZONE, "%m": _TO_SECONDS + r"\.\d{3}" + _ZONE,
    "%s": _TO_SECONDS + _ZONE, "%l": r"\d+",
    "%c": r"[0-9a-f]+\.[0-9a-f]+", "%v": r"(?:\d+/\d+)?", "%x": r"\d+", "%i": r"[A-Za-z ]*", "%e": r"[0-9A-Z]{5}", "%b": r"[a-z ]+",
}  # fmt: skip

#: Prefixes in use: PostgreSQL's own, Debian's, those of pgBadger's manual, of clouds and guides. The more exact come first.
KNOWN = (
    "%m [%p] %q%u@%d ", "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ", "%t [%p]: user=%u,db=%d,app=%a,client=%h ",
    "%m [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ", "%m [%p]: user=%u,db=%d,app=%a,client=%h ",
    "%m [%p] user=%u,db=%d,app=%a,client=%h ",
    "%m [%p] %q[user=%u,db=%d,app=%a] ", "%m [%p]: [%l-1] db=%d,user=%u ", "%t [%p]: [%l-1] db=%d,user=%u,app=%a,client=%h ",
    "%t [%p]: [%l-1] user=%u,db=%d ", "%t [%p]: user=%u,db=%d ", "%m [%p] user=%u,db=%d ", "%t:%r:%u@%d:[%p]:",
    "%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:",
    "%m %u@%d %p %r %a : ", "%m [%p] %q%u@%d/%a ", "%m [%p] %q%a ", "%t [%p]: [%l-1] ", "%t [%p] %q%u@%d ", "%t-%c-", "%m-%c-", "%n [%p] ",
    "%t [%p]: ", "%m [%p]: ", "%m [%p] ", "%t [%p] ", "%m ", "%t ",
)  # fmt: skip

#: What the name before an equals sign means.
_NAMED = {
    "user": "%u", "usr": "%u", "u": "%u", "db": "%d", "database": "%d", "d": "%d", "app": "%a", "appname": "%a", "application": "%a",
    "application_name": "%a", "client": "%h", "host": "%h", "remote": "%h", "ip": "%h", "h": "%h", "pid": "%p", "p": "%p", "session": "%c",
    "sid": "%c", "line": "%l", "l": "%l", "vxid": "%v", "xid": "%x", "txid": "%x", "tx": "%x", "sqlstate": "%e", "state": "%e",
    "error": "%e", "code": "%e", "queryid": "%Q",
    "query_id": "%Q", "qid": "%Q", "cmd": "%i", "command": "%i", "tag": "%i", "backend": "%b", "type": "%b",
}  # fmt: skip
#: What a part of a prefix looks like, and so is; a name of None is taken from the text before.
_PARTS = [
    (re.compile(_ESCAPES["%m"]), "%m"), (re.compile(_ESCAPES["%t"]), "%t"), (re.compile(_ESCAPES["%n"]), "%n"),
    (re.compile(r"(\w+)=((?:\[\w+\]|[^\s,;|\]])*(?:\(\d+\))?)"), None),
    (re.compile(r"[0-9a-f]{8,}\.[0-9a-f]+"), "%c"), (re.compile(r"\d+/\d+"), "%v"),
    (re.compile(r"(?:\[local\]|\d+\.\d+\.\d+\.\d+|[\w.-]+(?=\(\d+\)))\(\d+\)"), "%r"), (re.compile(r"\[local\]|\d+\.\d+\.\d+\.\d+"), "%h"),
    (re.compile(r"(?:\[unknown\]|[\w.-]+)@(?:\[unknown\]|[\w.-]+)"), "%u@%d"), (re.compile(r"\d+-1\b"), "%l-1"),
    (re.compile(r"[0-9A-Z]{5}\b"), "%e"), (re.compile(r"\d+"), "%p"),
]  # fmt: skip


def explained(prefix: str, lines: t.Sequence[str]) -> float:
    """The share of these beginnings of messages that the prefix makes."""
    pattern = _pattern(prefix)
    return sum(1 for line in lines if pattern.fullmatch(line)) / len(lines) if lines else 0.0


def _pattern(prefix: str) -> re.Pattern[str]:
    always, stop, session = prefix.partition("%q")
    whole = _regex(always + session)
    return re.compile(f"(?:{whole}|{_regex(always)})" if stop else whole)


def _regex(prefix: str) -> str:
    pieces = re.split(r"(%[a-zA-Z%])", prefix.rstrip())
    return "".join("%" if piece == "%%" else _ESCAPES.get(piece) or re.escape(piece) for piece in pieces) + r"\s*"


def beginnings(lines: t.Iterable[str]) -> list[str]:
    """What stands before the kind of each message."""
    matches = (_MESSAGE.match(line) for line in lines)
    return [match.group(1).rstrip() for match in matches if match]


def prefix_of(lines: t.Sequence[str]) -> t.Optional[str]:
    """The prefix that these beginnings have, None when that cannot be made out."""
    for known in KNOWN:
        if explained(known, lines) >= ENOUGH and _is_whole(known, lines):
            return known
    # a session's line has all of the prefix
    for line in sorted(set(lines), key=len, reverse=True)[:20]:
        made = _made_of(line)
        for prefix in (made, *_with_stop(made)):
            if "%" in prefix and explained(prefix, lines) >= ENOUGH:
                return prefix
    return None


def _is_whole(prefix: str, lines: t.Sequence[str]) -> bool:
    """Whether what comes after %q was seen as well, or else the shorter prefix without it says as much."""
    always, stop, session = prefix.partition("%q")
    return not stop or explained(always + session, lines) > 0


def _made_of(line: str) -> str:
    made, at, used = "", 0, set[str]()
    while at < len(line):
        length, piece = _part(line, at, used)
        used.update(re.findall(r"%\w", piece))
        made, at = made + piece, at + length
    return made + " "


def _part(line: str, at: int, used: set[str]) -> tuple[int, str]:
    """How much of the line from here is one part, and what makes it."""
    begins = at == 0 or not line[at - 1].isalnum()
    for pattern, escape in _PARTS if begins else ():
        match = pattern.match(line, at)
        if match is None:
            continue
        if escape is None:
            name, value = match.groups()
            meaning = _NAMED.get(name.lower())
            if meaning is None:
                continue
            return len(match.group(0)), f"{name}={'%r' if meaning == '%h' and value.endswith(')') else meaning}"
        escape = {"%t": "%s", "%m": "%m", "%p": "%l" if "%l" not in used else "%x"}.get(escape, escape) if escape in used else escape
        return len(match.group(0)), escape
    return 1, "%%" if line[at] == "%" else line[at]


def _with_stop(prefix: str) -> t.Iterator[str]:
    """The prefix with %q before each of its escapes: processes without a session write no more than that."""
    for match in re.finditer(r"\W*%\w", prefix):
        if match.start():
            yield prefix[: match.start()] + "%q" + prefix[match.start() :]
            yield prefix[: match.start() + 1] + "%q" + prefix[match.start() + 1 :]


class Read(t.TypedDict):
    """What the files of a host say: those of one prefix each, those of none, and how many durations they hold."""

    groups: list[dict[str, t.Any]]
    unknown: list[str]
    durations: int


def read(paths: t.Sequence[str], prefix: t.Optional[str] = None) -> Read:
    """Each file by its prefix; with a given one all of them are its."""
    by_prefix: dict[str, list[str]] = {}
    unknown: list[str] = []
    durations = 0
    for path in paths:
        with open(path, encoding="utf-8", errors="replace") as log:
            sample, held = _sampled(log)
        durations += held
        found = prefix or prefix_of(sample)
        if found is not None:
            by_prefix.setdefault(found, []).append(path)
        elif sample:
            unknown.append(path)
    return {"groups": [{"prefix": known, "files": files} for known, files in by_prefix.items()], "unknown": unknown, "durations": durations}


def _sampled(log: t.Iterable[str]) -> tuple[list[str], int]:
    sample: list[str] = []
    durations = 0
    for line in log:
        durations += bool(_DURATION.search(line[:4000]))
        if len(sample) < SAMPLE:
            sample += beginnings([line[:1000]])
    return sample, durations


if __name__ == "__main__":
    sys.stdout.write(json.dumps(read(sys.argv[2:], sys.argv[1] or None)))
