# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real uWSGI in each of its forms; the stats server read raw, the kernel's own tool and counted requests are the second opinion."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi.collector import COLLECTOR
from tests.support import ansible
from tests.support.documented import undocumented
from tests.support.server import free_port, wait_until
from tests.support.tools import RealCommands, tools_with
from tests.support.uwsgi import Emperor, Uwsgi
from tests.support.uwsgi_documents import findings

TRANSPORTS = {
    "tcp": (None, ()),
    "unix": ("{dir}/stats.sock", ()),
    "abstract": ("@wr-stats-{dir}", ()),
    "http": (None, ("stats-http = true",)),
    "http on unix, minified": ("{dir}/stats.sock", ("stats-http = true", "stats-min = true")),
}


@pytest.mark.parametrize("kind", TRANSPORTS)
def test_counted_requests_over_every_transport(kind, observe):
    stats, options = TRANSPORTS[kind]
    with Uwsgi(*options, stats=stats) as server:
        measures = observe(server.stats, lambda: [server.get(f"/page/{number}") for number in range(37)] + [server.get("/fail")])
        assert measures["requests"] == 38 and measures["exceptions"] == 1
        assert measures["transport"] == ("tcp" if kind in ("tcp", "http") else kind.split()[-2] if " " in kind else kind).rstrip(",")
        assert measures["http"] is kind.startswith("http")
        assert measures["samples"] > 2 and measures["workers"]["total"] == measures["workers"]["active"] == 2
        raw = server.raw()
        assert measures["lifetime_requests"] == sum(worker["requests"] for worker in raw["workers"])
        running = sum(worker["running_time"] for worker in raw["workers"])
        assert measures["lifetime_mean_response_seconds"] == pytest.approx(running / measures["lifetime_requests"] / 1e6, abs=1e-6)


def test_mean_response_and_utilisation_are_those_of_the_requests(observe):
    with Uwsgi() as server:
        measures = observe(server.stats, lambda: [server.get("/slow?s=0.2") for _turn in range(5)], window=1.0)
        assert measures["requests"] == 5
        assert measures["mean_response_seconds"] >= 0.2
        # five requests of that mean, in two workers over a window of one second
        assert measures["utilisation"] == pytest.approx(min(1.0, 5 * measures["mean_response_seconds"] / 2), abs=0.01)


def test_threads_in_flight_without_their_secrets(observe):
    secrets = {"Cookie": "EXAMPLEcookie", "Authorization": "EXAMPLEauth", "User-Agent": '\x01\xe9 "EXAMPLE\\agent'}
    with Uwsgi("threads = 4", "enable-threads = true") as server, server.running("/slow/42/?s=20&token=EXAMPLEtoken", 3, secrets):
        wait_until(lambda: observe(server.stats, window=0)["cores_busy"] == 3, "three requests in flight")
        measures = observe(server.stats)
        assert (measures["cores_busy"], measures["cores_active"], measures["concurrency"], measures["busy_ratio"]) == (3, 8, 8, 0.375)
        assert measures["saturated"] is False and measures["in_flight_total"] == 3
        row = measures["in_flight"][0]
        assert (row["pattern"], row["method"], row["host"], row["count"]) == ("/slow/<id>/?s&token", "GET", "shop.example", 3)
        assert measures["in_flight_oldest_seconds"] >= 0 and "EXAMPLE" not in str(measures)
        assert measures["remote_addresses"] == [{"address": "127.0.0.1", "kind": "loopback", "count": 3 * measures["samples"]}]
        assert undocumented("uwsgi", measures) == []


def test_async_cores(observe):
    with Uwsgi("async = 4", "ugreen = true", processes=1) as server:
        measures = observe(server.stats, lambda: [server.get("/") for _turn in range(5)])
        assert (measures["cores_active"], measures["workers"]["active"], measures["requests"]) == (4, 1, 5)


def kernel_queue(address: str) -> list[int]:
    """(waiting, limit) as `ss` says."""
    done = subprocess.run(["ss", "-ltxH"], capture_output=True, text=True, check=True)
    row = next(line.split() for line in done.stdout.splitlines() if {address, address + "@"} & set(line.split()))
    return [int(row[2]), int(row[3])]


@pytest.mark.parametrize("bind", [None, "{dir}/app.sock", "@wr-app-{dir}"])
def test_busy_workers_and_who_waits(bind, observe):
    with Uwsgi("listen = 40", bind=bind) as server, server.running("/slow?s=30", 2):
        wait_until(lambda: server.busy(2), "two requests in flight")
        with server.running("/slow?s=30", 7):
            wait_until(lambda: kernel_queue(server.bind) == [7, 40], "seven requests waiting")
            measures = observe(server.stats)
        assert [measures["listen_queue"], measures["listen_queue_limit"]] == [7, 40]
        assert measures["listen_queue_samples"] == measures["samples"] == measures["all_busy_samples"]
        assert measures["busy_ratio"] == 1.0 and measures["saturated"] is True and len(measures["saturated_why"]) == 2
        assert measures["sockets"][0]["kind"] == ("tcp" if bind is None else "unix")
        assert measures["addable"]["wanted"] > 0 and measures["addable"]["by_ram"] is not None
        statuses = {name: one["status"] for name, one in findings(measures).items()}
        assert statuses["uwsgi_workers_busy"] == statuses["uwsgi_saturated"] == "fail" and statuses["uwsgi_listen_queue"] == "warn"


def test_harakiri_and_what_it_hides(observe):
    with Uwsgi("harakiri = 1") as server:
        measures = observe(server.stats, lambda: server.get("/slow?s=30"), window=1.5)
        assert (measures["harakiri"], measures["respawns"], measures["lifetime_harakiri"]) == (1, 1, 1)
        assert any("not in the averages" in note for note in measures["notes"])
        assert findings(measures)["uwsgi_harakiri"]["status"] == "fail"


def test_cheap_workers(observe):
    with Uwsgi("cheaper = 1", processes=4) as server, server.running("/slow?s=30", 1):
        wait_until(lambda: server.raw()["workers"][0]["status"] == "busy", "a busy worker")
        measures = observe(server.stats, window=0)
        raw = [worker["status"] for worker in server.raw()["workers"]]
        assert measures["workers"]["total"] == 4 and measures["concurrency"] == 4
        assert measures["workers"]["cheap"] == raw.count("cheap") or raw.count("cheap") < 3  # cheaper may be starting one
        assert measures["cores_active"] == measures["workers"]["active"] < 4


def test_memory_and_cpu_of_the_workers(observe):
    with Uwsgi() as server:
        measures = observe(server.stats, lambda: server.get("/burn?s=0.5"), window=0.3)
        pids = {worker["pid"] for worker in server.raw()["workers"]}
        assert {row["pid"] for row in measures["worker_list"]} == pids and measures["memory_kind"] == "uss"
        assert 0 < measures["memory_bytes_per_worker_median"] <= measures["memory_bytes_per_worker_peak"] <= measures["memory_bytes"]
        assert measures["memory_bytes"] <= sum(resident(pid) for pid in pids)
        used = sum(row["cpu_cores"] for row in measures["worker_list"]) * 0.3
        assert 0.4 < used < 1.5  # the window given to facts is that of the watch; the request computed for half a second
        assert measures["cpu_per_busy_ratio"] > 0


def resident(pid: int) -> int:
    with open(f"/proc/{pid}/statm", encoding="ascii") as handle:
        return int(handle.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_static_routed_and_offloaded(observe, tmp_path):
    (tmp_path / "logo.txt").write_text("logo" * 5000)
    options = (f"static-map = /static={tmp_path}", "offload-threads = 1", "route = ^/gone redirect-permanent:/")
    with Uwsgi(*options) as server:
        measures = observe(server.stats, lambda: [server.get(path) for path in ["/static/logo.txt"] * 3 + ["/gone"] * 2 + ["/slow?s=0.1"]])
        raw = [core for worker in server.raw()["workers"] for core in worker["cores"]]
        for ours, theirs in (("static", "static_requests"), ("routed", "routed_requests"), ("offloaded", "offloaded_requests")):
            assert measures["handled"]["lifetime_" + ours] == sum(core[theirs] for core in raw)
        assert measures["handled"]["static"] == 3 and measures["requests"] == 6


def test_new_workers_in_the_window(observe):
    with Uwsgi() as server:
        for _turn in range(10):
            server.get("/")

        def kill() -> None:
            before = {worker["pid"] for worker in server.raw()["workers"]}
            for pid in before:
                os.kill(pid, signal.SIGKILL)
            wait_until(lambda: before.isdisjoint(worker["pid"] for worker in server.raw()["workers"]), "new workers")
            for _turn in range(3):
                server.get("/")

        measures = observe(server.stats, kill)
        assert (measures["requests"], measures["respawns"]) == (3, 2)


def test_a_restart_in_the_window(observe):
    with contextlib.ExitStack() as stack:
        old = stack.enter_context(Uwsgi())

        def restart() -> None:
            old.stop()
            stack.enter_context(Uwsgi(stats=old.stats)).get("/")

        measures = observe(old.stats, restart)
        assert measures["requests"] is None and "it was restarted within the window" in measures["unknown"]["requests"]
        assert measures["lifetime_requests"] >= 1


def test_no_cores(observe):
    with Uwsgi("stats-no-cores = true", "threads = 2", "enable-threads = true") as server:
        measures = observe(server.stats)
        assert measures["workers"]["cores_unknown"] == 2 and measures["utilisation"] is None
        assert "stats-no-cores" in measures["unknown"]["concurrency"] and findings(measures)["uwsgi_longest_request"]["status"] == "skipped"


def test_emperor_with_a_cursed_vassal(observe):
    with Emperor() as server:
        measures = wait_until(lambda: settled(observe(server.stats, window=0)), "one vassal ready and one cursed")
        assert measures["kind"] == "emperor" and measures["vassals"]["total"] == 2
        found = findings(measures)
        assert found["uwsgi_vassals_cursed"]["status"] == "fail" and "broken.ini" in found["uwsgi_vassals_cursed"]["finding"]
        assert found["uwsgi_workers_busy"]["status"] == "skipped" and "emperor" in found["uwsgi_workers_busy"]["reason"]
        assert observe(server.vassal_stats, window=0)["kind"] == "app"
        names = {one["name"]: one.get("kind") for one in ansible.facts("uwsgi_stats", "launch_uwsgi", {"window": 0})}
        assert names[server.stats] == "emperor" and names[server.vassal_stats] == "app"


def settled(measures: dict[str, t.Any]) -> t.Any:
    vassals = measures["vassals"]
    return vassals["loyal"] + vassals["ready"] == 1 and vassals["cursed"] == 1 and measures


def test_the_module_finds_each_master_once_and_reads_its_configuration():
    router = f"127.0.0.1:{free_port()}"
    lines = ("harakiri = 25", "threads = 2", "enable-threads = true", f"http = 127.0.0.1:{free_port()}", f"http-stats-server = {router}")
    with Uwsgi(*lines) as server:
        found = ansible.facts("uwsgi_stats", "launch_uwsgi", {"window": 0.3})
        (mine,) = [one for one in found if one["name"] == server.stats]
        assert mine["state"] == "up" and mine["window"] >= 0.3 and mine["address"] == server.stats
        assert mine["configured"] == {
            "processes": 2, "threads": 2, "cheaper": None, "harakiri_seconds": 25, "listen": None, "harakiri": True, "application": "named",
        }  # fmt: skip
        (beside,) = [one for one in found if one["name"] == router]
        assert beside["kind"] == "router" and beside["sessions"] == 0
        assert findings(beside)["uwsgi_workers_busy"]["status"] == "skipped" and findings(beside)["uwsgi_router_nodes"]["status"] == "ok"
        assert not [one for one in found if server.ini in (one["problem"] or "")]


def test_the_module_says_how_to_give_a_master_a_stats_server():
    with NoStats() as server:
        found = ansible.facts("uwsgi_stats", "launch_uwsgi", {"window": 0})
        mine = [one for one in found if server.ini in (one["problem"] or "")]
        assert len(mine) == 1 and mine[0]["state"] == "unreadable" and mine[0]["name"] == "shop.ini"
        assert "`stats = 127.0.0.1:1717`" in mine[0]["problem"]


class NoStats(Uwsgi):
    def prepare(self) -> None:
        super().prepare()
        lines = (self.dir / "shop.ini").read_text().splitlines()
        (self.dir / "shop.ini").write_text("\n".join(line for line in lines if not line.startswith("stats")) + "\n")


def test_the_module_on_what_is_not_there_or_no_stats_socket():
    with Uwsgi() as server:
        instances = [{"stats": server.bind}, {"stats": server.stats, "name": "shop"}, {"stats": "127.0.0.1:9"}]
        wrong, right, down = ansible.facts("uwsgi_stats", "launch_uwsgi", {"window": 0, "timeout": 2, "instances": instances})
        assert (wrong["state"], right["state"], down["state"]) == ("unreadable", "up", "down")
        assert "application's port" in wrong["problem"] or "is this the stats socket" in wrong["problem"]
        assert right["name"] == "shop" and right["mean_response_seconds"] is None and right["lifetime_requests"] >= 1
        failed = ansible.run("ansible", "localhost", "-m", "uwsgi_stats", "-a", "window=0 stats=127.0.0.1:9 fail_on_down=true")
        assert failed.returncode != 0 and "refused: nothing listens there" in failed.stdout


def test_a_master_that_dies_in_the_window_is_down(monkeypatch):
    with Uwsgi() as server:
        monkeypatch.setattr(COLLECTOR.sampler, "watch", lambda _probe, _seconds: server.stop())
        (fact,) = gather([(COLLECTOR, {"stats": server.stats})], 0.5, tools_with(RealCommands()))["launch_uwsgi"]["instances"]
        assert fact["state"] == "down" and "refused" in fact["problem"]
