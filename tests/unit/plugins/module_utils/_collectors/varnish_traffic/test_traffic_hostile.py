# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What strangers can write into a log: harmless in every fact, bounded in memory and size (case V-14)."""

from __future__ import annotations

import json
import os

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.times import Times
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish_traffic.log import Stream
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish_traffic.tally import OTHER, Tally, unescaped
from tests.support.varnish_log import backend, client, look


def test_v14_lines_of_another_form_are_counted_as_unparsed(tools, commands, case):
    """another format, junk, foreign bytes, a last line that is cut"""
    found = look(tools, commands, client() + case("V-14.log"))
    assert found["requests"] == 1
    # the last of the eight has no end of line: it is cut, and no line at all
    assert found["log"]["unparsed"] == 7 and found["log"]["transactions"] == 8
    assert any("7 lines" in note for note in found["notes"])


GOOD = client()


@pytest.mark.parametrize(
    "line",
    [
        b"\n", b"\xff\xfe\n", b"\x1e" * 5 + b"\n", b"\x1e" * 50 + b"\n", GOOD[:-20] + b"\n",
        client("pass", spent="1e3x"), GOOD.replace(b"c\thit", b"x\thit"), GOOD.replace(b"c\thit", b"c"),
        client(size="9z"), client("miss", spent="-"), client("miss", spent=-5), client(size=-5), backend(spent=""),
        GOOD.replace(b"\tshop", b"\t\tshop"), GOOD.replace(b"---", b"--"),
    ],
)  # fmt: skip
def test_a_bad_line_counts_as_nothing_else(tools, commands, line):
    found = look(tools, commands, GOOD + line)
    assert found["state"] == "up" and found["requests"] == 1 and found["log"]["unparsed"] == 1
    assert found["hits"][0]["count"] == 1 and found["backend"]["requests"] == 0


def test_requests_that_were_none_are_malformed(tools, commands):
    found = look(tools, commands, client("-", "-", 400, "-", host="-", agent="-", first="-", spent=0))
    assert found["requests"] == 0 and found["malformed_requests"] == 1


HOSTILE = (
    "/{{ 7*7 }}<script>alert(1)</script>", r"/\x1b[31mred\x07", r"/a\nc\thit\x1e200", r"/caf\xc3\xa9\xff", "/" + "a" * 4000,
    r"/quo\"te'\\", "/\u202eevil", "/?" + "&".join(f"k{n}=v" for n in range(500)), "/%0d%0aSet-Cookie:x", "{% raw %}", "http://u:p@evil/x",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_harmlessly(tools, commands, text):
    log = client("pass", text, host=text, agent=text, method=text) + backend("pass", text, cookie=text, status=200)
    found = look(tools, commands, log, cached=["evil"])
    assert found["state"] == "up" and found["requests"] == 1
    shown = json.dumps(found)
    assert len(shown) < 12_000
    for bad in ("\\u001b", "\\u0007", "\\n", "\\u202e", "\\ufeff", "\\u0000"):
        assert bad not in shown
    row = found["passes"][0]
    assert len(row["pattern"]) <= 120 and len(row["example"]) <= 400
    if row["url_regex"] is not None:
        assert not set(row["url_regex"]) & set("\"\\{}<>' ")


def test_a_line_of_a_megabyte_is_cut_and_the_next_one_counts():
    tally = Tally()
    stream = Stream(tally.feed, 1, 1)
    for start in range(0, 1_200_000, 65536):
        stream.take(b"x" * min(65536, 1_200_000 - start))
    stream.take(b"tail\n" + client())
    assert stream.cut == 1 and tally.lines == 1 and tally.unparsed == 0


def test_a_token_in_a_path_is_not_shown(tools, commands):
    token = "bm9jdHVybmFs-3f9a8c7d6e5f4a3b"
    found = look(tools, commands, client("miss", f"/reset/{token}/"))
    assert token not in json.dumps(found) and found["misses"][0]["pattern"] == "/reset/<token>/"


def test_memory_is_bounded_whatever_comes():
    tally = Tally()
    for part in range(20):
        lines = [
            client("miss", f"/x{part}/y{number}z", host=f"h{part}-{number}", agent=f"a{part}-{number}", method=f"M{part}{number}")[:-1]
            for number in range(1500)
        ]
        tally.feed(lines)
    assert tally.unparsed == 0
    assert sum(row[0] for kept in tally.bins() for row in kept.rows.values()) == 30_000
    assert tally.rows <= 20_001 and tally.dropped > 0
    assert len(tally._heads) <= 20_000 and len(tally._named) <= 10
    tally.fold()
    assert len(tally.hosts) <= 2_001 and sum(tally.hosts.values()) == 30_000 and tally.families == {("other", "other"): 30_000}
    assert any(key == (OTHER, ()) for kept in tally.bins() for key in kept.rows)


def test_many_different_times_are_folded_and_stay_within_one_percent():
    times = Times()
    for number in range(1, 50_001):
        times.printed[b"%.6f" % (number / 1e6)] = 1
    times.fold()
    assert not times.printed
    found = times.facts("no time")
    assert found["count"] == 50_000
    assert found["p50_seconds"] == pytest.approx(0.025, rel=0.01) and found["p99_seconds"] == pytest.approx(0.0495, rel=0.01)


def test_escapes_of_varnishncsa_are_undone():
    assert unescaped(rb"/caf\xc3\xa9\"\\\t\n\011\q") == b'/caf\xc3\xa9"\\\t\n\tq'


class _Process:
    """A process that says what the test wants, over a real pipe."""

    def __init__(self, said: bytes, close: bool) -> None:
        reading, writing = os.pipe()
        self.stdout = os.fdopen(reading, "rb")
        self._writing = writing
        self.stopped = False
        os.write(writing, said)
        if close:
            os.close(writing)

    def terminate(self) -> None:
        self.stopped = True


def test_a_reader_that_says_nothing_is_stopped():
    process = _Process(b"", close=False)
    stream = Stream(lambda lines: None, 0.05, 5)
    stream(process)
    assert process.stopped and stream.silent and not stream.late


def test_a_reader_that_never_ends_is_stopped_in_time():
    got: list[bytes] = []
    process = _Process(b"one\ntwo\nhalf", close=False)
    stream = Stream(got.extend, 5, 0.05)
    stream(process)
    assert process.stopped and stream.late and got == [b"one", b"two"]


def test_a_reader_that_ends_is_read_to_its_end():
    got: list[bytes] = []
    process = _Process(b"one\ntwo\n", close=True)
    stream = Stream(got.extend, 5, 5)
    stream(process)
    assert not process.stopped and not stream.late and got == [b"one", b"two"]
