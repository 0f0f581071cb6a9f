# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse: replies of Redis and Valkey as plain dicts. Arguments, key names and passwords end here."""

from __future__ import annotations

import re
import typing as t

from ..._collect import sampling
from ..._collect.sampling import Number, amount
from ..._texts import tokens
from ..._texts.plain import text
from ..._texts.redact import clean

_NAME = re.compile(r"[A-Za-z_][\w.|-]{0,63}", re.ASCII)


#: The heading before the lines of each primary of a KeyDB that follows several.
_ONE_OF_SEVERAL = re.compile(r"Master \d{1,4}:\s*", re.ASCII)
_OF_A_PRIMARY = ("master_", "slave_repl_offset", "slave_read_repl_offset")


def info(reply: t.Any) -> dict[str, str]:
    """The lines of INFO: `name:value`. Of several primaries those of the one that is worst off: the lines of all are named alike."""
    found: dict[str, str] = {}
    primaries: list[dict[str, str]] = []
    of_one: t.Optional[dict[str, str]] = None
    for line in text(reply).splitlines() if isinstance(reply, bytes) else ():
        if _ONE_OF_SEVERAL.fullmatch(line):
            primaries.append(of_one := {})
            continue
        name, colon, value = line.partition(":")
        if not colon or line.startswith("#"):
            continue
        if of_one is not None and not name.startswith(_OF_A_PRIMARY):
            of_one = None
        (found if of_one is None else of_one)[name.strip()] = value.strip()
    worst = min(primaries, key=_is_worse) if primaries else {}
    return {**found, **worst}


def _is_worse(primary: t.Mapping[str, str]) -> tuple[bool, int]:
    """Orders primaries: one that is not connected comes first, and of these the one that is gone for the longest time."""
    return primary.get("master_link_status") == "up", -(count(primary, "master_link_down_since_seconds") or 0)


def fields(value: str) -> dict[str, str]:
    """`calls=3,usec=21` as a dict."""
    return dict(part.partition("=")[::2] for part in value.split(",") if "=" in part)


def prefixed(values: t.Mapping[str, str], prefix: str) -> dict[str, dict[str, str]]:
    """Lines that are lists of fields, by the rest of their name: `cmdstat_get`, `errorstat_OOM`, `db0`, `slave0`."""
    return {name[len(prefix) :]: fields(value) for name, value in values.items() if name.startswith(prefix) and "=" in value}


def databases(values: t.Mapping[str, str]) -> dict[int, dict[str, str]]:
    """Rows of INFO keyspace by number; a row without its counts is still a database."""
    named = {name[2:]: value for name, value in values.items() if name.startswith("db")}
    return {int(name): fields(value) for name, value in named.items() if name.isdigit() and len(name) < 6}


#: What INFO tells in fractions, by the beginning of its name; all else are counts, sizes and whole seconds.
_FRACTIONS = ("used_cpu_", "mem_fragmentation_ratio")


def figures(values: t.Mapping[str, str]) -> dict[str, t.Union[str, Number, None]]:
    """INFO with its numbers each of its kind, None for what cannot be; texts as they are."""

    def figure(name: str, value: str) -> t.Union[str, Number, None]:
        if sampling.number(value) is None:
            return value
        if sampling.amount(value) is None:
            return sampling.number(value)  # below 0, which whoever reads it says
        return amount(value) if name.startswith(_FRACTIONS) else count(values, name)

    return {name: figure(name, value) for name, value in values.items()}


def count(values: t.Mapping[str, str], name: str) -> t.Optional[int]:
    """A count that can be; None when it is missing, no whole number, or negative."""
    value = sampling.count(values.get(name))
    return value if value is not None and value < 2**64 else None


def config(reply: t.Any) -> dict[str, str]:
    """CONFIG GET: names and values in turn."""
    if not isinstance(reply, list):
        return {}
    words = [text(word) if isinstance(word, bytes) else "" for word in reply]
    return dict(zip(words[::2], words[1::2]))


class Slow(t.NamedTuple):
    """An entry of the slow log, without its arguments."""

    number: int
    milliseconds: float
    name: str
    key: str
    client: str
    client_name: str


#: Commands whose first argument is a key or a pattern of keys, of those that are slow when there is much of something.
_OF_A_KEY = """
    KEYS SMEMBERS SINTER SUNION SDIFF SORT HGETALL HKEYS HVALS LRANGE LREM LINSERT LPOS LTRIM LINDEX LSET ZRANGE ZREVRANGE ZRANGEBYSCORE
    ZREVRANGEBYSCORE ZREMRANGEBYSCORE ZREMRANGEBYRANK ZINTERSTORE ZUNIONSTORE SUNIONSTORE SINTERSTORE SDIFFSTORE XRANGE XREVRANGE XTRIM
    DEL UNLINK GET SET MGET MSET SETEX APPEND GETRANGE BITCOUNT PFCOUNT PFMERGE LPUSH RPUSH LPOP RPOP SADD SREM SPOP SRANDMEMBER ZADD
    ZREM HSET HDEL HMGET HSCAN SSCAN ZSCAN COPY DUMP RESTORE EXPIRE RENAME SISMEMBER ZCARD LLEN
"""
#: Commands whose first argument is a command of them.
_OF_SUBCOMMANDS = "CONFIG CLIENT CLUSTER MEMORY DEBUG SCRIPT FUNCTION ACL OBJECT LATENCY SLOWLOG XGROUP XINFO MODULE PUBSUB"
_KEYED, _PARENTS = frozenset(_OF_A_KEY.split()), frozenset(_OF_SUBCOMMANDS.split())


def slow_log(reply: t.Any) -> list[Slow]:
    """The entries, newest first."""
    if not isinstance(reply, list):
        return []
    found = []
    for entry in reply:
        if isinstance(entry, list) and len(entry) >= 4 and all(isinstance(part, int) for part in entry[:3]) and isinstance(entry[3], list):
            words = [word for word in entry[3] if isinstance(word, bytes)]
            name, key = command(words)
            address = text(entry[4]) if len(entry) > 4 and isinstance(entry[4], bytes) else ""
            called = text(entry[5]) if len(entry) > 5 and isinstance(entry[5], bytes) else ""
            found.append(Slow(entry[0], max(0, entry[2]) / 1000, name, key, host(address), shown_name(called)))
    return found


def command(words: t.Sequence[bytes]) -> tuple[str, str]:
    """(the command with its subcommand, the pattern of the key that it is about or nothing). No other argument is ever shown."""
    first = text(words[0]).upper() if words else ""
    if not _NAME.fullmatch(first):
        return "?", ""
    second = text(words[1][:200]) if len(words) > 1 else ""
    if first in _PARENTS and second.isalpha() and len(second) <= 20:
        return f"{first} {second.upper()}", ""
    return first, key_pattern(second) if first in _KEYED and second else ""


def key_pattern(key: str) -> str:
    """The kind of key: `:1:views.page:17` → `:<id>:views.page:<id>`. What may open a door is `<token>`."""
    # a long argument ends in "... (12 more bytes)" in the slow log
    pieces = clean(key.partition("... (")[0], 120).split(":")
    return clean(":".join(tokens.segment(piece) if piece else "" for piece in pieces), 80)


def shown_name(name: str) -> str:
    """A name that a client gave itself."""
    return tokens.segment(clean(name, 60), example=True) if name else ""


def host(address: str) -> str:
    """`10.0.0.7:58350` → `10.0.0.7`; clients of a UNIX socket are `unix`."""
    if not address:
        return ""
    if address.startswith("/"):
        return "unix"
    return clean(address.rpartition(":")[0].strip("[]"), 64)


def clients(reply: t.Any) -> list[dict[str, str]]:
    """CLIENT LIST: a line of fields per connection, of which only harmless ones are kept."""
    kept = ("id", "addr", "name", "age", "db", "cmd", "flags", "omem", "lib-name", "sub", "psub")
    rows = []
    for line in text(reply).splitlines() if isinstance(reply, bytes) else ():
        row = dict(part.partition("=")[::2] for part in line.split(" ") if "=" in part)
        rows.append({name: row[name] for name in kept if name in row})
    return rows


class Event(t.NamedTuple):
    """A row of LATENCY LATEST."""

    name: str
    at: int
    latest_milliseconds: int
    worst_milliseconds: int


def latency(reply: t.Any) -> list[Event]:
    rows = reply if isinstance(reply, list) else []
    good = [row for row in rows if isinstance(row, list) and len(row) >= 4 and all(isinstance(part, int) for part in row[1:4])]
    return [Event(clean(text(row[0]), 40), row[1], max(0, row[2]), max(0, row[3])) for row in good if isinstance(row[0], bytes)]


def version_numbers(version: t.Optional[str]) -> t.Optional[list[int]]:
    match = re.match(r"\s*(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?", version or "")
    return [int(part or 0) for part in match.groups()] if match else None
