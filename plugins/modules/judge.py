#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: judge
short_description: Judges the facts of the whole fleet and writes the report
version_added: 1.0.0
description:
  - Evaluates the checks of the catalogue over the launch facts of every host, looks for causes across all hosts,
    gives one verdict, prints the board and writes the report files.
  - Runs on the control node, without a connection. Run it once, with C(run_once), after the facts are gathered.
  - The role P(warroom.launch.launch_check#role) gathers and judges; this action is for your own playbooks.
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch.settings
  - warroom.launch.launch.store
requirements:
  - jmespath (on the controller)
  - Python 3.11 or later (on the controller)
options:
  hosts: {description: 'The hosts to judge. Defaults to all hosts of the play, unreachable ones included.', type: list, elements: str}
  facts_from:
    description:
      - Name of the variable in which the gathering task was registered. Its result counts, including that a host was unreachable.
      - When the task was M(warroom.launch.gather), the host's own settings are taken from it too. Without it, and for a host that was given
        up, its variables C(launch_check_thresholds), C(launch_check_extra_checks), C(launch_check_accept), C(launch_check_known_clients)
        and C(launch_check_services) are.
      - With this, a play in batches (C(serial)) is judged as a whole with its last batch, and a strategy without a common pace is refused.
      - By default C(ansible_facts) of each host is taken, of whatever age.
      - V(spool:/a/folder) reads what the hosts have sent there themselves, a file C(<host>.json) each, or a folder C(<host>) of the host's own
        account with such a file. A document is what M(warroom.launch.launch_facts) printed, or its facts. The path and the file's owner
        say which host it is of; one that is a link, too large, too deep or older than O(facts_age) is a finding of that host.
    type: str
  facts_age: {description: 'Seconds after which a document in a spool is stale, by the clock of the machine that holds it.', type: float, default: 300.0}
  catalogue: {description: Directory on the control node with the checks. Defaults to those of the role C(launch_check)., type: path}
  thresholds: {description: 'Changed limits by check id, for hosts without their own settings.', type: dict, default: {}}
  phase: {description: 'V(before) is the rehearsal without traffic, V(during) the launch.', type: str, choices: [before, during], default: during}
  fail_on: {description: The mildest status that sets RV(stop)., type: str, choices: [warn, unknown, fail, never], default: unknown}
  report_dir:
    description:
      - Directory on the control node for the report files. Without it, nothing is written.
      - When a watch has stored its rounds there (O(watch)), the board and the page show trends.
    type: path
  report_files:
    description:
      - Which report files to write. V(alerts.json) has an alert per cause, as Alertmanager's API v2 takes it; V(launch.otlp.json) is the
        report in the JSON form of OpenTelemetry's OTLP.
    type: list
    elements: str
    choices: [index.html, launch.json, junit.xml, launch.prom, alerts.json, launch.otlp.json]
    default: [index.html, launch.json, junit.xml, launch.prom]
  report_facts:
    description:
      - Whose facts to write beside C(launch.json), as C(hosts/<name>.json).
      - With V(trouble) those of up to 100 hosts on which something is wrong, some for each kind of trouble. Of findings that are ok or
        skipped there is then one example for each check, with their C(count).
      - With V(all) those of every host, and every finding. A replay of the report needs this.
    type: str
    choices: [trouble, all, none]
    default: trouble
  board:
    description:
      - What to print of the verdict. V(full) is every cause and finding; V(short) fits a terminal of 24 lines.
      - Except in a watch, and for callbacks that print one document for programs, the short board is also the last thing that the run
        prints, below errors and recap, unless the full one stands there in sight.
    type: str
    choices: [short, full]
    default: full
  show: {description: Print the board. Callbacks for programs (with C(json) in their name) get it in RV(board) only., type: bool, default: true}
  watch:
    description:
      - Whether this is a round of a watch. The round is stored, changes since the last announcement are printed, and the page shows the
        history. A change is announced once, when two consecutive rounds agree on it; a single deviating round is not announced.
      - The playbook C(launch_watch.yml) uses it.
    type: bool
    default: false
  validate_only: {description: Only validate the checks and the settings of all hosts. Needs no facts., type: bool, default: false}
attributes:
  action: {description: Runs on the control node., support: full}
  check_mode: {description: Gives the same verdict and writes the same report; it changes no managed host., support: full}
  diff_mode: {description: Returns no diff., support: none}
"""

EXAMPLES = r"""
- name: Gather, and keep what became of it
  warroom.launch.launch_facts:
  register: gathered
  ignore_errors: true
  ignore_unreachable: true

- name: Are we go?
  warroom.launch.judge:
    facts_from: gathered
    thresholds:
      uwsgi_workers_busy:
        warn: '>= 0.6'
    accept:
      server_load: the rehearsal machine is small
    report_dir: launch-report
  register: launch
  run_once: true

- name: Hold the deployment
  ansible.builtin.fail:
    msg: "{{ launch.message }}"
  when: launch.stop
  run_once: true
"""

RETURN = r"""
verdict: {description: 'V(go), V(go with warnings), V(unknown) or V(no-go).', returned: when judged, type: str, sample: no-go}
status: {description: 'The worst status that counts, of V(fail), V(unknown), V(warn), V(ok).', returned: when judged, type: str, sample: fail}
counts:
  description: Findings by status, and those accepted.
  returned: when judged
  type: dict
  sample: {"fail": 1, "unknown": 0, "warn": 3, "ok": 87, "skipped": 12, "accepted": 1}
diagnoses: {description: 'Causes over the whole fleet, deepest first.', returned: when judged, type: list, elements: dict}
fleet:
  description:
    - What exists once for the fleet, in the form that a module's facts have. The checks of these services read the measures below.
    - What every instance has beside them is documented by M(warroom.launch.launch_facts).
  returned: when judged
  type: dict
  contains:
    launch_visitors:
      description:
        - What visitors get within the window, one instance for each site. Present when the fleet has an accelerator or an application server.
      type: dict
      contains:
        schema: &schema {type: int, description: Version of the structure of these facts.}
        instances:
          <<: &instances {description: The instances., type: list, elements: dict}
          contains:
            accelerators: {type: list, elements: str, description: The hosts of its accelerators.}
            applications: {type: list, elements: str, description: The hosts of its application servers.}
            edges: {type: list, elements: str, description: The hosts of its edge.}
            of: {type: list, elements: str, description: 'All of their instances, as C(host/service/name).'}
            host: {type: str, description: The host to look at first.}
            address: {type: str, description: Where the instance to look at listens.}
            client_options: {type: str, description: What Varnish's tools need there.}
            access_log: {type: str, description: The log there of an edge that measured.}
            source:
              description: Who measured, V(accelerator) (its log), V(edge) (its log or counters), V(application) (its own mean) or V(none).
              type: str
            requests: {type: int, description: 'Requests that ended in the window, null when nobody counted.'}
            logged_requests: {type: int, description: Those in a log of an accelerator or counted by the edge with their status.}
            timed_requests: {type: int, description: Those that the response time is about.}
            requests_per_second: {type: float, description: The same per second.}
            response_seconds: {type: float, description: 'The 95th percentile where the log is known, else the mean.'}
            response_p50_seconds: {type: float, description: 'Half of the first bytes came within it, null without a log.'}
            response_p95_seconds: {type: float, description: '95 % of the first bytes came within it, null without a log.'}
            outcomes: {description: 'The same by outcome, null without a log.', type: list, elements: dict, contains: {
              outcome: {type: str, description: 'V(hit), V(miss) or V(pass).'}, requests: {type: int, description: Requests.},
              p50_seconds: {type: float, description: Half of the first bytes came within it.},
              p95_seconds: {type: float, description: 95 % of the first bytes came within it.}}}
            comparable:
              description: What can be compared with the stored report labelled V(baseline).
              type: dict
              contains: {times: {type: bool, description: The times.}, errors: {type: bool, description: The 4xx.}}
            slower_factor:
              description:
                - How many times as long as in the stored report labelled V(baseline) requests take, of the outcome that got slowest. Null
                  without such a report, or with too few requests in either.
              type: float
            slower_by_seconds: {type: float, description: By how much.}
            slower_outcome: {type: str, description: 'Which outcome, V(all) of them, or the V(mean) of an application.'}
            slower_before_seconds: {type: float, description: Its 95th percentile then.}
            slower_now_seconds: {type: float, description: Its 95th percentile now.}
            errors: {type: int, description: '5xx, null without a log.'}
            error_ratio: {type: float, description: Their share of the requests.}
            client_errors: {description: '4xx by status, null without a log.', type: list, elements: dict, contains: {
              status: {type: str, description: The status.}, requests: {type: int, description: Requests that got it.},
              share_ratio: {type: float, description: Their share.}}}
            client_error_ratio: {type: float, description: Their share of the requests.}
            new_client_errors: {description: 'Those twice as frequent as in the report labelled V(baseline).', type: list, elements: dict, contains: {
              status: {type: str, description: The status.}, share_ratio: {type: float, description: Its share of the requests.},
              before_ratio: {type: float, description: Its share then.}}}
            new_client_error_ratio: {type: float, description: 'Their share of the requests, null without a baseline.'}
            refused: {type: int, description: '4xx without 401, 404 and 410, null without a log.'}
            refused_ratio: {type: float, description: Their share of the requests.}
            bad_request_ratio: {type: float, description: 'The share of the 400s that VCL did not answer itself, at least.'}
            refused_patterns: {description: What was refused most often., type: list, elements: dict, contains: {
              pattern: {type: str, description: The URLs.}, status: {type: int, description: The status.},
              host: {type: str, description: The host that one of them was requested of.}, count: {type: int, description: Requests.},
              backend_requests: {type: int, description: Those that reached a backend.}}}
            thread_queue: {type: int, description: Connections that wait for a thread of an accelerator.}
            sessions_queued: {type: int, description: Connections of the window that waited for one.}
            sessions_dropped: {type: int, description: Connections of the window that got none.}
            sessions_accepted: {type: int, description: Connections of the window.}
            sessions_queued_ratio: {type: float, description: The share of them that waited.}
            listen_queue: {type: int, description: Connections that wait for a worker.}
            listen_wait_seconds: {type: float, description: How long the last in line waits at this rate.}
            probes: {description: 'O(probes) as they were visited, those that failed first.', type: list, elements: dict, contains: {
              url: {type: str, description: The URL without values and logins.},
              visited_from: {type: str, description: 'The host, or V(the control node).'},
              failed: {type: bool, description: Whether there was no answer or a status from 400 on.},
              status: {type: int, description: 'The status, null without an answer.'},
              first_byte_seconds: {type: float, description: 'Until the headers were there, from the connection on.'},
              total_seconds: {type: float, description: Until the page was there.},
              location: {type: str, description: 'Where it redirects to, null when it does not.'},
              why: {type: str, description: 'Why it failed, else null.'}}}
            probes_total: {type: int, description: How many URLs.}
            probes_failed: {type: int, description: Those that failed from everywhere.}
            probes_failing: {type: int, description: Those that failed from one place at least.}
            probes_slowest_seconds: {type: float, description: The longest time until the headers of one were there.}
            mean_seconds: {type: float, description: Mean time of a request that the application answers.}
            time_spent: {description: 'Where that goes, from the visitors'' side on.', type: list, elements: dict, contains: {
              part: {type: str, description: 'What it waits for, or what its worker does.'},
              at: {type: str, description: 'The instance or address, null when it is none.'},
              seconds: {type: float, description: 'Its part of the mean, null when it was not measured.'},
              share_ratio: {type: float, description: 'Its share, null when it was not measured.'},
              reason: {type: str, description: 'Why it is not known, else null.'}}}
            time_spent_told: {type: str, description: The same as a sentence.}
    launch_accelerator_bypass:
      description: Traffic around Varnish, when the fleet has both tiers.
      type: dict
      contains:
        schema: {type: int, description: Version of the structure of these facts.}
        instances:
          <<: *instances
          contains:
            application_per_second: {type: float, description: 'Requests that all uWSGI instances took, null for servers that do not count them.'}
            accelerator_per_second: {type: float, description: 'Requests that all accelerators sent behind them, null when none was counted, and likewise.'}
            around_per_second: {type: float, description: 'What is left, null when an accelerator was not counted, and likewise.'}
            around_each_per_second: {type: float, description: 'The same for each uWSGI instance, null likewise.'}
            around_ratio: {type: float, description: 'Its part of what the instances took, null likewise.'}
            application_connections: {type: int, description: 'Connections of all these instances at one moment, null when not read.'}
            around_connections: {type: int, description: 'Those of clients that are no accelerator, nor a proxy behind one, null when not read.'}
            around_connections_ratio: {type: float, description: 'Their part of all connections, null likewise.'}
            clients_around: {description: 'Who has them, most first; null likewise.', type: list, elements: dict, contains: {
              address: {type: str, description: 'Its address, or which instance of the fleet it is.'},
              host: {type: str, description: 'The host of the fleet that has it, null when none has.'},
              connections: {type: int, description: Its connections.}}}
            clients_around_total: {type: int, description: 'How many there are, null likewise.'}
            accelerators: {type: list, elements: str, description: The accelerators' hosts.}
            applications: {description: 'The instances, busiest first.', type: list, elements: dict, contains: {
              host: {type: str, description: Its host.}, name: {type: str, description: Its name.},
              address: {type: str, description: 'Its stats server''s address, or where it listens.'},
              port: {type: int, description: 'The TCP port on which it listens, null when that is not known or it listens on none.'},
              requests_per_second: {type: float, description: 'Requests that it took, null when it does not count them.'}}}
            applications_total: {type: int, description: How many there are.}
    launch_memcached_pool:
      description: One per pool of memcached servers.
      type: dict
      contains:
        schema: {type: int, description: Version of the structure of these facts.}
        instances:
          <<: *instances
          contains:
            servers: {description: 'The servers, busiest first.', type: list, elements: dict, contains: {
              name: {type: str, description: The server.}, host: {type: str, description: Who saw it.}, address: {type: str, description: Where.},
              weight: {type: float, description: Its weight.}, share_ratio: {type: float, description: Its share of the operations.},
              hit_ratio: {type: float, description: Hits of its gets.}, operations_per_second: {type: float, description: Operations.},
              items_total: {type: int, description: Items.}, bytes: {type: int, description: Memory of the items.},
              evictions_per_second: {type: float, description: Evictions.},
              connections: {type: int, description: Connections of clients.}}}
            servers_total: {type: int, description: How many there are.}
            operations: {type: int, description: 'Operations in the window, null with one sample.'}
            operations_per_second: {type: float, description: The same per second.}
            skew_ratio: {type: float, description: 'How many times its share the most loaded server has, null when the balance is unknown.'}
            cv: {type: float, description: Coefficient of variation of the servers' operations.}
            imbalance: {type: float, description: 'The worse of both on one scale, 1 is even.'}
            hit_spread: {type: float, description: 'Between the best and the worst hit ratio, null with one server.'}
            items_skew: {type: float, description: The skew of the items.}
            bytes_skew: {type: float, description: The skew of the memory.}
            connections_skew: {type: float, description: The skew of the connections.}
            evictions_skew: {type: float, description: 'The skew of the evictions, null when there are none.'}
            busiest: {type: str, description: The most loaded server.}
            busiest_share: {type: float, description: Its share.}
            idle: {type: list, elements: str, description: Servers that get nothing.}
            idle_names: {type: str, description: The same as one text.}
            cause: {type: str, description: 'Why it is uneven, null when it is even.'}
    launch_celery_queue:
      description: One per broker. It has the measures that M(warroom.launch.celery_stats) documents, without C(local), and these.
      type: dict
      contains:
        schema: {type: int, description: Version of the structure of these facts.}
        instances:
          <<: *instances
          contains:
            host: {type: str, description: The host that knows most about it; the place to look.}
            hosts: {type: list, elements: str, description: The hosts that reported this broker.}
            beats: {type: int, description: Processes that send a schedule to it (celery beat).}
            beats_doubled:
              description: Applications whose schedule is sent by several of them, so that each task is sent as often.
              type: list
              elements: dict
              contains:
                name: {type: str, description: The application.}
                processes: {type: int, description: How many send it.}
                hosts: {type: list, elements: str, description: Where they run.}
            addable: {description: 'Places that could be added on the workers'' hosts; null when no host was measured.', type: dict, contains: {
              workers: {type: int, description: How many.}, limit: {type: str, description: 'What limits it, V(CPU) or V(memory).'},
              hosts: {description: 'The hosts.', type: list, elements: dict, contains: {
                name: {type: str, description: The host.}, workers: {type: int, description: How many.},
                limit: {type: str, description: What limits it there.}}}}}
    launch_database_clients:
      description: One per database server.
      type: dict
      contains:
        schema: {type: int, description: Version of the structure of these facts.}
        instances:
          <<: *instances
          contains:
            host: {type: str, description: The server's host.}
            address: {type: str, description: Where the server listens there.}
            service: {type: str, description: V(postgresql) or V(mysql).}
            database_instance: {type: str, description: The server.}
            clients: {description: 'Every client.', type: list, elements: dict, contains: &client {
              address: {type: str, description: 'The address, null when hidden.'}, user: {type: str, description: The user.},
              application: {type: str, description: 'The application, null when it gives no name.'},
              database: {type: str, description: The databases.}, backend: {type: str, description: What kind of session it is.},
              sessions: {type: int, description: Sessions.}, session_share_ratio: {type: float, description: Share of all sessions.},
              active_seconds: {type: float, description: Time that its sessions worked in the window.},
              time_share_ratio: {type: float, description: Share of the time that all worked.},
              longest_query_seconds: {type: float, description: 'Its longest query, null when hidden.'},
              kind: {type: str, description: 'V(reads), V(writes) or V(both), null when it was not seen at work.'},
              known: {type: bool, description: Whether the inventory explains it.}}}
            clients_total: {type: int, description: How many there are.}
            unknown_clients: {type: list, elements: dict, description: Those that nothing explains., contains: *client}
            unknown_clients_total: {type: int, description: How many there are.}
            unknown_clients_named: {type: str, description: 'The first of them, as one text.'}
            unknown_session_share_ratio: {type: float, description: Their share of the sessions.}
            unknown_time_share_ratio: {type: float, description: 'Their share of the working time, null when it is not known.'}
            unknown_active_seconds: {type: float, description: Their working time.}
            unknown_longest_query_seconds: {type: float, description: Their longest query.}
            replicas_total: {type: int, description: Replicas that could take their queries.}
    launch_connection_budget:
      description: One per database server whose application tier is in the fleet.
      type: dict
      contains:
        schema: *schema
        instances:
          <<: *instances
          contains:
            host: {type: str, description: The server's host.}
            address: {type: str, description: Where the server listens there.}
            service: {type: str, description: V(postgresql) or V(mysql).}
            planned: {type: int, description: Sessions when every thread and process of the application tier holds one.}
            usable: {type: int, description: What the server has for them.}
            left: {type: int, description: What is left.}
            used: {type: int, description: Sessions now.}
            budget_ratio: {type: float, description: Planned of the usable.}
            users: {description: The application tier's hosts., type: list, elements: dict, contains: {
              name: {type: str, description: The host.}, sessions_planned: {type: int, description: Sessions that it can hold.}}}
            users_total: {type: int, description: How many there are.}
    launch_django_servers:
      description: One per Django project that was read on two servers or more.
      type: dict
      contains:
        schema: *schema
        instances:
          <<: *instances
          contains:
            servers: {type: list, elements: str, description: 'Their hosts, at most 30.'}
            servers_total: {type: int, description: How many there are.}
            folder: {type: str, description: The project's folder on the first of them.}
            differences: {description: 'In what they differ, at most 30.', type: list, elements: dict, contains: {
              kind: {type: str, description: 'V(release), V(version), V(key), V(setting), V(package) or V(variable).'},
              name: {type: str, description: Of what.}, sides: {type: str, description: 'Who has which; of keys and variables no value.'}}}
            differences_total: {type: int, description: How many there are.}
            releases_differing_total: {type: int, description: '1 when the code differs, null when fewer than two tell; as below.'}
            versions_differing_total: {type: int, description: 1 when Django's version differs.}
            keys_differing_total: {type: int, description: '1 when C(SECRET_KEY) differs.'}
            settings_differing_total: {type: int, description: How many settings differ.}
            packages_differing_total: {type: int, description: How many packages differ.}
            variables_differing_total: {type: int, description: How many variables of the environment differ.}
    launch_siblings:
      description: Hosts of one kind, when there are four or more.
      type: dict
      contains:
        schema: *schema
        instances:
          <<: *instances
          contains:
            outliers: {description: Instances that are far from the median of their siblings., type: list, elements: dict, contains: {
              host: {type: str, description: Its host.}, name: {type: str, description: The instance.},
              service: {type: str, description: Its service.}, measure: {type: str, description: What was compared.},
              value: {type: float, description: Its value.}, median: {type: float, description: The median.},
              siblings: {type: int, description: How many it was compared with.}}}
            outliers_total: {type: int, description: How many there are.}
            outliers_named: {type: str, description: 'The first of them, as one text.'}
            compared_total: {type: int, description: Comparisons that were made.}
stop: {description: Whether O(fail_on) says that the run should end with an error., returned: when judged, type: bool}
message: {description: 'The verdict, its cause and where the report is, in one line.', returned: when judged, type: str}
board: {description: The lines of the board., returned: when judged, type: list, elements: str}
form: {description: Which board that is (O(board))., returned: when judged, type: str}
shown: {description: Whether the board was to be printed at once (O(show))., returned: when judged, type: bool}
last: {description: Whether the short board is printed at the end of the run., returned: when judged, type: bool}
obstacles:
  description:
    - What stands between the check and a verdict, in the order in which to mend it. RV(obstacles[].command) mends it on all RV(obstacles[].hosts).
  returned: when judged
  type: list
  elements: dict
  contains:
    kind: {type: str, description: 'Of what kind the reasons are, for example V(library) or V(become).'}
    sentence: {type: str, description: Whose findings are unknown and why.}
    command: {type: str, description: 'What mends it, to be run on the control node; null where no command does.'}
    hosts: {type: list, elements: str, description: The hosts.}
    findings: {type: int, description: How many findings are unknown for it.}
summary: {description: 'What the board shows, as data, of bounded size however large the fleet is.', returned: when judged, type: dict}
files: {description: The report files written., returned: when judged, type: list, elements: str}
changes: {description: As M(warroom.launch.watch) returns them., returned: 'with O(watch), O(label) or O(compare_with)', type: list, elements: dict}
lines: {description: 'The changes in words, as they are printed.', returned: 'with O(watch), O(label) or O(compare_with)', type: list, elements: str}
comparison: {description: 'What differs from O(compare_with), in words.', returned: 'with O(watch), O(label) or O(compare_with)', type: list, elements: str}
compared_with: {description: 'O(compare_with), where something was compared.', returned: with O(compare_with), type: str}
over: {description: 'Whether what the watch waits for (O(until)) has come, or its time is up.', returned: with O(watch), type: bool}
ended: {description: 'What has ended the watch, in words, or null.', returned: with O(watch), type: str}
wait_seconds: {description: How long to wait for the next round., returned: with O(watch), type: int}
cause: {description: 'The deepest cause that the round names, or null.', returned: with O(watch), type: str}
rounds: {description: Rounds in the store., returned: with O(watch) or O(label), type: int}
checks: {description: How many checks the catalogue and the settings have., returned: with O(validate_only), type: int}
"""
