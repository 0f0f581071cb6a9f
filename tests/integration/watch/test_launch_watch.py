# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`launch_watch.yml` with real ansible-playbook over a memcached that dies and comes back."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._store.rounds import Store
from tests.support.ansible import run
from tests.support.memcached import Memcached
from tests.support.server import ROOT, VENV, free_port, wait_until
from tests.support.sink import sink
from tests.support.watching import stored, told

CHECK = """
- {id: memcached_full, service: memcached, question: Full?, value: connections_ratio, unit: ratio, phase: both, fail: '> 0.9', finding: f,
   advice: a, look: l}
"""
PATIENCE = 120.0


class Site(t.NamedTuple):
    """Two hosts that have one memcached, and where the report goes."""

    folder: pathlib.Path
    port: int

    @property
    def report(self) -> pathlib.Path:
        return self.folder / "report"

    def argv(self, *options: t.Any) -> list[t.Any]:
        settings = {
            "launch_check_catalogue": str(self.folder / "catalogue"),
            "launch_check_report_dir": str(self.report),
            "launch_check_window": 0,
            "launch_check_timeout": 2,
            "launch_check_services": {"memcached": [{"address": f"127.0.0.1:{self.port}"}]},
            "launch_watch_every": 2,
            "launch_watch_minutes": 5,
        }
        (self.folder / "settings.json").write_text(json.dumps(settings))
        return ["ansible-playbook", "-i", self.folder / "inventory", "-e", f"@{self.folder}/settings.json", *options]

    def rounds(self) -> list[str]:
        """The verdicts that are stored."""
        return stored(self.report)

    def has(self, count: int) -> None:
        wait_until(lambda: len(self.rounds()) >= count, f"{count} rounds", PATIENCE)


@pytest.fixture
def site(tmp_path):
    (tmp_path / "catalogue").mkdir()
    (tmp_path / "catalogue" / "memcached.yml").write_text(CHECK)
    local = f"ansible_connection=local ansible_python_interpreter={VENV}/python"
    (tmp_path / "inventory").write_text(f"cache1 {local}\ncache2 {local}\n")
    return Site(tmp_path, free_port())


def memcached(site):
    server = Memcached()
    server.port = site.port
    return server


WAR_ROOM = {"ANSIBLE_STDOUT_CALLBACK": "warroom.launch.war_room"}


@contextlib.contextmanager
def watching(site, output, *options):
    """A watch that goes on meanwhile."""
    surroundings = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), **WAR_ROOM}
    argv = [str(word) for word in site.argv(*options)]
    with (
        output.open("wb") as out,
        subprocess.Popen(
            [str(VENV / argv[0]), *argv[1:]], stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=ROOT, env=surroundings
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def test_each_change_is_told_once_and_a_kill_loses_no_round(site, tmp_path):
    output = tmp_path / "output"
    notify = ("-e", f"launch_watch_notify={ROOT}/examples/tasks/notify_chat.yml")
    with sink() as chat, watching(site, output, "playbooks/launch_watch.yml", *notify, "-e", f"launch_chat_url={chat.url}") as watch:
        with memcached(site):
            site.has(3)
        fell = wait_until(lambda: chat.posts and site.rounds(), "the fall in the chat", PATIENCE)
        with memcached(site):
            rose = wait_until(lambda: len(chat.posts) > 1 and site.rounds(), "the rise in the chat", PATIENCE)
            site.has(len(rose) + 2)
            os.kill(watch.pid, signal.SIGKILL)
            watch.wait()
            kept = site.rounds()

            said = output.read_text()
            assert told(output, "GO → NO-GO") and len(told(output, "GO → NO-GO")) == len(told(output, "NO-GO → GO")) == 1, said
            assert len(told(output, r"memcached_answers on cache1 127.0.0.1:\d+ and 1 more: ok → fail: .*")) == 1, said
            assert len(told(output, r"memcached_answers on cache1 127.0.0.1:\d+ and 1 more: fail → ok: .*")) == 1, said
            # within two rounds; the next one may have been stored before we looked
            assert fell.count("no-go") in (2, 3) and rose.index("no-go") >= 3
            assert len(rose) - len(fell) - rose[len(fell) :].count("no-go") in (2, 3), (fell, rose)
            assert [post["text"].splitlines()[0] for post in chat.posts] == ["*NO-GO*", "*GO*"]
            assert "GO → NO-GO" in chat.posts[0]["text"] and "memcached_answers" in chat.posts[0]["text"]
            # the board once, then only what changed
            assert said.count("═\n\n") == 1 and "TASK [" not in said

            with Store(str(site.report / "rounds.db")) as store:
                assert [one.verdict for one in store.rounds()][: len(kept)] == kept
                store.add(json.loads((site.report / "launch.json").read_text()), time.time() - 7200)
            again = run(
                *site.argv("playbooks/launch_watch.yml", "-e", "launch_watch_until=go", "-e", "launch_watch_keep_hours=1"), env=WAR_ROOM
            )
    assert again.returncode == 0, again.stdout + again.stderr
    assert "The watch is over: a go in two rounds running." in again.stdout and "→ NO-GO" not in again.stdout
    assert site.rounds() == [*kept, "go", "go"]  # continued, ended in time, and the old round is pruned
    page = (site.report / "index.html").read_text()
    assert 'id="history"' in page and page.count('class="v-') == len(kept) + 2
    assert json.loads((site.report / "launch.json").read_text())["history"]["rounds"][-1]["verdict"] == "go"


def test_a_chat_that_is_down_does_not_end_the_watch_and_the_end_of_the_time_does(site, tmp_path):
    notify = ("-e", f"launch_watch_notify={ROOT}/examples/tasks/notify_chat.yml")
    output = tmp_path / "output"
    with sink() as chat:
        chat.status = 503
        with watching(site, output, "playbooks/launch_watch.yml", *notify, "-e", f"launch_chat_url={chat.url}") as watch:
            site.has(2)
            with memcached(site):
                wait_until(lambda: chat.posts, "the change", PATIENCE)
                site.has(len(site.rounds()) + 2)
            watch.terminate()
    assert chat.url not in output.read_text() and "Traceback" not in output.read_text()
    done = run(*site.argv("playbooks/launch_watch.yml", "-e", "launch_watch_minutes=0.05"), env=WAR_ROOM)
    assert done.returncode == 0 and "UNREACHABLE" not in done.stdout, done.stdout + done.stderr


def test_a_watch_that_can_store_nothing_goes_on_and_ends_in_an_error(site):
    site.report.mkdir()
    (site.report / "rounds.db").mkdir()
    done = run(*site.argv("playbooks/launch_watch.yml", "-e", "launch_watch_minutes=0.06"), env=WAR_ROOM)
    assert done.returncode == 2
    assert "cannot be used" in done.stdout + done.stderr and "The last round could not be judged or stored" in done.stdout
    # the verdict is there all the same
    assert "NO-GO: memcached" in done.stdout and "cannot be used" in (site.report / "index.html").read_text()


def test_a_watch_of_nobody_is_no_success(site):
    done = run(*site.argv("playbooks/launch_watch.yml", "-e", "launch_check_hosts=nobody"), env=WAR_ROOM)
    assert done.returncode == 2 and "No host was watched" in done.stdout


def test_wrong_settings_of_a_watch_are_named_before_the_first_round(site):
    done = run(*site.argv("playbooks/launch_watch.yml", "-e", "launch_watch_until=later"))
    assert done.returncode == 2 and "launch_watch_until" in done.stdout and "later" in done.stdout and not site.report.exists()


def test_the_launch_is_compared_with_the_load_test(site):
    with memcached(site):
        first = run(*site.argv("playbooks/launch_check.yml", "-e", "launch_check_label=baseline"), env=WAR_ROOM)
    assert first.returncode == 0, first.stdout + first.stderr
    second = run(*site.argv("playbooks/launch_check.yml", "-e", "launch_check_compare=baseline"), env=WAR_ROOM)
    assert second.returncode == 2
    said = second.stdout
    assert "Compared with baseline:" in said and "verdict: go → no-go" in said
    assert re.search(r"worse: memcached_answers on cache1 127.0.0.1:\d+: .* \(ok → fail\)", said)
    unknown = run(*site.argv("playbooks/launch_check.yml", "-e", "launch_check_compare=nothing"), env=WAR_ROOM)
    assert unknown.returncode == 2 and "the labels there are baseline" in unknown.stdout + unknown.stderr
    # two that are stored, ad hoc
    label = {"report_dir": str(site.report), "label": "after"}
    adhoc = ("ansible", "localhost", "-m", "warroom.launch.watch", "-a")
    assert run(*adhoc, json.dumps(label)).returncode == 0
    compared = run(*adhoc, json.dumps({"report_dir": str(site.report), "compare_with": "after", "report": "baseline"}))
    assert compared.returncode == 0 and "verdict: no-go → go" in compared.stdout, compared.stdout + compared.stderr
