#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_stats
short_description: Memory, evictions, hit ratio, slow commands and replication of Redis and Valkey over a window
version_added: 1.0.0
description:
  - Reads the counters of Redis or Valkey twice and computes rates and ratios over the window; values since the server's start are given
    as C(lifetime_) measures. Sentinels and members of a Redis Cluster are recognised.
  - Says what the server is used for (cache, broker, sessions, task results, channels), by the names of at most 48 random keys and by what
    its clients call.
  - Names the commands that hold up all others, from the slow log since the window's start, and where the server's time went by command.
    Arguments, key names and values never become facts; of a slow command's key its kind is shown, with ids and tokens replaced.
  - Sends a PING ten times per second while the window passes, to measure what a client waits.
  - Never runs KEYS or SCAN. One run costs the server less than 5 ms of its time.
  - Speaks the protocol itself, so no library is needed on the target.
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch
  - warroom.launch.launch.sampling
options:
  address:
    description:
      - Where the server listens, as V(host:port), V(host) (port 6379), V([IPv6]:port), a bare IPv6 address (port 6379),
        V(/path) or V(unix:/path) of a UNIX socket.
      - An IPv6 address that may end in a port is refused; write it in brackets.
    type: str
  login_user:
    description: User of the server's access control lists. Without it O(login_password) is the default user's.
    type: str
  login_password:
    description: Password to log in with.
    type: str
  tls:
    description: Speak TLS.
    type: bool
    default: false
  ca_cert:
    description: File with the certificate authority that signed the server's certificate. Defaults to the system's.
    type: path
  validate_certs:
    description: Check the server's certificate when O(tls) is used.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Look at the Redis and Valkey servers found on each host
  warroom.launch.redis_stats:

- name: With a login of a user that may read the state only
  warroom.launch.redis_stats:
    address: redis1.example.com:6379
    login_user: monitor
    login_password: "{{ vault_redis_password }}"

- name: Two servers, one of them over TLS
  warroom.launch.redis_stats:
    instances:
      - address: /run/redis/cache.sock
      - address: broker.example.com:6380
        tls: true
        ca_cert: /etc/ssl/private-ca.pem
"""

RETURN = r"""
ansible_facts:
  description: The facts, under one key.
  returned: always
  type: dict
  contains:
    launch_redis:
      description: C(schema) and C(instances).
      type: dict
      contains:
        schema: {type: int, description: Version of the structure of these facts.}
        instances:
          description:
            - One per server.
            - What every instance has beside these measures is documented by M(warroom.launch.launch_facts).
            - A measure over the window is null with one sample (O(window) is 0). Why a measure is null is in RV(ignore:unknown).
            - What this version does not count, or its user may not read, is null; a sentinel has only what RV(ignore:watched) describes.
          type: list
          elements: dict
          contains:
            address: {type: str, description: Where it was read.}
            product: {type: str, description: 'V(redis), V(valkey) or V(dragonfly).'}
            version: {type: str, description: As the server writes it.}
            version_numbers: {type: list, elements: int, description: The comparable form.}
            identity: {type: str, description: 'Its run id, which identifies the server whatever address it is seen by.'}
            mode: {type: str, description: 'V(standalone), V(cluster) for a member of a cluster, or V(sentinel).'}
            uptime_seconds: {type: int, description: Since the server started.}
            used_as:
              description: What it is used for, as far as the names of its keys and its clients tell. All false without any key.
              type: dict
              contains:
                {broker: {type: bool, description: Whether messages wait or waited in it.},
                 cache: {type: bool, description: Whether it holds entries of a cache.},
                 sessions: {type: bool, description: Whether it holds sessions of visitors.},
                 results: {type: bool, description: Whether it holds results of tasks.},
                 channels: {type: bool, description: Whether it is a layer of Django Channels.}}
            tasks_evictable:
              description: Whether it is a broker and evicts any key at its limit, messages as well.
              type: bool
            databases:
              description: Databases with keys, the largest first.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: 'C(db) and its number.'}, key_count: {type: int, description: Its keys.},
                 expiring_ratio: {type: float, description: The share of keys that expire.},
                 uses: {type: list, elements: str, description: 'What it is used for, null of all but the four largest.'}}
            databases_total: {type: int, description: How many there are.}
            key_count: {type: int, description: Keys in all databases.}
            hit_ratio: {type: float, description: 'Hits of all reads of keys in the window, null without reads.'}
            reads: {type: int, description: Reads of keys in the window.}
            misses: {type: int, description: Reads of keys that were not there in the window.}
            reads_per_second: {type: float, description: The same per second.}
            lifetime_hit_ratio: {type: float, description: Hits of all reads since the start.}
            lifetime_reads: {type: int, description: Reads since the start.}
            operations: {type: int, description: 'Commands in the window, without our own.'}
            operations_per_second: {type: float, description: The same per second.}
            overwrites:
              description:
                - Values written in the window (C(SET), C(SETEX), C(PSETEX)) over one that was there, as far as the numbers of keys tell.
                - Null when it was emptied in the window.
              type: int
            received_bytes_per_second: {type: float, description: Network traffic to the server.}
            sent_bytes_per_second: {type: float, description: Network traffic from the server.}
            cpu_cores: {type: float, description: Cores that it used over the window.}
            main_thread_busy_ratio:
              description: Processor time of the thread that runs all commands, as a share of the window.
              type: float
            bytes: {type: int, description: Memory in use.}
            limited: {type: bool, description: 'Whether it has a limit (C(maxmemory)).'}
            limit_bytes: {type: int, description: 'The limit, null without one.'}
            fill_ratio: {type: float, description: 'Memory of the limit, null without one. A full cache is healthy.'}
            policy: {type: str, description: 'What it evicts at the limit; V(eviction) is the cache mode of Dragonfly, in which any key may go.'}
            refuses_when_full:
              description: Whether it refuses writes at its limit, because it evicts nothing, or only keys with a lifetime and has hardly any.
              type: bool
            rss_bytes: {type: int, description: Memory of its process.}
            host_ratio: {type: float, description: The same of the machine's memory.}
            evictions: {type: int, description: Keys evicted in the window.}
            evictions_per_second: {type: float, description: The same per second.}
            lifetime_evictions: {type: int, description: The same since the start.}
            expired: {type: int, description: Keys that expired in the window.}
            expired_per_second: {type: float, description: The same per second.}
            refused_writes: {type: int, description: 'Commands refused in the window because the memory limit is reached.'}
            refused_writes_per_second: {type: float, description: The same per second.}
            refused_commands:
              description: >-
                Commands refused in the window for the state of the server or of the client's login, by the code of the error (V(READONLY),
                V(NOREPLICAS), V(CLUSTERDOWN), V(NOAUTH) and others), the most frequent first.
              type: list
              elements: dict
              contains: {name: {type: str, description: The code.}, refused: {type: int, description: How many.}}
            refused_commands_total: {type: int, description: How many codes.}
            refused_commands_count: {type: int, description: How many commands.}
            connections: {type: int, description: Clients connected now.}
            connections_limit: {type: int, description: How many may be.}
            connections_ratio: {type: float, description: The share.}
            connections_opened: {type: int, description: Opened in the window.}
            connections_per_second: {type: float, description: The same per second.}
            waiting_clients: {type: int, description: 'Clients that wait for a message (BRPOP and others); idle workers do.'}
            rejected: {type: int, description: Connections refused at the limit in the window.}
            lifetime_rejected: {type: int, description: The same since the start.}
            dropped_clients: {type: int, description: Clients that it cut off in the window.}
            dropped_for_memory: {type: int, description: 'Of these those for maxmemory-clients, null before Redis 7.'}
            dropped_for_output:
              description: Clients dropped in the window because they read their replies too slowly.
              type: int
            clients:
              description: Addresses with most connections. Null with more than 500 clients.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: 'The address, C(unix) for clients of a UNIX socket.'},
                 connections: {type: int, description: 'Its connections, ours included.'}}
            clients_total: {type: int, description: How many addresses there are.}
            command_seconds: {type: float, description: Time that commands took in the window; what a script calls counts twice.}
            commands:
              description: Commands that took most time in the window, our own included.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: 'The command, with its subcommand.'}, calls: {type: int, description: Calls in the window.},
                 calls_per_second: {type: float, description: The same per second.},
                 milliseconds: {type: float, description: Time that they took.},
                 mean_milliseconds: {type: float, description: The same per call.},
                 failed: {type: int, description: Calls that failed.}, rejected: {type: int, description: Calls that were not run.}}
            commands_total: {type: int, description: How many were called.}
            slow_log_milliseconds: {type: float, description: 'From where on a command is slow, null when the slow log is off.'}
            slow_longest_milliseconds:
              description: The longest command in the slow log of the window; 0 when none was slow.
              type: float
            slow_time_ratio: {type: float, description: 'Time in slow commands, as a share of the window.'}
            slow_commands:
              description: Slow commands of the window by command, kind of key and client, the longest first.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: 'The command, with its subcommand.'},
                 key: {type: str, description: 'The kind of its key or pattern, empty where that is not told.'},
                 client: {type: str, description: 'Address of the client, without its port.'},
                 client_name: {type: str, description: 'The name that the client gave itself, or empty.'},
                 calls: {type: int, description: How often.}, milliseconds: {type: float, description: Together.},
                 longest_milliseconds: {type: float, description: The longest of them.}}
            slow_commands_total: {type: int, description: Slow commands in the window.}
            stalls:
              description: >-
                What its latency monitor noted in the window (C(fork), C(aof-fsync-always), C(eviction-cycle), C(command)); null when the
                monitor is off, as it is by default.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: The event.}, milliseconds: {type: int, description: How long the last one took.}}
            stalls_total: {type: int, description: How many kinds.}
            persistence:
              description: Saving to disk.
              type: dict
              contains:
                {snapshots: {type: bool, description: Whether it saves snapshots by itself.},
                 append_only: {type: bool, description: Whether it keeps an append-only file.},
                 failed: {type: bool, description: Whether the last snapshot or write failed.},
                 refuses_writes: {type: bool, description: Whether it takes no writes because it cannot save.},
                 loading: {type: bool, description: Whether it loads its data.}, saving: {type: bool, description: Whether it saves now.},
                 unsaved_changes: {type: int, description: Changes since the last snapshot.},
                 fork_milliseconds: {type: float, description: How long the last fork held it up.},
                 forks: {type: int, description: Forks in the window.},
                 delayed_syncs: {type: int, description: Times in the window that a write waited for the disk.}}
            role: {type: str, description: 'V(primary), or V(replica), also of a KeyDB that takes writes and follows others.'}
            source:
              description: A replica's link to its primary, null of a primary; of several primaries (KeyDB) to the one that is worst off.
              type: dict
              contains:
                {link_up: {type: bool, description: Whether it is connected.},
                 down_seconds: {type: int, description: 'Since when it is not, null when it is, or never was.'},
                 silent_seconds: {type: int, description: 'Since when nothing came, null when it is not connected.'},
                 syncing: {type: bool, description: Whether it copies all data.}}
            replicas:
              description: Replicas of it.
              type: list
              elements: dict
              contains:
                {address: {type: str, description: Where it listens.}, state: {type: str, description: 'C(online), or what it waits for.'},
                 lag_seconds: {type: int, description: Since its last word.}, behind_bytes: {type: int, description: What it lacks.}}
            replicas_total: {type: int, description: How many there are.}
            full_resyncs: {type: int, description: Replicas that had to copy everything in the window.}
            cluster:
              description: State of its cluster as it sees it, null outside of one.
              type: dict
              contains:
                {ok: {type: bool, description: Whether it serves all slots.}, size: {type: int, description: Primaries with slots.},
                 nodes: {type: int, description: Known nodes.}, slots_ok: {type: int, description: Slots that are served.},
                 slots_failed: {type: int, description: Slots whose member failed.},
                 slots_missing: {type: int, description: 'Slots that no member serves; one that only this member does not reach is served.'}}
            watched:
              description: Primaries that a sentinel watches, null of others.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: What it is called.}, address: {type: str, description: Where it is.},
                 status: {type: str, description: 'C(ok), C(sdown) or C(odown), null in TILT mode.'}, replicas: {type: int, description: Its replicas.},
                 sentinels: {type: int, description: Sentinels that watch it.}}
            watched_total: {type: int, description: How many.}
            watched_down: {type: int, description: 'Those that are not ok; null of others, in TILT mode, and when it watches nothing.'}
            latency_milliseconds:
              description: What our own PINGs took; null when there were none.
              type: dict
              contains:
                {connect: {type: float, description: Time to connect.},
                 median: {type: float, description: Half of them took no longer.},
                 p95: {type: float, description: 95 % of them took no longer.},
                 longest: {type: float, description: The longest.},
                 samples: {type: int, description: How many were measured.}}
      sample:
        schema: 1
        instances:
          - name: 127.0.0.1:6379
            state: up
            used_as: {broker: true, cache: true, sessions: false, results: false, channels: false}
            policy: allkeys-lru
            evictions_per_second: 12.4
            slow_commands: [{name: KEYS, key: "*", client: 10.0.0.7, calls: 1, longest_milliseconds: 812.4}]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._collect.entry import run
from ..module_utils._collect.options import argument_spec
from ..module_utils._collectors.redis.collector import COLLECTOR


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(COLLECTOR), supports_check_mode=True)
    run(module, COLLECTOR)


if __name__ == "__main__":
    main()
