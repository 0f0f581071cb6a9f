#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: memcached_stats
short_description: Hit ratio, evictions, latency and connections of memcached over a window
version_added: 1.0.0
description:
  - Reads the counters of memcached twice and computes rates and ratios over the window; values since the server's start are given as
    C(lifetime_) measures.
  - Measures the time to connect and of an operation with its own gets of one absent key, 50 in all, outside the window.
  - Speaks the text protocol over TCP, UNIX sockets and TLS, with ASCII authentication. Proxies (mcrouter, twemproxy, the one built into
    memcached)
    are recognised and not counted as servers.
  - The balance of a pool of servers is judged over the whole fleet from these facts.
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch
  - warroom.launch.launch.sampling
requirements:
  - pymemcache on the target is preferred for the latency probe; without it the protocol is spoken directly
options:
  address:
    description:
      - Where the server listens, as V(host:port), V(host) (port 11211), V([IPv6]:port), a bare IPv6 address (port 11211),
        V(/path) or V(unix:/path) of a UNIX socket.
      - An IPv6 address that may end in a port is refused; write it in brackets.
    type: str
  username:
    description: User for ASCII authentication (memcached's option C(-Y)). SASL is not supported.
    type: str
  password:
    description: Password of O(username). It is sent only to a server that asks for it.
    type: str
  tls:
    description: Speak TLS (memcached's option C(-Z)). Set by itself for a server that is found on the host with that option.
    type: bool
    default: false
  ca_cert:
    description: File with the certificate authority that signed the server's certificate. Defaults to the system's.
    type: path
  validate_certs:
    description: Check the server's certificate when O(tls) is used.
    type: bool
    default: true
  pool:
    description:
      - Name of the pool of servers over which one client list spreads its keys. Servers of one pool should be evenly used.
      - Servers of one name that the applications of different sites are connected to are judged as a pool for each site. Where these
        connections are not known, the name alone decides, so give each pool its own.
    type: str
    default: default
  weight:
    description: The server's weight in the clients' list, for the balance of its pool.
    type: float
    default: 1.0
"""

EXAMPLES = r"""
- name: Look at the memcached servers found on each cache host
  warroom.launch.memcached_stats:

- name: Two pools, seen from an application server, so that the network is part of the latency
  warroom.launch.memcached_stats:
    instances:
      - address: cache1.example.com:11211
        pool: pages
      - address: cache2.example.com:11211
        pool: pages
      - address: /run/memcached/sessions.sock
        pool: sessions

- name: With TLS and a password
  warroom.launch.memcached_stats:
    address: cache1.example.com:11211
    tls: true
    ca_cert: /etc/ssl/private-ca.pem
    username: monitor
    password: "{{ vault_memcached_password }}"
"""

RETURN = r"""
ansible_facts:
  description: The facts, under one key.
  returned: always
  type: dict
  contains:
    launch_memcached:
      description: C(schema) and C(instances).
      type: dict
      contains:
        schema: {type: int, description: Version of the structure of these facts.}
        instances:
          description:
            - One per server.
            - What every instance has beside these measures is documented by M(warroom.launch.launch_facts).
            - A measure over the window is null with one sample (O(window) is 0). Why a measure is null is in RV(ignore:unknown).
            - What this version of the server does not count or list is null.
          type: list
          elements: dict
          contains:
            kind:
              description: V(server), or V(proxy) when it passes requests on to servers; of a proxy, what is its servers' is null.
              type: str
            address: {type: str, description: Where it was read.}
            pool: {type: str, description: 'Its pool, as the option says.'}
            weight: {type: float, description: 'Its weight in the pool, as the option says.'}
            proxy:
              description: About a proxy, null for a server.
              type: dict
              contains:
                {product: {type: str, description: Its name.},
                 servers_total: {type: int, description: 'Servers behind it, null when it does not report it.'},
                 servers_up: {type: int, description: 'Those that are up, null when it does not report it.'},
                 servers_down: {type: int, description: 'Those that are not, null when it does not report it.'},
                 lifetime_requests: {type: int, description: Requests since its start.},
                 lifetime_errors: {type: int, description: Errors since its start.}}
            identity: {type: str, description: 'Identifies the server, whatever address it is seen by; null in a container.'}
            version: {type: str, description: As the server writes it.}
            version_numbers: {type: list, elements: int, description: The comparable form.}
            uptime_seconds: {type: int, description: Since the server started.}
            threads: {type: int, description: Worker threads.}
            cpu_cores: {type: float, description: Cores that it used over the window.}
            hit_ratio: {type: float, description: 'Hits of all gets in the window, null without gets.'}
            gets: {type: int, description: Gets in the window.}
            gets_per_second: {type: float, description: The same per second.}
            lifetime_hit_ratio: {type: float, description: Hits of all gets since the start.}
            lifetime_gets: {type: int, description: Gets since the start.}
            misses:
              description: Misses in the window by cause.
              type: dict
              contains:
                {count: {type: int, description: All of them.}, expired: {type: int, description: The item had lived out its time.},
                 flushed: {type: int, description: The item was flushed.},
                 absent: {type: int, description: 'The item was never set, or evicted.'},
                 expired_ratio: {type: float, description: The share of the expired.}}
            sets: {type: int, description: Sets in the window.}
            sets_per_second: {type: float, description: The same per second.}
            overwrites: {type: int, description: Items stored in the window over one that was there.}
            operations: {type: int, description: 'Gets, sets, touches, deletes and increments in the window.'}
            operations_per_second: {type: float, description: The same per second.}
            flushes: {type: int, description: How often the cache was emptied in the window.}
            lifetime_flushes: {type: int, description: The same since the start.}
            received_bytes_per_second: {type: float, description: Network traffic to the server.}
            sent_bytes_per_second: {type: float, description: Network traffic from the server.}
            evictions: {type: int, description: Live items evicted in the window.}
            evictions_per_second: {type: float, description: The same per second.}
            lifetime_evictions: {type: int, description: The same since the start.}
            evicted_unfetched_ratio: {type: float, description: 'The share that had never been read, null when nothing was evicted.'}
            evicted_active: {type: int, description: Evicted items that were in active use.}
            flash_evictions: {type: int, description: 'Pages evicted from the flash tier, null without one.'}
            evicting:
              description: Size classes that evict.
              type: list
              elements: dict
              contains:
                {slab_class: {type: int, description: Its number.}, chunk_bytes: {type: int, description: Its chunks' size.},
                 evictions: {type: int, description: Evictions in the window.},
                 age_seconds: {type: int, description: Time since the last use of the item that was evicted last.},
                 out_of_memory: {type: int, description: Times it could not store.}}
            evicting_total: {type: int, description: How many there are.}
            eviction_age_seconds:
              description: The shortest of their ages; short means that data in use is evicted. Null when nothing was evicted.
              type: int
            too_large: {type: int, description: Values refused in the window because they exceed the item size limit.}
            lifetime_too_large: {type: int, description: The same since the start.}
            no_memory: {type: int, description: What failed in the window for lack of memory.}
            worker_stalls: {type: int, description: 'How often a worker had to yield, or to hunt for memory, in the window.'}
            connections: {type: int, description: Open now.}
            connections_limit: {type: int, description: How many may be.}
            connections_ratio: {type: float, description: The share.}
            connections_opened: {type: int, description: Opened in the window.}
            connections_per_second: {type: float, description: The same per second.}
            operations_per_connection: {type: float, description: 'How well they are used, null when none was opened.'}
            rejected: {type: int, description: 'Connections refused, or times the server stopped accepting, in the window.'}
            lifetime_rejected: {type: int, description: The same since the start.}
            clients:
              description: Addresses with most connections, without our own. Null when the server does not list them.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: The address.}, connections: {type: int, description: Its connections.}}
            clients_total: {type: int, description: How many addresses there are.}
            client_connections: {type: int, description: Connections of all of them.}
            bytes: {type: int, description: Memory of the items.}
            limit_bytes: {type: int, description: What it may use.}
            fill_ratio: {type: float, description: The share; a full cache is healthy.}
            items_total: {type: int, description: Items.}
            item_bytes_mean: {type: int, description: 'Bytes of an item, null without any.'}
            wasted_bytes: {type: int, description: Memory lost because chunks are larger than their items.}
            wasted_ratio: {type: float, description: The same of the chunks in use.}
            slab_classes:
              description: Size classes that waste most.
              type: list
              elements: dict
              contains:
                {slab_class: {type: int, description: Its number.}, chunk_bytes: {type: int, description: Its chunks' size.},
                 pages: {type: int, description: Its pages.}, used_bytes: {type: int, description: Chunks in use.},
                 wasted_bytes: {type: int, description: What of it is lost.}, wasted_ratio: {type: float, description: The share.}}
            slab_classes_total: {type: int, description: How many there are.}
            latency_milliseconds:
              description: From our own gets; null when they could not be measured.
              type: dict
              contains:
                {connect: {type: float, description: Time to connect.},
                 median: {type: float, description: Half of the gets took no longer.},
                 p95: {type: float, description: 95 % of the gets took no longer.},
                 samples: {type: int, description: Gets that were measured.}}
      sample:
        schema: 1
        instances:
          - name: 127.0.0.1:11211
            state: up
            hit_ratio: 0.94
            evictions_per_second: 0.0
            latency_milliseconds: {connect: 0.11, median: 0.06, p95: 0.09, samples: 50}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._collect.entry import run
from ..module_utils._collect.options import argument_spec
from ..module_utils._collectors.memcached.collector import COLLECTOR


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(COLLECTOR), supports_check_mode=True)
    run(module, COLLECTOR)


if __name__ == "__main__":
    main()
