# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A spool of documents that hosts have sent: who may speak for whom, and what is not taken."""

from __future__ import annotations

import json
import os
import pathlib
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._texts.plain import plain
from ansible_collections.warroom.launch.plugins.plugin_utils._judge import spool
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.hostvars import Source, asked_hosts
from tests.support.facts import facts, instance

GOOD = facts(server=[instance("h", load1=0.5, addresses=["10.7.0.3"])])
TEXT = json.dumps(GOOD)


def put(folder: pathlib.Path, name: str, content: t.Union[str, bytes] = TEXT) -> pathlib.Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return path


def given(folder: pathlib.Path, host: str = "web1", oldest: float = 60.0) -> spool.Given:
    return spool.read(str(folder), [host], oldest).of(host)


@pytest.mark.parametrize(
    "document", [GOOD, {"ansible_facts": GOOD, "changed": False}, {"ansible_facts": {**GOOD, "os_family": "Debian"}, "failed": False}]
)
@pytest.mark.parametrize("name", ["web1.json", "web1/facts.json"])
def test_facts_and_what_a_module_prints_are_taken(tmp_path: pathlib.Path, name: str, document: t.Any) -> None:
    put(tmp_path, name, json.dumps(document))
    assert given(tmp_path) == (GOOD, None)


def test_the_name_is_the_paths_and_never_the_documents(tmp_path: pathlib.Path) -> None:
    put(tmp_path, "web1.json", json.dumps({**GOOD, "inventory_hostname": "db1", "host": "db1"}))
    read = spool.read(str(tmp_path), ["web1", "db1"], 60)
    assert read.of("web1") == (GOOD, None)
    assert read.of("db1")[0] == {} and "sent nothing" in str(read.of("db1")[1])


def test_the_newest_document_of_a_folder_counts(tmp_path: pathlib.Path) -> None:
    put(tmp_path, "web1/a.json", json.dumps(facts(server=[instance("old")])))
    os.utime(put(tmp_path, "web1/b.json"), (0, 0))
    put(tmp_path, "web1/.half.json", "{")
    assert given(tmp_path) == (GOOD, None), "what a sender says of a file's time decides nothing"


def test_documents_of_others_are_told(tmp_path: pathlib.Path) -> None:
    for name in ("web1.json", "stranger.json", ".web2.json"):
        put(tmp_path, name)
    assert spool.read(str(tmp_path), ["web1"], 60).strange == ["stranger"]


BAD = {
    "no JSON": ("{", "no JSON"),
    "empty": ("", "no JSON"),
    "half": (TEXT[:-5], "no JSON"),
    "bytes": (b"\xff\xfe\x00", "no JSON"),
    "a list": ("[1]", "no JSON object"),
    "NaN": ('{"launch_server": {"instances": [{"load1": NaN}]}}', "no JSON"),
    "nothing of ours": ('{"ansible_facts": {"os_family": "Debian"}}', "no launch facts"),
    "a failure": ('{"failed": true, "msg": "No space left"}', "no launch facts: No space left"),
    "deep": ('{"launch_server":' + "[" * 5000 + "]" * 5000 + "}", "deeper than 40"),
    "deeper than a stack": ("[" * 200000, "deeper than 40"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_documents_are_findings_of_their_host(tmp_path: pathlib.Path, kind: str) -> None:
    content, said = BAD[kind]
    put(tmp_path, "web1.json", content)
    found, problem = given(tmp_path)
    assert found == {} and said in str(problem) and "\n" not in str(problem)


def test_brackets_in_texts_are_no_depth(tmp_path: pathlib.Path) -> None:
    text = json.dumps(facts(server=[instance("h", note='"[{' * 100 + "\\")]))
    put(tmp_path, "web1.json", text)
    assert given(tmp_path) == (json.loads(text), None)


def test_size_and_age_have_limits(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "web1.json")
    assert "stale" in str(given(tmp_path, oldest=-1.0)[1])
    now = os.stat(tmp_path / "web1.json").st_ctime
    monkeypatch.setattr(spool.time, "time", lambda: now + 600)
    assert "sent 10 min ago, older than 5 min" in str(given(tmp_path, oldest=300)[1])
    monkeypatch.setattr(spool.time, "time", lambda: now - 600)
    assert "in the future" in str(given(tmp_path, oldest=300)[1])
    monkeypatch.setattr(spool.time, "time", lambda: now)
    monkeypatch.setattr(spool, "MOST_BYTES", 10)
    assert "too large" in str(given(tmp_path)[1])


def test_links_pipes_and_second_names_are_not_read(tmp_path: pathlib.Path) -> None:
    real = put(tmp_path, "real/secret.json")
    inbox = tmp_path / "spool"
    inbox.mkdir()
    (inbox / "soft.json").symlink_to(real)
    os.link(real, inbox / "hard.json")
    os.mkfifo(inbox / "pipe.json")
    (inbox / "linked").symlink_to(tmp_path / "real")
    for host in ("soft", "hard", "pipe", "linked"):
        found, problem = given(inbox, host)
        assert found == {} and problem, host
    (tmp_path / "by-link").symlink_to(inbox)
    with pytest.raises(spool.SpoolError, match="a link"):
        given(tmp_path / "by-link")
    with pytest.raises(spool.SpoolError, match="cannot be read"):
        given(tmp_path / "none")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_host_speaks_for_itself_only(tmp_path: pathlib.Path) -> None:
    """Each host writes as an account of its own; web2's account puts a document where web1's belong."""
    for uid, host in ((4001, "web1"), (4002, "web2")):
        (tmp_path / host).mkdir()
        os.chown(tmp_path / host, uid, -1)
        os.chown(put(tmp_path, f"{host}/facts.json"), uid, -1)
    assert given(tmp_path, "web1") == given(tmp_path, "web2") == (GOOD, None)
    os.chown(put(tmp_path, "web1/later.json", json.dumps(facts(server=[instance("forged")]))), 4002, -1)
    assert "may not speak for this host" in str(given(tmp_path, "web1")[1])
    os.chown(put(tmp_path, "flat.json"), 4002, -1)
    assert "may not speak for this host" in str(given(tmp_path, "flat")[1])


@pytest.mark.parametrize("leaf", ['"\\u0000a\\ud800"', "1e999", "-1E+400", "9" * 400, "-0.0", '"ü\\n"', "1.5e3", "null", "true"])
def test_what_is_read_is_plain(tmp_path: pathlib.Path, leaf: str) -> None:
    """As if it had gone through `plain`, which is spared where nothing in the bytes needs it."""
    text = f'{{"launch_server": {{"schema": 1, "instances": [{{"name": "h", "x": {leaf}}}]}}}}'
    put(tmp_path, "web1.json", text)
    found, problem = given(tmp_path)
    assert problem is None and repr(found) == repr(plain(json.loads(text)))


def test_hosts_are_asked_of_the_spool_with_the_settings_of_the_inventory(tmp_path: pathlib.Path) -> None:
    put(tmp_path, "web1.json")
    read = spool.read(str(tmp_path), ["web1", "web2"], 60)
    variables = {"web1": {"launch_check_accept": {"server_load": "small"}, "ansible_facts": facts(server=[instance("cached")])}, "web2": {}}
    [web1, web2], begun = asked_hosts(["web1", "web2"], variables, {"all": ["web1", "web2"]}, Source("spool:x", spool=read))
    assert web1.facts == GOOD and web1.accept == {"server_load": "small"} and "10.7.0.3" in web1.addresses
    assert web2.facts == {} and "sent nothing" in str(web2.problem) and begun is None
