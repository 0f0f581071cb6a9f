#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: varnish_stats
short_description: True hit ratio, backends, threads and storage of Varnish
version_added: 1.0.0
description:
  - Reads the counters of Varnish twice through C(varnishstat) and computes what varnishstat hides, above all the true hit ratio,
    which includes the requests that bypass the cache.
  - Reads the live VCL, the health of its backends and the thread limits through C(varnishadm) where its secret can be read;
    otherwise these are unknown with the reason.
  - Varnish 6.0 to 8 and its successor Vinyl Cache 9. Also understands the older counters (3.0, 4.x, 5.x).
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch
  - warroom.launch.launch.sampling
options:
  instance:
    description:
      - The name or working directory of the instance, as given to C(varnishd -n).
      - When it is not given, every C(varnishd) that runs on the host is read.
    type: str
  admin:
    description:
      - Where the management CLI listens, V(host:port) as given to C(varnishd -T). Found through the instance when not given.
    type: str
  secret_file:
    description:
      - Path on the target of the secret of the management CLI, as given to C(varnishd -S). Found through the instance when not given.
    type: path
  visits:
    description:
      - URLs to fetch from this host, each on a new connection, as a visitor would who comes for the first time; at most ten. Redirects are
        not followed. Nothing is fetched without it.
    type: list
    elements: str
    default: []
notes:
  - Reading the counters needs root or membership in the group of Varnish (C(varnish) on Debian, where the user C(varnishlog) has it);
    reading the management CLI needs its secret, which is root's in most packages.
seealso:
  - module: warroom.launch.varnish_traffic
"""

EXAMPLES = r"""
- name: Every Varnish that runs on the cache servers
  warroom.launch.varnish_stats:
  become: true

- name: A named instance, over ten seconds
  warroom.launch.varnish_stats:
    instance: edge
    window: 10
  become: true
  become_user: varnishlog
"""

RETURN = r"""
ansible_facts:
  description: The facts, under one key.
  returned: always
  type: dict
  contains:
    launch_varnish:
      description: C(schema) and C(instances).
      type: dict
      contains:
        schema: {type: int, description: Version of the structure of these facts.}
        instances:
          description:
            - One per varnishd. Counts and ratios are over the window, C(lifetime_) names since the start of the child.
            - What every instance has beside these measures is documented by M(warroom.launch.launch_facts).
            - A measure over the window is null with one sample (O(window) is 0). Why a measure is null is in RV(ignore:unknown).
            - What this version does not count is null, and what only the management port tells when that may not be read.
          type: list
          elements: dict
          contains:
            product: {type: str, description: 'V(varnish), V(varnish-plus) or V(vinyl-cache).'}
            version: {type: str, description: Version of the running daemon.}
            client_options:
              description: What the Varnish tools need to reach the same instance, for example C(-n /var/lib/varnish/shop).
              type: str
            visits:
              description: The URLs of O(visits) as they were fetched from this host.
              type: list
              elements: dict
              contains:
                {url: {type: str, description: The URL without values and logins.}, status: {type: int, description: 'The status, null without an answer.'},
                 first_byte_seconds: {type: float, description: 'Until the headers were there, from the connection on.'},
                 total_seconds: {type: float, description: 'Until the page (of a long one its first 256 KiB) was there.'},
                 location: {type: str, description: 'Where it redirects to, which is not followed; null when it does not.'},
                 problem: {type: str, description: 'Why there is no answer, else null.'}}
            active_vcl: {type: str, description: 'The VCL that is live, null when the management port may not be read.'}
            requests: {type: int, description: 'Hits, misses, passes and pipes together.'}
            requests_per_second: {type: float, description: The same per second.}
            hits: {type: int, description: Requests answered from the cache.}
            misses: {type: int, description: Requests that had to be fetched.}
            passes: {type: int, description: Requests that bypassed the cache (pass).}
            pipes: {type: int, description: Connections handed through to a backend.}
            synths: {type: int, description: Answers that Varnish made itself.}
            grace_hits: {type: int, description: Hits on an expired object while it was being refreshed.}
            hit_for_misses: {type: int, description: Misses that found the note that the page is not cacheable.}
            hit_for_passes: {type: int, description: Passes that found such a note.}
            hit_ratio_true: {type: float, description: Share of C(requests) that was answered from the cache.}
            hit_ratio_shown:
              description: Hits among hits and misses, which is what C(varnishstat) shows; passes are not in it.
              type: float
            offload_ratio: {type: float, description: 'Share of the requests that never reached a backend, synthetic answers included.'}
            pass_ratio: {type: float, description: Share of the requests that bypassed the cache (pass).}
            pipe_ratio: {type: float, description: Share of the requests that were piped.}
            grace_ratio: {type: float, description: Share of the hits that were grace hits.}
            hit_for_miss_ratio: {type: float, description: Share of the misses that were hits for miss.}
            hit_for_miss_request_ratio: {type: float, description: Share of the requests that were hits for miss.}
            hit_for_pass_ratio: {type: float, description: Share of the passes that were hits for pass.}
            lifetime_requests: {type: int, description: Requests since the child started.}
            lifetime_hits: {type: int, description: Hits since then.}
            lifetime_misses: {type: int, description: Misses since then.}
            lifetime_passes: {type: int, description: Passes since then.}
            lifetime_pipes: {type: int, description: Pipes since then.}
            lifetime_synths: {type: int, description: Synthetic answers since then.}
            lifetime_grace_hits: {type: int, description: Grace hits since then.}
            lifetime_hit_for_misses: {type: int, description: Hits for miss since then.}
            lifetime_hit_for_passes: {type: int, description: Hits for pass since then.}
            lifetime_hit_ratio_true: {type: float, description: C(hit_ratio_true) since then.}
            lifetime_hit_ratio_shown: {type: float, description: C(hit_ratio_shown) since then.}
            lifetime_offload_ratio: {type: float, description: C(offload_ratio) since then.}
            lifetime_pass_ratio: {type: float, description: C(pass_ratio) since then.}
            lifetime_pipe_ratio: {type: float, description: C(pipe_ratio) since then.}
            lifetime_grace_ratio: {type: float, description: C(grace_ratio) since then.}
            lifetime_hit_for_miss_ratio: {type: float, description: C(hit_for_miss_ratio) since then.}
            lifetime_hit_for_miss_request_ratio: {type: float, description: C(hit_for_miss_request_ratio) since then.}
            lifetime_hit_for_pass_ratio: {type: float, description: C(hit_for_pass_ratio) since then.}
            judged:
              description: The ratios of a window with enough requests (50) to carry a judgement, else null.
              type: dict
              contains:
                {basis: {type: str, description: 'V(window) when it saw at least 50 requests, else V(none).'},
                 period: {type: str, description: The same in words.}, requests: {type: int, description: Requests of that time.},
                 misses: {type: int, description: Misses of that time.}, hit_ratio_true: {type: float, description: As above.},
                 hit_ratio_shown: {type: float, description: As above.}, offload_ratio: {type: float, description: As above.},
                 pass_ratio: {type: float, description: As above.}, pipe_ratio: {type: float, description: As above.},
                 grace_ratio: {type: float, description: As above.}, hit_for_miss_ratio: {type: float, description: As above.},
                 hit_for_miss_request_ratio: {type: float, description: As above.},
                 hit_for_pass_ratio: {type: float, description: As above.}}
            hit_ratio_drop: {type: float, description: By how much the true hit ratio of the window is below that of the time before it.}
            backend_requests: {type: int, description: Requests that Varnish sent to its backends.}
            backend_requests_per_second: {type: float, description: The same per second.}
            backend_attempts: {type: int, description: Requests and failed connections together.}
            backend_errors: {type: int, description: Failed fetches and refused connections.}
            backend_error_ratio: {type: float, description: 'Errors per attempt, null without any.'}
            background_fetches: {type: int, description: Fetches for grace hits.}
            lifetime_backend_requests: {type: int, description: Backend requests since the child started.}
            lifetime_backend_errors: {type: int, description: Backend errors since then.}
            uncacheable_responses: {type: int, description: Answers of backends that may not be cached.}
            backends:
              description: Backends of the live VCL and of those that it goes on to by their labels, those in trouble first.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: Its name.}, vcl: {type: str, description: Its VCL.},
                 active: {type: bool, description: 'Whether that is the live one, null when it is not known.'},
                 health: {type: str, description: 'V(healthy), V(sick), V(no_probe) or V(unknown).'},
                 health_source: {type: str, description: Who says so.},
                 admin_health: {type: str, description: 'What the administrator set, null when the management port may not be read.'},
                 probe_good: {type: int, description: Good probes of the last ones.},
                 probe_window: {type: int, description: How many are looked at.},
                 happy: {type: int, description: The exact 64-bit history of the probes.},
                 connections: {type: int, description: Open connections.}, requests: {type: int, description: Requests in the window.},
                 failures: {type: int, description: Failures in the window.},
                 failure_ratio: {type: float, description: 'The share, null without requests.'},
                 lifetime_requests: {type: int, description: Requests since the child started.},
                 lifetime_failures: {type: int, description: Failures since then.}}
            backends_total: {type: int, description: How many there are.}
            backends_sick: {type: int, description: 'How many are sick, null when it is not known.'}
            backends_usable: {type: int, description: 'How many are not, null when it is not known.'}
            stale_vcls: {type: list, elements: str, description: Other loaded VCLs that still have backends.}
            threads:
              description: Worker threads.
              type: dict
              contains:
                {running: {type: int, description: How many there are.},
                 maximum: {type: int, description: 'How many there may be, null when the management port may not be read.'},
                 use_ratio: {type: float, description: The share.}, queue_length: {type: int, description: Requests that wait for one.},
                 limited: {type: int, description: Times in the window that a pool was at its limit.},
                 failed: {type: int, description: Times that one could not be made.},
                 at_limit: {type: bool, description: 'Whether requests waited at the limit, or a thread or request was refused.'},
                 lifetime_limited: {type: int, description: Times at the limit since the child started.}}
            thread_starved: {type: bool, description: Whether requests had to wait for a thread or were dropped in the window.}
            sessions:
              description: Client connections.
              type: dict
              contains:
                {accepted: {type: int, description: Accepted in the window.},
                 accepted_per_second: {type: float, description: The same per second.},
                 queued: {type: int, description: Those that waited for a thread.},
                 dropped: {type: int, description: Those that were dropped.}, failed: {type: int, description: Those that failed.},
                 not_accepted: {type: int, description: 'Of the failed, those that could not be accepted for lack of descriptors or memory.'},
                 lifetime_dropped: {type: int, description: Dropped since the child started.}}
            storage:
              description: Storages.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: Its name.}, kind: {type: str, description: 'Its kind, for example V(SMA) (malloc).'},
                 used_bytes: {type: int, description: What is in it.},
                 size_bytes: {type: int, description: 'Its size, null without a limit.'},
                 use_ratio: {type: float, description: 'The share, null without a limit.'},
                 unlimited: {type: bool, description: Whether it has no limit.},
                 failures: {type: int, description: Allocations that failed in the window.},
                 lifetime_failures: {type: int, description: The same since the child started.}}
            storage_total: {type: int, description: How many there are.}
            storage_bytes: {type: int, description: 'Size of all storages together, without C(Transient). Null when one has no limit.'}
            storage_used_bytes: {type: int, description: What is in them.}
            storage_use_ratio: {type: float, description: The share.}
            transient_bytes:
              description: What uncacheable and short-lived objects take at the moment; normally without a limit.
              type: int
            transient_to_storage: {type: float, description: The same by C(storage_bytes).}
            objects: {type: int, description: Objects in the cache.}
            expired: {type: int, description: Objects that expired in the window.}
            nuked: {type: int, description: Objects evicted in the window to make room.}
            nuked_per_second: {type: float, description: The same per second.}
            nuked_per_miss: {type: float, description: 'The same per miss, null without misses.'}
            lifetime_nuked: {type: int, description: The same since the child started.}
            invalidations:
              description: What bans and purges took out of the cache in the window.
              type: dict
              contains:
                {bans: {type: int, description: Bans that were added.},
                 bans_listed: {type: int, description: 'How long the list of bans is, against which each lookup is tested.'},
                 purges: {type: int, description: Purges that were executed.},
                 objects: {type: int, description: Objects that they removed from the cache.},
                 lost_ratio: {type: float, description: 'The share of the lookups that can have missed for it, at most that of the misses.'}}
            child:
              description: The cache process. Null where the counters of the manager are not shown.
              type: dict
              contains:
                {uptime_seconds: {type: int, description: Since it started.},
                 manager_uptime_seconds: {type: int, description: Since its manager started.},
                 starts: {type: int, description: Times it was started.},
                 crashes: {type: int, description: 'Times it died, by a panic, a signal or an exit.'},
                 died: {type: int, description: 'Of these, by a signal.'}, panics: {type: int, description: 'Of these, by a panic.'},
                 unexpected_exits: {type: int, description: 'Of these, by an exit.'},
                 restarted_in_window: {type: bool, description: Whether it was replaced in the window.},
                 younger_than_manager_seconds: {type: int, description: How much younger it is than its manager.}}
            vcl_failures: {type: int, description: Requests that ended in an error inside the VCL.}
            workspace_overflows: {type: int, description: Requests that had not enough workspace.}
            answered_500: {type: int, description: 'Answers with 500 that Varnish made itself, for lack of workspace for headers.'}
            lifetime_vcl_failures: {type: int, description: VCL failures since the child started.}
  sample:
    launch_varnish:
      schema: 1
      instances:
        - name: varnish
          state: up
          problem: null
          window: 5.004
          requests: 5120
          hit_ratio_true: 0.914
          hit_ratio_shown: 0.981
          pass_ratio: 0.068
          active_vcl: boot
          backends_sick: 0
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._collect.entry import run
from ..module_utils._collect.options import argument_spec
from ..module_utils._collectors.varnish.collector import COLLECTOR


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(COLLECTOR), supports_check_mode=True)
    run(module, COLLECTOR)


if __name__ == "__main__":
    main()
