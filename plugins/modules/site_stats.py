#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: site_stats
short_description: Names, certificates, redirects, headers and error pages of a site from outside, before the doors open
version_added: 1.1.0
description:
  - Looks at a site as its first visitors will, with plain GET requests from the host that it runs on. Run it where visitors could be, for
    example on the control node.
  - Only the site that is named is looked at. A redirect to a name that is neither that of O(url) nor of O(aliases) is not followed.
  - At most four requests are under way at once. Each has a limit of O(timeout), and of a body no more than 256 KiB is read.
  - The role P(warroom.launch.launch_check#role) looks from the control node at the sites of C(launch_check_sites), in the phase C(before).
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch
  - warroom.launch.launch.sampling
requirements:
  - dnspython, or dig, for how long name servers keep an address
options:
  url:
    description: The page that visitors come to, as V(https://www.example.com/).
    type: str
  aliases:
    description:
      - Other names of the site, such as the bare domain. Each has to lead to O(url) with one redirect, over C(http://) and C(https://).
      - In place of a name, a whole URL that has to do so. At most ten count, as of the lists below.
    type: list
    elements: str
  pages:
    description: Pages that a cache may keep for all visitors, as paths or URLs.
    type: list
    elements: str
  static:
    description: Static files, as paths or URLs.
    type: list
    elements: str
  error_pages:
    description: Where the pages are that visitors get when the site breaks (500, 502, maintenance), as paths or URLs.
    type: list
    elements: str
  health:
    description: The path or URL that load balancers and the accelerator's probe ask.
    type: str
  address:
    description: A host or address to connect to in place of what the names resolve to, while they still lead to the old site.
    type: str
  resolver:
    description:
      - A name server to ask, as V(192.0.2.53) or V(192.0.2.53:5353). By default that of the host.
      - A server that caches tells what is left of the time that it keeps an address; the zone's own server tells all of it.
    type: str
  ca_cert:
    description: A file of authorities to trust in place of the host's, for a rehearsal.
    type: path
"""

EXAMPLES = r"""
- name: Is the site ready for its visitors?
  warroom.launch.site_stats:
    url: https://www.example.com/
    aliases: [example.com]
    pages: [/, /products/]
    static: [/static/css/app.0a1b2c3d.css]
    error_pages: [/static/500.html, /static/maintenance.html]
    health: /health/
  delegate_to: localhost
  run_once: true

- name: The same, before its names are moved to the new servers
  warroom.launch.site_stats:
    url: https://www.example.com/
    aliases: [example.com]
    address: 203.0.113.7
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
ansible_facts:
  description: The facts, under one key.
  returned: always
  type: dict
  contains:
    launch_site:
      description: C(schema) and C(instances).
      type: dict
      contains:
        schema: {type: int, description: Version of the structure of these facts.}
        instances:
          description:
            - One per site.
            - What every instance has beside these measures is documented by M(warroom.launch.launch_facts).
            - Why a measure is null is in RV(ignore:unknown); each may be when a part of the site does not answer in time.
          type: list
          elements: dict
          contains:
            url: {type: str, description: O(url).}
            names:
              description: The names of O(url) and O(aliases), those with trouble first.
              type: list
              elements: dict
              contains:
                host: {type: str, description: The name.}
                resolves: {type: bool, description: 'Whether it has an address, null for an address.'}
                addresses: {type: list, elements: str, description: At most five of its addresses.}
                ttl_seconds: {type: int, description: How long name servers keep them.}
                trusted: {type: bool, description: 'Whether its certificate is trusted for this name, with its chain.'}
                days_left: {type: float, description: 'Days until its certificate ends, null for one that is not trusted.'}
                why: {type: str, description: 'What is wrong, empty when nothing is.'}
            names_total: {type: int, description: How many there are.}
            names_unresolved_total: {type: int, description: How many have no address.}
            names_untrusted_total: {type: int, description: How many have a certificate that is not trusted.}
            named: {type: bool, description: Whether one of them is a name and no address.}
            encrypted: {type: bool, description: Whether one of them is asked for over C(https://).}
            certificate_days_left: {type: float, description: Days until the first of their certificates ends.}
            dns_ttl_seconds: {type: int, description: The longest time that an address is kept.}
            redirects:
              description: 'URLs that have to lead to O(url), those that do not first.'
              type: list
              elements: dict
              contains:
                url: {type: str, description: The URL.}
                right: {type: bool, description: Whether it leads to scheme and host of O(url).}
                hops: {type: int, description: How many redirects there are.}
                ends_at: {type: str, description: Where they lead.}
                permanent: {type: bool, description: 'Whether each is permanent (301, 308), null without any.'}
                why: {type: str, description: 'What is wrong, empty when nothing is.'}
            redirects_total: {type: int, description: How many there are.}
            redirects_wrong_total: {type: int, description: How many do not lead to the site.}
            redirects_longest_hops: {type: int, description: The most redirects that one has.}
            redirects_temporary_total: {type: int, description: How many have a redirect that is not permanent.}
            page:
              description: The page of O(url).
              type: dict
              contains:
                status: {type: int, description: Its status.}
                hsts_seconds: {type: int, description: 'C(max-age) of Strict-Transport-Security, 0 without it; null over C(http://).'}
                compressed: {type: bool, description: 'Whether it comes compressed, null for a page under 1400 bytes.'}
                small: {type: bool, description: Whether it is such a small page.}
                http2: {type: bool, description: Whether the server agrees on HTTP/2.}
                http3: {type: bool, description: Whether C(Alt-Svc) offers HTTP/3.}
                hidden_from_search: {type: bool, description: Whether it tells search engines not to list it.}
            robots:
              description: C(robots.txt).
              type: dict
              contains:
                present: {type: bool, description: Whether there is one.}
                blocks_all: {type: bool, description: Whether it keeps every crawler from the whole site.}
            sitemap:
              description: The sitemaps that C(robots.txt) names and C(sitemap.xml).
              type: dict
              contains:
                present: {type: bool, description: Whether there is one.}
                urls_total: {type: int, description: URLs that were seen in them.}
                foreign: {type: list, elements: str, description: 'Hosts of these that are no names of the site, at most five.'}
                foreign_total: {type: int, description: How many these are.}
            not_found:
              description: A page that does not exist.
              type: dict
              contains:
                status: {type: int, description: Its status.}
                kept_seconds: {type: int, description: 'How long caches may keep it by its headers, 0 when they say nothing of it.'}
                bytes: {type: int, description: Its size.}
                debug: {type: bool, description: 'Whether it is the page that Django shows with C(DEBUG) on.'}
            error_pages:
              description: O(error_pages), those that are not there first.
              type: list
              elements: dict
              contains:
                <<: &row
                  url: {type: str, description: The URL.}
                  failed: {type: bool, description: Whether it gave an error or nothing.}
                  status: {type: int, description: Its status.}
                  kept_seconds: {type: int, description: 'How long it may be kept by its headers, 0 when they say nothing of it.'}
                  cookie: {type: bool, description: Whether it sets a cookie.}
                  why: {type: str, description: 'What is wrong, empty when nothing is.'}
                shown: {type: bool, description: 'Whether there is a page.'}
            error_pages_total: {type: int, description: How many there are.}
            error_pages_absent_total: {type: int, description: How many are not there or empty.}
            error_pages_kept_seconds: {type: int, description: The longest time that one of them may be kept.}
            health:
              description: O(health).
              type: dict
              contains:
                named: {type: bool, description: Whether it was given.}
                failed: {type: bool, description: Whether it gave an error or nothing.}
                status: {type: int, description: Its status.}
                kept_seconds: {type: int, description: 'How long it may be kept by its headers, 0 when they say nothing of it.'}
                why: {type: str, description: 'Why there was no answer, empty when there was one.'}
            static:
              description: 'O(static), those that are kept the shortest first.'
              type: list
              elements: dict
              contains: *row
            static_total: {type: int, description: How many there are.}
            static_failed_total: {type: int, description: How many gave an error or nothing.}
            static_kept_seconds: {type: int, description: The shortest time that a browser may keep one of them.}
            pages:
              description: O(pages), those that may not be shared first.
              type: list
              elements: dict
              contains:
                <<: *row
                shared: {type: bool, description: Whether a cache may keep it for all visitors.}
            pages_total: {type: int, description: How many there are.}
            pages_failed_total: {type: int, description: How many gave an error or nothing.}
            pages_unshared_total: {type: int, description: How many no cache may keep for all visitors.}
      sample:
        schema: 1
        instances:
          - name: www.example.com
            state: up
            certificate_days_left: 61.4
            redirects_wrong_total: 1
            redirects: [{url: 'http://example.com/', right: false, hops: 0, why: it does not lead to the site}]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._collect.entry import run
from ..module_utils._collect.options import argument_spec
from ..module_utils._collectors.site.collector import COLLECTOR


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(COLLECTOR), supports_check_mode=True)
    run(module, COLLECTOR)


if __name__ == "__main__":
    main()
