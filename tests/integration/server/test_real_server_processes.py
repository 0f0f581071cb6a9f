# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real processes: one that holds a core, one that is large, zombies, a quota, hidden and odd ones, and hundreds that vanish."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.server import process_table
from tests.support import ansible
from tests.support.host import cpu_quota, first_in_line, program, python, read, running
from tests.support.server import ROOT, wait_until
from tests.support.tools import RealCommands

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do this to the machine")

BUSY_THREAD = """
import ctypes, threading, time
def spin():
    ctypes.CDLL(None).prctl(15, b"hot-spot", 0, 0, 0)
    while True: pass
threading.Thread(target=spin, daemon=True).start()
while True: time.sleep(60)
"""


@needs_root
def test_a_thread_that_holds_a_core_is_found_and_named():
    with python(BUSY_THREAD, preexec_fn=first_in_line) as process:
        time.sleep(0.3)
        # the machine may be busy with other tests: give it a second chance, as a person would
        for _attempt in range(3):
            facts = read(4.0)
            found = [row for row in facts["sustained_threads"] if row["pid"] == process.pid]
            if found:
                break
    assert len(found) == 1, facts["processes_by_cpu"][:3]
    thread = found[0]
    assert thread["thread"] == "hot-spot" and thread["thread_id"] != process.pid
    assert thread["kind"] == "python" and thread["service"] is None
    assert thread["core_ratio"] >= 0.9 and thread["looks"] >= 3
    assert any(row["pid"] == process.pid and row["cpu_cores"] > 0.8 for row in facts["processes_by_cpu"])


def test_work_in_bursts_holds_no_core():
    code = "import time\nwhile True:\n  end = time.monotonic() + 0.3\n  while time.monotonic() < end: pass\n  time.sleep(0.6)"
    with python(code) as process:
        facts = read(2.0)
    assert process.pid not in [row["pid"] for row in facts["sustained_threads"]]


def test_a_large_python_process(tmp_path, monkeypatch):
    monkeypatch.setattr(process_table, "EXACT_SECONDS", 60.0)  # a busy machine may not come to it within its share of a second
    filled = tmp_path / "filled"  # while it still grows, what is read first is smaller than what is read after it
    code = "import pathlib, sys, time; data = b'x' * 350_000_000; pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"
    with python(code, filled) as process:
        wait_until(filled.exists, "it has its memory")
        row = next(one for one in read(top=50)["python_processes"] if one["pid"] == process.pid)
    assert row["memory_basis"] == "pss"
    assert 350_000_000 < row["uss_bytes"] <= row["memory_bytes"] <= row["rss_bytes"] + (1 << 20)


def test_s02_zombies_have_names_and_parents():
    with python("import os, time\nif os.fork() == 0: os._exit(0)\ntime.sleep(60)") as parent:
        facts = wait_until(lambda: read(top=50) if parent.pid in [row["parent_pid"] for row in read(top=50)["zombie_processes"]] else None,
                           "the child is dead")  # fmt: skip
    row = next(row for row in facts["zombie_processes"] if row["parent_pid"] == parent.pid)
    assert facts["zombies"] >= 1
    assert row["name"].startswith("python") and row["parent"].startswith("python")
    assert facts["services"] is not None


@needs_root
def test_the_quota_of_a_services_own_group():
    try:
        quota = cpu_quota(0.2)
        put = quota.__enter__()
    except OSError as error:
        pytest.skip(f"no control group with a CPU quota can be made here: {error}")
    try:
        with program("haproxy", "yes") as place, running(place) as process:
            put(process.pid)
            facts = read(2.0)
        service = next(row for row in facts["services"] if row["name"] == "haproxy")
        assert service["cpu_quota_cores"] == 0.2
        assert service["cpu_cores"] <= 0.35
        assert service["throttled_ratio"] > 0.5
        assert facts["throttled_worst_ratio"] >= service["throttled_ratio"] and facts["quota_holds"] is True
        assert facts["cores_effective"] != 0.2
    finally:
        quota.__exit__(None, None, None)


@needs_root
def test_the_quota_of_the_machine_itself():
    """Our own group, as in a container: fewer cores count, and the load is held against them."""
    try:
        quota = cpu_quota(0.75)
        put = quota.__enter__()
    except OSError as error:
        pytest.skip(f"no control group with a CPU quota can be made here: {error}")
    code = "import json; from tests.support.host import read; print(json.dumps(read(1.0)))"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": ".collections:."}, capture_output=True, text=True,
            check=True, timeout=60, preexec_fn=lambda: put(os.getpid()),
        )  # fmt: skip
    finally:
        quota.__exit__(None, None, None)
    facts = json.loads(done.stdout)
    assert (facts["cores_effective"], facts["cores_limited_by"], facts["cpu_quota_cores"]) == (0.75, "quota", 0.75)
    assert facts["load_ratio"] == pytest.approx(facts["load1"] / 0.75, abs=1e-5)
    assert 0 <= facts["throttled_ratio"] <= 1
    # version 1 counts use in a hierarchy of its own, where we are in another group
    assert facts["cpu_quota_busy_ratio"] is not None or facts["unknown"]["cpu_quota_busy_ratio"]


def test_affinity_counts():
    code = "import json; from tests.support.host import read; print(json.dumps(read()))"
    done = subprocess.run(
        ["taskset", "-c", "0", sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": ".collections:."},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert json.loads(done.stdout)["cores_effective"] == 1


@needs_root
def test_a_pid_namespace_is_a_container(tmp_path):
    """Its load average is the machine's, and is held against the machine's cores, although one core may be used."""
    if not shutil.which("unshare"):
        pytest.skip("util-linux' unshare is not installed")
    code = "import json; from tests.support.host import read; print(json.dumps(read()))"
    done = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount-proc", "taskset", "-c", "0", sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": ".collections:."},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "unshare:" in done.stderr:
        pytest.skip(f"not allowed here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["processes_total"] < 10 and facts["processes_filtered"] is False
    assert facts["cores_effective"] == 1
    assert facts["load_ratio"] == pytest.approx(facts["load1"] / facts["cores_online"], abs=1e-5)


@needs_root
def test_s03_hidepid_and_an_ordinary_user():
    """As nobody, who may read our files for the sake of the test, in a mount namespace whose /proc hides others' processes."""
    if not shutil.which("unshare") or not shutil.which("setpriv"):
        pytest.skip("util-linux' unshare and setpriv are not installed")
    code = "import json; from tests.support.host import read; print(json.dumps(read(1.0)))"
    script = (
        "mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid 65534 --regid 65534 --clear-groups "
        f'--inh-caps +dac_read_search --ambient-caps +dac_read_search {sys.executable} -c "$1"'
    )
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": ".collections:."},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if "mount:" in done.stderr or "unshare:" in done.stderr or "setpriv:" in done.stderr:
        pytest.skip(f"not allowed here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["processes_filtered"] is True
    for name in ("processes_total", "zombies"):
        assert facts[name] is None and "hidepid" in facts["unknown"][name]
    assert facts["services_complete"] is False
    assert facts["load_ratio"] is not None and facts["memory_available_ratio"] is not None


def test_s07_and_s12_odd_names_and_secrets_through_ansible(case):
    """A name that is not UTF-8, command lines with secrets and templates: the result is whole and holds none of them."""
    secrets = [process["cmdline"] for process in json.loads(case("S-12.json"))["processes"] if process["cmdline"]]
    with program(b"caf\xe9", "sleep") as odd, running(odd, "60"):
        others = [python("import time; time.sleep(60)", *words) for words in secrets]
        for one in others:
            one.__enter__()
        try:
            done = ansible.run(
                "ansible", "localhost", "-vvv", "-m", "server_stats", "-a", json.dumps({"window": 1, "top": 500}),
                "-e", f"ansible_python_interpreter={sys.executable}",
            )  # fmt: skip
        finally:
            for one in others:
                one.__exit__(None, None, None)
    everything = done.stdout + done.stderr
    assert done.returncode == 0, everything
    assert "EXAMPLE" not in everything and "lookup(" not in everything
    assert "caf\\ufffd" in everything or "caf\ufffd" in everything


def test_s01_two_hundred_processes_a_second_come_and_go():
    with running("sh", "-c", "while :; do /bin/true; done"), running("sh", "-c", "while :; do /bin/true; done"):
        for _run in range(50):
            facts = read()
            assert facts["processes_total"] > 1 and facts["services"] is not None
        churn = read(2.0)
    if churn["forks_per_second"] < 100:
        pytest.skip(f"this machine starts only {churn['forks_per_second']} processes a second just now")
    assert churn["sustained_threads"] is not None


def test_the_chrony_tool_is_asked_only_where_it_is():
    assert RealCommands().which("chronyc") or read()["clock_source"] == "kernel"
