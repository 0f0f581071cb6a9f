# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A synthetic fleet that is well, and the disasters that tests let happen to it."""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.services import tiers_of
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.engine import diagnose
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.growth import Growth

from .made_facts import Finding, fact, finding, instance, server, waits
from .more_disasters import MoreDisasters


class World(MoreDisasters):
    """web1 → app1..app4 → db1, all well; tests spoil parts of it."""

    def __init__(self) -> None:
        self.facts: dict[str, dict[str, t.Any]] = {
            "web1": {
                "launch_server": server("web1", varnish=0.4),
                "launch_varnish": fact(
                    instance(
                        "default",
                        judged={"hit_ratio_true": 0.94, "hit_ratio_shown": 0.95, "pass_ratio": 0.02},
                        backend_requests_per_second=40.0,
                        active_vcl="boot",
                    )
                ),
                "launch_varnish_traffic": fact(instance("default", passes=[], misses=[], redirects=[])),
            },
            "db1": {
                "launch_server": server("db1", postgresql=0.5),
                "launch_postgresql": fact(
                    instance("5432", connections={"used": 20, "usable": 97, "active": 2}, clients=[], statements=[], active=2)
                ),
            },
        }
        for number in range(1, 5):
            name = f"app{number}"
            self.facts[name] = {
                "launch_server": server(name, uwsgi=0.5),
                "launch_uwsgi": fact(
                    instance(
                        "127.0.0.1:1717",
                        workers={"busy": 1, "active": 8},
                        utilisation=0.2,
                        mean_response_seconds=0.1,
                        requests_per_second=10.0,
                        in_flight=[],
                        listen_queue=0,
                        addable={"workers": 6, "limit": "RAM", "advised": 4, "processes": 12},
                        concurrency=8,
                    )
                ),
            }
        self.shared: dict[str, t.Any] = {}
        self.findings: list[Finding] = []
        self.growing: dict[tuple[str, str, str], Growth] = {}

    def of(self, host: str, service: str) -> dict[str, t.Any]:
        one: dict[str, t.Any] = self.facts[host]["launch_" + service]["instances"][0]
        return one

    def bad(self, check: str, host: str, **rest: t.Any) -> None:
        service = "varnish_traffic" if check.startswith("varnish_traffic_") else check.split("_")[0]
        name = self.of(host, service)["name"] if host in self.facts else rest.pop("instance")
        self.findings.append(finding(check, host, name, **rest))

    def diagnose(self) -> list[dict[str, t.Any]]:
        """The causes, of their evidence the texts; `search` has them whole."""
        hosts: dict[str, t.Any] = {
            name: {"facts": facts, "tiers": tiers_of(facts), "reached": True, "addresses": [name], "groups": [], "known_clients": []}
            for name, facts in self.facts.items()
        }
        self.search = diagnose(
            {**hosts, "fleet": {"facts": self.shared}}, self.findings, {"groups": {}, "addresses": {}}, growing=self.growing
        )
        return [{**diagnosis, "evidence": [line["text"] for line in diagnosis["evidence"]]} for diagnosis in self.search.diagnoses]

    def causes(self) -> list[str]:
        return [one["cause"] for one in self.diagnose()]

    def second_site(self) -> None:
        """shop1, shop2 → db2, beside app1..app4 → db1; every database says who its clients are."""
        for name in ("shop1", "shop2"):
            self.facts[name] = {**copy.deepcopy(self.facts["app1"]), "launch_server": server(name, uwsgi=0.5)}
        self.facts["db2"] = {**copy.deepcopy(self.facts["db1"]), "launch_server": server("db2", postgresql=0.5)}
        self.of("db1", "postgresql")["clients"] = [{"address": f"app{number}", "application": "site"} for number in range(1, 5)]
        self.of("db2", "postgresql")["clients"] = [{"address": name, "application": "shop"} for name in ("shop1", "shop2")]

    # the disasters, each as the modules would show it
    def cold_cache(self) -> None:
        self.of("web1", "varnish")["judged"] = {"hit_ratio_true": 0.2, "hit_ratio_shown": 0.8, "pass_ratio": 0.7}
        traffic = self.of("web1", "varnish_traffic")
        traffic["passes"] = [{"pattern": "/news/<id>/", "count": 700, "reasons": [{"name": "Cookie", "count": 700}]}]
        traffic["redirects"] = [{"pattern": "/old/<id>", "count": 200, "share": 0.2}]
        self.bad("varnish_hit_ratio", "web1")

    def cache_banned(self) -> None:
        """A ban of all pages, again and again, just after a start: nothing lasts in the cache."""
        emptied = {"bans": 12, "bans_listed": 12, "purges": 0, "objects": 610, "lost_ratio": 0.68}
        judged = {"hit_ratio_true": 0.3, "hit_ratio_shown": 0.3, "pass_ratio": 0.02}
        self.of("web1", "varnish").update(judged=judged, invalidations=emptied, child={"uptime_seconds": 300})
        self.bad("varnish_invalidations", "web1", finding="610 objects were removed", look="varnishadm ban.list")
        self.bad("varnish_hit_ratio", "web1")

    def threads_spent(self) -> None:
        threads = {"running": 50, "maximum": 50, "use_ratio": 1.0, "queue_length": 9, "limited": 40, "failed": 0, "at_limit": True}
        self.of("web1", "varnish").update(threads=threads, sessions={"dropped": 0, "queued": 200})
        self.bad("varnish_threads", "web1", look="varnishstat")

    def around_the_cache(self) -> None:
        rows = [{"host": "app1", "name": "127.0.0.1:1717", "address": "127.0.0.1:1717", "requests_per_second": 300.0}]
        view = {"application_per_second": 300.0, "accelerator_per_second": 40.0, "around_ratio": 0.867, "applications": rows}
        self.shared["launch_accelerator_bypass"] = fact(instance("uwsgi", **view))
        self.bad("accelerator_bypass", "fleet", instance="uwsgi", advice="Find out who.", look="uwsgitop 127.0.0.1:1717")

    def workers_exhausted(self, page: str = "/slow/", hosts: t.Sequence[str] = ("app1", "app2", "app3", "app4")) -> None:
        for host in hosts:
            one = self.of(host, "uwsgi")
            one.update(workers={"busy": 8, "active": 8}, utilisation=1.0, busy_ratio=1.0, listen_queue=12)
            one["in_flight"] = [{"pattern": page, "count": 8, "oldest_seconds": 2.5}]
            self.bad("uwsgi_saturated", host)

    def workers_stuck(self, host: str = "app1") -> None:
        free = {"busy": 0, "idle": 8, "active": 8}
        self.of(host, "uwsgi").update(
            workers=free, utilisation=0.0, busy_ratio=0.0, busy_ratio_peak=0.0, samples=20, all_busy_samples=0, requests=0, in_flight=[],
            listen_queue=100, listen_queue_samples=20,
        )  # fmt: skip
        self.bad("uwsgi_saturated", host)
        self.bad("uwsgi_listen_queue_full", host)

    def workers_halted(self, host: str = "app1") -> None:
        """Two of three by a debugger: the one that is left is full."""
        self.workers_stuck(host)
        self.of(host, "uwsgi").update(
            workers={"busy": 1, "idle": 0, "active": 1, "stopped": 2, "total": 3}, busy_ratio=1.0, busy_ratio_peak=1.0, all_busy_samples=20
        )

    def outside_slow(self, address: str = "203.0.113.9:443") -> None:
        self.workers_exhausted("/pay/")
        for number in range(1, 5):
            self.of(f"app{number}", "uwsgi")["waits"] = waits((address, 0.9, None))

    def names_slow(self) -> None:
        self.outside_slow("192.0.2.53:53")

    def cpu_full(self) -> None:
        self.workers_exhausted("/heavy/")
        for number in range(1, 5):
            self.facts[f"app{number}"]["launch_server"] = server(f"app{number}", busy=0.98, load=2.4, uwsgi=3.6)
            self.bad("server_load", f"app{number}")

    def missing_index(self) -> None:
        one = self.of("db1", "postgresql")
        one["active"] = 20
        one["missing_indexes"] = [
            {
                "table": "shop_orderline",
                "columns": ["order_id"],
                "rows_estimate": 200000,
                "create_index": "CREATE INDEX CONCURRENTLY shop_orderline_order_id_idx ON shop_orderline (order_id)",
                "confirmed_by": ["the plan", "sequential scans in the window"],
                "statement_share_ratio": 0.9,
            }
        ]
        self.facts["db1"]["launch_server"] = server("db1", busy=0.97, load=3.0, postgresql=3.7)
        self.bad("postgresql_missing_index", "db1")
        self.bad("server_cpu_busy", "db1")

    def idle_in_transaction(self) -> None:
        one = self.of("db1", "postgresql")
        row = {"pid": 77, "user": "shop", "application": "cron", "address": "app2", "age_seconds": 40.0, "blocks_total": 9}
        one.update(idle_in_transaction=[row], active=9)
        one["blockers"] = [{**row, "state": "idle in transaction", "longest_wait_seconds": 39.0}]
        self.bad("postgresql_idle_in_transaction", "db1")

    def lock_chain(self) -> None:
        row = {"pid": 78, "user": "shop", "application": "migrate", "address": "app2", "state": "active", "blocks_total": 9}
        self.of("db1", "postgresql")["blockers"] = [{**row, "longest_wait_seconds": 12.0, "query": "ALTER TABLE shop_order …"}]
        self.bad("postgresql_lock_waits", "db1")

    def rogue_client(self) -> None:
        row = {"user": "report", "application": "bi", "address": "10.9.9.9", "sessions": 4, "time_share_ratio": 0.8, "active_seconds": 16.0}
        view = {"host": "db1", "service": "postgresql", "database_instance": "5432", "unknown_clients": [row], "replicas_total": 0}
        measures = {"unknown_time_share_ratio": 0.8, "unknown_longest_query_seconds": 12.0}
        self.shared["launch_database_clients"] = fact(instance("db1 5432", **view, **measures))
        self.bad("database_unknown_client", "fleet", instance="db1 5432")
        self.facts["db1"]["launch_server"] = server("db1", busy=0.95, load=2.0, postgresql=3.5)
        self.bad("server_load", "db1")

    def queue_backlog(self) -> None:
        queue = {"name": "celery", "ready": 900, "growth_per_second": 12.0, "drain_seconds": None}
        self.shared["launch_celery_queue"] = fact(instance("redis://q1", queues=[queue], tasks=[], hosts=["app1"]))
        self.bad("celery_queue_growth", "fleet", instance="redis://q1", advice="Add workers.")

    def queue_behind(self) -> None:
        """Asked twice for what they do, short tasks in the workers may happen to be few: two warnings are a cause together."""
        self.queue_backlog()
        self.findings[-1]["status"] = "warn"
        self.bad("celery_queue_wait", "fleet", instance="redis://q1", status="warn", advice="Wait.")

    def unbalanced_cache(self) -> None:
        servers = [{"name": "c1", "host": "app1", "share_ratio": 0.9}, {"name": "c2", "host": "app2", "share_ratio": 0.1}]
        self.shared["launch_memcached_pool"] = fact(instance("default", servers=servers, cause="differing client lists"))
        self.bad("memcached_pool_balance", "fleet", instance="default", finding="one server does 90 % of the work")

    def connections_spent(self) -> None:
        self.of("db1", "postgresql")["connections"] = {"used": 95, "usable": 97, "active": 2}
        self.bad("postgresql_connections", "db1")

    def database_down(self) -> None:
        reason = "no PostgreSQL at db1:5432: connection timeout expired"
        self.of("db1", "postgresql").update(state="down", problem=reason)
        self.bad("postgresql_answers", "db1", reason=reason, look="ansible db1 -m warroom.launch.postgresql_stats")

    def one_unlike(self, host: str) -> None:
        row = {"host": host, "name": "shop", "service": "uwsgi", "measure": "response time", "value": 1.4, "median": 0.1, "siblings": 3}
        self.shared["launch_siblings"] = fact(instance("siblings", outliers=[row], outliers_total=1))
        self.bad("siblings_alike", "fleet", instance="siblings", status="warn")

    def workers_gone(self) -> None:
        self.queue_backlog()
        self.bad("celery_queue_workers", "fleet", instance="redis://q1", advice="Start the workers.")

    def queue_unserved(self) -> None:
        """A queue that no worker was started for, beside one that grows faster but has workers."""
        self.queue_backlog()
        queues = self.shared["launch_celery_queue"]["instances"][0]
        queues["queues"].append({"name": "mails", "ready": 40, "growth_per_second": 0.5, "drain_seconds": None})
        queues["unconsumed"] = [{"name": "mails", "ready": 40}]
        self.bad("celery_queue_no_consumer", "fleet", instance="redis://q1", advice="Start a worker with -Q mails.")

    def workers_stopped(self) -> None:
        self.facts["app1"]["launch_celery"] = fact(instance("shop"))
        self.bad("celery_local_workers", "app1", finding="0 of 1 worker processes answered", advice="Continue it.", look="ps")

    def bad_release(self) -> None:
        self.of("web1", "varnish_traffic")["errors"] = [{"pattern": "/buy/", "status": 500, "count": 40}]
        told = {"finding": "44 of 300 requests got a 5xx", "advice": "Read its log.", "look": "varnishlog"}
        self.bad("varnish_traffic_errors", "web1", **told)

    def hosts_refused(self) -> None:
        """A release whose ALLOWED_HOSTS lacks the site's name: every page is a 400, and no cache keeps one."""
        row = {"pattern": "/news/<id>/", "status": 400, "host": "shop.example.com", "count": 480, "backend_requests": 480}
        applications = [f"app{number}/uwsgi/127.0.0.1:1717" for number in range(1, 5)]
        shares = {"refused_ratio": 0.96, "bad_request_ratio": 0.96, "refused_patterns": [row]}
        self.shared["launch_visitors"] = fact(
            instance("visitors", accelerators=["web1"], of=["web1/varnish/default", *applications], **shares)
        )
        self.bad("visitors_client_errors", "fleet", instance="visitors", finding="480 of 500 requests were refused", look="varnishlog")
        missed = {"pattern": "/news/<id>/", "count": 480, "must_bypass": True, "reasons": [{"name": "error", "count": 480}]}
        self.of("web1", "varnish_traffic")["hit_for_misses"] = [missed]
        self.of("web1", "varnish")["judged"] = {"hit_ratio_true": 0.04, "hit_ratio_shown": 0.04, "pass_ratio": 0.0}
        self.bad("varnish_hit_ratio", "web1")

    def backend_lost(self) -> None:
        self.of("web1", "varnish_traffic")["errors"] = [{"pattern": "/buy/", "status": 503, "count": 40}]
        self.bad("varnish_traffic_errors", "web1", finding="40 of 300 requests got a 5xx", advice="Look.", look="varnishlog")
        self.bad("varnish_backends_healthy", "web1", finding="4 of 4 backends are sick", advice="Ask it.", look="varnishadm")

    def tasks_fail(self) -> None:
        tasks = [{"name": "shop.charge", "failed": 9, "exceptions": [{"name": "OperationalError", "count": 9}]}]
        self.shared["launch_celery_queue"] = fact(instance("redis://q1", queues=[], tasks=tasks, hosts=["app1"]))
        told = {"finding": "9 of 12 tasks failed", "advice": "Read the traceback.", "look": "celery events"}
        self.bad("celery_queue_tasks_failing", "fleet", instance="redis://q1", **told)

    def cache_small(self) -> None:
        self.facts["app1"]["launch_memcached"] = fact(instance("127.0.0.1:11211", evicting=[]))
        told = {"finding": "900 items evicted in the window", "advice": "Give it more memory.", "look": "memcached-tool"}
        self.bad("memcached_evictions", "app1", **told)

    def disks_slow(self) -> None:
        self.bad("server_iowait", "db1")

    def cache_cleared(self) -> None:
        measures = {"flushes": 4, "lifetime_flushes": 40, "hit_ratio": 0.2}
        self.facts["app1"]["launch_memcached"] = fact(instance("127.0.0.1:11211", address="127.0.0.1:11211", evicting=[], **measures))
        self.bad("memcached_flushed", "app1", status="warn", finding="the cache was emptied 4 times", look="memcached-tool")

    def pool_small(self) -> None:
        """PgBouncer on the database's host; the database itself is well."""
        pool = {"database": "shop", "user": "shop", "clients_active": 2, "clients_waiting": 14, "servers_active": 2, "servers_idle": 0}
        pooler = {"mode": "transaction", "pool_size": 2, "mean_wait_milliseconds": 2400.0, "mean_query_milliseconds": 40.0}
        pools = [{**pool, "longest_wait_seconds": 6.5}]
        self.facts["db1"]["launch_pgbouncer"] = fact(instance("6432", **pooler, pools=pools))
        told = {"finding": "14 clients wait", "look": "psql -p 6432 -c 'SHOW POOLS'"}
        self.findings.append(finding("pgbouncer_waiting", "db1", "6432", **told))

    def node_lost(self) -> None:
        galera = {"member": True, "ready": False, "serves": False, "cluster_status": "non-Primary"}
        self.facts["db1"]["launch_mysql"] = fact(instance("3306", galera=galera, clients=[], statements=[]))
        self.bad("mysql_galera_serves", "db1", finding="The node refuses statements", advice="Take it out.", look="mysql")

    def slots_held(self) -> None:
        self.queue_backlog()
        running = [{"name": "shop.sync", "worker": "celery@app1", "queue": "celery", "age_seconds": 95.0 - each} for each in range(4)]
        held = {"running": running, "running_total": 4, "concurrency": 4, "accepted_per_second": 0.0, "ready_total": 900}
        self.shared["launch_celery_queue"]["instances"][0].update(held)

    def broker_spent(self) -> None:
        queue = {"name": "celery", "ready": 5000, "growth_per_second": 0.0, "drain_seconds": None}
        self.shared["launch_celery_queue"] = fact(instance("redis://q1", queues=[queue], tasks=[], hosts=["app1"]))
        told = {"finding": "64 MB of 64 MB in use", "advice": "Raise the limit while it runs.", "look": "redis-cli info memory"}
        self.bad("celery_queue_memory_left", "fleet", instance="redis://q1", **told)
