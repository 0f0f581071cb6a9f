#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: varnish_traffic
short_description: Which URLs Varnish serves from its cache, which it does not, and why
version_added: 1.0.0
description:
  - Reads the shared log of Varnish once through C(varnishncsa), client and backend side, and counts the requests that ended within the
    window, by outcome, status, host, kind of client and URL pattern.
  - Says why requests bypassed the cache and why responses were not stored, by header names; values are never shown.
  - The log is a ring of limited size (C(vsl_space)). RV(ignore:log) says what period it covered and whether all of it was read.
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
      - Count what ended in the last so many seconds instead of in the window; with V(0) everything that the log holds.
      - For a longer look by hand. In a check leave it out, or errors that were healed before the window count as errors of now.
      - Without it, and without a window (O(window) is 0), the last 60 seconds are counted.
      - A busy Varnish overwrites its log within seconds or minutes. On a quiet one it would show yesterday.
    type: float
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

- name: The same of the last five minutes, at once
  warroom.launch.varnish_traffic:
    window: 0
    last: 300
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
      description: C(schema) and C(instances).
      type: dict
      contains:
        schema: {type: int, description: Version of the structure of these facts.}
        instances:
          description:
            - One per varnishd. Counts are of what ended within the window (or O(last)), and null where the log has nothing to count.
            - What every instance has beside these measures is documented by M(warroom.launch.launch_facts).
            - A measure over the window is null with one sample (O(window) is 0). Why a measure is null is in RV(ignore:unknown).
          type: list
          elements: dict
          contains:
            client_options:
              description: What the Varnish tools need to reach the same instance, for example C(-n /var/lib/varnish/shop).
              type: str
            log:
              description: What was read.
              type: dict
              contains:
                {transactions: {type: int, description: Transactions of both sides that were counted.},
                 unparsed: {type: int, description: Lines that could not be understood.},
                 seconds: {type: float, description: Time that they cover.},
                 first_at: {type: str, description: 'Time of the first, null without any.'},
                 last_at: {type: str, description: Time of the last.}, age_seconds: {type: float, description: How old the last is.},
                 complete: {type: bool, description: Whether all of it was read.},
                 patterns_kept: {type: int, description: URL patterns that were told apart.}}
            requests: {type: int, description: 'Requests of clients, without C(malformed_requests).'}
            requests_per_second: {type: float, description: 'The same per second of the log, null when it covers no time.'}
            malformed_requests: {type: int, description: Requests that were no HTTP.}
            outcomes:
              description: What became of the requests, in every version of Varnish one of these.
              type: dict
              contains:
                {hit: {type: int, description: Answered from the cache.},
                 grace_hit: {type: int, description: Answered with an expired object while it was being refreshed.},
                 miss: {type: int, description: Fetched.},
                 hit_for_miss: {type: int, description: 'Fetched, because a note says that the page is not cacheable.'},
                 pass: {type: int, description: Passed to the backend.},
                 hit_for_pass: {type: int, description: 'Passed to the backend because of a hit-for-pass object.'},
                 pipe: {type: int, description: Handed through to a backend.}, synth: {type: int, description: Answered by Varnish itself.}}
            shares:
              description: Their shares of the requests, null without requests.
              type: dict
              contains:
                {hit: {type: float, description: As above.}, grace_hit: {type: float, description: As above.},
                 miss: {type: float, description: As above.}, hit_for_miss: {type: float, description: As above.},
                 pass: {type: float, description: As above.}, hit_for_pass: {type: float, description: As above.},
                 pipe: {type: float, description: As above.}, synth: {type: float, description: As above.}}
            hit_ratio_true:
              description: Share of the requests without synthetic answers that came from the cache, null without requests.
              type: float
            pass_ratio: {type: float, description: Share that was passed.}
            bypass_ratio: {type: float, description: 'Share that bypassed the cache, passed, piped, or marked as not cacheable.'}
            bypass_cacheable_ratio: {type: float, description: The same without pipes and the URL patterns that must bypass the cache.}
            must_bypass:
              description: Requests for URL patterns that must bypass the cache.
              type: dict
              contains:
                {misses: {type: int, description: Of the misses.}, hit_for_misses: {type: int, description: Of the hits for miss.},
                 passes: {type: int, description: Of the passes.}, pipes: {type: int, description: Of the pipes.}}
            statuses:
              description: Requests by status.
              type: list
              elements: dict
              contains: &counted
                {name: {type: str, description: What is counted.}, count: {type: int, description: Requests.},
                 share: {type: float, description: Their share.}}
            methods: {type: list, elements: dict, description: Requests by method., contains: *counted}
            hosts: {type: list, elements: dict, description: Requests by requested host., contains: *counted}
            hosts_total: {type: int, description: How many hosts there were.}
            agents:
              description: Requests by user agent.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: The agent.},
                 kind: {type: str, description: 'What it is, for example V(browser) or V(program).'},
                 count: {type: int, description: Requests.}, share: {type: float, description: Their share.}}
            hits:
              description: URL patterns with the most hits.
              type: list
              elements: dict
              contains: &pattern
                pattern: {type: str, description: 'The URLs, with C(<id>) and the like for what differs.'}
                example: {type: str, description: One of them.}
                host: {type: str, description: The host of the example.}
                count: {type: int, description: Requests.}
                share: {type: float, description: Share of all requests.}
                cached: {type: int, description: Those from the cache.}
                bytes: {type: int, description: Bytes sent.}
                mean_seconds: {type: float, description: 'Mean time of those that were not from the cache, null when all were.'}
                backend_requests: {type: int, description: Requests that reached a backend.}
                backend_seconds: {type: float, description: Time of the backends.}
                share_of_backend_time: {type: float, description: 'Its share, null without backend requests.'}
                private: {type: int, description: 'Responses that say themselves that no shared cache may keep them.'}
                expected: {type: str, description: 'V(cached) or V(uncached) when that was declared for most of these URLs, else null.'}
                must_bypass:
                  description:
                    - Whether no cache may answer most of these requests, because O(uncached) declares it, the method is not GET or HEAD,
                      the responses are private or refusals (400, 403), or the requests carry a password.
                  type: bool
                reason: {type: str, description: 'The most frequent reason why it was not cached, null when none is known.'}
                reasons:
                  description: All of them.
                  type: list
                  elements: dict
                  contains:
                    {name: {type: str, description: 'The reason, for example a header.'}, count: {type: int, description: Requests.}}
                url_regex: {type: str, description: 'A regular expression for a VCL, null when none is safe.'}
            hits_total: {type: int, description: How many patterns there are.}
            misses: {type: list, elements: dict, description: URL patterns with the most misses., contains: *pattern}
            misses_total: {type: int, description: How many patterns there are.}
            hit_for_misses: {type: list, elements: dict, description: URL patterns with the most hits for miss., contains: *pattern}
            hit_for_misses_total: {type: int, description: How many patterns there are.}
            passes: {type: list, elements: dict, description: URL patterns with the most passes., contains: *pattern}
            passes_total: {type: int, description: How many patterns there are.}
            pipes: {type: list, elements: dict, description: URL patterns with the most pipes., contains: *pattern}
            pipes_total: {type: int, description: How many patterns there are.}
            synths: {type: list, elements: dict, description: URL patterns with the most synthetic answers., contains: *pattern}
            synths_total: {type: int, description: How many patterns there are.}
            slowest:
              description: URL patterns that were not in the cache, those with the longest mean time first.
              type: list
              elements: dict
              contains: *pattern
            bypasses:
              description: URL patterns that bypassed the cache although nothing says that they must, the most requested first.
              type: list
              elements: dict
              contains: *pattern
            bypasses_total: {type: int, description: How many patterns there are.}
            redirects:
              description: URL patterns of permanent redirects (301, 308) that a backend had to compute and a cache may keep.
              type: list
              elements: dict
              contains: &answered
                pattern: {type: str, description: 'The URLs, with C(<id>) and the like for what differs.'}
                status: {type: int, description: The status.}
                example: {type: str, description: One of them.}
                host: {type: str, description: The host of the example.}
                count: {type: int, description: Requests.}
                share: {type: float, description: Share of all requests.}
                cached: {type: int, description: Those from the cache.}
                bytes: {type: int, description: Bytes sent.}
                mean_seconds: {type: float, description: 'Mean time of those that were not from the cache, null when all were.'}
                backend_requests: {type: int, description: Requests that reached a backend.}
                backend_seconds: {type: float, description: Time of the backends.}
                share_of_backend_time: {type: float, description: 'Its share, null without backend requests.'}
                private: {type: int, description: Responses that say themselves that no shared cache may keep them.}
                expected: {type: str, description: 'V(cached) or V(uncached) when that was declared for most of these URLs, else null.'}
                must_bypass:
                  description:
                    - Whether no cache may answer most of these requests, because O(uncached) declares it, the method is not GET or HEAD,
                      the responses are private or refusals (400, 403), or the requests carry a password.
                  type: bool
                reason: {type: str, description: 'The most frequent reason why it was not cached, null when none is known.'}
                reasons:
                  description: All of them.
                  type: list
                  elements: dict
                  contains:
                    {name: {type: str, description: 'The reason, for example a header.'}, count: {type: int, description: Requests.}}
                url_regex: {type: str, description: 'A regular expression for a VCL, null when none is safe.'}
            redirects_total: {type: int, description: How many patterns there are.}
            redirect_requests: {type: int, description: Requests that got one.}
            redirect_ratio: {type: float, description: Their share of the requests.}
            redirect_backend_requests: {type: int, description: Those that a backend computed.}
            redirect_backend_time_ratio: {type: float, description: 'Their share of the backends'' time, null without backend requests.'}
            redirect_top_ratio:
              description: Requests that a backend computed for the most frequent pattern, of all requests.
              type: float
            not_found: {type: list, elements: dict, description: URL patterns of 404s that VCL did not answer itself., contains: *answered}
            not_found_total: {type: int, description: How many patterns there are.}
            not_found_requests: {type: int, description: Requests that got one.}
            not_found_ratio: {type: float, description: Their share of the requests.}
            not_found_backend_requests: {type: int, description: Those that a backend computed.}
            not_found_backend_time_ratio: {type: float, description: 'Their share of the backends'' time, null without backend requests.'}
            not_found_top_ratio:
              description: Requests that a backend computed for the most frequent pattern, of all requests.
              type: float
            refused:
              description: URL patterns of 4xx without 401, 404 and 410, by status, that VCL did not answer itself.
              type: list
              elements: dict
              contains: *answered
            refused_total: {type: int, description: How many patterns there are.}
            refused_requests: {type: int, description: 'Requests that got one, from VCL too.'}
            refused_ratio: {type: float, description: Their share of the requests.}
            refused_backend_requests: {type: int, description: Those that a backend computed.}
            refused_backend_time_ratio: {type: float, description: 'Their share of the backends'' time, null without backend requests.'}
            refused_top_ratio: {type: float, description: 'Requests that a backend computed for the most frequent pattern, of all requests.'}
            errors: {type: list, elements: dict, description: URL patterns of 5xx., contains: *answered}
            errors_total: {type: int, description: How many patterns there are.}
            error_requests: {type: int, description: Requests that got one.}
            error_ratio: {type: float, description: Their share of the requests.}
            error_backend_requests: {type: int, description: Those that a backend computed.}
            error_backend_time_ratio: {type: float, description: 'Their share of the backends'' time, null without backend requests.'}
            error_top_ratio: {type: float, description: 'Requests that a backend computed for the most frequent pattern, of all requests.'}
            pass_reasons:
              description: Why backends got passed requests, by header name; one request may have several reasons. Shares are of the passes.
              type: list
              elements: dict
              contains: *counted
            not_stored_reasons:
              description: Why answers to misses were not stored, or only for one visitor. Shares are of the misses.
              type: list
              elements: dict
              contains: *counted
            response_times:
              description: Time to the first byte.
              type: dict
              contains:
                hit:
                  description: Of hits.
                  type: dict
                  contains: &times
                    count: {type: int, description: Requests.}
                    p50_seconds: {type: float, description: 'Half of them took no longer, null without any.'}
                    p95_seconds: {type: float, description: 95 % of them took no longer.}
                    p99_seconds: {type: float, description: 99 % of them took no longer.}
                    max_seconds: {type: float, description: The longest.}
                    buckets:
                      description: On a logarithmic axis.
                      type: list
                      elements: dict
                      contains:
                        {from_seconds: {type: float, description: From.}, to_seconds: {type: float, description: To.},
                         count: {type: int, description: Requests.}}
                miss: {type: dict, description: Of misses., contains: *times}
                pass: {type: dict, description: Of passes., contains: *times}
                all: {type: dict, description: 'Of all requests, pipes and synthetic answers included.', contains: *times}
            backend:
              description: The backends' side.
              type: dict
              contains:
                {requests: {type: int, description: Requests.}, fetches: {type: int, description: For misses.},
                 background_fetches: {type: int, description: For grace hits.}, passes: {type: int, description: For passes.},
                 errors: {type: int, description: Those that failed or got a 5xx.},
                 error_ratio: {type: float, description: 'The share, null without requests.'},
                 seconds: {type: float, description: Time in sum.},
                 times: {type: dict, description: Time to the first byte., contains: *times}}
            expected:
              description: What became of the URLs of O(cached) and O(uncached), the worst first.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: The expression.}, expect: {type: str, description: V(cached) or V(uncached).},
                 requests: {type: int, description: Requests that match.}, hits: {type: int, description: Those from the cache.},
                 wrong: {type: int, description: Those that are not as expected.},
                 wrong_ratio: {type: float, description: 'The share, null without requests.'},
                 patterns: {type: list, elements: str, description: Their URL patterns.}}
            expected_total: {type: int, description: How many there are.}
            expected_cached_bypass_ratio: {type: float, description: 'The worst of O(cached), null when none was given or requested.'}
            expected_uncached_hits: {type: int, description: 'Hits of O(uncached), null when none was given or requested.'}
            probes:
              description: What became of O(probe_urls), null when none could be fetched.
              type: list
              elements: dict
              contains:
                {name: {type: str, description: The page.}, host: {type: str, description: The host it was asked of.},
                 expect: {type: str, description: V(cached) or V(uncached).},
                 status: {type: int, description: 'The status, null when it could not be fetched.'},
                 cached: {type: bool, description: 'Whether the second response was a hit, null when it does not say so.'},
                 ok: {type: bool, description: 'Whether that is as expected, null when it is not known.'},
                 age_seconds: {type: float, description: 'The header Age, null without one.'},
                 first_seconds: {type: float, description: Time of the first answer.},
                 second_seconds: {type: float, description: Time of the second answer.},
                 set_cookie: {type: bool, description: Whether the answer sets a cookie.},
                 vary: {type: list, elements: str, description: The header Vary.},
                 reasons: {type: list, elements: str, description: Headers that keep it out of the cache.},
                 problem: {type: str, description: Why it could not be fetched or judged.}}
            probes_total: {type: int, description: How many there are.}
            probes_wrong: {type: int, description: 'Those that are not as expected, null when none was named or fetched.'}
            probes_failed: {type: int, description: Those that could not be fetched or judged.}
            query:
              description: The answer to O(query), null without one.
              type: dict
              contains:
                {query: {type: str, description: The query.}, group_by: {type: str, description: The field that its rows are counted by.},
                 transactions: {type: int, description: Transactions that match.},
                 rows: {type: list, elements: dict, description: The most frequent values., contains: *counted},
                 rows_total: {type: int, description: How many values there are.}}
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
