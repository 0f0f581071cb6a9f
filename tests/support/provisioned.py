# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host of a fleet, and the role launch_monitoring run over it."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
import typing as t

from . import ansible
from .fleet import CACHE, Fleet, Host

#: What a host has: packages with their states, users, files and their contents. Ansible's own folder is not the role's.
SNAPSHOT = r"""
dpkg-query -W -f '${Status} ${Package} ${Version}\n'
cat /etc/passwd /etc/group
find /etc /opt /usr/local /home /root /srv /var/lib/launch_monitoring -xdev -not -path '/srv/debs*' -not -path '*/.ansible*' \
    -printf '%p %M %u:%g %l\n' 2>/dev/null
find /etc /usr/local /home -xdev -type f -not -name '*-' -not -name ld.so.cache | LC_ALL=C sort | xargs -d '\n' md5sum
"""
#: What PostgreSQL and MariaDB have, where they run. What waits for a restart is what the files say: PostgreSQL's own mark
#: (`pending_restart`) stays on a setting that has vanished from them, although nothing would change.
DATABASES = r"""
if pgrep -x postgres >/dev/null; then
grep -h -v '^#' /var/lib/postgresql/*/main/postgresql.auto.conf
su postgres -c "psql -XAt" <<'SQL'
SELECT name, setting FROM pg_settings WHERE name NOT LIKE 'in_hot%' AND setting NOT LIKE '%wr-fleet%';
SELECT 'file', name, setting FROM pg_file_settings WHERE name IS NOT NULL;
SELECT rolname, rolconfig FROM pg_roles; SELECT roleid::regrole, member::regrole FROM pg_auth_members; SELECT extname FROM pg_extension;
SQL
fi
if pgrep -x mariadbd >/dev/null; then
mariadb -Ne 'SELECT * FROM mysql.global_priv'
mariadb -Ne 'SHOW GLOBAL VARIABLES' | grep -vE '^(gtid|last|timestamp|identity|rand_seed)'
fi
"""


class Provisioned:
    """The role over the one host of a fleet; `variables` hold for every run."""

    def __init__(self, fleet: Fleet, **variables: t.Any) -> None:
        self.fleet = fleet
        self.variables = variables
        self.host = next(iter(fleet.hosts.values()))

    def play(self, *arguments: str, **variables: t.Any) -> subprocess.CompletedProcess[str]:
        inventory = self.fleet.inventory(**{**self.variables, **variables})
        return ansible.run("ansible-playbook", "-i", inventory, "playbooks/launch_monitoring.yml", *arguments, seconds=900)

    def run(self, *arguments: str, **variables: t.Any) -> tuple[dict[str, int], str]:
        """The recap of the host as numbers, and the output; a run that fails is an error."""
        done = self.play(*arguments, **variables)
        recap = re.search(rf"^{self.host.name} .*: (ok=.*)$", done.stdout, re.M)
        assert recap is not None, done.stdout[-4000:] + done.stderr[-2000:]
        numbers = {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", recap.group(1))}
        assert numbers["failed"] == 0 and numbers["unreachable"] == 0, done.stdout[-6000:]
        return numbers, done.stdout

    def module(self, name: str, arguments: str = "window=0", **variables: t.Any) -> dict[str, t.Any]:
        """The result of one of our modules on the host."""
        words = ["-m", f"warroom.launch.{name}", "-a", arguments, "-i", self.fleet.inventory(**variables)]
        plain = {"ANSIBLE_LOAD_CALLBACK_PLUGINS": "1", "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.minimal"}
        done = ansible.run("ansible", "all", *words, seconds=120, env=plain)
        assert "{" in done.stdout, done.stdout + done.stderr
        return dict(json.JSONDecoder().raw_decode(done.stdout[done.stdout.index("{") :])[0])

    def packages(self) -> set[str]:
        rows = self.host.run("dpkg-query", "-W", "-f", "${Package} ${Status}\n").stdout.splitlines()
        return {row.split()[0] for row in rows if row.endswith("install ok installed")}

    def snapshot(self) -> list[str]:
        return sorted(self.sh(SNAPSHOT + DATABASES).splitlines())

    def sh(self, script: str, check: bool = True) -> str:
        return self.host.run("sh", "-c", script, check=check).stdout.strip()

    def has(self, program: str) -> bool:
        return bool(self.sh(f"command -v {program}", check=False))

    def psql(self, statement: str) -> str:
        return self.host.run("su", "postgres", "-c", f'psql -AXtc "{statement}"').stdout.strip()

    def ledger(self) -> dict[str, t.Any]:
        return dict(json.loads(self.sh("cat /var/lib/launch_monitoring/added.json")))


def sudoer(host: Host, name: str) -> str:
    """An ordinary user with ssh and sudo, without a password; gives its name."""
    script = (
        "useradd --create-home --shell /bin/bash --password '*' {0} && cp -r /root/.ssh /home/{0}/ && chown -R {0}: /home/{0}/.ssh"
        " && echo '{0} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/{0}"
    )
    host.run("sh", "-c", script.format(name))
    return name


def changed(output: str) -> list[str]:
    """The tasks that changed something."""
    return re.findall(r"^TASK \[(?:[\w.]+ : )?(.*?)\] \*+\n(?:(?!TASK).*\n)*?changed:", output, re.M)


def changes(output: str) -> set[tuple[str, str]]:
    """Each task that changed something, and the host."""
    found, task = set(), ""
    for line in output.splitlines():
        header, change = re.match(r"TASK \[(?:[\w.]+ : )?(.*?)\] \*+$", line), re.match(r"changed: \[([^\]]+)\]", line)
        task = header[1] if header else task
        if change:
            found.add((task, change[1]))
    return found


def wheels(packages: t.Sequence[str], python: str) -> pathlib.Path:
    """A folder of wheels for a Python (`3.11`), made once per machine: hosts of a fleet reach no index."""
    place = CACHE / f"wheels-{python}"
    stamp = place / ".packages"
    if not stamp.exists() or stamp.read_text() != "\n".join(packages):
        place.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        # what has no wheel is pure Python
        subprocess.run([*pip, "wheel", "--use-pep517", "--no-deps", "--wheel-dir", place, "uwsgitop"], check=True, capture_output=True)
        target = ["--python-version", python, "--only-binary=:all:", "--find-links", place, "--dest", place]
        subprocess.run([*pip, "download", *target, *packages], check=True, capture_output=True)
        stamp.write_text("\n".join(packages))
    return place
