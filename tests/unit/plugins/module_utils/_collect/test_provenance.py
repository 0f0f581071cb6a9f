# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Since when an instance runs, and from which code and configuration."""

from __future__ import annotations

import os
import pathlib
import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect import provenance
from ansible_collections.warroom.launch.plugins.module_utils._collect.base import Presence, Sampler
from ansible_collections.warroom.launch.plugins.module_utils._collect.command import Commands
from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import UNEXPLAINED, Facts
from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._linux import release
from ansible_collections.warroom.launch.plugins.module_utils._texts import moments

COMMIT = "3f2c" + "0" * 36


class Here(Sampler):
    def __init__(self, presence: t.Optional[Presence]) -> None:
        self._presence = presence

    def presence(self) -> t.Optional[Presence]:
        if self._presence is None:
            raise AttributeError("never read")
        return self._presence


def put(presence: t.Optional[Presence], **measures: t.Any) -> dict[str, t.Any]:
    facts = Facts()
    facts.update(measures)
    provenance.put([(facts, Here(presence))], HostTools(Commands(None)))
    done = facts.done()
    assert set(provenance.NAMES) <= set(done) and UNEXPLAINED not in str(done)
    return done


def test_an_application_that_was_reloaded_has_the_time_of_its_reload() -> None:
    facts = put(Presence([os.getpid()], code="", loaded_at=1_000_000.0))
    assert facts["started_at"] == moments.written(1_000_000.0)


def test_a_server_has_the_time_that_its_own_uptime_says() -> None:
    facts = put(Presence([os.getpid()]), uptime_seconds=3600)
    assert 3590 <= time.time() - moments.read(facts["started_at"]) <= 3700
    assert facts["release"] is None and "no code" in facts["unknown"]["release"]


def test_an_application_has_the_start_of_its_process_and_not_the_uptime_of_its_broker() -> None:
    started = moments.read(put(Presence([os.getpid()], code=""), uptime_seconds=10_000_000)["started_at"])
    assert 0 <= time.time() - started < 86400 * 5


def test_what_is_not_on_this_host_is_unknown() -> None:
    for presence in (None, Presence()):
        facts = put(presence)
        assert all(facts[name] is None and facts["unknown"][name] for name in provenance.NAMES)


def test_what_is_not_a_service_of_its_own_has_none() -> None:
    facts = Facts()
    provenance.put([(facts, Sampler({}, HostTools(Commands(None))))], HostTools(Commands(None)))
    assert facts.done() == {"unknown": {}, "notes": []}


def _git(folder: pathlib.Path, head: str, **files: str) -> None:
    (folder / ".git").mkdir()
    (folder / ".git/HEAD").write_text(head)
    for name, content in files.items():
        path = folder / ".git" / name.replace("__", "/").replace("_", "-")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def test_the_release_is_the_commit_that_is_checked_out(tmp_path: pathlib.Path) -> None:
    for number, (head, files) in enumerate(
        [
            (f"{COMMIT}\n", {}),
            ("ref: refs/heads/main\n", {"refs__heads__main": f"{COMMIT}\n"}),
            (
                "ref: refs/heads/main\n",
                {"packed_refs": f"# pack-refs with: peeled\n{'1' * 40} refs/heads/mainly\n{COMMIT} refs/heads/main\n"},
            ),
        ]
    ):
        folder = tmp_path / str(number)
        (folder / "shop").mkdir(parents=True)
        _git(folder, head, **files)
        for inside in (folder, folder / "shop"):
            found = release.of_folder(str(inside))
            assert found is not None and found.name == COMMIT[:12] and time.time() - found.at < 3600


@pytest.mark.parametrize("head", ["ref: refs/../../secret\n", "ref: refs/heads/none", "\0\0", "x" * 200])
def test_a_broken_repository_tells_nothing_of_itself(tmp_path: pathlib.Path, head: str) -> None:
    (tmp_path / "secret").write_text(COMMIT)
    _git(tmp_path, head)
    assert release.of_folder(str(tmp_path)) is None
    (tmp_path / "wsgi.py").write_text("")
    os.utime(tmp_path / "wsgi.py", (1_000_000, 1_000_000))
    found = release.of_folder(str(tmp_path))
    assert found is not None and found.name.endswith(moments.written(1_000_000.0)) and found.at == 1_000_000


def test_a_release_tool_names_the_release(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "releases" / "20261129203000"
    folder.mkdir(parents=True)
    (tmp_path / "current").symlink_to(folder)
    found = release.of_folder(str(tmp_path / "current"))
    assert found is not None and found.name == "20261129203000"
    (folder / "REVISION").write_text(f"{COMMIT}\n")
    found = release.of_folder(str(tmp_path / "current"))
    assert found is not None and found.name == COMMIT[:12]


def test_nothing_is_read_of_a_folder_that_is_not_there(tmp_path: pathlib.Path) -> None:
    assert release.of_folder(str(tmp_path / "none")) is None
    assert release.configuration([str(tmp_path / "none.ini"), str(tmp_path), "/dev/null", "\0"]) is None


def test_the_digest_of_configuration_differs_when_a_file_differs(tmp_path: pathlib.Path) -> None:
    files = release.named_files(
        ("uwsgi", "--ini", "shop.ini", "--yaml=/x/y.yml", "redis://:password@h/x.ini", "--http", ":80"), str(tmp_path)
    )
    assert files == [str(tmp_path / "shop.ini"), "/x/y.yml"]
    (tmp_path / "shop.ini").write_text("[uwsgi]\n")
    first = release.configuration(files)
    assert first is not None and first == release.configuration(files)
    os.utime(tmp_path / "shop.ini", (2_000_000, 2_000_000))
    second = release.configuration(files)
    assert second is not None and second.digest != first.digest and second.at == 2_000_000
