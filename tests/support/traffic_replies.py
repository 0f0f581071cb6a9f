# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of varnishncsa from memory, field by field, as the collector of the traffic reads them."""

from __future__ import annotations

import typing as t
from unittest import mock

from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Problem
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish_traffic import shape
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish_traffic.log import Stream
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish_traffic.tally import Tally

from . import varnish_log
from .reply_source import Facts, Source, rows

#: Seconds since 1970: some minutes after the newest line.
READ_AT = 1795570300.0


def _document() -> list[list[list[str]]]:
    """Lines as groups of fields."""
    lines = [
        varnish_log.client("hit"),
        varnish_log.client("hit", left="-1.5"),
        varnish_log.client("miss", url="/list/?page=2"),
        varnish_log.client("miss", url="/old", status=301, hit_for_miss="7"),
        varnish_log.client("pass", url="/account/7/", method="POST", status=500),
        varnish_log.client("synth", url="/robots.txt", status=404),
        varnish_log.backend("fetch", url="/list/?page=2", ttl_source="RFC", ttl="120", vary="Accept-Encoding"),
        varnish_log.backend("pass", url="/account/7/", cookie="sessionid=1", cache_control="private", status=500, storage="Transient"),
    ]
    return [[group.split("\t") for group in line.decode().rstrip("\n").split("\x1e")] for line in lines]


def _read(first: t.Any, second: t.Any) -> Facts:
    """One pass over both: the log is read once."""
    tally = Tally()
    stream = Stream(tally.feed, 1.0, 1.0)
    for document in (first, second):
        for line in rows(document):
            fields = [group if isinstance(group, list) else [group] for group in (line if isinstance(line, list) else [line])]
            stream.take("\x1e".join("\t".join(map(str, group)) for group in fields).encode("utf-8", "replace") + b"\n")
    if not stream.lines or tally.unparsed == tally.lines:
        raise Problem("no line is of the format that was asked for")
    # how old the newest request is must not hang on when this is read
    with mock.patch("time.time", return_value=READ_AT):
        return shape.facts(tally, stream, (), 10).done()


def sources() -> list[Source]:
    return [Source("varnish_traffic", "made", _document(), _read)]
