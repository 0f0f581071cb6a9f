#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: varnish_traffic
short_description: Which URLs Varnish answers, which it lets through, and why
version_added: 1.0.0
description:
  - Reads the shared log of Varnish once through C(varnishncsa), client and backend side, from its oldest record to the end of the window,
    and counts requests by outcome, status, host, kind of client and URL pattern.
  - Says why requests passed by the cache and why answers were not stored, by header names; values are never shown.
  - The log is a ring of limited size (C(vsl_space)). RV(ignore:log) says which time it covered and whether all of it was read.
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
  last:
    description:
      - Count only what began in the last so many seconds; with V(0) everything that the log holds.
      - A busy Varnish overwrites its log within seconds or minutes. On a quiet one it would tell of yesterday.
    type: float
    default: 60.0
  cached:
    description: Regular expressions of URLs (path and query) that are meant to be answered from the cache.
    type: list
    elements: str
  uncached:
    description: Regular expressions of URLs that must never be answered from the cache, because they are personal.
    type: list
    elements: str
  query:
    description: A VSL query (see C(vsl-query(7))); the transactions in the log that match it are counted by O(group_by).
    type: str
  group_by:
    description:
      - The tag of the log by whose value the transactions of O(query) are counted, such as V(ReqURL), V(RespStatus) or
        V(RespHeader:Content-Type).
      - URLs become patterns. Headers that hold private values (cookies, authorization, tokens) are refused.
    type: str
    default: ReqURL
  probe_urls:
    description:
      - URLs (V(https://shop.example.com/) or paths) that are fetched twice through Varnish, to see whether the second answer comes from
        the cache.
      - At most 20. They are counted like other requests.
    type: list
    elements: str
  address:
    description: Where Varnish listens, V(host:port), for O(probe_urls). Found from its process when not given.
    type: str
notes:
  - Reading the log needs root or membership in the group of Varnish (C(varnish) on Debian, where the user C(varnishlog) has it).
  - C(varnishncsa) must be of the same version as C(varnishd); of another one it may hang, which costs O(timeout) and is said.
  - The pass takes at most twice O(timeout).
  - Fragments of ESI are counted on the backend side only.
seealso:
  - module: warroom.launch.varnish_stats
"""

EXAMPLES = r"""
- name: What gets through to the application, and why
  warroom.launch.varnish_traffic:
  become: true

- name: With expectations, and two pages fetched twice
  warroom.launch.varnish_traffic:
    cached: ['^/$', '^/news/']
    uncached: ['^/account/']
    probe_urls: ['https://shop.example.com/', /news/]
  become: true

- name: Which pages gave errors to clients
  warroom.launch.varnish_traffic:
    window: 0
    query: RespStatus >= 500
    group_by: ReqURL
  become: true
"""

RETURN = r"""
ansible_facts:
  description: The facts, under one key.
  returned: always
  type: dict
  contains:
    launch_varnish_traffic:
      description: One entry per instance under C(instances), with C(name), C(state), C(problem) and the other common fields.
      returned: always
      type: dict
      contains:
        instances:
          description:
            - Counts are over the time that the log covers.
            - Rows of URL patterns have C(pattern), C(example), C(host) of the example, C(count), C(share) of the requests,
              C(cached) (those from the cache), C(bytes), C(mean_seconds) of the others, C(backend_requests), C(backend_seconds),
              C(share_of_backend_time), C(private), C(reason), C(reasons) and C(url_regex) for use in a VCL.
            - C(private) is how many of the passed answers say themselves that no shared cache may keep them (Cache-Control with
              private, no-store or no-cache).
          type: list
          elements: dict
          returned: always
          contains:
            client_options:
              description: What the Varnish tools need to reach the same instance, for example C(-n /var/lib/varnish/shop).
              type: str
              returned: always
            log:
              description:
                - What was read, C(transactions) of both sides that O(last) lets in, C(seconds) that they cover, C(first_at), C(last_at),
                  C(complete), C(unparsed).
              type: dict
              returned: always
            requests:
              description: Requests of clients. RV(ignore:malformed_requests) are not among them.
              type: int
              returned: always
            requests_per_second:
              description: The same per second of the log.
              type: float
              returned: always
            outcomes:
              description:
                - How many requests were a C(hit), C(grace_hit), C(miss), C(hit_for_miss), C(pass), C(hit_for_pass), C(pipe) or C(synth).
                - Each request is in one of them, in every version of Varnish. RV(ignore:shares) are their shares.
              type: dict
              returned: always
            hit_ratio_true:
              description: Share of the requests without synthetic answers that came from the cache.
              type: float
              returned: always
            pass_ratio:
              description: Share that was passed.
              type: float
              returned: always
            bypass_ratio:
              description: Share that went by the cache, passed, piped, or marked as not cacheable.
              type: float
              returned: always
            statuses:
              description:
                - Rows of C(name), C(count), C(share). In the same form are RV(ignore:methods), RV(ignore:hosts) and
                  RV(ignore:agents).
              type: list
              elements: dict
              returned: always
            misses:
              description:
                - The URL patterns with the most misses; RV(ignore:misses_total) is how many patterns there are.
                - In the same form are C(hits), C(hit_for_misses), C(passes), C(pipes) and C(synths).
              type: list
              elements: dict
              returned: always
            redirects:
              description:
                - URL patterns of permanent redirects (301, 308) that a backend had to compute.
                - C(redirect_ratio) is the share of all of them in the requests, C(redirect_backend_time_ratio) their share of the
                  backend's time.
              type: list
              elements: dict
              returned: always
            not_found:
              description:
                - All URL patterns of 404s that VCL did not answer itself, with C(not_found_ratio) and
                  C(not_found_backend_time_ratio).
              type: list
              elements: dict
              returned: always
            errors:
              description: The same for 5xx, with C(error_ratio).
              type: list
              elements: dict
              returned: always
            slowest:
              description: URL patterns that were not in the cache, those with the longest mean time first.
              type: list
              elements: dict
              returned: always
            pass_reasons:
              description:
                - Why backends got passed requests, by header name; C(share) is of the passes. One request may have several reasons.
              type: list
              elements: dict
              returned: always
            not_stored_reasons:
              description: Why answers to misses were not stored, or only for one visitor.
              type: list
              elements: dict
              returned: always
            response_times:
              description:
                - Time to the first byte for C(hit), C(miss) and C(pass), with C(p50_seconds), C(p95_seconds), C(p99_seconds),
                  C(max_seconds) and C(buckets)
                  on a logarithmic axis.
              type: dict
              returned: always
            backend:
              description:
                - The backend side, C(requests), C(fetches), C(background_fetches), C(passes), C(errors), C(seconds) in sum, and
                  C(times).
              type: dict
              returned: always
            expected:
              description: What became of the URLs of O(cached) and O(uncached), the worst first.
              type: list
              elements: dict
              returned: always
            probes:
              description: What became of O(probe_urls).
              type: list
              elements: dict
              returned: always
            query:
              description: The answer to O(query).
              type: dict
              returned: always
  sample:
    launch_varnish_traffic:
      schema: 1
      instances:
        - name: varnish
          state: up
          problem: null
          requests: 38211
          outcomes: {hit: 30160, grace_hit: 12, miss: 2204, hit_for_miss: 0, pass: 5835, hit_for_pass: 0, pipe: 0, synth: 0}
          passes:
            - {pattern: /news/<id>/, count: 5102, share: 0.133522, reason: Cookie}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._collect.entry import run
from ..module_utils._collect.options import argument_spec
from ..module_utils._collectors.varnish_traffic.collector import COLLECTOR


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(COLLECTOR), supports_check_mode=True)
    run(module, COLLECTOR)


if __name__ == "__main__":
    main()
