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
  - Reads the counters of memcached twice and computes what happens now; the values since the server's start stand beside as
    C(lifetime_) measures.
  - Measures the time to connect and of an operation with its own gets of one absent key, 50 in all, outside the window.
  - Speaks the text protocol over TCP, UNIX sockets and TLS, with ASCII authentication. Proxies (mcrouter, twemproxy, the one built into
    memcached)
    are recognised and not taken for servers.
  - The balance of a pool of servers is judged over the whole fleet from these facts.
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch
  - warroom.launch.launch.sampling
requirements:
  - pymemcache on the target
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
    description: Name of the pool of servers over which one client list spreads its keys. Servers of one pool should be evenly used.
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
      description: C(schema) and C(instances), one entry per server.
      type: dict
      returned: always
      contains:
        schema:
          description: Version of the shape of these facts.
          type: int
          returned: always
        instances:
          description:
            - One entry per server, with C(name), C(state) (V(up), V(down) or V(unreadable)), C(problem), C(window), C(collected_at),
              C(duration_ms), C(unknown) (why a measure is null) and C(notes). The rest is there when it is up.
          type: list
          elements: dict
          returned: always
          contains:
            kind:
              description: V(server), or V(proxy) when it passes requests on to servers.
              type: str
              returned: when up
            proxy:
              description: Of a proxy, its C(product), C(servers_total), C(servers_up), C(servers_down), C(lifetime_requests),
                C(lifetime_errors).
              type: dict
              returned: when up
            identity:
              description: Tells servers apart by whatever address they are seen; null in a container.
              type: str
              returned: when up
            address:
              description: Where it was read, with its C(pool) and C(weight) beside it.
              type: str
              returned: when up
            version:
              description: As the server writes it; C(version_numbers) is the comparable form, for example V([1, 6, 18]).
              type: str
              returned: when up
            uptime_seconds:
              description: Seconds since the server started; C(threads) are its worker threads, C(cpu_cores) the cores it used over the
                window.
              type: float
              returned: when up
            hit_ratio:
              description: Hits of all gets in the window; C(gets) is how many these were. C(lifetime_hit_ratio) and C(lifetime_gets)
                since the start.
              type: float
              returned: when up
            misses:
              description: Misses in the window, C(count), by cause. C(expired) had lived out its time, C(flushed) was flushed,
                C(absent) was never set or evicted; C(expired_ratio) is the share of the first.
              type: dict
              returned: when up
            operations_per_second:
              description: Gets, sets, touches, deletes and increments; C(operations) in the window, and C(gets_per_second), C(sets),
                C(sets_per_second).
              type: float
              returned: when up
            flushes:
              description: How often somebody emptied the cache in the window; C(lifetime_flushes) since the start.
              type: int
              returned: when up
            received_bytes_per_second:
              description: Network traffic to the server; C(sent_bytes_per_second) from it.
              type: float
              returned: when up
            evictions_per_second:
              description: Live items thrown out for lack of room; C(evictions) in the window, C(lifetime_evictions) since the start,
                C(evicted_unfetched_ratio) the share that nobody had ever read, C(evicted_active) those in active use,
                C(flash_evictions) pages of the flash tier.
              type: float
              returned: when up
            evicting:
              description: Size classes that evict, with C(slab_class), C(chunk_bytes), C(evictions), C(age_seconds) (since the last use
                of the last evicted item)
                and C(out_of_memory). C(evicting_total) is the true number.
              type: list
              elements: dict
              returned: when up
            eviction_age_seconds:
              description: The shortest of these ages. Short means that data in use is thrown out.
              type: float
              returned: when up
            too_large:
              description: Values refused in the window because they exceed the item size limit; C(lifetime_too_large) since the start;
                C(no_memory) what failed for lack of memory.
              type: int
              returned: when up
            worker_stalls:
              description: How often a worker had to yield, or to hunt for memory, in the window.
              type: int
              returned: when up
            connections:
              description: Open now; C(connections_limit) may be open, C(connections_ratio) is the share.
              type: int
              returned: when up
            connections_per_second:
              description: Newly opened; C(connections_opened) in the window, C(operations_per_connection) how well they are used.
              type: float
              returned: when up
            rejected:
              description: Connections refused, or times the server stopped accepting, in the window; C(lifetime_rejected) since the start.
              type: int
              returned: when up
            clients:
              description: Addresses with most connections, with C(name) and C(connections); C(clients_total) addresses,
                C(client_connections) in all, without our own.
              type: list
              elements: dict
              returned: when up
            bytes:
              description: Memory of the items; C(limit_bytes) it may use, C(fill_ratio) is the share (a full cache is healthy),
                C(items_total) items of C(item_bytes_mean) bytes.
              type: int
              returned: when up
            wasted_ratio:
              description: Memory lost because chunks are larger than their items, of the chunks in use; C(wasted_bytes) in all,
                C(slab_classes) the classes that waste most, of C(slab_classes_total).
              type: float
              returned: when up
            latency_milliseconds:
              description: From our own gets, C(median) and C(p95) of C(samples) operations, and C(connect) apart from them.
              type: dict
              returned: when up
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
