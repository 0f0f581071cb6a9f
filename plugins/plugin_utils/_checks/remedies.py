# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What makes an unknown known: every reason is of one kind, and every kind has its remedy.

Collectors give reasons as sentences, which hold pids, ports and names; what mends them depends on the kind alone. The kinds are tried in
order, so what is about us (a library, a right) comes before what is about the service, and that before what only time mends.
"""

from __future__ import annotations

import functools
import re
import typing as t

#: library → the distribution's packages. kombu speaks to Redis through a library of its own.
PACKAGES: dict[str, tuple[str, ...]] = {
    "psycopg|psycopg2": ("python3-psycopg2",),
    "pymysql": ("python3-pymysql",),
    "kombu": ("python3-kombu", "python3-redis"),
    "psutil": ("python3-psutil",),
    "pymemcache": ("python3-pymemcache",),
    "cryptography": ("python3-cryptography",),
    "dns": ("python3-dnspython",),
}

#: How a kind is mended: packages on the target, the same with become, the host itself, a setting of the server, an option that a person
#: knows, or nothing that a command could do.
INSTALL, BECOME, PING, SET, ASK, READ = "install", "become", "ping", "set", "ask", "read"


class Kind(t.NamedTuple):
    """One kind of reason."""

    name: str
    #: After "3 hosts": what stands between the check and a verdict.
    title: str
    #: What to do, as advice of a finding.
    how: str
    says: re.Pattern[str]
    command: str = READ
    #: Whether hosts with different sentences are mended by the same line.
    one_line: bool = False


def _kind(name: str, title: str, how: str, says: str, command: str = READ, one_line: bool = False) -> Kind:
    return Kind(name, title, how, re.compile(says, re.IGNORECASE), command, one_line)


#: In the order in which they are tried, which is also that of the report: the first holds.
KINDS: tuple[Kind, ...] = (
    _kind(
        "python", "have no Python that runs the modules",
        "Set ansible_python_interpreter to Python 3.9 or later on this host",
        r"its Python (is too old|did not run)|interpreter.{0,40}(not found|no such file)|"
        r"/python[\d.]*: (not found|no such file)",
        PING,
    ),
    _kind(
        "room", "have no directory that Ansible can write",
        "It answers, and takes no file: free space on it, mount it for writing, or set ansible_remote_tmp to a directory of this user",
        r"^(not reachable|gathering failed):.*(no space left|disk quota|read-only file system|temporary directory|cannot create directory|"
        r"failed to transfer file)",
        PING, True,
    ),
    _kind(
        "sudo", "do not let our user become root",
        "Give the password for become (--ask-become-pass, or ansible_become_password), or let this user become root without one",
        r"^(not reachable|gathering failed):.*(sudo|doas|\bsu\b|become|privilege|password is required|a terminal is required|"
        r"not allowed to)",
        PING, True,
    ),
    _kind(
        "refused setting", "refuse a setting of theirs",
        "Correct the setting that the reason names, where the inventory has it for this host",
        r"^gathering failed:.*(must be|unsupported parameter|missing required|unable to convert|is not a valid|is undefined|no option|"
        r"not a known)",
        READ,
    ),
    _kind(
        "broken off", "have given no result",
        "Look on the host itself: it answers, and the module did not end (killed for lack of memory, out of time, a broken Python)",
        r"^gathering failed:",
        READ,
    ),
    _kind(
        "unreachable", "cannot be reached",
        "Log in to it, by the command below; if it is meant to be gone, take it out of the inventory or limit the run",
        r"^not reachable:|^gathering was skipped|^no launch facts|^nothing was gathered on it",
        PING, True,
    ),
    _kind(
        "nobody", "has no host that was checked",
        "Correct the pattern or the inventory; a check of nothing is not a go",
        r"^no host was checked",
        PING, True,
    ),
    _kind(
        "empty", "run none of the services that are judged",
        "Name its services in launch_check_services, with their options, or limit the run to other hosts",
        r"none of the services that are judged|is configured for this host and no instance",
        READ, True,
    ),
    _kind(
        "library", "lack libraries",
        "Install it by the command below (or by the role launch_monitoring), or set ansible_python_interpreter to a Python that has it",
        r"Python library|no PostgreSQL driver can be used|kombu cannot speak|kombu has no transport",
        INSTALL, True,
    ),
    _kind(
        "time service", "have no time service that can be read",
        "Install chrony by the command below: its answer is read instead of the kernel's",
        r"install chrony",
        INSTALL, True,
    ),
    _kind(
        "container", "need a look from within a container",
        "Run the check on the machine or in the container that the reason names, as a host of the inventory",
        r"container has the clock|machine below this container|runs in a container|network namespace of its own|"
        r"not on the host that was asked|another network namespace|"
        r"only read on the host|not a process of the host|processes cannot be seen from here",
    ),
    _kind(
        "tool", "lack the service's own tool",
        "Install the tool that the reason names, of the version of the service",
        r"is not installed on this host, or not on PATH|probably of another version|of varnishd's version|"
        r"another version than varnishd|of the version of varnishd",
    ),
    _kind(
        "become", "need become",
        "Read it with become, as the command below does: ansible_become: true for this host, or --become on the command line",
        r"\bbecome\b|permission denied(?!.*GRANT)|only root\b|hidepid|may not be read\b|that may be run\b|"
        r"may not be asked|the management secret|not readable|cannot change to",
        BECOME, True,
    ),
    _kind(
        "grant", "refuse an account a right",
        "Give the account the right that the reason names, as the server's administrator, or give another login",
        r"does not allow its user|refuses our own account|GRANT |\bACL SETUSER|rabbitmqctl|CONNECTION LIMIT|MAX_\w+ \d|"
        r"ALTER USER|ALTER ROLE|CREATE ROLE|CREATE USER|FLUSH HOSTS|this user may not|hidden from|may not (use|read|see)|"
        r"not shown to us|is hidden|stats_users|auth_file|pg_hba|are not shown|our own account is at its limit|"
        r"could not become root|cannot be entered|may connect to|cannot be used\b",
        ASK,
    ),
    _kind(
        "login", "refuse the login",
        "Give a login that the service takes, as options of the instance in launch_check_services, or typed when launch_check_ask asks",
        r"refuses the login|refuses us|login_user|login_password|user and password|authentication|no password was given|"
        r"refuses \S+:|protected mode|username and password|option file",
        ASK,
    ),
    _kind(
        "tls", "want another encryption",
        "Set the options for TLS of the instance in launch_check_services: the reason names them",
        r"\bTLS\b|certificate|ca_cert|ssl_mode|encrypted connection|ssl_cert_reqs",
    ),
    _kind(
        "managed", "do not report their settings",
        "See the setting in the console of the managed service (its parameter group); on a server of your own allow the command",
        r"a managed service shows it in its console",
        ASK,
    ),
    _kind(
        "setting", "do not record what is asked",
        "Change the setting that the reason names on the server",
        r"concurrency 0|ALTER SYSTEM|ALTER DATABASE|CREATE EXTENSION|shared_preload_libraries|performance_schema|"
        r"setup_consumers|track_\w+|pg_stat_statements is|start the workers with -E|task events|task_send_sent_event|"
        r"give each( worker)? its own name|remote.control|stats-no-cores|memory-report|runs without a stats server|"
        r"has no stats server|the lines `|no limit of its own|is off\b|raise \w+|not tracked|digest|psi=1|"
        r"table of statements|does not hold \$|stub_status|log_format|access_log|error_log|refuses this host|"
        r"stats socket|stats page tells nothing|on its command line|unix_socket_dir",
        SET,
    ),
    _kind(
        "option", "need an option",
        "Give the option that the reason names, for the instance in launch_check_services, or typed when launch_check_ask asks for it",
        r"status_url|stats_url|--unix-socket|give (config|its address)|"
        r"say where|give (`|broker_url|another|host)|give app|"
        r"give (chdir|url|files|items|a pattern)|write lines as|which settings|cannot be imported|"
        r"set (address|instance|management_url|login)|the option|"
        r"see (chdir|login_)|option \w+ (is|are)|management API|launch_check_|no URLs were named|was not asked for|"
        r"not told by|write (host|a |req)|URL (is|of|begins|names)|is missing: |is not (host|\[)|ambiguous|no host name|"
        r"address .{0,60}(has no port|may be)|regular expression|query is|group_by|exempt|no query was given|"
        r"none was given|\(window 0\)|importing the application|application \S+ (gave|cannot|lets)|stats server listens|"
        r"several (queues|workers)|mountpoint|not fetched|names no host",
        ASK,
    ),
    _kind(
        "address", "answer as another service",
        "Correct the address of the instance in launch_check_services: something else answers there",
        r"what answers at|does not speak|not a memcached server|is this (the|uWSGI|MySQL|PostgreSQL|RabbitMQ|its)|"
        r"another service|that is (not|no) |is not (complete )?JSON|not complete JSON|not a JSON|does not resolve|"
        r"answers (strangely|HTTP|our|\S+ where|a get)|answered HTTP|hangs up|holds no counters|JSON without|is it Redis|"
        r"not uWSGI|without one whole line|binary protocol|not a list of|longer than|prints more|does not answer as|"
        r"was it Varnish|answers \d+|no authority|speaks",
    ),
    _kind(
        "fault", "met a fault of this check",
        "Report it to the authors of warroom.launch, with launch.json",
        r"please report|nothing says why|this check failed|could not make sense|ended the (program|interpreter)|"
        r"does not say why|no known state|a rule failed|library that speaks|cannot be computed|"
        r"not known or not comparable|is not a |is not of the kind|compared|no reason was given",
    ),
    _kind(
        "traffic", "have too little traffic to judge",
        "Ask again under load, rehearse with launch_check_phase: before",
        r"too (little|few|short|coarse)|fewer than|in the window|only \d|nobody|run longer than|at least \d+ samples|"
        r"\bno (\w+ ){0,4}(was|were|came|ran|ended|finished|succeeded|matches)\b|"
        r"\bno (backend )?(request|lookup|hit|misse|get|message|sample|log)s?\b|in the log|took any time|"
        r"statement was seen|nothing (was|took|to|is)|did not (run|succeed|finish)|(took|covers) no time|"
        r"time did not move|\byet\b|never ran|each of these|has (begun|not begun|ended|replayed)|"
        r"there (is nothing|was no|were no)|no probe was made|is empty",
        one_line=True,
    ),
    _kind(
        "again", "have to be asked again",
        "Run the check again: it was a matter of the moment",
        r"\bagain\b|restart|\breset\b|broke off|reloaded|hangs?\b|began anew|backwards|wrapped|implausible|there can be|"
        r"\bended\b|\b(is|are) gone|too slow|answer within|stopped|in time\b|within our|came into being|\blost\b|just now|"
        r"very busy|waited|created within|no connection left|last free connections|took longer|time was up|moved back|"
        r"lies in the future|is up and|takes no|schema change|did not answer|not all (of|workers|keys)|does not answer|"
        r"only heartbeats|no (worker|complete|queue|hold)|start it\b|is it running|nothing listens|not running|no socket|"
        r"is down|accept connections|could not be read|cannot be read|not read\b|cannot be reached|crashed|left out|"
        r"was killed|no connection|gave no answer|ended with status|no \S*answer|probe failed|get failed|"
        r"was not (asked|looked for)|received|silent|does not answer",
        one_line=True,
    ),
    _kind(
        "lacking", "have a version or platform that does not report it",
        "It stays unknown on this version or platform: update it",
        r"(does|did|do) not (\w+ )?(tell|report|count|say|have|measure|show|know|keep|list)|"
        r"this (version|kernel|platform|system|server|kind)|\b(since|before) (PostgreSQL|Celery)|Linux \d|control group|"
        r"has no\b|not (told|counted|known|set)\b|tells? no|\bnone\b|there is no|neither|names no|hidden|"
        r"\bno (limit|index|store|session|table|cores?|affinity)\b|it (listens|is|was|has|keeps|follows|writes)",
        one_line=True,
    ),
    _kind("other", "are unknown for a reason of their own", "Read it by the command below", r"", one_line=True),
)  # fmt: skip

BY_NAME: dict[str, Kind] = {kind.name: kind for kind in KINDS}
OTHER = KINDS[-1]


@functools.lru_cache(maxsize=4096)
def kind_of(reason: str) -> Kind:
    """The kind of a reason for which something is unknown."""
    return next((kind for kind in KINDS if kind.says.search(reason)), OTHER)


def packages(reason: str) -> tuple[str, ...]:
    """What to install on the target for a reason of a kind that is mended by INSTALL."""
    if "chrony" in reason:
        return ("chrony",)
    if "PostgreSQL driver" in reason:
        return PACKAGES["psycopg|psycopg2"]
    if "kombu" in reason:
        return PACKAGES["kombu"]
    lowered = reason.lower()
    for library, names in PACKAGES.items():
        if any(f"library {alternative}" in lowered for alternative in library.split("|")):
            return names
    return ()


#: What differs between two instances with the same trouble: addresses, paths, quoted names, times, numbers, pids.
_VARYING = re.compile(
    r"\w+://\S+|(?<![\w.])/[\w./@+-]+|\[[0-9a-f:]+\]:\d+|\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?|\b[\w-]+(?:\.[\w-]+)*:\d+\b|"
    r"'[^']*'|\"[^\"]*\"|`[^`]*`|\bpid \d+|\d+(?:[.,]\d+)*"
)


@functools.lru_cache(maxsize=4096)
def template(reason: str) -> str:
    """The sentence without what differs from instance to instance."""
    return _VARYING.sub("…", reason)
