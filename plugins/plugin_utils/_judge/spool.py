# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A folder in which hosts leave their facts: `<host>.json`, or `<host>/<any name>.json` in a folder of the host's own account.

What a document says of itself decides nothing: the host is who the path says, if the file's owner may speak for that path; its age is by
this machine's clock, from the inode's change time, which no sender can set.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import math
import os
import re
import stat
import time
import typing as t

from ...module_utils._texts.plain import plain
from .._checks.services import facts_of
from .._checks.units import shown

#: How `facts_from` names a spool.
PREFIX = "spool:"
#: Facts of a host are below 100 KB by contract.
MOST_BYTES = 4 * 1024 * 1024
#: Deeper than any fact. (What is far deeper is refused by the reader of JSON itself.)
MOST_DEPTH = 40
#: Files that are read at the same time: a spool may lie on a network disk.
READERS = 16
#: Seconds by which this machine's clock may have been set back.
AHEAD = 60.0
ENDING = ".json"

#: What texts of JSON can hold that those of our facts cannot: NUL and half characters.
_NOT_PLAIN = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")

#: A host's facts, or why they cannot be used; and what its document says about a run that gave none.
Given = tuple[dict[str, t.Any], t.Optional[str]]


class Refused(Exception):
    """A document that is not taken; the text says why."""


class SpoolError(Exception):
    """The spool itself cannot be used."""


@dataclasses.dataclass(frozen=True)
class Spool:
    """What lies in the spool, by host."""

    path: str
    given: t.Mapping[str, Given]
    #: Hosts of documents that are not in the inventory's hosts asked for.
    strange: t.Sequence[str] = ()

    def of(self, host: str) -> Given:
        """The host's facts, or why there are none."""
        nothing = f"it has sent nothing: there is no document of it in {self.path}"
        return self.given.get(host, ({}, nothing))


def path_of(facts_from: t.Optional[str]) -> t.Optional[str]:
    """The folder, when `facts_from` names a spool."""
    return os.path.expanduser(facts_from.removeprefix(PREFIX)) if facts_from and facts_from.startswith(PREFIX) else None


def read(path: str, hosts: t.Sequence[str], oldest: float) -> Spool:
    """The documents of these hosts; those that changed more than `oldest` seconds ago are refused. Raises SpoolError."""
    try:
        folder = os.lstat(path)
        names = os.listdir(path)
    except OSError as error:
        raise SpoolError(f"the spool {path} cannot be read: {error.strerror}") from None
    if not stat.S_ISDIR(folder.st_mode):
        raise SpoolError(f"the spool {path} is a link or a file; name the folder itself")
    there = {name.removesuffix(ENDING): name for name in names if not name.startswith(".")}
    now = time.time()

    def one(host: str) -> Given:
        try:
            return _document(os.path.join(path, there[host]), folder.st_uid, now, oldest)
        except Refused as refused:
            return {}, f"{refused} (its document in {path})"

    wanted = [host for host in hosts if host in there]
    # a share for each reader: handing over one small file at a time costs more than reading it
    shares = [wanted[at::READERS] for at in range(READERS)]
    with concurrent.futures.ThreadPoolExecutor(READERS) as pool:
        read_by_each = pool.map(lambda share: [(host, one(host)) for host in share], shares)
        given = {host: found for share in read_by_each for host, found in share}
    return Spool(path, given, sorted(set(there) - set(hosts)))


def _document(path: str, owner: int, now: float, oldest: float) -> Given:
    """The facts of a file, or of the newest one in the folder of a host."""
    try:
        status = os.lstat(path)
        if stat.S_ISDIR(status.st_mode):
            path, owner = _newest(path), status.st_uid
        content = _content(path, owner, now, oldest)
    except OSError as error:
        raise Refused(f"it cannot be read: {error.strerror}") from None
    return _facts(content)


def _newest(folder: str) -> str:
    with os.scandir(folder) as entries:
        files = [entry for entry in entries if entry.name.endswith(ENDING) and not entry.name.startswith(".")]
        if not files:
            raise Refused("its folder holds no document")
        return max(files, key=lambda entry: entry.stat(follow_symlinks=False).st_ctime).path


def _content(path: str, owner: int, now: float, oldest: float) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as stream:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise Refused("it is no file of its own: a link, a pipe or a device")
        if status.st_uid not in (owner, 0, os.geteuid()):
            raise Refused(f"its owner (uid {status.st_uid}) may not speak for this host: the folder's owner is uid {owner}")
        age = now - status.st_ctime
        if age > oldest:
            raise Refused(f"it is stale: sent {shown(age, 'seconds')} ago, older than {shown(oldest, 'seconds')}")
        if age < -AHEAD:
            raise Refused("its age is not known: it was written in the future by this machine's clock")
        if status.st_size > MOST_BYTES:
            raise Refused(f"it is too large: {shown(status.st_size, 'bytes')}, more than {shown(MOST_BYTES, 'bytes')}")
        # it may grow while it is read
        return stream.read(MOST_BYTES)


def _facts(content: bytes) -> Given:
    """What a module printed, or its facts alone."""
    try:
        written = content.decode("utf-8-sig")
        document = json.loads(written, parse_float=_figure, parse_constant=_no_constant)
    except ValueError:
        raise Refused("it is no JSON, or not all of it has come: write to another name, then rename") from None
    except RecursionError:
        raise Refused(_TOO_DEEP) from None
    if _is_deep(document):
        raise Refused(_TOO_DEEP)
    if not isinstance(document, dict):
        raise Refused("it is no JSON object")
    found = facts_of(document["ansible_facts"] if isinstance(document.get("ansible_facts"), dict) else document)
    if not found:
        message = document.get("msg")
        said = f": {plain(message)[:200]}" if isinstance(message, str) else ""
        raise Refused(f"it holds no launch facts{said}")
    return (t.cast("dict[str, t.Any]", plain(found)) if _NOT_PLAIN.search(written) else found), None


_TOO_DEEP = f"it is nested deeper than {MOST_DEPTH} levels"


def _is_deep(document: t.Any) -> bool:
    """Whether lists and mappings lie in each other deeper than in any fact."""
    level: list[t.Any] = [[document]]
    for _depth in range(MOST_DEPTH + 1):
        rows = [container.values() if isinstance(container, dict) else container for container in level]
        level = [inner for row in rows for inner in row if isinstance(inner, (dict, list))]
    return bool(level)


def _figure(written: str) -> t.Optional[float]:
    """As facts hold it: nothing beyond a float's range, no minus zero."""
    value = float(written)
    return value + 0.0 if math.isfinite(value) else None


def _no_constant(name: str) -> t.NoReturn:
    raise ValueError(f"{name} is no JSON")
